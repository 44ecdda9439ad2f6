#!/bin/sh
# Bulk seeding on one MySQL or MariaDB server: opsbench generates and loads the
# operations with their prefix rows; beside it, `LOAD DATA LOCAL INFILE` of
# files made beforehand, then the same indexes, both tables at once by a client
# each: the server's own limit.
set -eu
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
ops=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-3}

client() {
  MYSQL_PWD=$PEER_MYSQL_PASSWORD mariadb --no-defaults --local-infile=1 \
    ${PEER_MYSQL_SOCKET:+--socket="$PEER_MYSQL_SOCKET"} \
    --host="${PEER_MYSQL_HOST:-127.0.0.1}" --port="$PEER_MYSQL_PORT" \
    --user="$PEER_MYSQL_USER" "$PEER_MYSQL_DATABASE" "$@"
}

seed() {
  "$OPSBENCH" sidetable seed --engine mysql --ops "$ops" --fresh
}

# load_table TABLE SECTION
load_table() {
  client -e "LOAD DATA LOCAL INFILE '$scratch/$1' INTO TABLE peer_$1"
  peer_sql mysql "$2" | client
}

load_files() {
  load_table operations index_operations &
  first=$!
  load_table operation_prefixes index_prefixes
  wait "$first"
  client -e 'ANALYZE TABLE peer_operations, peer_operation_prefixes'
}

load_ours() { seconds_of seed; }

load_theirs() {
  client -e 'DROP TABLE IF EXISTS peer_operations, peer_operation_prefixes'
  peer_sql mysql create_operations create_prefixes | client
  seconds_of load_files
  client -e 'DROP TABLE peer_operations, peer_operation_prefixes'
}

seed
for table in operations operation_prefixes; do
  client --batch --quick --skip-column-names -e "SELECT * FROM $table" \
    >"$scratch/$table"
done
compare_bulk
