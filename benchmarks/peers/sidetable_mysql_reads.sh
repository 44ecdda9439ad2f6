#!/bin/bash
# Each read of the mixes on one MySQL or MariaDB server: opsbench beside
# sysbench, which executes the same prepared statement with the same arguments,
# drawn from the same list, in a closed loop at 1 and 8 threads.
#
# sysbench stores each result and does not look at it; opsbench decodes every
# row.
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"

clean_up() { drop_own_mysql; }

clean_up
"$OPSBENCH" sidetable seed --peers --engine mysql --ops "$ops"

ours() { read_rate mysql "$@"; }

executions() {
  mysql_client -e "SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'" | cut -f 2
}
check_effect() { executed_all "$1"; }

# The list of requests as a Lua script.
prepare() {
  read_requests mysql "$1"
  awk -F '\t' '
    NR == 1 { printf "local sql = [[%s]]\nlocal requests = {\n", $0; next }
    { printf "  {"
      for (i = 1; i <= NF; ++i) printf "%s, ", $i ~ /^[0-9]+$/ ? $i : "\"" $i "\""
      print "}," }
    END { print "}" }' "$scratch/requests" >"$scratch/peer.lua"
  cat >>"$scratch/peer.lua" <<'LUA'

local connection, statement, parameters

function thread_init()
  connection = sysbench.sql.driver():connect()
  statement = connection:prepare(sql)
  parameters = {}
  for i, value in ipairs(requests[1]) do
    if type(value) == "number" then
      parameters[i] = statement:bind_create(sysbench.sql.type.INT)
    else
      parameters[i] = statement:bind_create(sysbench.sql.type.VARCHAR, 191)
    end
  end
  statement:bind_param(unpack(parameters))
end

function event()
  local request = requests[sysbench.rand.uniform(1, #requests)]
  for i, value in ipairs(request) do parameters[i]:set(value) end
  local result = statement:execute()
  result:free()
end

function thread_done()
  statement:close()
  connection:disconnect()
end
LUA
}

# theirs OPERATION THREADS
theirs() {
  local trouble
  local -a server
  if [ -n "$PEER_MYSQL_SOCKET" ]; then
    server=(--mysql-socket="$PEER_MYSQL_SOCKET")
  else
    server=(--mysql-host="$PEER_MYSQL_HOST" --mysql-port="$PEER_MYSQL_PORT")
  fi
  sysbench "$scratch/peer.lua" --db-driver=mysql "${server[@]}" \
    --mysql-user="$PEER_MYSQL_USER" --mysql-password="$PEER_MYSQL_PASSWORD" \
    --mysql-db="$PEER_MYSQL_DATABASE" --threads="$2" --time="$seconds" \
    --events=0 run >"$scratch/timed.log" 2>&1
  trouble=$(awk '/(ignored errors|reconnects):/ { sum += $(NF - 2) }
    END { print sum + 0 }' "$scratch/timed.log")
  [ "$trouble" = 0 ] || fail "sysbench: $trouble ignored errors and reconnects"
  awk '/total number of events:/ { print $5 }' "$scratch/timed.log" \
    >"$scratch/done"
  awk '/total time:/ { sub("s", "", $3); time = $3 }
    /total number of events:/ { events = $5 }
    END { if (time > 0) print events / time }' "$scratch/timed.log"
}

compare_reads
