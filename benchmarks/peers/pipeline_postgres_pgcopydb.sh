#!/bin/bash
# A table of bench_events from one database to another of one PostgreSQL server,
# the table and its key made as well: opsbench beside pgcopydb.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
# shellcheck source=benchmarks/peers/clones.sh
. "$(dirname -- "$0")/clones.sh"

clone() {
  rm -rf "$scratch/pgcopydb"
  # When it fails it ends its whole process group, which would be ours as well.
  setsid --wait pgcopydb clone --source dbname="$source" --target dbname="$target" \
    --dir "$scratch/pgcopydb" --no-owner --no-acl --skip-extensions
}

compare_clones
