#!/bin/bash
# GET and SET of the event-driven client (lib/opsbench/vector/redis_load.h)
# beside redis-benchmark, on one Redis: 1 and 50 connections, pipelines of 1 and
# 16, one thread of the client.
#
# The same on both sides: the server, the socket, 10,000 keys drawn evenly, which
# are all there, values of 3 bytes, one thread, no think time.
#
# Not the same: the beginning of keys, which have 12 digits. Ours times
# each request from when its place in the pipeline was free and reads the clock
# for each batch of replies; redis-benchmark times batches.
#
# Where there are two processors, the server runs on the first and the client on
# the last: with one connection the rate is how fast one wakes the other up, which
# differs by ten times between one processor and two, and the kernel would choose
# anew in each round.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"

keys=10000
last_cpu=$(($(nproc) - 1))
placed=
on_client=()
own_keys=opsbench:peer: # What theirs writes.
mark_key=opsbench:peer  # There while keys of the peers are.

if [ -n "$PEER_REDIS_SOCKET" ]; then
  server_flags=(-s "$PEER_REDIS_SOCKET")
else
  server_flags=(-h "$PEER_REDIS_HOST" -p "$PEER_REDIS_PORT")
fi

# Also fails on the server's error replies.
redis() {
  REDISCLI_AUTH=$PEER_REDIS_PASSWORD redis-cli -e "${server_flags[@]}" \
    -n "${PEER_REDIS_DATABASE:-0}" "$@"
}

# info SECTION FIELD: its number, or 0.
info() {
  redis INFO "$1" | tr -d '\r' | awk -F : -v field="$2" '
    $1 == field { value = $2 } END { print value + 0 }'
}

# Puts the server on the first processor, for as long as this runs.
place() {
  local server
  [ "$last_cpu" -gt 0 ] || return 0
  server=$(redis INFO server | tr -d '\r' | sed -n 's/^process_id://p')
  # Another machine's has no such process, or it is another program.
  grep -q redis "/proc/${server:-none}/cmdline" 2>/dev/null || return 0
  before=$(taskset -c -p "$server" | sed 's/.*: //')
  taskset -a -c -p 0 "$server" >/dev/null 2>&1 || return 0
  placed=$server
  on_client=(taskset -c "$last_cpu")
}

own_keys_there() { redis --scan --pattern "$own_keys*"; }

# Fills all keys, so that every GET finds one.
fill() {
  local there
  there=$(redis EXISTS "$mark_key")
  if [ "$there" = 0 ]; then
    there=$(own_keys_there | sed -n 1p)
    [ -z "$there" ] || refuse "key $there was not made by opsbench's peers:" \
      'rename or delete it'
  else
    there=$(redis GET "$mark_key")
    [ "$there" = "$mark" ] || refuse "key $mark_key was not made by" \
      "opsbench's peers: rename or delete it"
  fi
  redis SET "$mark_key" "$mark" >"$scratch/timed.log"
  seq -f "SET $own_keys%012.0f xxx" 0 $((keys - 1)) |
    redis --pipe >"$scratch/timed.log" 2>&1
  there=$(own_keys_there | wc -l)
  [ "$there" = "$keys" ] || fail "of $keys keys, $there are there"
}

clean_up() {
  if [ -n "$placed" ]; then
    taskset -a -c -p "$before" "$placed"
    placed=
  fi
  own_keys_there | sed 's/^/DEL /' | redis --pipe
  redis DEL "$mark_key"
}

# ours COMMAND CONNECTIONS PIPELINE: requests per second.
ours() {
  "${on_client[@]}" "$OPSBENCH" vector query --backend "$OPSBENCH_REDIS_URL" \
    --operation "$1" --clients "$2" --pipeline "$3" --seconds "$seconds" \
    --warmup 0 --key-space "$keys" --value-bytes 3 \
    --output "$scratch/ours.json" --output-dir "$scratch/run" \
    >"$scratch/timed.log" 2>&1
  rm -r "$scratch/run"
  counter iterations >"$scratch/done"
  counter qps
}

# theirs COMMAND CONNECTIONS PIPELINE: likewise, $requests of them.
theirs() {
  local -a words=(GET "${own_keys}__rand_int__")
  [ "$1" = get ] || words=(SET "${own_keys}__rand_int__" xxx)
  REDISCLI_AUTH=$PEER_REDIS_PASSWORD "${on_client[@]}" redis-benchmark \
    "${server_flags[@]}" ${PEER_REDIS_PASSWORD:+-a "$PEER_REDIS_PASSWORD"} \
    --dbnum "${PEER_REDIS_DATABASE:-0}" -c "$2" -P "$3" -n "$requests" \
    -r "$keys" --csv "${words[@]}" \
    >"$scratch/theirs.csv" 2>"$scratch/timed.log"
  echo "$requests" >"$scratch/done"
  sed -n 's/^"[GS]ET [^"]*","\([0-9.]*\)".*/\1/p' "$scratch/theirs.csv"
}

# troubles: calls that the server refused, and keys that it did not find.
troubles() {
  local errors misses
  errors=$(info stats total_error_replies)
  misses=$(info stats keyspace_misses)
  echo "$errors $misses"
}

executions() {
  redis INFO commandstats | tr -d '\r' |
    sed -n "s/^cmdstat_$command:calls=\([0-9]*\),.*/\1/p" |
    awk '{ sum += $1 } END { print sum + 0 }'
}

# Ours looks for its mark once before it begins, and misses it; nothing fails.
check_effect() {
  local before now allowed=0
  local -a was is
  executed_all "$1"
  [ "$1" = theirs ] || allowed=1
  before=$(cat "$scratch/troubles")
  now=$(troubles)
  read -r -a was <<<"$before"
  read -r -a is <<<"$now"
  [ "${is[0]}" = "${was[0]}" ] ||
    fail "$1: $((is[0] - was[0])) requests failed"
  [ $((is[1] - was[1])) -le "$allowed" ] ||
    fail "$1: $((is[1] - was[1])) requests found no key"
  echo "$now" >"$scratch/troubles"
}

place
fill
printf '%-8s %11s %8s %12s %12s %6s\n' command connections pipeline \
  'ours req/s' 'theirs req/s' ratio
for command in set get; do
  for connections in 1 50; do
    for pipeline in 1 16; do
      # As many as take about as long as ours: a first, short look.
      requests=20000
      rate=$(theirs "$command" "$connections" "$pipeline")
      is_figure "$rate" || fail "redis-benchmark measured nothing: \"$rate\""
      requests=$(awk -v r="$rate" -v s="$seconds" 'BEGIN { printf "%d", r * s }')
      troubles >"$scratch/troubles"
      take_turns "$command" "$connections" "$pipeline"
      # shellcheck disable=SC2016 # Expressions of awk.
      {
        ours=$(median_of '$1')
        theirs=$(median_of '$2')
        ratio=$(median_of '$1 / $2')
      }
      printf '%-8s %11d %8d %12.0f %12.0f %6.3f\n' "$command" "$connections" \
        "$pipeline" "$ours" "$theirs" "$ratio" | tee -a "$scratch/lines"
    done
  done
done
ratio=$(awk '{ log_sum += log($6)
       if (low == "" || $6 < low) { low = $6
         what = $1 ", " $2 " connections, pipeline " $3 } }
  END { printf "ratio %.3f (geometric mean; lowest %.3f: %s)\n",
    exp(log_sum / NR), low, what }' "$scratch/lines")
conclude "$ratio"
