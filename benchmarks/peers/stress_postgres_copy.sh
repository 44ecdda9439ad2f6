#!/bin/sh
# A simulated user's bulk inserts on one PostgreSQL server, 100 to 10,000 rows
# each into a table drawn from all, beside a bare COPY of the same rows.
#
# The same on both sides: the server, the tables and what they held before, the
# rows, their order, the binary format of COPY, a transaction for each bulk
# insert, one connection whose start does not count. psql's \copy reads the rows
# from a file each, in the form in which they travel. opsbench makes them before
# each statement, which is not counted, and encodes them in it, which is.
set -eu
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
inserts=$(((${PEER_BULK_OPS:-500000} + 4999) / 5000)) # Of about 5000 rows.
rounds=${PEER_BULK_ROUNDS:-5} unit=rows

postgres_environment
database=opsbench_stress_bench_0

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" "$@"; }

# Rows of bulk inserts: those after the user's first 128 operations.
first=$(((1 << 46) | (128 << 16)))

load_ours() {
  OPSBENCH_ITERATIONS=$inserts stress_bench \
    BulkInsert/engine:postgres/format:copy_binary/users:1
  awk -v rate="$(counter service_rows_per_second)" -v rows="$(count_rows)" \
    'BEGIN { print rows / rate }'
}

tables() {
  sql -c "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
}

count_rows() {
  for table in $(tables); do
    echo "SELECT count(*) FROM $table WHERE id >= $first;"
  done | sql | awk '{ sum += $1 } END { print sum }'
}

# A file for each of our bulk inserts, and psql's script that loads them all.
export_rows() {
  for table in $(tables); do
    sql -c "SELECT DISTINCT id >> 16, '$table' FROM $table
      WHERE id >= $first"
  done | sort -n | tr '|' ' ' >"$scratch/inserts"
  while read -r key table; do
    printf '\\copy (%s) TO %s (FORMAT binary)\n' \
      "SELECT * FROM $table WHERE id >> 16 = $key AND id >= $first ORDER BY id" \
      "'$scratch/$key'"
  done <"$scratch/inserts" | sql
  {
    printf '%s\n' 'SELECT clock_timestamp() AS start \gset'
    while read -r key table; do
      printf '\\copy %s FROM %s (FORMAT binary)\n' "$table" "'$scratch/$key'"
    done <"$scratch/inserts"
    echo "SELECT extract(epoch FROM clock_timestamp() - :'start'::timestamptz);"
  } >"$scratch/load.sql"
}

load_theirs() {
  for table in $(tables); do
    echo "DELETE FROM $table WHERE id >= $first;"
    echo "VACUUM (FULL, ANALYZE) $table;"
  done | sql
  sql -f "$scratch/load.sql"
  [ "$(count_rows)" = "$ops" ]
}

load_ours >"$scratch/first"
export_rows
ops=$(count_rows)
compare_bulk
