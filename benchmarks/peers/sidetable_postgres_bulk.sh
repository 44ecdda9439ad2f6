#!/bin/bash
# Bulk seeding on one PostgreSQL server: opsbench generates and loads the
# operations with their prefix rows; beside it, psql's \copy of files made
# beforehand, then the same indexes, both tables at once by a client each: the
# server's own limit.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
ops=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-3}
theirs=${prefix}theirs_

postgres_environment

seed() {
  "$OPSBENCH" sidetable seed --peers --engine postgres --ops "$ops" --fresh
}

# load_table TABLE SECTION…
load_table() {
  psql_client -c "\\copy $theirs$1 FROM '$scratch/$1'"
  shift
  peer_sql postgres "$@" | psql_client
}

load_files() {
  local first
  load_table operations index_operations_created index_operations_path &
  first=$!
  load_table operation_prefixes index_prefixes_latest
  wait "$first"
  psql_client -c "VACUUM (ANALYZE) ${theirs}operations,
    ${theirs}operation_prefixes"
}

# content SIDE: rows, a checksum and how many indexes, of both tables.
content() {
  local table tables
  tables=$(tables_of "$1")
  for table in $tables; do
    postgres_content "$table"
    psql_client -c "SELECT count(*) FROM pg_index
      WHERE indrelid = '$table'::regclass AND indisvalid"
  done
}

tables_of() {
  case $1 in
    ours) echo "${prefix}operations" "${prefix}operation_prefixes" ;;
    theirs) echo "${theirs}operations" "${theirs}operation_prefixes" ;;
  esac
}

ours() { seconds_of seed; }

drop_theirs() {
  psql_client -c 'SET client_min_messages = warning' \
    -c "DROP TABLE IF EXISTS ${theirs}operations,
      ${theirs}operation_prefixes"
}

theirs() {
  drop_theirs
  {
    peer_sql postgres create_operations create_prefixes
    mark_postgres "${theirs}operations" "${theirs}operation_prefixes"
  } | psql_client --single-transaction
  seconds_of load_files
}

check_effect() { has_loaded "$1"; }

clean_up() {
  drop_own_postgres "${theirs}operations" "${theirs}operation_prefixes"
}

clean_up
seed
for table in operations operation_prefixes; do
  psql_client -c "\\copy $prefix$table TO '$scratch/$table'"
done
expected=$(content ours)
compare_bulk
