#!/bin/sh
# clang-tidy with the checks of .clang-tidy, on the sources given or on all.
# Reads how they are compiled from a build folder; the clang preset's is best.
#
# Usage: tidy.sh [-p BUILD] [FILE…]
set -eu
cd "$(dirname -- "$(readlink -f -- "$0")")/../.."

build=build/clang
if [ "${1:-}" = -p ]; then
  build=$2
  shift 2
fi
[ -e "$build/compile_commands.json" ] || {
  echo "no $build/compile_commands.json: configure with cmake --preset clang" >&2
  exit 2
}
[ $# -gt 0 ] || set -- lib/opsbench/*/*.cc lib/opsbench/*/internal/*.cc \
  tools/cli/*.cc benchmarks/*.cc
printf '%s\0' "$@" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy-14 --quiet -p "$build"
