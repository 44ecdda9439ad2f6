#!/bin/bash
# Each read of the mixes on one PostgreSQL server: opsbench beside
# `pgbench -M prepared`, which executes the same prepared statements with the
# same arguments in a closed loop at 1 and 8 clients.
#
# pgbench cannot draw a text from a list: each request is a script of its own,
# prepared by itself. There are few of them, because the server plans the first
# five executions of a prepared statement anew, which must not weigh.
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
distinct=${PEER_REQUESTS:-10}

postgres_environment
find_pgbench

clean_up() { drop_own_postgres; }

clean_up
"$OPSBENCH" sidetable seed --peers --engine postgres --ops "$ops"

ours() { read_rate postgres "$@"; }

# Each statement is a transaction.
executions() {
  psql_client -c 'SELECT xact_commit FROM pg_stat_database
    WHERE datname = current_database()'
}
check_effect() { executed_all "$1"; }

# A script for each request: numbers stand in it, a text is a variable.
prepare() {
  read_requests postgres "$1"
  rm -f "$scratch"/request*.sql
  awk -F '\t' -v folder="$scratch" '
    NR == 1 { sql = $0; next }
    { text = sql
      for (i = 1; i <= NF; ++i) {
        value = $i ~ /^[0-9]+$/ ? $i : "\047" $i "\047"
        gsub("\\$" i, ":a" i, text)
        variables[NR, i] = $i
      }
      file = sprintf("%s/request%d.sql", folder, NR - 1)
      line = text
      for (i = 1; i <= NF; ++i) gsub(":a" i, ":r" (NR - 1) "a" i, line)
      print line ";" >file
      close(file)
      for (i = 1; i <= NF; ++i) {
        printf "-D\nr%da%d=%s\n", NR - 1, i, $i >(folder "/variables")
      } }' "$scratch/requests"
}

# theirs OPERATION CLIENTS
theirs() {
  local file jobs
  local -a flags
  jobs=$(nproc)
  [ "$jobs" -le "$2" ] || jobs=$2
  mapfile -t flags <"$scratch/variables"
  for file in "$scratch"/request*.sql; do flags+=(-f "$file"); done
  run_pgbench "$2" "$jobs" "${flags[@]}"
}

compare_reads
