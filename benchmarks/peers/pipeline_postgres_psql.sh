#!/bin/bash
# Rows of events from one table of a PostgreSQL server to another of it:
# opsbench, decoding every value and, where the types agree, handing the rows on
# as they are; beside it, two psql and a pipe of binary COPY between them. Both
# sides fill the same table, emptied before, and pay for their start.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
rows=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-5}

postgres_environment

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
    - name: ${prefix}events
      into: ${prefix}copy
destination:
  use: dest-postgres
  config:
    url: \${OPSBENCH_POSTGRES_URL}
    load_method: $2
  write_mode: append
EOF
  [ "$2" = insert ] || printf 'resources:\n  decode: %s\n' "$1"
}

pipe() {
  psql_client -c "COPY ${prefix}events TO STDOUT (FORMAT binary)" |
    psql_client -c "COPY ${prefix}copy FROM STDIN (FORMAT binary)"
}

empty() {
  psql_client -c "TRUNCATE ${prefix}copy"
  psql_client -c CHECKPOINT
}

ours() {
  empty
  seconds_of "$OPSBENCH" pipeline run "$scratch/$1.yaml"
}

theirs() {
  empty
  seconds_of pipe
}

content() { postgres_content "${prefix}copy"; }
check_effect() { has_loaded "$1"; }

clean_up() { drop_own_postgres "${prefix}events" "${prefix}copy"; }

# measure SIDE: its seconds, to its file.
measure() {
  local taken
  case $1 in
    pipe) taken=$(figure theirs) ;;
    *) taken=$(figure ours "$1") ;;
  esac
  echo "$taken" >>"$scratch/$1"
}

clean_up
pipeline_file always copy >"$scratch/decoded.yaml"
pipeline_file auto copy >"$scratch/relayed.yaml"
pipeline_file always insert >"$scratch/inserted.yaml"
"$OPSBENCH" pipeline seed --engine postgres --table "${prefix}events" \
  --rows "$rows"
{
  echo "CREATE TABLE ${prefix}copy (LIKE ${prefix}events INCLUDING ALL);"
  mark_postgres "${prefix}events" "${prefix}copy"
} | psql_client --single-transaction
expected=$(postgres_content "${prefix}events")
[[ $expected == "$rows|"* ]] || fail "there are not $rows rows, but $expected"

for ((round = 1; round <= rounds; ++round)); do
  order='decoded pipe relayed'
  [ $((round % 2)) = 1 ] || order='relayed pipe decoded'
  for side in $order inserted; do measure "$side"; done
  echo "round $round: decoded $(tail -n 1 "$scratch/decoded") s," \
    "undecoded $(tail -n 1 "$scratch/relayed") s," \
    "psql $(tail -n 1 "$scratch/pipe") s," \
    "INSERT $(tail -n 1 "$scratch/inserted") s"
done

# ratio_of SIDE: the median of psql's seconds by the side's, round by round.
ratio_of() {
  paste "$scratch/pipe" "$scratch/$1" | awk '{ print $1 / $2 }' | median
}
for side in decoded relayed inserted pipe; do
  median <"$scratch/$side" |
    awk -v rows="$rows" -v side="$side" '{ print side, rows / $1, "rows/s" }'
done
decoded=$(ratio_of decoded)
relayed=$(ratio_of relayed)
inserted=$(ratio_of inserted)
conclude "$(printf 'ratio %.3f decoded, %.3f undecoded, %.3f by INSERT' \
  "$decoded" "$relayed" "$inserted") (medians of $rounds rounds of $rows rows)"
