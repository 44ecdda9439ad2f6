# The MySQL and MariaDB adapter: the C client carries the hot paths,
# Connector/C++ the sessions that ask for it.
opsbench_library(NAME db_mysql
  SOURCES internal/mysql_bulk.cc internal/mysql_errors.cc
    internal/mysql_statement.cc internal/mysql_time.cc
    mysql_connector_session.cc mysql_native_session.cc
  DEPS opsbench::db_core
  PRIVATE_DEPS PkgConfig::MARIADB opsbench_mysqlcppconn)
