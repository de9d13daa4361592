#!/bin/sh
# The keeper for both architectures: Debian's gcc and gcc-aarch64-linux-gnu. The same gcc makes the same bytes; which one made
# those that are here stands in built-with. `build.sh DIR` builds into DIR.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here}" && pwd)
cd "$here/source"
export LC_ALL=C SOURCE_DATE_EPOCH=0

build() {
  compiler=$1 name=$2
  command -v "$compiler" >/dev/null || { echo "there is no $compiler: keeper-$name is not built" >&2; return 0; }
  "$compiler" -std=gnu11 -Os -Wall -Wextra -static -nostdlib -ffreestanding -fno-stack-protector -fno-pic -no-pie \
    -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -fomit-frame-pointer -ffunction-sections \
    -fdata-sections -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro -Wl,-z,noseparate-code \
    -s -o "$out/keeper-$name" start.c base.c journal.c children.c find.c terminal.c program.c options.c place.c run.c follow.c \
    tell.c feed.c init.c
  chmod 755 "$out/keeper-$name"
  echo "$name: $("$compiler" --version | head -n 1)"
}

exec >"$out/built-with"
build x86_64-linux-gnu-gcc x64
build aarch64-linux-gnu-gcc arm64
