#!/bin/bash
# A table of events from MySQL or MariaDB to PostgreSQL: `opsbench pipeline
# run`, and beside it what a shell offers, `mariadb --quick --batch | psql COPY`,
# into a table with the same columns, which both replace in one transaction.
# Both times are of the whole commands.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"
if [ -z "${PEER_POSTGRES_PORT:-}" ]; then
  echo 'left out: it needs PostgreSQL beside MySQL'
  exit 0
fi
ops=${PEER_BULK_OPS:-1000000} rounds=${PEER_BULK_ROUNDS:-5}
postgres_environment

cat >"$scratch/pipeline.yaml" <<YAML
version: 1
pipeline: peer_mysql_postgres
source:
  use: source-mysql
  config:
    url: \${OPSBENCH_MYSQL_URL}
  streams:
    - name: ${prefix}events
      into: ${prefix}ours
destination:
  use: dest-postgres
  config:
    url: \${OPSBENCH_POSTGRES_URL}
    load_method: copy
  write_mode: replace
YAML

run_ours() { "$OPSBENCH" pipeline run "$scratch/pipeline.yaml"; }

# The mariadb client escapes text as COPY reads it, but for NULL.
run_theirs() {
  mysql_client --quick -e "SELECT * FROM ${prefix}events" |
    psql_client --single-transaction \
      --command="TRUNCATE ${prefix}theirs" \
      --command="COPY ${prefix}theirs FROM STDIN (NULL 'NULL')"
}

ours() { seconds_of run_ours; }
theirs() { seconds_of run_theirs; }

content() { postgres_content "$prefix$1"; }
check_effect() { has_loaded "$1"; }

clean_up() {
  drop_own_postgres "${prefix}ours" "${prefix}theirs"
  drop_own_mysql "${prefix}events"
}

clean_up
"$OPSBENCH" pipeline seed --engine mysql --table "${prefix}events" --rows "$ops"
# The first run makes the table, and both sides then fill one like it.
run_ours >"$scratch/timed.log" 2>&1
{
  echo "CREATE TABLE ${prefix}theirs (LIKE ${prefix}ours INCLUDING ALL);"
  mark_postgres "${prefix}ours" "${prefix}theirs"
} | psql_client --single-transaction
expected=$(content ours)
compare_bulk
