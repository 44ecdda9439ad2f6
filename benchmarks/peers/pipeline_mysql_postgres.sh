#!/bin/sh
# A table of bench_events from MySQL or MariaDB to PostgreSQL: `opsbench pipeline
# run`, and beside it what a shell offers, `mariadb --quick --batch | psql COPY`,
# into a table with the same columns, which both replace in one transaction.
# Both times are of the whole commands.
set -eu
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
if [ -z "${PEER_POSTGRES_PORT:-}" ]; then
  echo 'left out: it needs PostgreSQL beside MySQL'
  exit 0
fi
ops=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-5}
postgres_environment

client() {
  MYSQL_PWD=$PEER_MYSQL_PASSWORD mariadb --no-defaults \
    ${PEER_MYSQL_SOCKET:+--socket="$PEER_MYSQL_SOCKET"} \
    --host="${PEER_MYSQL_HOST:-127.0.0.1}" --port="$PEER_MYSQL_PORT" \
    --user="$PEER_MYSQL_USER" "$PEER_MYSQL_DATABASE" "$@"
}

psql_quietly() {
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "$@"
}

cat >"$scratch/pipeline.yaml" <<'YAML'
version: 1
pipeline: peer_mysql_postgres
source:
  use: source-mysql
  config:
    url: ${OPSBENCH_MYSQL_URL}
  streams:
    - name: bench_events
      into: bench_events_ours
destination:
  use: dest-postgres
  config:
    url: ${OPSBENCH_POSTGRES_URL}
    load_method: copy
  write_mode: replace
YAML

run_ours() {
  "$OPSBENCH" pipeline run "$scratch/pipeline.yaml"
}

# The mariadb client escapes text as COPY reads it, but for NULL.
run_theirs() {
  client --quick --batch --skip-column-names \
    -e 'SELECT * FROM bench_events' |
    psql_quietly --single-transaction \
      --command='TRUNCATE bench_events_theirs' \
      --command="COPY bench_events_theirs FROM STDIN (NULL 'NULL')"
}

load_ours() { seconds_of run_ours; }
load_theirs() { seconds_of run_theirs; }

drop_tables() {
  psql_quietly --command="SET client_min_messages = warning" \
    --command='DROP TABLE IF EXISTS bench_events_ours, bench_events_theirs'
}

"$OPSBENCH" pipeline seed --engine mysql --rows "$ops" --fresh \
  >"$scratch/seed.log"
drop_tables
# The first run makes the table, and both sides then fill one like it.
run_ours >"$scratch/first.log"
psql_quietly \
  --command='CREATE TABLE bench_events_theirs (LIKE bench_events_ours INCLUDING ALL)'
run_theirs
differences=$(psql_quietly --tuples-only --no-align --command='
  SELECT COUNT(*) FROM (
    (TABLE bench_events_ours EXCEPT ALL TABLE bench_events_theirs) UNION ALL
    (TABLE bench_events_theirs EXCEPT ALL TABLE bench_events_ours)) AS d')
if [ "$differences" != 0 ]; then
  echo "the two copies differ in $differences rows" >&2
  exit 1
fi
compare_bulk
drop_tables
client -e 'DROP TABLE bench_events'
