#!/bin/bash
# Bulk seeding on one MySQL or MariaDB server: opsbench generates and loads the
# operations with their prefix rows; beside it, `LOAD DATA LOCAL INFILE` of
# files made beforehand, then the same indexes, both tables at once by a client
# each: the server's own limit.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
ops=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-3}
theirs=${prefix}theirs_

seed() {
  "$OPSBENCH" sidetable seed --peers --engine mysql --ops "$ops" --fresh
}

# load_table TABLE SECTION
load_table() {
  mysql_client -e "LOAD DATA LOCAL INFILE '$scratch/$1' INTO TABLE $theirs$1"
  peer_sql mysql "$2" | mysql_client
}

load_files() {
  local first
  load_table operations index_operations &
  first=$!
  load_table operation_prefixes index_prefixes
  wait "$first"
  mysql_client -e "ANALYZE TABLE ${theirs}operations, ${theirs}operation_prefixes"
}

# content SIDE: rows, a checksum and the columns of indexes, of both tables.
content() {
  local table tables
  tables=$(tables_of "$1")
  for table in $tables; do
    mysql_client -e "SELECT COUNT(*) FROM $table; CHECKSUM TABLE $table;
      SELECT COUNT(*) FROM information_schema.statistics
      WHERE table_schema = DATABASE() AND table_name = '$table'" | cut -f 2
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
  mysql_client -e "DROP TABLE IF EXISTS ${theirs}operations,
    ${theirs}operation_prefixes"
}

theirs() {
  drop_theirs
  peer_sql mysql create_operations create_prefixes |
    sed "s/^) ENGINE=InnoDB\$/& COMMENT='$mark'/" | mysql_client
  seconds_of load_files
}

check_effect() { has_loaded "$1"; }

clean_up() {
  drop_own_mysql "${theirs}operations" "${theirs}operation_prefixes"
}

clean_up
seed
for table in operations operation_prefixes; do
  mysql_client --quick -e "SELECT * FROM $prefix$table" >"$scratch/$table"
done
expected=$(content ours)
compare_bulk
