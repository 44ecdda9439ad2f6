#!/bin/bash
# Tests that a rival which did not do its work has no ratio: each of them fails at
# once, ends half-way, or ends well without having done anything, whatever it
# reports. Every script has to say so, and `opsbench run --peers` to end with 1.
#
# Usage: failures_test.sh <root of the sources> <opsbench>
set -euo pipefail

root=$1
opsbench=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s "$root/benchmarks" "$root/sql" "$scratch/"
mkdir "$scratch/bin"

# Stands in for a rival; MODE says how it fails. The clients that also prepare and
# count fail where they load rows alone.
cat >"$scratch/bin/shim" <<'SHIM'
#!/bin/bash
name=$(basename -- "$0")
real=$(PATH=${PATH#*:} command -v "$name")
[ "$name" != pgbench ] || real=$REAL_PGBENCH
case $name in
  mariadb | psql)
    case "$*" in
      *'LOAD DATA'* | *copy*FROM* | *COPY*FROM* | *COPY*'TO STDOUT'* | \
        *load.sql* | *'SELECT * FROM opsbench_peer_'*) ;;
      *) exec "$real" "$@" ;;
    esac
    ;;
esac
echo "$name" >>"$SHIM_CALLS"
case $MODE in
  fails)
    echo "$name: cannot" >&2
    exit 1
    ;;
  half)
    "$real" "$@" | head -c 500
    exit 3
    ;;
  lies)
    cat >/dev/null </dev/null
    case $name in
      sysbench)
        printf '%s\n' '    total time:     1.0s' \
          '    total number of events:      1000000' \
          '    ignored errors:       0      (0.00 per sec.)' \
          '    reconnects:           0      (0.00 per sec.)'
        ;;
      pgbench)
        printf '%s\n' 'number of transactions actually processed: 1000000' \
          'number of failed transactions: 0 (0.000%)' 'tps = 1000000.0 (x)'
        ;;
      redis-benchmark)
        for word; do case $word in GET | SET) command=$word ;; esac; done
        printf '"%s x","1000000.00","0.1"\n' "$command"
        ;;
      psql)
        case "$*" in *load.sql*) echo 0.001 ;; esac
        ;;
    esac
    ;;
esac
SHIM
chmod +x "$scratch/bin/shim"
for name in sysbench pgbench redis-benchmark pg_dump pg_restore pgcopydb \
  mariadb psql; do
  ln -s shim "$scratch/bin/$name"
done
REAL_PGBENCH=$(find /usr/lib/postgresql ${OPSBENCH_ENGINES:+"$OPSBENCH_ENGINES"} \
  -name pgbench -type f 2>/dev/null | head -n 1)
export REAL_PGBENCH PEER_PGBENCH="$scratch/bin/pgbench"
export PATH="$scratch/bin:$PATH" SHIM_CALLS="$scratch/calls" \
  OPSBENCH_ROOT="$scratch" PEER_OPS=300 PEER_SECONDS=1 PEER_ROUNDS=1 \
  PEER_READS=exact PEER_BULK_OPS=500 PEER_BULK_ROUNDS=1 PEER_VECTORS=500
unset OPSBENCH_MYSQL_URL OPSBENCH_POSTGRES_URL OPSBENCH_REDIS_URL

scripts=$(find "$root/benchmarks/peers" -name '*_*_*.sh' ! -name '*_local_*' |
  wc -l)
for MODE in lies half fails; do
  export MODE
  : >"$SHIM_CALLS"
  status=0
  "$opsbench" run --engines mysql,postgres,redis --filter '^nothing$' --peers \
    >"$scratch/output" || status=$?
  failed=$(grep -c '^ .* failed: ' "$scratch/output" || :)
  ratios=$(grep ' ratio ' "$scratch/output" | grep -cv '_local_' || :)
  called=$(sort -u "$SHIM_CALLS" | wc -l)
  if [ "$status" != 1 ] || [ "$failed" != "$scripts" ] || [ "$ratios" != 0 ] ||
    [ "$called" -lt 7 ]; then
    echo "where rivals do this: $MODE: exit $status, $failed of $scripts failed"
    cat "$scratch/output"
    sort "$SHIM_CALLS" | uniq -c
    exit 1
  fi
done
echo 'all cases passed'
