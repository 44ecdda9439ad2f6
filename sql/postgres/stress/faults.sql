-- How a reset finds a simulated user's connection and ends it
-- (lib/opsbench/stress/faults.h), for PostgreSQL.

-- Of the asking session's own user, in the order in which they were made.
-- name: connections
SELECT pid, datname
FROM pg_stat_activity
WHERE backend_type = 'client backend'
  AND usename = current_user
  AND pid <> pg_backend_pid()
  AND starts_with(datname, :prefix)
ORDER BY backend_start, pid

-- False when it is gone already.
-- name: terminate
SELECT CAST(pg_terminate_backend({connection}) AS INTEGER)
