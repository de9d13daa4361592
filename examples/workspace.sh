#!/bin/sh
# Builds and tests a project on a server, in one directory that the server keeps: sh, tar, git and curl.
#
#   RUNWIRE_URL=http://127.0.0.1:7070 ./workspace.sh PROJECT RESULTS
#
# The project goes there as an archive; build and test run in the same workspace, their output comes live. Snapshots are taken
# before and after. RESULTS, a directory that is made, gets what has changed (changes.diff), a local copy of the project
# to which git has applied it (copy), and all of it as the server has it (result.tar.gz).
# BUILD and TEST: commands for sh (default: ./build.sh and ./test.sh). RUNWIRE_TOKEN: token of the server, if it has one.
set -eu
url=${RUNWIRE_URL:-http://127.0.0.1:7070}
server_token=${RUNWIRE_TOKEN:-}
unset RUNWIRE_TOKEN
[ $# -eq 2 ] || { echo 'usage: workspace.sh PROJECT RESULTS' >&2; exit 2; }
project=$1
mkdir -p "$2"
results=$(cd "$2" && pwd)
id=example-$(date +%s)-$$

scratch=$(mktemp -d)
# What was made on the server goes too, whatever happens.
finish() {
  code=$?
  for path in "workspaces/$id?cancel=true" "snapshots/$id.before" "snapshots/$id.after"; do
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
post() { request "$1" --header 'Content-Type: application/json' --data "$2" >>"$scratch/answers"; }

# run NAME COMMAND: in the workspace, live; exits as the command did.
run() {
  echo "== $1"
  command=$(printf %s "$2" | sed 's/\\/\\\\/g; s/"/\\"/g')
  request invocations --no-buffer --header 'Accept: text/plain' --header 'Content-Type: application/json' --data "{
    \"invocation_id\": \"$id-$1\", \"runtime_kind\": \"subprocess\", \"command\": [\"sh\", \"-c\", \"$command\"],
    \"options\": {\"workspace\": \"$id\"}}"
  result=$(request "invocations/$id-$1/result")
  case $result in *'"status":"succeeded"'*) return 0 ;; esac
  code=$(printf %s "$result" | sed -n 's/.*"exit_code":\([0-9]*\).*/\1/p')
  echo "$1 failed: $result" >&2
  exit "${code:-1}"
}

trap finish EXIT
trap 'exit 130' INT TERM
post workspaces "{\"workspace_id\": \"$id\"}"
tar -C "$project" -cz . | request "workspaces/$id/files" --header 'Content-Type: application/gzip' --data-binary @-
echo
post "workspaces/$id/snapshots" "{\"snapshot_id\": \"$id.before\"}"
run build "${BUILD:-./build.sh}"
run test "${TEST:-./test.sh}"
post "workspaces/$id/snapshots" "{\"snapshot_id\": \"$id.after\"}"

echo '== changes'
request "snapshots/$id.before/diff/$id.after" --header 'Accept: text/x-diff' | tee "$results/changes.diff"
rm -rf "$results/copy"
mkdir "$results/copy"
tar -C "$project" -c . | tar -C "$results/copy" -x
if [ -s "$results/changes.diff" ]; then
  # A repository of its own: within another one git would apply to that.
  (cd "$results/copy" && git init --quiet && git apply ../changes.diff && rm -rf .git)
fi
request "snapshots/$id.after/archive?format=tar.gz" --output "$results/result.tar.gz"

post "workspaces/$id/restore" "{\"snapshot_id\": \"$id.before\"}"
left=$(request "workspaces/$id/diff?from=$id.before" --header 'Accept: text/x-diff')
[ -z "$left" ] || { echo "the workspace is not what it was: $left" >&2; exit 1; }
echo '== restored'
