# The MySQL and MariaDB adapter: the C client carries the hot paths,
# Connector/C++ the sessions that ask for it.
opsbench_library(NAME db_mysql
  SOURCES internal/mysql_bulk.cc internal/mysql_errors.cc
    internal/mysql_load_text.cc internal/mysql_server.cc
    internal/mysql_statement.cc internal/mysql_stream.cc
    internal/mysql_time.cc internal/mysql_types.cc
    mysql_connector_session.cc mysql_native_session.cc
  DEPS opsbench::db_core
  PRIVATE_DEPS PkgConfig::MARIADB opsbench_mysqlcppconn absl::synchronization)

opsbench_test(NAME mysql_errors_test SOURCES internal/mysql_errors_test.cc
  DEPS opsbench::db_mysql)
opsbench_test(NAME mysql_time_test SOURCES internal/mysql_time_test.cc
  DEPS opsbench::db_mysql absl::time)
opsbench_test(NAME mysql_load_text_test
  SOURCES internal/mysql_load_text_test.cc
  DEPS opsbench::db_mysql)
opsbench_test(NAME mysql_session_test SOURCES mysql_session_test.cc
  DEPS opsbench::db opsbench::server opsbench::testing
  LABEL integration)
opsbench_test(NAME mysql_bulk_test SOURCES mysql_bulk_test.cc
  DEPS opsbench::db opsbench::server opsbench::testing
  LABEL integration)
opsbench_test(NAME mysql_stream_test SOURCES mysql_stream_test.cc
  DEPS opsbench::db opsbench::server opsbench::testing
  LABEL integration)
