#!/bin/sh
# A table of bench_events from one database to another of one PostgreSQL server,
# the table and its key made as well: opsbench beside pgcopydb.
set -eu
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
# shellcheck source=benchmarks/peers/clones.sh
. "$(dirname -- "$0")/clones.sh"

clone() {
  rm -rf "$scratch/pgcopydb"
  pgcopydb clone --source dbname=peer_source --target dbname=peer_target \
    --dir "$scratch/pgcopydb" --no-owner --no-acl --skip-extensions
}

compare_clones
