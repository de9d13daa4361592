#!/bin/sh
# Two steps hand files over by declaration: sh and curl.
#
#   RUNWIRE_URL=http://127.0.0.1:7070 ./artifacts.sh
#
# "train" is given data and leaves a model, metrics and a directory of curves behind, each an output with an id. "report" is given
# these by reference to the run that made them, an asset by its name and a number, and leaves a report, which is printed. No request has a path of
# the server's: templates (${model}, ${report.path}) stand for them, in whatever place the kind sees them. What was made on the
# server goes, whatever happens.
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
  for path in "invocations/$id-train" "invocations/$id-report" "assets/$id"; do
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

# step NAME SCRIPT ARGUMENTS OPTIONS: runs it to its end. ARGUMENTS and OPTIONS are JSON without the brackets around them.
step() {
  script=$(printf '%s\n' "$2" | sed 's/\\/\\\\/g; s/"/\\"/g' | awk '{ printf "%s\\n", $0 }')
  sent="{
    \"invocation_id\": \"$id-$1\", \"runtime_name\": \"$1\", \"runtime_kind\": \"$kind\",
    \"command\": [\"sh\", \"-euc\", \"$script\", \"$1\", $3],
    \"options\": {$options \"template\": true, $4}}"
  record=$(request 'invocations?wait=600' --header 'Content-Type: application/json' --data "$sent") ||
    { echo "$1 was refused: $record" >&2; exit 1; }
  case $record in *'"status":"succeeded"'*) echo "== $1"; return 0 ;; esac
  echo "$1 failed: $record" >&2
  exit 1
}
# made NAME ARTIFACT: what a step has left behind.
made() { request "invocations/$id-$1/artifacts/$2"; }
# from NAME ARTIFACT: the same, as it is named to another step.
from() { printf '"artifact": {"invocation_id": "%s", "artifact_id": "%s"}' "$id-$1" "$2"; }

trap finish EXIT
trap 'exit 130' INT TERM
printf 's/^/> /\n' | request "assets/$id" --request PUT --header 'Content-Type: text/plain' --data-binary @- >"$scratch/asset"

step train '
  mkdir curves
  sum=0
  while read -r x; do
    sum=$((sum + x))
    echo "$sum" >>curves/sum.txt
  done <"$1"
  echo "mean $((sum / $(wc -l <"$1")))" >"$2"
  printf "{\"rows\": %d}\n" "$(wc -l <"$1")" >"$3"' \
  '"${data}", "${model.path}", "${metrics.path}"' \
  '"inputs": [{"id": "data", "text": "1\n4\n7\n"}],
   "outputs": [{"id": "model", "path": "model.txt", "kind": "model", "description": "The mean of the data"},
               {"id": "metrics", "path": "metrics.json"},
               {"id": "curves", "path": "curves"},
               {"id": "notes", "path": "notes.txt", "required": false}]'
made train model

step report '
  {
    echo "Report of $1"
    cat "$2" "$3"
    echo "curve: $(tail -n 1 "$4/sum.txt"), at most $5"
  } | sed -f "$6" >"$7"' \
  '"${run.name}", "${model}", "${metrics}", "${curves}", "${most}", "${style}", "${report.path}"' \
  "\"inputs\": [{\"id\": \"model\", $(from train model)},
               {\"id\": \"metrics\", $(from train metrics)},
               {\"id\": \"curves\", $(from train curves), \"extract\": true},
               {\"id\": \"style\", \"asset\": \"$id\"},
               {\"id\": \"most\", \"value\": 12.50}],
   \"outputs\": [{\"id\": \"report\", \"path\": \"report.txt\", \"kind\": \"report\"}]"
made report report
echo '== done'
