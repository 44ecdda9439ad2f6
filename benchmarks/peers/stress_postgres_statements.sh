#!/bin/bash
# A simulated user's simple select and single insert on one PostgreSQL server,
# without think time, beside pgbench at 1 and 8 clients.
#
# The same on both sides: the server, the database and its rows, which opsbench
# has written; the statement, prepared (sql/postgres/stress/workload.sql); one
# transaction a statement; the socket; a thread for each client (fewer would get
# less of a busy machine). A select asks for the rows of a user drawn from all,
# in a table drawn from all, from an operation on that is drawn as a user draws
# it, for 10 to 1000 rows. An insert writes one row of a table drawn from all,
# with the next id of the client's own: pgbench's is the first row of the table
# with another id and value.
#
# Not the same: opsbench makes each row's own content, decodes and checks every
# row that comes back, and keeps the user's log. pgbench reads rows as text and
# drops them.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"

postgres_environment
find_pgbench
database=opsbench_stress_bench_0
operations=128 # Of each user before what is timed: stress_bench's at quick scale.

sql() { psql_client -d "$database" "$@"; }

# ours KIND CLIENTS: operations per second.
ours() {
  stress_bench "Operation/engine:postgres/kind:$1/users:$2" \
    --measure-seconds="$seconds"
  counter operations_per_second
}

# section NAME TABLE COLUMNS MARKS: a statement of users' for a table.
section() {
  sql_sections postgres/stress/workload "$1" |
    sed "s/{table}/$2/; s/{columns}/${3:-}/; s/{marks}/${4:-}/"
}

# prepare_selects CLIENTS: a script for each table, all of them equally likely.
prepare_selects() {
  local table
  for table in $tables; do
    {
      cat <<END
\\set user random(0, $1 - 1)
\\set back $operations >> random(0, 7)
\\set from $operations - random(0, :back)
\\set start ((:user + 1) << 46) | (:from << 16)
\\set end (:user + 2) << 46
\\set limit random(10, 1000)
END
      section select "$table"
    } >"$scratch/$table.sql"
  done
}

# Each round has ids of its own.
prepare_inserts() {
  local table columns marks
  for table in $tables; do
    columns=$(sql -c "SELECT string_agg(column_name, ', ' ORDER BY
      ordinal_position) FROM information_schema.columns
      WHERE table_name = '$table'")
    # shellcheck disable=SC2001 # Every word gets a name.
    marks=$(sed "s/[a-z_][a-z_]*/:${table}_&/g
      s/:${table}_id/:id/; s/:${table}_value/:value/" <<<"$columns")
    {
      cat <<END
\\set i :i + 1
\\set id ((1000 * ($round + 1) + :client_id) << 46) | (:i << 16)
\\set value random(0, 1048575) / 4.0
END
      section insert "$table" "$columns" "$marks"
    } >"$scratch/$table.sql"
    # The other columns' values are those of the first row.
    sql -F '
' -c "SELECT '-D', '${table}_' || field.key || '=' || field.text FROM $table AS row,
      jsonb_each_text(to_jsonb(row)) AS field (key, text) WHERE row.id = 0" \
      >>"$scratch/variables"
  done
}

# What is prepared for pgbench depends on the database, which ours leaves.
prepare() { :; }

# Sets `tables`.
find_tables() {
  tables=$(sql -c "SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'opsbench_mark' ORDER BY 1")
}

# theirs KIND CLIENTS: likewise.
theirs() {
  local table
  local -a flags
  find_tables
  : >"$scratch/variables"
  case $1 in
    simple_select) prepare_selects "$2" ;;
    single_insert) prepare_inserts ;;
  esac
  mapfile -t flags <"$scratch/variables"
  for table in $tables; do flags+=(-f "$scratch/$table.sql"); done
  run_pgbench "$2" "$2" -D i=0 "${flags[@]}" "$database"
}

# Each statement is a transaction.
executions() {
  psql_client -c "SELECT coalesce(sum(xact_commit), 0) FROM pg_stat_database
    WHERE datname = '$database'"
}

# Of ours stress_bench has checked every answer and asked the oracle: what it
# found would be an error, which counter() does not take. Of pgbench's inserts
# the rows are counted.
check_effect() {
  local table rows=0 wanted
  [ "$1" = theirs ] || return 0
  executed_all "$1"
  [ "$2" = single_insert ] || return 0
  find_tables
  rows=$(for table in $tables; do
    echo "SELECT count(*) FROM $table
      WHERE id >= (1000::bigint * ($round + 1)) << 46
      AND id < (1000::bigint * ($round + 2)) << 46;"
  done | sql | awk '{ sum += $1 } END { print sum }')
  wanted=$(cat "$scratch/done")
  [ "$rows" = "$wanted" ] ||
    fail "pgbench counted $wanted inserts, of which $rows rows are there"
}

compare_rates simple_select single_insert
