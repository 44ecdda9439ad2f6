# Sources and destinations of MySQL and MariaDB.
set(generated
  "${PROJECT_BINARY_DIR}/generated/opsbench/pipeline/mysql_sql_files.cc")
opsbench_embed_sql(OUTPUT "${generated}"
  NAMESPACE opsbench::pipeline::internal::mysql_sql
  FILES mysql/pipeline/catalog.sql mysql/pipeline/marker.sql)

# For SQLite as well.
opsbench_library(NAME pipeline_ranges
  SOURCES internal/integer_ranges.cc
  DEPS opsbench::pipeline_core)

opsbench_library(NAME pipeline_mysql
  SOURCES internal/mysql_catalog.cc internal/mysql_commit.cc
    internal/mysql_destination.cc internal/mysql_encoder.cc
    internal/mysql_native_type.cc internal/mysql_source.cc
    internal/mysql_staging.cc mysql_connectors.cc
    "${generated}"
  DEPS opsbench::base opsbench::db opsbench::pipeline_core
    opsbench::pipeline_ranges)

if(OPSBENCH_WITH_MYSQL)
  opsbench_test(NAME pipeline_mysql_connectors_test
    SOURCES mysql_connectors_test.cc LABEL integration TIMEOUT 300
    DEPS opsbench::pipeline_mysql opsbench::pipeline_random opsbench::server
      opsbench::testing)
  opsbench_test(NAME pipeline_mysql_round_trip_test
    SOURCES mysql_round_trip_test.cc LABEL integration TIMEOUT 300
    DEPS opsbench::pipeline_mysql opsbench::pipeline_random opsbench::testing)
else()
  _opsbench_remember(mysql_connectors_test.cc mysql_round_trip_test.cc)
endif()
