-- What MySQL and MariaDB count themselves, for the monitor of a stress run: rows
-- of a name and a number. Names that one of the two lacks are left out.

-- name: status
SHOW GLOBAL STATUS WHERE Variable_name IN (
  'Aborted_clients', 'Aborted_connects', 'Com_commit', 'Com_delete',
  'Com_insert', 'Com_load', 'Com_rollback', 'Com_select', 'Com_update',
  'Created_tmp_disk_tables', 'Handler_commit', 'Handler_delete',
  'Handler_rollback', 'Handler_update', 'Handler_write',
  'Innodb_buffer_pool_pages_dirty', 'Innodb_buffer_pool_read_requests',
  'Innodb_buffer_pool_reads', 'Innodb_buffer_pool_wait_free',
  'Innodb_data_fsyncs', 'Innodb_data_pending_fsyncs', 'Innodb_deadlocks',
  'Innodb_log_waits', 'Innodb_os_log_written', 'Innodb_row_lock_current_waits',
  'Innodb_row_lock_time', 'Innodb_row_lock_waits', 'Questions', 'Rows_read',
  'Rows_sent', 'Slow_queries', 'Table_locks_waited', 'Threads_connected',
  'Threads_running')
