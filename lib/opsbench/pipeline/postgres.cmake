# PostgreSQL's source and destination.
set(generated
  "${PROJECT_BINARY_DIR}/generated/opsbench/pipeline/postgres_sql_files.cc")
opsbench_embed_sql(OUTPUT "${generated}"
  NAMESPACE opsbench::pipeline::postgres
  FILES
    postgres/pipeline/catalogue.sql
    postgres/pipeline/marker.sql
    postgres/pipeline/swap.sql)

opsbench_library(NAME pipeline_postgres
  SOURCES internal/postgres_copy_writer.cc internal/postgres_decode.cc
    internal/postgres_encode.cc internal/postgres_insert_writer.cc
    internal/postgres_numeric.cc internal/postgres_prepare.cc
    internal/postgres_query.cc internal/postgres_table.cc
    internal/postgres_target.cc postgres_connectors.cc postgres_destination.cc
    postgres_source.cc "${generated}"
  DEPS opsbench::db opsbench::pipeline_core
  PRIVATE_DEPS absl::cord)

opsbench_test(NAME pipeline_postgres_round_trip_test
  SOURCES postgres_round_trip_test.cc
  LABEL integration TIMEOUT 600
  DEPS opsbench::pipeline_postgres opsbench::pipeline_random opsbench::testing)
opsbench_test(NAME pipeline_postgres_destination_test
  SOURCES postgres_destination_test.cc
  LABEL integration TIMEOUT 300
  DEPS opsbench::pipeline_postgres opsbench::server opsbench::testing)
opsbench_test(NAME pipeline_postgres_source_test
  SOURCES postgres_source_test.cc
  LABEL integration TIMEOUT 300
  DEPS opsbench::pipeline_postgres opsbench::server opsbench::testing)
opsbench_test(NAME pipeline_postgres_decode_test
  SOURCES internal/postgres_decode_test.cc
  DEPS opsbench::pipeline_postgres)
