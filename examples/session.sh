#!/bin/sh
# An agent works in an environment that is prepared once, and is evaluated there: sh and curl.
#
#   RUNWIRE_URL=http://127.0.0.1:7070 ./session.sh
#
# Stores an environment spec, makes a session with it and runs five commands there, as an agent would, with a log of
# each as it comes. A checkpoint tells what they have changed. Then comes an evaluation, with a setup of its own that the
# agent could not see; it exits as that did. What was made on the server goes, whatever happens, but for the records of its runs.
# RUNWIRE_EXAMPLE_KIND: subprocess (default) or docker, with RUNWIRE_EXAMPLE_IMAGE (default: busybox).
# RUNWIRE_TOKEN: token of the server, if it has one.
set -eu
url=${RUNWIRE_URL:-http://127.0.0.1:7070}
server_token=${RUNWIRE_TOKEN:-}
unset RUNWIRE_TOKEN
kind=${RUNWIRE_EXAMPLE_KIND:-subprocess}
case $kind in
  subprocess) options='' ;;
  docker) options="\"docker\": {\"image\": \"${RUNWIRE_EXAMPLE_IMAGE:-busybox}\"}," ;;
  *) echo "RUNWIRE_EXAMPLE_KIND: subprocess or docker, not $kind" >&2; exit 2 ;;
esac
id=example-$(date +%s)-$$

scratch=$(mktemp -d)
finish() {
  code=$?
  for path in "sessions/$id" "snapshots/$id.work" "environment-specs/$id"; do
    request "$path" --request DELETE >"$scratch/gone" 2>&1 || [ $code -ne 0 ] || cat "$scratch/gone" >&2
  done
  rm -rf "$scratch"
  exit $code
}

# request PATH [CURL-OPTION...]: the body of the answer; fails for every status of 400 or more.
# The token goes through a file of options, for others can see the arguments of a process.
request() {
  path=$1
  shift
  curl --silent --show-error --fail-with-body --config "$scratch/curl" "$@" "$url/$path"
}
: >"$scratch/curl"
[ -z "$server_token" ] || printf 'header = "Authorization: Bearer %s"\n' "$server_token" >"$scratch/curl"
send() { request "$1" --header 'Content-Type: application/json' --request "$2" --data "$3"; }

# run NAME OPTIONS COMMAND: in the session, live; exits as the command did.
run() {
  echo "== $1: $3"
  command=$(printf %s "$3" | sed 's/\\/\\\\/g; s/"/\\"/g')
  request invocations --no-buffer --header 'Accept: text/plain' --header 'Content-Type: application/json' --data "{
    \"invocation_id\": \"$id-$1\", \"command\": [\"sh\", \"-c\", \"$command\"],
    \"options\": {$2 \"session\": \"$id\"}}"
  result=$(request "invocations/$id-$1/result")
  case $result in *'"status":"succeeded"'*) return 0 ;; esac
  code=$(printf %s "$result" | sed -n 's/.*"exit_code":\([0-9]*\).*/\1/p')
  echo "$1 failed: $result" >&2
  exit "${code:-1}"
}

trap finish EXIT
trap 'exit 130' INT TERM
send "environment-specs/$id" PUT "{
  \"description\": \"A word count to be written\", \"runtime_kind\": \"$kind\", \"options\": {$options \"kill_grace_seconds\": 2},
  \"environment\": {\"LC_ALL\": \"C\"},
  \"setup\": {\"commands\": [\"mkdir -p work && printf 'one two\\\\nthree\\\\n' > work/input.txt\"],
             \"evaluation_commands\": [\"mkdir -p hidden && printf 'a b c d\\\\n' > hidden/input.txt && echo 4 > hidden/answer\"]}}" \
  >"$scratch/spec"
session=$(send 'sessions?wait=600' POST "{\"session_id\": \"$id\", \"environment_spec\": \"$id\", \"ttl_seconds\": 3600}")
case $session in *'"state":"ready"'*) ;; *) echo "it could not be prepared: $session" >&2; exit 1 ;; esac
echo '== ready'

run look '' 'ls work'
run read '' 'cat work/input.txt'
run write '' "printf '#!/bin/sh\\nwc -w <\"\$1\" | tr -d \" \"\\n' > work/count.sh && chmod +x work/count.sh"
run try '' 'work/count.sh work/input.txt'
run peek '' 'ls hidden 2>/dev/null || echo "nothing is hidden here"'

echo '== changes'
send "sessions/$id/checkpoint" POST "{\"snapshot_id\": \"$id.work\"}" >"$scratch/checkpoint"
since=$(sed -n 's/.*"since":"\([^"]*\)".*/\1/p' "$scratch/checkpoint")
request "snapshots/$since/diff/$id.work" --header 'Accept: text/x-diff'

run evaluate '"is_evaluation": true,' '[ "$(work/count.sh hidden/input.txt)" = "$(cat hidden/answer)" ] && echo "it counts"'
echo '== done'
