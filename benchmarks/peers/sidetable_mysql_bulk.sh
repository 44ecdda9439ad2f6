#!/bin/bash
# Bulk seeding on one MySQL or MariaDB server: opsbench generates and loads the
# operations with their prefix rows; beside it, `LOAD DATA LOCAL INFILE` of
# files made beforehand, then the same indexes, both tables at once by a client
# each: the server's own limit.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
ops=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-3}

seed() {
  "$OPSBENCH" sidetable seed --engine mysql --ops "$ops" --fresh
}

# load_table TABLE SECTION
load_table() {
  mysql_client -e "LOAD DATA LOCAL INFILE '$scratch/$1' INTO TABLE $prefix$1"
  peer_sql mysql "$2" | mysql_client
}

load_files() {
  local first
  load_table operations index_operations &
  first=$!
  load_table operation_prefixes index_prefixes
  wait "$first"
  mysql_client -e "ANALYZE TABLE ${prefix}operations, ${prefix}operation_prefixes"
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
    ours) echo operations operation_prefixes ;;
    theirs) echo "${prefix}operations" "${prefix}operation_prefixes" ;;
  esac
}

ours() { seconds_of seed; }

theirs() {
  clean_up
  peer_sql mysql create_operations create_prefixes |
    sed "s/^) ENGINE=InnoDB\$/& COMMENT='$mark'/" | mysql_client
  seconds_of load_files
}

check_effect() { has_loaded "$1"; }

clean_up() {
  drop_own_mysql "${prefix}operations" "${prefix}operation_prefixes"
}

seed
for table in operations operation_prefixes; do
  mysql_client --quick -e "SELECT * FROM $table" >"$scratch/$table"
done
expected=$(content ours)
compare_bulk
