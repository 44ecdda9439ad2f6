# Sources and destinations of SQLite.
set(generated
  "${PROJECT_BINARY_DIR}/generated/opsbench/pipeline/sqlite_sql_files.cc")
opsbench_embed_sql(OUTPUT "${generated}"
  NAMESPACE opsbench::pipeline::internal::sqlite_sql
  FILES sqlite/pipeline/catalog.sql)

opsbench_library(NAME pipeline_sqlite
  SOURCES internal/sqlite_destination.cc internal/sqlite_source.cc
    internal/sqlite_types.cc sqlite_connectors.cc "${generated}"
  DEPS opsbench::base opsbench::db opsbench::pipeline_core
    opsbench::pipeline_ranges)

opsbench_test(NAME pipeline_sqlite_connectors_test
  SOURCES sqlite_connectors_test.cc TIMEOUT 300
  DEPS opsbench::pipeline_random opsbench::pipeline_sqlite opsbench::testing)
