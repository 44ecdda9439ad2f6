#!/bin/sh
# What the peers' scripts share; sourced by them. `opsbench run --peers` sets
# OPSBENCH (the program), OPSBENCH_<ENGINE>_URL, and PEER_<ENGINE>_HOST, _PORT,
# _SOCKET, _USER, _PASSWORD and _DATABASE.
#

: "${OPSBENCH:?is set by opsbench run --peers}"
ops=${PEER_OPS:-200000}       # In the tables.
seconds=${PEER_SECONDS:-2}    # Of one measurement.
rounds=${PEER_ROUNDS:-5}      # Both sides measure in turns; odd: the median.
distinct=${PEER_REQUESTS:-100}
unit=operations
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Each read of the mixes A to D.
reads=${PEER_READS:-latest_l1 latest_l2 latest_l3 latest_l4 latest_l5
latest_l3_cold latest_offset exact count_24h error_rate}

# PostgreSQL's own variables, for its own programs.
postgres_environment() {
  export PGHOST="$PEER_POSTGRES_HOST" PGPORT="$PEER_POSTGRES_PORT" \
    PGUSER="$PEER_POSTGRES_USER" PGPASSWORD="$PEER_POSTGRES_PASSWORD" \
    PGDATABASE="$PEER_POSTGRES_DATABASE"
  if [ -n "$PEER_POSTGRES_SOCKET" ]; then
    PGHOST=$(dirname -- "$PEER_POSTGRES_SOCKET")
  fi
}

# Sets `pgbench`. Debian has it beside the server; the one on PATH looks for that
# server.
find_pgbench() {
  pgbench=
  usual=$IFS
  IFS=:
  # shellcheck disable=SC2086 # Folders with colons between.
  set -- ${OPSBENCH_ENGINES:-}
  IFS=$usual
  for folder in "$@" ''; do
    for found in "$folder"/usr/lib/postgresql/*/bin/pgbench; do
      [ ! -x "$found" ] || pgbench=$found
    done
  done
  : "${pgbench:=pgbench}"
}

# run_pgbench CLIENTS THREADS FLAG…: transactions per second.
run_pgbench() {
  clients=$1 jobs=$2
  shift 2
  "$pgbench" -n -M prepared -c "$clients" -j "$jobs" -T "$seconds" "$@" \
    >"$scratch/theirs.log" 2>"$scratch/theirs.stderr" || {
    cat "$scratch/theirs.stderr" >&2
    exit 1
  }
  sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$scratch/theirs.log"
}

# The median of the numbers on standard input, one a line.
median() {
  sort -g | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

# read_requests ENGINE OPERATION: those that both sides ask, to a file.
read_requests() {
  "$OPSBENCH" sidetable requests --engine "$1" --mix "$2" \
    --distinct "$distinct" >"$scratch/requests"
}

# read_rate ENGINE OPERATION THREADS: operations per second by opsbench.
read_rate() {
  "$OPSBENCH" sidetable run --engine "$1" --mix "$2" --workers "$3" \
    --distinct "$distinct" --seconds "$seconds" --warmup 0 \
    --out "$scratch/ours.json" >"$scratch/ours.log"
  counter operations_per_second
}

# stress_bench NAME FLAG…: measures "Stress/<NAME>" alone.
stress_bench() {
  name=$1
  shift
  "$(dirname -- "$OPSBENCH")/stress_bench" --engines=postgres \
    --benchmark_filter="^Stress/$name/" --benchmark_out_format=json \
    --benchmark_out="$scratch/ours.json" "$@" >"$scratch/ours.log" 2>&1 || {
    cat "$scratch/ours.log" >&2
    exit 1
  }
}

# counter NAME: the first one of what opsbench has measured last.
counter() {
  sed -n "s/.*\"$1\": *\([0-9.e+]*\).*/\1/p" "$scratch/ours.json" | head -n 1
}

# compare_rates OPERATION…: each at 1 and 8 threads, both sides in turns, who
# begins changing each round. `prepare OPERATION`, `ours OPERATION THREADS` and
# `theirs THREADS OPERATION` are the script's own. Prints a line for each and the
# ratio last.
compare_rates() {
  printf '%-16s %7s %12s %12s %6s\n' operation threads 'ours op/s' \
    'theirs op/s' ratio
  for operation in "$@"; do
    prepare "$operation"
    for threads in 1 8; do
      : >"$scratch/rates"
      round=0
      while [ "$round" -lt "$rounds" ]; do
        if [ $((round % 2)) = 0 ]; then
          a=$(ours "$operation" "$threads")
          b=$(theirs "$threads" "$operation")
        else
          b=$(theirs "$threads" "$operation")
          a=$(ours "$operation" "$threads")
        fi
        echo "$a $b" >>"$scratch/rates"
        round=$((round + 1))
      done
      ratio=$(awk '{ print $1 / $2 }' "$scratch/rates" | median)
      printf '%-16s %7d %12.0f %12.0f %6.3f\n' "$operation" "$threads" \
        "$(awk '{ print $1 }' "$scratch/rates" | median)" \
        "$(awk '{ print $2 }' "$scratch/rates" | median)" "$ratio" |
        tee -a "$scratch/lines"
    done
  done
  awk '{ log_sum[$2] += log($5); n[$2]++
         if (low == "" || $5 < low) { low = $5; what = $1 ", " $2 " threads" } }
    END { printf "ratio %.3f at 1 thread, %.3f at 8 (geometric means; " \
      "lowest %.3f: %s)\n", exp(log_sum[1] / n[1]), exp(log_sum[8] / n[8]),
      low, what }' "$scratch/lines"
}

# compare_reads: every read.
compare_reads() {
  # shellcheck disable=SC2086 # One word for each.
  compare_rates $reads
}

# seconds_of COMMAND…: its wall time.
seconds_of() {
  start=$(date +%s%N)
  "$@" >"$scratch/timed.log" 2>&1 || {
    cat "$scratch/timed.log" >&2
    exit 1
  }
  end=$(date +%s%N)
  awk -v ns=$((end - start)) 'BEGIN { print ns / 1e9 }'
}

# sql_sections FILE SECTION…: statements of sql/FILE.sql.
sql_sections() {
  file=$1
  shift
  for section in "$@"; do
    awk -v name="$section" '/^-- name: / { on = $3 == name; next }
      on && !/^--/ && NF { print; found = 1 }
      END { if (found) print ";" }' \
      "$(dirname -- "$0")/../../sql/$file.sql"
  done
}

# peer_sql ENGINE SECTION…: statements of the side table's own SQL, for tables of
# the peer's: every name gets another beginning.
peer_sql() {
  engine=$1
  shift
  sql_sections "$engine/sidetable/side_table" "$@" |
    sed 's/{prefix}/peer_/g'
}

# compare_bulk: `load_ours` and `load_theirs` (the script's own) load the same $ops
# operations, or whatever $unit is, in turns. Prints the ratio of their rates last.
compare_bulk() {
  : >"$scratch/times"
  round=0
  while [ "$round" -lt "$rounds" ]; do
    if [ $((round % 2)) = 0 ]; then
      a=$(load_ours)
      b=$(load_theirs)
    else
      b=$(load_theirs)
      a=$(load_ours)
    fi
    echo "$a $b" >>"$scratch/times"
    echo "round $((round + 1)): ours $a s, theirs $b s"
    round=$((round + 1))
  done
  awk -v ops="$ops" -v unit="$unit" \
    '{ print "ours", ops / $1, unit "/s, theirs", ops / $2 }' "$scratch/times"
  printf 'ratio %.3f (median of %d rounds of %d %s)\n' \
    "$(awk '{ print $2 / $1 }' "$scratch/times" | median)" "$rounds" "$ops" \
    "$unit"
}
