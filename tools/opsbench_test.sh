#!/bin/sh
# Tests tools/opsbench on a checkout of a few lines, whose path has a space in
# it, with the real cmake and ninja. What would change this machine is replaced:
# apt-get and sudo write down how they were called, dpkg-query knows the
# packages in a file, and id says who we are.
#
# Usage: opsbench_test.sh <root of the sources>
set -eu
umask 077
unset OPSBENCH_PRESET OPSBENCH_ENGINES XDG_DATA_HOME CCACHE_DIR

source_root=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
checkout="$scratch/a checkout"
calls=$scratch/calls
opsbench="$scratch/a link"
export HOME="$scratch/home" FAKE="$scratch" FAKE_UID=1000
output=
status=0

fail() {
  printf 'FAILED: %s\n--- exit %s, output:\n%s\n--- calls:\n' \
    "$*" "$status" "$output"
  cat "$calls"
  exit 1
}
run() {
  status=0
  : >"$calls"
  output=$("$opsbench" "$@" 2>&1 </dev/null) || status=$?
}
expect_status() { [ "$status" = "$1" ] || fail "expected exit $1"; }
expect_output() {
  case $output in *"$1"*) ;; *) fail "expected in the output: $1" ;; esac
}
expect_call() { grep -qe "$1" "$calls" || fail "expected a call like $1"; }
expect_no_call() { ! grep -qe "$1" "$calls" || fail "unexpected call $1"; }

stub() {
  cat >"$scratch/bin/$1"
  chmod +x "$scratch/bin/$1"
}

mkdir -p "$scratch/bin" "$HOME" "$checkout/tools/cli" "$checkout/benchmarks" \
  "$checkout/lib" "$checkout/sql"
cp "$source_root/tools/opsbench" "$checkout/tools/"
ln -s "$checkout/tools/opsbench" "$opsbench"
real_cmake=$(command -v cmake)
stub cmake <<STUB
#!/bin/sh
echo "cmake \$*" >>"$calls"
exec "$real_cmake" "\$@"
STUB
stub id <<'STUB'
#!/bin/sh
echo "$FAKE_UID"
STUB
stub sudo <<'STUB'
#!/bin/sh
[ -e "$FAKE/sudoers" ] && [ "$1" = -n ] && shift && exec "$@"
STUB
stub dpkg-query <<'STUB'
#!/bin/sh
while read -r name; do printf '%s=installed ' "$name"; done <"$FAKE/installed"
STUB
# Fails as long as it has not been told to update, when there is a file `stale`.
stub apt-get <<'STUB'
#!/bin/sh
echo "apt-get $*" >>"$FAKE/calls"
case "$*" in
  *' update') rm -f "$FAKE/stale" ;;
  *'download tiny-engine') cp "$FAKE/tiny-engine_1_all.deb" . ;;
  *' install '*)
    [ ! -e "$FAKE/stale" ] || { echo 'E: 404 Not Found'; exit 100; }
    for name in "$@"; do echo "$name"; done >>"$FAKE/installed"
    ;;
esac
STUB
PATH="$scratch/bin:$PATH"

cat >"$checkout/tools/packages.txt" <<'LIST'
# A comment.
there-already  build    apt  reason
left-out       extra    apt  reason
LIST
echo there-already >"$scratch/installed"
cat >"$checkout/CMakePresets.json" <<'JSON'
{"version": 4, "configurePresets": [{"name": "release", "generator": "Ninja",
  "binaryDir": "${sourceDir}/build/${presetName}"}],
 "testPresets": [{"name": "release", "configurePreset": "release"}]}
JSON
cat >"$checkout/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
project(tiny C)
option(OPSBENCH_BUILD_TESTS "" ON)
if(OPSBENCH_BUILD_TESTS)
  enable_testing()
  add_test(NAME built COMMAND ${PROJECT_BINARY_DIR}/bin/opsbench)
  add_test(NAME failing COMMAND false)
endif()
add_subdirectory(benchmarks)
add_subdirectory(tools/cli)
CMAKE
: >"$checkout/benchmarks/CMakeLists.txt"
cat >"$checkout/tools/cli/CMakeLists.txt" <<'CMAKE'
add_executable(opsbench main.c)
set_target_properties(opsbench PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
CMAKE
write_program() {
  cat >"$checkout/tools/cli/main.c" <<PROGRAM
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char** argv) {
  const char* engines = getenv("OPSBENCH_ENGINES");
  const char* root = getenv("OPSBENCH_ROOT");
  printf("$1");
  for (int i = 1; i < argc; ++i) printf(" [%s]", argv[i]);
  printf(" engines=%s root=%s\n", engines ? engines : "", root ? root : "");
  return argc > 2 ? 3 : 0;
}
PROGRAM
}
write_program first

# Help does not cost a build; then arguments and exit code pass unharmed.
run --help
expect_status 0
expect_output 'tools/opsbench setup'
[ ! -e "$checkout/build" ] || fail 'help has built something'
run 'two words' '*'
expect_status 3
expect_output "first [two words] [*] engines= root=$checkout"
expect_no_call apt-get

# Nothing has changed: nothing is built, not even asked for.
run --help
expect_output 'first [--help]'
expect_no_call cmake

# A change is built; one that is wrong says where, and ends with 2.
write_program second
run
expect_output second
echo 'not a program' >"$checkout/tools/cli/main.c"
run
expect_status 2
expect_output 'main.c:1'
expect_output "$checkout/.opsbench/logs/build-release.log"
write_program third
run
expect_output third
HOME=/dev/null/home
write_program fourth
run
expect_output fourth
HOME=$scratch/home

# A checkout that was moved is configured anew.
mv "$checkout" "$scratch/moved"
checkout=$scratch/moved
ln -sfn "$checkout/tools/opsbench" "$opsbench"
write_program fifth
run
expect_output fifth

# Tests: failures are exit code 1; later calls leave the tests configured.
run test -R built
expect_status 0
expect_output '100% tests passed'
run test
expect_status 1
expect_output 'failing'
run test -R no-such-test
expect_status 1

# Missing packages: root installs them, anybody else is told what to run.
echo 'missing-one build apt reason' >>"$checkout/tools/packages.txt"
run
expect_status 2
expect_output 'apt-get install -y --no-install-recommends missing-one'
expect_no_call ' install '
FAKE_UID=0
touch "$scratch/stale"
run
expect_status 0
expect_output fifth
expect_call ' update$'
expect_call ' install --no-install-recommends missing-one$'
expect_no_call there-already
expect_no_call left-out
run setup --with nonsense
expect_status 2
expect_output 'there are: build extra'
FAKE_UID=1000
touch "$scratch/sudoers"
run setup --with extra
expect_status 0
expect_call 'recommends left-out$'

# What profiles need comes with the first profile, and not before.
echo 'tracer profile apt reason' >>"$checkout/tools/packages.txt"
run
expect_no_call tracer
run profile area
expect_output 'fifth [profile] [area]'
expect_call 'recommends tracer$'

# An engine that is unpacked: once, and where an unprivileged user can read it.
mkdir -p "$scratch/deb/DEBIAN" "$scratch/deb/usr/bin"
echo engine >"$scratch/deb/usr/bin/tiny-server"
printf '%s\n' 'Package: tiny-engine' 'Version: 1' 'Architecture: all' \
  'Maintainer: none <none@example.org>' 'Description: none' \
  >"$scratch/deb/DEBIAN/control"
chmod -R go+rX "$scratch/deb"
dpkg-deb -b "$scratch/deb" "$scratch/tiny-engine_1_all.deb" >"$scratch/log" ||
  fail 'cannot make a package'
echo 'tiny-engine engines unpack:/nonexistent/*/tiny-server reason' \
  >>"$checkout/tools/packages.txt"
engines=$HOME/.local/share/opsbench/engines
run
expect_status 0
expect_output "engines=$engines root"
expect_call 'download tiny-engine'
modes=$(stat -c %a "$engines" "$engines/usr/bin/tiny-server" | tr '\n' ' ')
[ "$modes" = '755 644 ' ] || fail "the engine is not readable: $modes"
write_program sixth
export OPSBENCH_ENGINES=/mine
run
unset OPSBENCH_ENGINES
expect_output "sixth engines=/mine:$engines root"
expect_no_call download
rm -r "$engines"
real_mktemp=$(command -v mktemp)
printf '#!/bin/sh\nexit 1\n' | stub mktemp
run
expect_status 2
expect_no_call download
printf '#!/bin/sh\nexec "%s" "$@"\n' "$real_mktemp" | stub mktemp
run
expect_call 'download tiny-engine'

# A look at the sources that fails does not say that nothing has changed; nor
# does a list whose last line has no end hide a package.
mv "$checkout/sql" "$scratch/sql"
run
expect_call cmake
mv "$scratch/sql" "$checkout/sql"
printf 'last-one build apt reason' >>"$checkout/tools/packages.txt"
run
expect_call 'recommends last-one$'

# Two calls at once: the second waits, says so, and then finds all built.
write_program seventh
exec 8>"$checkout/.opsbench/build.lock"
flock 8
"$opsbench" >"$scratch/second" 2>&1 8>&- </dev/null &
second=$!
until grep -q 'waiting for another call' "$scratch/second" &&
  pgrep -x -P "$second" flock >"$scratch/log"; do
  kill -0 "$second" || fail 'the second call did not wait'
done
exec 8>&-
wait "$second"
output=$(cat "$scratch/second")
expect_output seventh

export OPSBENCH_PRESET=fast
run
expect_status 2
expect_output 'not fast'
echo 'all cases passed'
