# The MySQL and MariaDB adapter: the C client carries the hot paths,
# Connector/C++ the sessions that ask for it.
opsbench_library(NAME db_mysql
  SOURCES mysql_native_session.cc mysql_connector_session.cc
  DEPS opsbench::db_core
  PRIVATE_DEPS PkgConfig::MARIADB opsbench_mysqlcppconn)
