-- What a result has to say of the server it was measured on.

-- name: version
SELECT CONCAT(@@version_comment, ' ', @@version)

-- name: settings
SHOW GLOBAL VARIABLES WHERE Variable_name IN (
  'innodb_buffer_pool_size', 'innodb_doublewrite',
  'innodb_flush_log_at_trx_commit', 'innodb_flush_method',
  'innodb_log_file_size', 'innodb_redo_log_capacity', 'log_bin',
  'max_connections', 'performance_schema', 'query_cache_type', 'sync_binlog',
  'thread_handling', 'transaction_isolation', 'tx_isolation')
