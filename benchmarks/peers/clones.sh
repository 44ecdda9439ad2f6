#!/bin/bash
# What the pipeline's peers that make the table as well share; sourced by them
# after common.sh. `clone`, from database $source to the empty $target, is the
# script's own.
#
# shellcheck disable=SC2034,SC2154  # Of common.sh, and for it.

ops=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-5}
source=${prefix}source target=${prefix}target

postgres_environment

# postgres_url DATABASE: of the same server.
postgres_url() {
  printf '%s\n' "$OPSBENCH_POSTGRES_URL" |
    sed "s|/$PEER_POSTGRES_DATABASE\(?.*\)\{0,1\}\$|/$1\1|"
}

empty_target() {
  psql_client -d "$target" -c 'SET client_min_messages = warning' \
    -c 'DROP TABLE IF EXISTS bench_events'
  psql_client -d "$target" -c CHECKPOINT
}

ours() {
  empty_target
  seconds_of "$OPSBENCH" pipeline run "$scratch/peer.yaml"
}

theirs() {
  empty_target
  seconds_of clone
}

# content_of DATABASE: rows, a checksum and the key's columns.
content_of() {
  PGDATABASE=$1 postgres_content bench_events
  psql_client -d "$1" -c "SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'bench_events'::regclass AND contype = 'p'"
}
content() { content_of "$target"; }
check_effect() { has_loaded "$1"; }

clean_up() {
  local database foreign
  for database in "$source" "$target"; do
    foreign=$(psql_client -c "SELECT 'database ' || datname FROM pg_database
      WHERE datname = '$database'
      AND shobj_description(oid, 'pg_database') IS DISTINCT FROM '$mark'")
    refuse_foreign "$foreign"
  done
  for database in "$source" "$target"; do
    psql_client -c 'SET client_min_messages = warning' \
      -c "DROP DATABASE IF EXISTS $database WITH (FORCE)"
  done
}

# compare_clones: the ratio last, the databases gone.
compare_clones() {
  local database
  clean_up
  for database in "$source" "$target"; do
    psql_client -c "CREATE DATABASE $database"
    psql_client -c "COMMENT ON DATABASE $database IS '$mark'"
  done
  PEER_SOURCE_URL=$(postgres_url "$source")
  PEER_TARGET_URL=$(postgres_url "$target")
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
  expected=$(content_of "$source")
  compare_bulk
}
