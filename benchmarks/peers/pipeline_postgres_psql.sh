#!/bin/sh
# Rows of bench_events from one table of a PostgreSQL server to another of it:
# opsbench, decoding every value and, where the types agree, handing the rows on
# as they are; beside it, two psql and a pipe of binary COPY between them. Both
# sides fill the same table, emptied before, and pay for their start.
set -eu
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
rows=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-5}

postgres_environment

sql() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }

# pipeline_file DECODE METHOD
pipeline_file() {
  cat <<EOF
version: 1
pipeline: peer
source:
  use: source-postgres
  config:
    url: \${OPSBENCH_POSTGRES_URL}
  streams:
    - name: bench_events
      into: peer_events
destination:
  use: dest-postgres
  config:
    url: \${OPSBENCH_POSTGRES_URL}
    load_method: $2
  write_mode: append
resources:
  decode: $1
EOF
}

pipe() {
  psql -X -q -v ON_ERROR_STOP=1 \
    -c 'COPY bench_events TO STDOUT (FORMAT binary)' |
    psql -X -q -v ON_ERROR_STOP=1 \
      -c 'COPY peer_events FROM STDIN (FORMAT binary)'
}

ours() { "$OPSBENCH" pipeline run "$scratch/$1.yaml"; }

# measure SIDE COMMAND…: its seconds, to the side's file.
measure() {
  side=$1
  shift
  sql -c 'TRUNCATE peer_events' -c CHECKPOINT
  seconds_of "$@" >>"$scratch/$side"
  [ "$(sql -A -t -c 'SELECT count(*) FROM peer_events')" = "$rows" ]
}

"$OPSBENCH" pipeline seed --engine postgres --rows "$rows" --fresh
sql -c 'DROP TABLE IF EXISTS peer_events' \
  -c 'CREATE TABLE peer_events (LIKE bench_events INCLUDING ALL)' \
  2>"$scratch/log"
pipeline_file always copy >"$scratch/decoded.yaml"
pipeline_file auto copy >"$scratch/relayed.yaml"
pipeline_file always insert >"$scratch/inserted.yaml"

round=0
while [ "$round" -lt "$rounds" ]; do
  if [ $((round % 2)) = 0 ]; then
    order='decoded pipe relayed'
  else
    order='relayed pipe decoded'
  fi
  for side in $order; do
    case $side in
      pipe) measure pipe pipe ;;
      *) measure "$side" ours "$side" ;;
    esac
  done
  measure inserted ours inserted
  round=$((round + 1))
  echo "round $round: decoded $(tail -n 1 "$scratch/decoded") s," \
    "undecoded $(tail -n 1 "$scratch/relayed") s," \
    "psql $(tail -n 1 "$scratch/pipe") s," \
    "INSERT $(tail -n 1 "$scratch/inserted") s"
done
sql -c 'DROP TABLE peer_events'

# ratio_of SIDE: the median of psql's seconds by the side's, round by round.
ratio_of() {
  paste "$scratch/pipe" "$scratch/$1" | awk '{ print $1 / $2 }' | median
}
for side in decoded relayed inserted pipe; do
  median <"$scratch/$side" |
    awk -v rows="$rows" -v side="$side" '{ print side, rows / $1, "rows/s" }'
done
printf 'ratio %.3f decoded, %.3f undecoded, %.3f by INSERT (medians of %d %s)\n' \
  "$(ratio_of decoded)" "$(ratio_of relayed)" "$(ratio_of inserted)" \
  "$rounds" "rounds of $rows rows"
