-- What a result has to say of the server it was measured on.

-- name: version
SELECT 'PostgreSQL ' || current_setting('server_version')

-- What is set for the role or the database is listed as well, whatever it is.
-- name: settings
SELECT name, setting || coalesce(unit, '') FROM pg_settings
WHERE name IN (
  'autovacuum', 'checkpoint_timeout', 'default_transaction_isolation',
  'effective_cache_size', 'fsync', 'full_page_writes', 'jit',
  'max_connections', 'max_wal_size', 'random_page_cost', 'shared_buffers',
  'synchronous_commit', 'wal_buffers', 'wal_level', 'work_mem')
  OR source IN ('database', 'user', 'database user')
ORDER BY name
