#!/usr/bin/env bash
# A worker for manual runs: bash and curl.
#
#   RUNWIRE_URL=http://127.0.0.1:7070 ./worker.sh PROGRAM [ARGUMENT...]
#
# For every run it claims it starts PROGRAM with the invocation (JSON) on standard input, reports what it writes,
# uploads what it leaves in $RUNWIRE_ARTIFACT_DIR, and completes the run with its exit code.
# RUNWIRE_TOKEN: token of the server, if it has one. WORKER_RUNS: stop after so many runs.
set -u
url=${RUNWIRE_URL:-http://127.0.0.1:7070}
server_token=${RUNWIRE_TOKEN:-}
runs_left=${WORKER_RUNS:--1}
unset RUNWIRE_TOKEN
[ $# -gt 0 ] || { echo "usage: worker.sh PROGRAM [ARGUMENT...]" >&2; exit 2; }

directory=$(mktemp -d)
program=
trap 'kill "$program" 2>/dev/null; rm -rf "$directory"' EXIT

# request METHOD PATH TOKEN [CURL-OPTION...]: the body of the answer; fails for every status of 400 or more.
# The token goes through a file of options, for others can see the arguments of a process.
request() {
  local method=$1 path=$2 token=$3
  shift 3
  [ -z "$token" ] || printf 'header = "Authorization: Bearer %s"\n' "$token" >"$directory/curl"
  [ -n "$token" ] || : >"$directory/curl"
  curl --silent --show-error --fail-with-body --retry 8 --retry-connrefused --config "$directory/curl" \
    --request "$method" "$@" "$url$path"
}
json=(--header 'Content-Type: application/json')

# The last string of this name in the claim: addresses and token are at its end.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$claim"; }

# report STREAM: what it has written since it was asked before. The offset makes a batch that is sent twice count once.
declare -A reported
report() {
  local stream=$1 size
  size=$(wc -c <"$directory/$stream")
  while [ "${reported[$stream]}" -lt "$size" ]; do
    {
      printf '[{"type":"%s","offset":%d,"base64":"' "$stream" "${reported[$stream]}"
      tail -c +$((reported[$stream] + 1)) "$directory/$stream" | head -c 300000 | base64 | tr -d '\n'
      printf '"}]'
    } >"$directory/batch"
    request POST "$(field events)" "$token" "${json[@]}" --data-binary "@$directory/batch" >/dev/null || return 1
    reported[$stream]=$((reported[$stream] + 300000 < size ? reported[$stream] + 300000 : size))
  done
}

work() {
  local status=failed code answer cancelled=
  token=$(field token)
  reported=([stdout]=0 [stderr]=0)
  mkdir -p "$directory/artifacts"
  local invocation=${claim#'{"invocation":'}
  invocation=${invocation%',"claim":'*}
  RUNWIRE_ARTIFACT_DIR=$directory/artifacts "$@" <<<"$invocation" >"$directory/stdout" 2>"$directory/stderr" &
  program=$!
  while kill -0 "$program" 2>/dev/null; do
    report stdout && report stderr || return 1
    # Answers at once when the run is to be cancelled, else after half a second.
    answer=$(request POST "$(field heartbeat)" "$token" "${json[@]}" --data '{"wait_seconds":0.5}') || return 1
    case $answer in *'"cancel_requested":true'*)
      [ -n "$cancelled" ] || kill "$program"
      cancelled=1
      sleep 0.2
      ;;
    esac
  done
  wait "$program"
  code=$?
  report stdout && report stderr || return 1
  for file in "$directory/artifacts"/*; do
    [ -f "$file" ] || continue
    request PUT "$(field artifacts)/$(basename "$file")" "$token" --data-binary "@$file" \
      --header 'Content-Type: application/octet-stream' >/dev/null || echo "$file was not taken" >&2
  done
  [ $code -eq 0 ] && status=succeeded
  [ -n "$cancelled" ] && status=cancelled
  request POST "$(field completion)" "$token" "${json[@]}" \
    --data "{\"status\":\"$status\",\"exit_code\":$code}" >/dev/null || return 1
  echo "$(field invocation_id) $status"
}

while [ "$runs_left" -ne 0 ]; do
  claim=$(request POST /manual/claims "$server_token" "${json[@]}" \
    --data "{\"worker\":\"$(hostname) $$\",\"wait_seconds\":30}") || { sleep 5; continue; }
  [ -n "$claim" ] || continue
  work "$@" || { kill -9 "$program" 2>/dev/null; echo "$(field invocation_id) is no longer ours" >&2; }
  rm -rf "$directory/artifacts"
  [ "$runs_left" -lt 0 ] || runs_left=$((runs_left - 1))
done
