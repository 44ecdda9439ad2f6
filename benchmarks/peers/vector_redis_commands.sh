#!/bin/sh
# GET and SET of the event-driven client (lib/opsbench/vector/redis_load.h)
# beside redis-benchmark, on one Redis: 1 and 50 connections, pipelines of 1 and
# 16, one thread of the client.
#
# The same on both sides: the server, the socket, 10,000 keys drawn evenly, which
# are all there, values of 3 bytes, one thread, no think time.
#
# Not the same: keys are "ops:" or "key:" and 12 digits. Ours times
# each request from when its place in the pipeline was free and reads the clock
# for each batch of replies; redis-benchmark times batches.
#
# Where there are two processors, the server runs on the first and the client on
# the last: with one connection the rate is how fast one wakes the other up, which
# differs by ten times between one processor and two, and the kernel would choose
# anew in each round.
set -eu
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"

keys=10000
last_cpu=$(($(nproc) - 1))
on_client=

# Puts the server on the first processor, for as long as this runs.
place() {
  [ "$last_cpu" -gt 0 ] || return 0
  set --
  if [ -n "$PEER_REDIS_SOCKET" ]; then
    set -- -s "$PEER_REDIS_SOCKET"
  else
    set -- -h "$PEER_REDIS_HOST" -p "$PEER_REDIS_PORT"
  fi
  server=$(REDISCLI_AUTH=$PEER_REDIS_PASSWORD redis-cli "$@" INFO server |
    tr -d '\r' | sed -n 's/^process_id://p')
  # Another machine's has no such process, or it is another program.
  grep -q redis "/proc/${server:-none}/cmdline" 2>/dev/null || return 0
  before=$(taskset -c -p "$server" | sed 's/.*: //')
  taskset -a -c -p 0 "$server" >/dev/null 2>&1 || return 0
  trap 'taskset -a -c -p "$before" "$server" >/dev/null; rm -rf "$scratch"' EXIT
  on_client="taskset -c $last_cpu"
}

# ours COMMAND CONNECTIONS PIPELINE: requests per second.
ours() {
  # shellcheck disable=SC2086 # Nothing, or a command with its flags.
  $on_client "$OPSBENCH" vector query --backend "$OPSBENCH_REDIS_URL" --operation "$1" \
    --clients "$2" --pipeline "$3" --seconds "$seconds" --warmup 0 \
    --key-space "$keys" --value-bytes 3 --output "$scratch/ours.json" \
    --output-dir "$scratch/run" >"$scratch/ours.log"
  rm -r "$scratch/run"
  counter qps
}

# theirs COMMAND CONNECTIONS PIPELINE REQUESTS: likewise.
theirs() {
  if [ -n "$PEER_REDIS_SOCKET" ]; then
    set -- "$@" -s "$PEER_REDIS_SOCKET"
  else
    set -- "$@" -h "$PEER_REDIS_HOST" -p "$PEER_REDIS_PORT"
  fi
  command=$1 connections=$2 pipeline=$3 requests=$4
  shift 4
  # shellcheck disable=SC2086 # Nothing, or a command with its flags.
  REDISCLI_AUTH=$PEER_REDIS_PASSWORD $on_client redis-benchmark "$@" \
    ${PEER_REDIS_PASSWORD:+-a "$PEER_REDIS_PASSWORD"} -t "$command" \
    -c "$connections" -P "$pipeline" -n "$requests" -r "$keys" -d 3 --csv \
    2>"$scratch/theirs.stderr" >"$scratch/theirs.csv" || {
    cat "$scratch/theirs.stderr" >&2
    exit 1
  }
  sed -n 's/^"\(GET\|SET\)","\([0-9.]*\)".*/\2/p' "$scratch/theirs.csv"
}

place
printf '%-8s %11s %8s %12s %12s %6s\n' command connections pipeline \
  'ours req/s' 'theirs req/s' ratio
for command in set get; do
  for connections in 1 50; do
    for pipeline in 1 16; do
      # As many as take about as long as ours: a first, short look.
      rate=$(theirs "$command" "$connections" "$pipeline" 20000)
      requests=$(awk -v r="$rate" -v s="$seconds" 'BEGIN { printf "%d", r * s }')
      : >"$scratch/rates"
      round=0
      while [ "$round" -lt "$rounds" ]; do
        if [ $((round % 2)) = 0 ]; then
          a=$(ours "$command" "$connections" "$pipeline")
          b=$(theirs "$command" "$connections" "$pipeline" "$requests")
        else
          b=$(theirs "$command" "$connections" "$pipeline" "$requests")
          a=$(ours "$command" "$connections" "$pipeline")
        fi
        echo "$a $b" >>"$scratch/rates"
        round=$((round + 1))
      done
      ratio=$(awk '{ print $1 / $2 }' "$scratch/rates" | median)
      printf '%-8s %11d %8d %12.0f %12.0f %6.3f\n' "$command" "$connections" \
        "$pipeline" "$(awk '{ print $1 }' "$scratch/rates" | median)" \
        "$(awk '{ print $2 }' "$scratch/rates" | median)" "$ratio" |
        tee -a "$scratch/lines"
    done
  done
done
awk '{ log_sum += log($6)
       if (low == "" || $6 < low) { low = $6
         what = $1 ", " $2 " connections, pipeline " $3 } }
  END { printf "ratio %.3f (geometric mean; lowest %.3f: %s)\n",
    exp(log_sum / NR), low, what }' "$scratch/lines"
