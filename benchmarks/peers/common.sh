#!/bin/bash
# What the peers' scripts share; sourced by them. `opsbench run --peers` sets
# OPSBENCH (the program), OPSBENCH_<ENGINE>_URL, and PEER_<ENGINE>_HOST, _PORT,
# _SOCKET, _USER, _PASSWORD and _DATABASE.
#
# A script ends with two lines, `effects: …` and `ratio …`, and exit code 0. There
# is no figure without its effect: figure() takes both. Whatever fails, also in a
# pipe, a function or a substitution, ends the script with exit code 1, and the
# last line on standard error says what it was; 2: something stands in the way
# that is not the peers'.
#
# Commands that may fail do not stand in conditions (`"$@" || …`, `if f`), where
# the shell ignores all failures but the last one.
set -eEuo pipefail
shopt -s inherit_errexit

: "${OPSBENCH:?is set by opsbench run --peers}"
ops=${PEER_OPS:-200000}       # In the tables.
seconds=${PEER_SECONDS:-2}    # Of one measurement.
rounds=${PEER_ROUNDS:-5}      # Both sides measure in turns; odd: the median.
distinct=${PEER_REQUESTS:-100}
# "nan", "1e9" and the like are no numbers to every tool that gets them.
for name in PEER_OPS PEER_SECONDS PEER_ROUNDS PEER_REQUESTS PEER_BULK_OPS \
  PEER_BULK_ROUNDS PEER_VECTORS; do
  value=${!name-1}
  [[ $value =~ ^[1-9][0-9]{0,8}$ ]] || {
    printf '%s: expected a whole number from 1 to 999999999, not "%.40s"\n' \
      "$name" "$value" >&2
    exit 2
  }
done
unit=operations
expected= # What a bulk load has to leave: rows first.
peers=$(dirname -- "$0")
scratch=$(mktemp -d)

# Keeps why the script fails: the first reason is the cause.
note() { [ -e "$scratch/failed" ] || printf '%s\n' "$*" >"$scratch/failed"; }

fail() {
  note "$*"
  exit 1
}

refuse() {
  note "$*"
  exit 2
}

# Removes what the script has made on servers; the script's own.
clean_up() { :; }

finish() {
  local code=$?
  trap - ERR
  set +e
  if [ "$code" != 0 ]; then
    [ ! -s "$scratch/timed.log" ] || tail -n 40 "$scratch/timed.log" >&2
    [ "$code" = 2 ] || clean_up >/dev/null 2>&1
    note "ended with $code"
    printf '%s: %s\n' "$(basename -- "$0" .sh)" "$(cat "$scratch/failed")" >&2
  fi
  rm -rf "$scratch"
}

trap 'note "line $LINENO of ${BASH_SOURCE[0]##*/} failed with $?:" \
  "${BASH_COMMAND%%[[:cntrl:]]*}"' ERR
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Each read of the mixes A to D.
reads=${PEER_READS:-latest_l1 latest_l2 latest_l3 latest_l4 latest_l5
latest_l3_cold latest_offset exact count_24h error_rate}

# What the peers make in SQL has a name that begins so, and this comment.
prefix=opsbench_peer_
mark='opsbench: peers'

mysql_client() {
  MYSQL_PWD=$PEER_MYSQL_PASSWORD mariadb --no-defaults --local-infile=1 \
    ${PEER_MYSQL_SOCKET:+--socket="$PEER_MYSQL_SOCKET"} \
    --host="${PEER_MYSQL_HOST:-127.0.0.1}" --port="$PEER_MYSQL_PORT" \
    --user="$PEER_MYSQL_USER" --batch --skip-column-names \
    "$PEER_MYSQL_DATABASE" "$@"
}

# PostgreSQL's own variables, for its own programs.
postgres_environment() {
  export PGHOST="$PEER_POSTGRES_HOST" PGPORT="$PEER_POSTGRES_PORT" \
    PGUSER="$PEER_POSTGRES_USER" PGPASSWORD="$PEER_POSTGRES_PASSWORD" \
    PGDATABASE="$PEER_POSTGRES_DATABASE"
  if [ -n "$PEER_POSTGRES_SOCKET" ]; then
    PGHOST=$(dirname -- "$PEER_POSTGRES_SOCKET")
  fi
}

# refuse_foreign THING: ends the script when there is one.
refuse_foreign() {
  [ -z "$1" ] || refuse "$1 was not made by opsbench's peers: rename or drop it"
}

# drop_own_mysql TABLE…: drops all that peers have made in the database; refuses
# those tables where they have no mark.
drop_own_mysql() {
  local table foreign
  for table; do
    foreign=$(mysql_client -e "SELECT CONCAT(table_type, ' ', table_name)
      FROM information_schema.tables WHERE table_schema = DATABASE()
      AND table_name = '$table' AND table_comment NOT LIKE 'opsbench: %'")
    refuse_foreign "$foreign"
  done
  mysql_client -e "SELECT CONCAT('DROP TABLE ', table_name, ';')
    FROM information_schema.tables WHERE table_schema = DATABASE()
    AND LEFT(table_name, ${#prefix}) = '$prefix'
    AND table_comment LIKE 'opsbench: %'
    UNION ALL SELECT CONCAT('DROP PROCEDURE ', routine_name, ';')
    FROM information_schema.routines WHERE routine_schema = DATABASE()
    AND LEFT(routine_name, ${#prefix}) = '$prefix'
    AND routine_comment LIKE 'opsbench: %'" | mysql_client
}

psql_client() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# drop_own_postgres TABLE…: likewise.
drop_own_postgres() {
  local table foreign
  for table; do
    foreign=$(psql_client -c "SELECT 'relation ' || relname FROM pg_class
      WHERE oid = to_regclass('$table')
      AND coalesce(obj_description(oid, 'pg_class'), '') NOT LIKE 'opsbench: %'")
    refuse_foreign "$foreign"
  done
  # At once: a copy's default may depend on the sequence of its source.
  psql_client -c "SELECT 'DROP TABLE ' || string_agg(oid::regclass::text, ', ')
    || ';' FROM pg_class WHERE relkind = 'r' AND left(relname, ${#prefix}) = '$prefix'
    AND pg_table_is_visible(oid)
    AND obj_description(oid, 'pg_class') LIKE 'opsbench: %'
    UNION ALL SELECT 'DROP FUNCTION ' || oid::regprocedure || ';' FROM pg_proc
    WHERE left(proname, ${#prefix}) = '$prefix'
    AND pg_function_is_visible(oid)
    AND obj_description(oid, 'pg_proc') LIKE 'opsbench: %'" | psql_client
}

# mark_postgres TABLE…: statements that mark them.
mark_postgres() { printf "COMMENT ON TABLE %s IS '$mark';\n" "$@"; }

# postgres_content TABLE: how many rows, and the sum of their hashes.
postgres_content() {
  psql_client -c "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM $1 AS t"
}

# Sets `pgbench`. Debian has it beside the server; the one on PATH looks for that
# server.
find_pgbench() {
  local folder found
  local -a folders
  IFS=: read -r -a folders <<<"${OPSBENCH_ENGINES:-}"
  pgbench=${PEER_PGBENCH:-}
  [ -z "$pgbench" ] || return 0
  for folder in "${folders[@]}" ''; do
    for found in "$folder"/usr/lib/postgresql/*/bin/pgbench; do
      [ ! -x "$found" ] || pgbench=$found
    done
  done
  : "${pgbench:=pgbench}"
}

# run_pgbench CLIENTS THREADS FLAG…: transactions per second, and how many to
# $scratch/done.
run_pgbench() {
  local clients=$1 jobs=$2 failed
  shift 2
  "$pgbench" -n -M prepared -c "$clients" -j "$jobs" -T "$seconds" "$@" \
    >"$scratch/theirs.log" 2>"$scratch/timed.log"
  failed=$(sed -n 's/^number of failed transactions: *\([0-9]*\).*/\1/p' \
    "$scratch/theirs.log")
  [ "${failed:-0}" = 0 ] || fail "pgbench: $failed transactions failed"
  sed -n 's/^number of transactions actually processed: *\([0-9]*\).*/\1/p' \
    "$scratch/theirs.log" >"$scratch/done"
  sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$scratch/theirs.log"
}

# The median of the numbers on standard input, one a line.
median() {
  sort -g | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

# read_requests ENGINE OPERATION: those that both sides ask, to a file.
read_requests() {
  "$OPSBENCH" sidetable requests --peers --engine "$1" --mix "$2" \
    --distinct "$distinct" >"$scratch/requests"
}

# read_rate ENGINE OPERATION THREADS: operations per second by opsbench, and how
# many to $scratch/done.
read_rate() {
  "$OPSBENCH" sidetable run --peers --engine "$1" --mix "$2" --workers "$3" \
    --distinct "$distinct" --seconds "$seconds" --warmup 0 \
    --out "$scratch/ours.json" >"$scratch/timed.log" 2>&1
  counter iterations >"$scratch/done"
  counter operations_per_second
}

# stress_bench NAME FLAG…: measures "Stress/<NAME>" alone.
stress_bench() {
  local name=$1
  shift
  "$(dirname -- "$OPSBENCH")/stress_bench" --engines=postgres \
    --benchmark_filter="^Stress/$name/" --benchmark_out_format=json \
    --benchmark_out="$scratch/ours.json" "$@" >"$scratch/timed.log" 2>&1
}

# counter NAME: the first one of what opsbench has measured last.
counter() {
  if grep -q '"error_occurred": *true' "$scratch/ours.json"; then
    fail "opsbench: $(sed -n 's/.*"error_message": *//p' "$scratch/ours.json")"
  fi
  sed -n "/\"$1\":/ { s/.*\"$1\": *\([0-9.e+]*\).*/\1/p; q; }" \
    "$scratch/ours.json"
}

# How many operations the server has executed so far, where it can tell; the
# script's own. check_effect SIDE …: fails when the side's work was not done.
executions() { echo 0; }

is_figure() {
  [[ $1 =~ ^[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$ ]] && [[ $1 =~ [1-9] ]]
}

# figure SIDE ARGUMENT…: what a side measures, once its effect has been seen.
figure() {
  local value
  executed_before=$(executions)
  rm -f "$scratch/done"
  value=$("$@")
  is_figure "$value" || fail "$1 measured nothing: \"$value\""
  check_effect "$@"
  echo . >>"$scratch/effects"
  echo "$value"
}

# executed_all SIDE: the server has executed what the side has counted. Its own
# count may come a moment later.
executed_all() {
  local wanted now executed=-1
  wanted=$(cat "$scratch/done")
  is_figure "$wanted" || fail "$1 counted nothing: \"$wanted\""
  for _ in {1..50}; do
    now=$(executions)
    executed=$((now - executed_before))
    ! awk -v wanted="$wanted" -v executed="$executed" \
      'BEGIN { exit executed < wanted }' || return 0
    sleep 0.1
  done
  fail "$1 counted $wanted operations, of which the server executed $executed"
}

# take_turns ARGUMENT…: in each round what `ours` and `theirs` (the script's own)
# measure, a line in $scratch/figures; who begins changes.
take_turns() {
  local round a b
  : >"$scratch/figures"
  for ((round = 0; round < rounds; ++round)); do
    if [ $((round % 2)) = 0 ]; then
      a=$(figure ours "$@")
      b=$(figure theirs "$@")
    else
      b=$(figure theirs "$@")
      a=$(figure ours "$@")
    fi
    echo "$a $b" >>"$scratch/figures"
  done
}

# median_of EXPRESSION: of both figures, $1 and $2, over the rounds.
median_of() { awk "{ print $1 }" "$scratch/figures" | median; }

# conclude LINE: removes what was made, and ends with the ratio.
conclude() {
  local effects
  effects=$(wc -l <"$scratch/effects")
  clean_up >"$scratch/timed.log" 2>&1
  echo "effects: $effects figures, each of work that was found done"
  printf '%s\n' "$1"
}

# compare_rates OPERATION…: each at 1 and 8 threads. `prepare OPERATION` and
# `ours` and `theirs OPERATION THREADS` are the script's own. Prints a line for
# each and the ratio last.
compare_rates() {
  local operation threads ours theirs ratio
  printf '%-16s %7s %12s %12s %6s\n' operation threads 'ours op/s' \
    'theirs op/s' ratio
  for operation in "$@"; do
    prepare "$operation"
    for threads in 1 8; do
      take_turns "$operation" "$threads"
      # shellcheck disable=SC2016 # Expressions of awk.
      {
        ours=$(median_of '$1')
        theirs=$(median_of '$2')
        ratio=$(median_of '$1 / $2')
      }
      printf '%-16s %7d %12.0f %12.0f %6.3f\n' "$operation" "$threads" \
        "$ours" "$theirs" "$ratio" | tee -a "$scratch/lines"
    done
  done
  ratio=$(awk '{ log_sum[$2] += log($5); n[$2]++
         if (low == "" || $5 < low) { low = $5; what = $1 ", " $2 " threads" } }
    END { printf "ratio %.3f at 1 thread, %.3f at 8 (geometric means; " \
      "lowest %.3f: %s)\n", exp(log_sum[1] / n[1]), exp(log_sum[8] / n[8]),
      low, what }' "$scratch/lines")
  conclude "$ratio"
}

# compare_reads: every read.
compare_reads() {
  # shellcheck disable=SC2086 # One word for each.
  compare_rates $reads
}

# seconds_of COMMAND…: its wall time.
seconds_of() {
  local start end
  start=$(date +%s%N)
  "$@" >"$scratch/timed.log" 2>&1
  end=$(date +%s%N)
  awk -v ns=$((end - start)) 'BEGIN { print ns / 1e9 }'
}

# sql_sections FILE SECTION…: statements of sql/FILE.sql.
sql_sections() {
  local file=$1 section
  shift
  for section in "$@"; do
    awk -v name="$section" '/^-- name: / { on = $3 == name; next }
      on && !/^--/ && NF { print; found = 1 }
      END { if (!found) exit 1; print ";" }' "$peers/../../sql/$file.sql"
  done
}

# peer_sql ENGINE SECTION…: statements of the side table's own SQL, for tables of
# the peer's: every name gets another beginning.
peer_sql() {
  local engine=$1
  shift
  sql_sections "$engine/sidetable/side_table" "$@" |
    sed "s/{prefix}/${prefix}theirs_/g"
}

# has_loaded SIDE: the check of a bulk load, with the script's `content SIDE`:
# both have to be as $expected.
has_loaded() {
  local content
  content=$(content "$1")
  [ "$content" = "$expected" ] ||
    fail "$1 left other rows (count, checksum) than it should:" \
      "${content//$'\n'/ } instead of ${expected//$'\n'/ }"
}

# compare_bulk: `ours` and `theirs` (the script's own) load the same $ops
# operations, or whatever $unit is, in turns. Prints the ratio of their rates last.
compare_bulk() {
  local ratio
  [[ $expected =~ ^"$ops"[^0-9] ]] ||
    fail "there are not $ops $unit to load, but ${expected//$'\n'/ }"
  take_turns
  awk -v ops="$ops" -v unit="$unit" '{
    print "round " NR ": ours " $1 " s, theirs " $2 " s: ours", ops / $1,
      unit "/s, theirs", ops / $2 }' "$scratch/figures"
  # shellcheck disable=SC2016 # An expression of awk.
  ratio=$(median_of '$2 / $1')
  ratio=$(printf 'ratio %.3f (median of %d rounds of %d %s)' "$ratio" \
    "$rounds" "$ops" "$unit")
  conclude "$ratio"
}
