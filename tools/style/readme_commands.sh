#!/bin/sh
# Runs the commands of README.md: every line of its blocks marked `sh`, in
# order, in one shell, with small sizes in place of those that take minutes, and
# with results in a folder of its own. `tools/opsbench test` lists the tests
# instead of running the one that runs this; `setup`, which installs packages,
# is tested by tools/opsbench_test.sh. A command that fails within another, as in
# `eval "$(…)"`, or before a pipe, is found as well.
#
# Usage: readme_commands.sh <root of the sources> <build folder>
set -eu

root=$1
build=$2
scratch=$(mktemp -d)
export OPSBENCH_ROOT="$scratch" README_BUILD="$build"
finish() {
  "$build/bin/opsbench" servers down >"$scratch/log" 2>&1 || :
  rm -rf "$scratch"
}
trap finish EXIT

mkdir "$scratch/tools"
cat >"$scratch/tools/opsbench" <<'WRAPPER'
#!/bin/sh
case $1 in
  test) shift && exec ctest --test-dir "$README_BUILD" -N "$@" ;;
  setup) exit 0 ;;
  *)
    code=0
    "$README_BUILD/bin/opsbench" "$@" || code=$?
    [ "$code" = 0 ] || echo "exit $code: opsbench $*" >>"$OPSBENCH_ROOT/failures"
    exit "$code"
    ;;
esac
WRAPPER
chmod +x "$scratch/tools/opsbench"
ln -s "$root/fixtures" "$scratch/fixtures"

awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' \
  "$root/README.md" |
  sed -E \
    -e '/opsbench run/ s/ --scale [a-z]+//' \
    -e '/opsbench run/ s/opsbench run/& --scale smoke/' \
    -e 's/--ops [0-9]+/--ops 2000/' \
    -e 's/--seconds [0-9.]+/--seconds 0.2/' \
    -e 's/--budget [0-9.]+s/--budget 2s/' \
    -e '/vector query --dataset/ s/$/ --budget 2s/' \
    -e 's/--duration [0-9.]+/--duration 1/' >"$scratch/commands"
count=$(grep -c 'tools/opsbench' "$scratch/commands")
[ "$count" -ge 5 ] || {
  echo "only $count commands found in README.md"
  exit 1
}
cd "$scratch"
sh -eux "$scratch/commands" </dev/null
if [ -e failures ]; then
  cat failures
  exit 1
fi
echo "$count commands of README.md ran"
