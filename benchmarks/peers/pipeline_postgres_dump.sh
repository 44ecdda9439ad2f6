#!/bin/bash
# A table of bench_events from one database to another of one PostgreSQL server,
# the table and its key made as well: opsbench beside pg_dump, which does not
# compress, and pg_restore.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
# shellcheck source=benchmarks/peers/clones.sh
. "$(dirname -- "$0")/clones.sh"

clone() {
  pg_dump -Fc -Z 0 --no-owner --no-acl "$source" |
    pg_restore --no-owner --no-acl -d "$target"
}

compare_clones
