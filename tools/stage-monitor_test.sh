#!/bin/sh
# Tests tools/stage-monitor: the order in which it commands perf, by one that
# writes down what it is told; then, where perf may record, a real one.
#
# Usage: stage-monitor_test.sh <root of the sources> [opsbench]
set -eu

monitor=$1/tools/stage-monitor
program=${2:-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export FAKE="$scratch" OPSBENCH_ROOT="$scratch"
real_path=$PATH
mkdir "$scratch/bin" "$scratch/bare"

fail() {
  printf 'FAILED: %s\n' "$*"
  for file in out err log; do
    [ ! -e "$scratch/$file" ] || printf -- '--- %s:\n%s\n' "$file" \
      "$(cat "$scratch/$file")"
  done
  exit 1
}
run() {
  : >"$scratch/log"
  status=0
  "$monitor" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
}
expect_status() { [ "$status" = "$1" ] || fail "exit $status, not $1"; }
expect_error() { grep -qF -- "$1" "$scratch/err" || fail "no error: $1"; }
expect_log() {
  [ "$(tr '\n' ' ' <"$scratch/log")" = "$1 " ] || fail "perf was not told: $1"
}

# Answers as perf does, and lets the recorded file grow with each enabling.
cat >"$scratch/bin/perf" <<'PERF'
#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --control) pipes=${2#fifo:} && shift ;;
    -o) data=$2 && shift ;;
    -p) echo "attached $2" >>"$FAKE/log" && attached=$2 && shift ;;
    --) shift && break ;;
  esac
  shift
done
exec 5<>"${pipes%,*}" 6<>"${pipes#*,}"
{
  while read -r command <&5; do
    echo "$command" >>"$FAKE/log"
    echo "$command" >>"$data"
    printf 'ack\n\0' >&6
  done
} &
listener=$!
code=0
if [ -n "${attached:-}" ]; then
  trap 'kill $listener; exit 0' INT
  while :; do sleep 1; done
else
  trap : INT
  "$@" || code=$?
fi
kill $listener
exit $code
PERF
# Emits the signals of its standard input, or of its arguments.
cat >"$scratch/bin/stages" <<'STAGES'
#!/bin/sh
for word; do
  case $word in
    +*) echo "[STAGE:START] ${word#+}" >&2 ;;
    -*) echo "[STAGE:END] ${word#-} duration=0.500s" >&2 ;;
    # perf must have been told so much: it hears of it after the signal.
    told=*) until [ "$(wc -l <"$FAKE/log")" -ge "${word#told=}" ]; do :; done ;;
    exit=*) exit "${word#exit=}" ;;
    text=*) printf %s "${word#text=}" >&2 ;;
    *) echo "$word" ;;
  esac
done
STAGES
cat >"$scratch/bin/draw" <<'DRAW'
#!/bin/sh
echo "drawn $*"
DRAW
chmod +x "$scratch/bin/"*
export OPSBENCH="$scratch/bin/draw"
PATH=$scratch/bin:$PATH

# Output and exit code pass; only the watched stage is recorded, each time.
run --collect-perf --output "$scratch/a" -- stages +setup -setup \
  +measure:x out -measure:x +verify -verify +measure:y -measure:y \
  told=4 exit=7
expect_status 7
[ "$(cat "$scratch/out")" = out ] || fail 'the output did not pass'
expect_error '[STAGE:START] setup'
expect_error '[STAGE:END] verify duration=0.500s'
expect_log 'enable disable enable disable'
expect_error 'measure:x: 1 times, 0.500 s'
expect_error "drawn profile --from $scratch/a/perf.data"

# Nested and repeated: enabled from the first start to the last end.
run --collect-perf --output "$scratch/b" -- stages +measure:x +measure:y \
  +measure:x -measure:x -measure:y -measure:x +measure:x -measure:x told=4
expect_status 0
expect_log 'enable disable enable disable'
expect_error 'measure:x: 3 times, 1.500 s'

# What an earlier run, or somebody else, has put into a folder stays.
echo mine >"$scratch/a/flame.svg"
before=$(cat "$scratch/a/perf.data")
run --collect-perf --output "$scratch/a" -- stages +measure:x -measure:x
expect_status 2
expect_error 'perf.data is there already'
[ "$(cat "$scratch/a/perf.data")" = "$before" ] || fail 'a recording was replaced'
run --collect-perf --output "$scratch/none/a" -- stages +measure:x
expect_status 2
expect_error "there is no folder $scratch/none"
for number in nan inf -1 0x10 1e9 ' 1' 99999999999; do
  run --collect-perf --frequency "$number" -- stages +measure:x
  expect_status 2
  expect_error "$number is no number from 1 to"
done

# By tag, by pattern, several of them; other tags are left alone.
run --watch measure:x --collect-perf --output "$scratch/c" -- stages \
  +measure:xy -measure:xy +measure -measure +measure:x -measure:x told=2
expect_log 'enable disable'
run --watch 'me*:*y' --watch setup --collect-perf --output "$scratch/d" -- \
  stages +setup:a +measure:xy -measure:xy -setup:a +measure:x -measure:x \
  told=2
expect_log 'enable disable'

# A stage that never ends, an end without a start, a line without an end.
run --collect-perf --output "$scratch/e" -- stages -measure:z +measure:x \
  text=half told=1 exit=3
expect_status 3
expect_log enable
expect_error 'measure:x did not end'
expect_error 'half'
expect_error 'drawn profile'
run --collect-perf --output "$scratch/f" -- stages -measure text='[STAGE:START]'
expect_error 'no stage began'
! grep -q drawn "$scratch/err" || fail 'nothing was there to draw'

# Without perf, signals are counted; names may hold anything but spaces.
run -- stages "+measure:a'b*\$(c)" "-measure:a'b*\$(c)"
expect_status 0
expect_error "measure:a'b*\$(c): 1 times"
[ ! -s "$scratch/log" ] || fail 'perf was told something'

# What is read from a pipe passes to stdout.
status=0
printf 'one\n[STAGE:START] measure\n[STAGE:END] measure duration=2.250s\ntwo' |
  "$monitor" >"$scratch/out" 2>"$scratch/err" || status=$?
expect_status 0
[ "$(tail -n 1 "$scratch/out")" = two ] || fail 'the last line did not pass'
expect_error 'measure: 1 times, 2.250 s'

# Another process is recorded; it goes on when the command ends.
sleep 300 &
other=$!
run --collect-perf --server-pid "$other" --output "$scratch/g" -- stages \
  told=1 +measure -measure told=3 exit=5
expect_status 5
expect_log "attached $other enable disable"
kill "$other" || fail 'the other process was ended'

# Ctrl-C, to the whole group as a terminal sends it: the command ends as it
# likes, and nothing is left.
cat >"$scratch/bin/waits" <<'WAITS'
#!/bin/sh
trap 'echo stopped; exit 9' INT
echo '[STAGE:START] measure' >&2
: >"$FAKE/ready"
while :; do sleep 0.05; done
WAITS
chmod +x "$scratch/bin/waits"
for perf in --collect-perf --watch=; do
  rm -f "$scratch/ready"
  [ "$perf" = --collect-perf ] || perf='--watch measure'
  # shellcheck disable=SC2086,SC2016 # Options are words; sh -c expands $$.
  setsid env --default-signal=INT sh -c 'echo $$ >"$FAKE/group"; exec "$@"' sh \
    "$monitor" $perf --output "$scratch/h" -- waits \
    >"$scratch/out" 2>"$scratch/err" </dev/null &
  started=$!
  until [ -e "$scratch/ready" ]; do
    kill -0 "$started" || fail 'it ended too early'
    sleep 0.05
  done
  kill -s INT -- "-$(cat "$scratch/group")"
  status=0
  wait "$started" || status=$?
  expect_status 9
  [ "$(cat "$scratch/out")" = stopped ] || fail 'the command was not stopped'
  expect_error 'measure did not end'
done

# A TERM for this process alone is passed on.
rm -f "$scratch/ready"
sed -i 's/INT$/TERM/' "$scratch/bin/waits"
"$monitor" -- waits >"$scratch/out" 2>"$scratch/err" </dev/null &
started=$!
until [ -e "$scratch/ready" ]; do
  kill -0 "$started" || fail 'it ended too early'
  sleep 0.05
done
kill -s TERM "$started"
status=0
wait "$started" || status=$?
expect_status 9

# Wrong usage is one line, and runs nothing.
for arguments in '--watch' '--frequency 0' '--frequency x' '--unknown' \
  '-- no-such-command' '--collect-perf --server-pid 999999999 -- stages' \
  '--server-pid x -- stages'; do
  # shellcheck disable=SC2086 # Options are words.
  run $arguments
  expect_status 2
  [ "$(wc -l <"$scratch/err")" = 1 ] || fail "not one line: $arguments"
done
for tool in sh env readlink mktemp mkfifo cat rm dirname date mkdir awk; do
  ln -s "$(command -v "$tool")" "$scratch/bare/$tool"
done
PATH=$scratch/bare run --collect-perf -- sh -c 'echo ran'
expect_status 2
expect_error 'install linux-perf'
[ ! -s "$scratch/out" ] || fail 'it ran without perf'
printf '#!/bin/sh\necho "no permission" >&2\nexit 255\n' >"$scratch/bin/perf"
run --collect-perf --output "$scratch/i" -- stages out
expect_status 2
expect_error 'perf did not start the command: no permission'

# The real one: of two programs that are busy in turns, it has met the one in
# the watched stage alone.
PATH=$real_path
if ! perf record -q -e cpu-clock -o "$scratch/probe" true 2>"$scratch/err"; then
  echo "real perf skipped: $(head -n 1 "$scratch/err")"
  echo 'all other cases passed'
  exit 0
fi
awk=$(readlink -f "$(command -v awk)")
cp "$awk" "$scratch/bin/before"
cp "$awk" "$scratch/bin/within"
cat >"$scratch/bin/busy" <<'BUSY'
#!/bin/sh
work='BEGIN { for (i = 0; i < 4000000; ++i) sum += i }'
"$FAKE/bin/before" "$work"
echo '[STAGE:START] measure:within' >&2
"$FAKE/bin/within" "$work"
echo '[STAGE:END] measure:within duration=0.1s' >&2
BUSY
chmod +x "$scratch/bin/busy"
[ -z "$program" ] || OPSBENCH=$program
run --collect-perf --output "$scratch/real" -- "$scratch/bin/busy"
expect_status 0
perf script -i "$scratch/real/perf.data" -F comm 2>"$scratch/log" |
  sort | uniq -c >"$scratch/out"
grep -q within "$scratch/out" || fail 'no samples of the watched stage'
! grep -q before "$scratch/out" || fail 'samples of another stage'
if [ -n "$program" ]; then
  expect_error 'Flame graph'
  grep -q '</svg>' "$scratch/real/flame.svg" || fail 'no flame graph'
fi
echo 'all cases passed'
