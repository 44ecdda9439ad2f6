-- What a result has to say of the server it was measured on.

-- name: version
SELECT CONCAT(IF(@@version LIKE '%MariaDB%', 'MariaDB ', 'MySQL '), @@version)

-- Of a session as opsbench's are: what it sets itself has its value here.
-- name: settings
SHOW SESSION VARIABLES WHERE Variable_name IN (
  'auto_increment_increment', 'auto_increment_offset', 'binlog_format',
  'innodb_autoinc_lock_mode', 'innodb_buffer_pool_size', 'innodb_doublewrite',
  'innodb_flush_log_at_trx_commit', 'innodb_flush_method',
  'innodb_lock_wait_timeout', 'innodb_log_file_size',
  'innodb_redo_log_capacity', 'log_bin', 'max_connections',
  'performance_schema', 'query_cache_type', 'sync_binlog', 'thread_handling',
  'transaction_isolation', 'tx_isolation', 'wsrep_on')
