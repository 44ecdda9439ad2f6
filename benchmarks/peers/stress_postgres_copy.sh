#!/bin/bash
# A simulated user's bulk inserts on one PostgreSQL server, 100 to 10,000 rows
# each into a table drawn from all, beside a bare COPY of the same rows.
#
# The same on both sides: the server, the tables and what they held before, the
# rows, their order, the binary format of COPY, a transaction for each bulk
# insert, one connection whose start does not count. psql's \copy reads the rows
# from a file each, in the form in which they travel. opsbench makes them before
# each statement, which is not counted, and encodes them in it, which is.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
inserts=$(((${PEER_BULK_OPS:-500000} + 4999) / 5000)) # Of about 5000 rows.
rounds=${PEER_BULK_ROUNDS:-5} unit=rows

postgres_environment
database=opsbench_stress_bench_0

sql() { psql_client -d "$database" "$@"; }

# Rows of bulk inserts: those after the user's first 128 operations.
first=$(((1 << 46) | (128 << 16)))

# The time of its statements alone.
ours() {
  local rate rows
  OPSBENCH_ITERATIONS=$inserts stress_bench \
    BulkInsert/engine:postgres/format:copy_binary/users:1
  rate=$(counter service_rows_per_second)
  is_figure "$rate" || fail "ours measured nothing: \"$rate\""
  rows=$(count_rows)
  awk -v rate="$rate" -v rows="$rows" 'BEGIN { print rows / rate }'
}

# Those of users; opsbench_mark says whose database it is.
tables() {
  sql -c "SELECT tablename FROM pg_tables WHERE schemaname = 'public'
    AND tablename <> 'opsbench_mark' ORDER BY 1"
}

# for_tables STATEMENT: with each table's name in place of {}.
for_tables() {
  local table tables
  tables=$(tables)
  for table in $tables; do printf '%s;\n' "${1//\{\}/$table}"; done | sql
}

count_rows() {
  for_tables "SELECT count(*) FROM {} WHERE id >= $first" |
    awk '{ sum += $1 } END { print sum }'
}

# Rows of all tables together, and a checksum of each.
content() {
  count_rows
  for_tables "SELECT '{}', count(*), sum(hashtextextended(t::text, 0))
    FROM {} AS t WHERE id >= $first"
}
check_effect() { has_loaded "$1"; }

# A file for each of our bulk inserts, and psql's script that loads them all.
export_rows() {
  local key table
  for_tables "SELECT DISTINCT id >> 16, '{}' FROM {} WHERE id >= $first" |
    sort -n | tr '|' ' ' >"$scratch/inserts"
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

theirs() {
  for_tables "DELETE FROM {} WHERE id >= $first"
  for_tables 'VACUUM (FULL, ANALYZE) {}'
  sql -f "$scratch/load.sql"
}

ours >"$scratch/timed.log"
export_rows
ops=$(count_rows)
expected=$(content)
compare_bulk
