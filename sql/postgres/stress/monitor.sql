-- What PostgreSQL counts itself, for the monitor of a stress run. Each query
-- returns one row; a column's name becomes that of a figure.

-- name: database
SELECT
  SUM(xact_commit)::BIGINT AS commits,
  SUM(xact_rollback)::BIGINT AS rollbacks,
  SUM(blks_read)::BIGINT AS blocks_read,
  SUM(blks_hit)::BIGINT AS blocks_hit,
  SUM(tup_returned)::BIGINT AS rows_returned,
  SUM(tup_fetched)::BIGINT AS rows_fetched,
  SUM(tup_inserted)::BIGINT AS rows_inserted,
  SUM(tup_updated)::BIGINT AS rows_updated,
  SUM(tup_deleted)::BIGINT AS rows_deleted,
  SUM(conflicts)::BIGINT AS conflicts,
  SUM(deadlocks)::BIGINT AS deadlocks,
  SUM(temp_files)::BIGINT AS temp_files,
  SUM(temp_bytes)::BIGINT AS temp_bytes
FROM pg_stat_database

-- name: sessions
SELECT
  COUNT(*) AS sessions,
  COUNT(*) FILTER (WHERE state = 'active') AS sessions_active,
  COUNT(*) FILTER (WHERE state = 'active' AND wait_event IS NOT NULL)
    AS sessions_waiting,
  COUNT(*) FILTER (WHERE wait_event_type = 'Lock')
    AS sessions_waiting_for_locks,
  COUNT(*) FILTER (WHERE state LIKE 'idle in transaction%')
    AS sessions_idle_in_transaction
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()

-- name: checkpoints
SELECT
  checkpoints_timed,
  checkpoints_req AS checkpoints_requested,
  buffers_checkpoint,
  buffers_clean,
  buffers_alloc AS buffers_allocated
FROM pg_stat_bgwriter

-- In version 17 a view of their own came.
-- name: checkpoints_17
SELECT
  c.num_timed AS checkpoints_timed,
  c.num_requested AS checkpoints_requested,
  c.buffers_written AS buffers_checkpoint,
  b.buffers_clean,
  b.buffers_alloc AS buffers_allocated
FROM pg_stat_checkpointer AS c CROSS JOIN pg_stat_bgwriter AS b
