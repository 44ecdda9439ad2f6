#!/bin/sh
# Bulk seeding on one PostgreSQL server: opsbench generates and loads the
# operations with their prefix rows; beside it, psql's \copy of files made
# beforehand, then the same indexes, both tables at once by a client each: the
# server's own limit.
set -eu
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
ops=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-3}

postgres_environment

seed() {
  "$OPSBENCH" sidetable seed --engine postgres --ops "$ops" --fresh
}

sql() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }

# load_table TABLE SECTION…
load_table() {
  sql -c "\\copy peer_$1 FROM '$scratch/$1'"
  shift
  peer_sql postgres "$@" | sql
}

load_files() {
  load_table operations index_operations_created index_operations_path &
  first=$!
  load_table operation_prefixes index_prefixes_latest
  wait "$first"
  sql -c 'VACUUM (ANALYZE) peer_operations, peer_operation_prefixes'
}

load_ours() { seconds_of seed; }

load_theirs() {
  sql -c 'DROP TABLE IF EXISTS peer_operations, peer_operation_prefixes' \
    2>"$scratch/log"
  peer_sql postgres create_operations create_prefixes | sql
  seconds_of load_files
  sql -c 'DROP TABLE peer_operations, peer_operation_prefixes'
}

seed
for table in operations operation_prefixes; do
  sql -c "\\copy $table TO '$scratch/$table'"
done
compare_bulk
