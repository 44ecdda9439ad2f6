#!/bin/sh
# What the pipeline's peers that make the table as well share; sourced by them
# after common.sh. `clone`, from database peer_source to the empty peer_target,
# is the script's own.
#
# shellcheck disable=SC2034,SC2154  # Of common.sh, and for it.

ops=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-5}

postgres_environment

sql() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }

# postgres_url DATABASE: of the same server.
postgres_url() {
  printf '%s\n' "$OPSBENCH_POSTGRES_URL" |
    sed "s|/$PEER_POSTGRES_DATABASE\(?.*\)\{0,1\}\$|/$1\1|"
}

empty_target() {
  sql -d peer_target -c 'DROP TABLE IF EXISTS bench_events' -c CHECKPOINT \
    2>"$scratch/log"
}

load_ours() {
  empty_target
  seconds_of "$OPSBENCH" pipeline run "$scratch/peer.yaml"
}

load_theirs() {
  empty_target
  seconds_of clone
}

# compare_clones: the ratio last, the databases gone.
compare_clones() {
  for database in peer_source peer_target; do
    sql -c "DROP DATABASE IF EXISTS $database" 2>"$scratch/log"
    sql -c "CREATE DATABASE $database"
  done
  PEER_SOURCE_URL=$(postgres_url peer_source)
  PEER_TARGET_URL=$(postgres_url peer_target)
  export PEER_SOURCE_URL PEER_TARGET_URL
  "$OPSBENCH" pipeline seed --url "$PEER_SOURCE_URL" --rows "$ops"
  cat >"$scratch/peer.yaml" <<'YAML'
version: 1
pipeline: peer
source:
  use: source-postgres
  config:
    url: ${PEER_SOURCE_URL}
  streams:
    - name: bench_events
destination:
  use: dest-postgres
  config:
    url: ${PEER_TARGET_URL}
    load_method: copy
  write_mode: append
YAML
  compare_bulk >"$scratch/compared"
  sql -c 'DROP DATABASE peer_source' -c 'DROP DATABASE peer_target'
  cat "$scratch/compared"
}
