#!/bin/sh
# Runs every peer's script once, on little data and for a moment: that they work
# and print their ratios, not what the ratios are.
#
# Usage: smoke_test.sh <root of the sources> <opsbench>
set -eu

root=$1
opsbench=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s "$root/benchmarks" "$scratch/benchmarks"
scripts=$(find "$root/benchmarks/peers" -name '*_*_*.sh' | wc -l)
[ "$scripts" -ge 4 ]

export OPSBENCH_ROOT="$scratch" PEER_OPS=2000 PEER_SECONDS=1 PEER_ROUNDS=1 \
  PEER_READS='latest_l3 count_24h' PEER_BULK_OPS=5000 PEER_BULK_ROUNDS=1 \
  PEER_VECTORS=2000
unset OPSBENCH_MYSQL_URL OPSBENCH_POSTGRES_URL OPSBENCH_REDIS_URL
status=0
"$opsbench" run --engines mysql,postgres,redis --filter '^nothing$' --peers \
  >"$scratch/output" || status=$?
cat "$scratch/output"
[ "$status" = 0 ] || cat "$scratch"/.opsbench/runs/*/peers/*.stderr
ratios=$(grep -c 'ratio [0-9]' "$scratch/output")
[ "$status" = 0 ] && [ "$ratios" = "$scripts" ]
