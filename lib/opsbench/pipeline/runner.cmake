# Moving rows: channel, threads, results, pipeline files, verifying, state.
opsbench_library(NAME pipeline_transfer
  SOURCES channel.cc result.cc speedup_report.cc transfer.cc
  HEADERS channel.h result.h speedup_report.h transfer.h
  DEPS absl::optional absl::status absl::statusor absl::strings
    opsbench::base opsbench::pipeline_core
  PRIVATE_DEPS absl::cleanup absl::str_format nlohmann_json::nlohmann_json)

opsbench_test(NAME channel_test SOURCES channel_test.cc
  DEPS opsbench::pipeline_transfer)
opsbench_test(NAME transfer_test SOURCES transfer_test.cc
  DEPS nlohmann_json::nlohmann_json opsbench::pipeline_transfer)

opsbench_test(NAME speedup_report_test SOURCES speedup_report_test.cc
  DEPS opsbench::pipeline_transfer)

opsbench_library(NAME pipeline_config
  SOURCES config.cc internal/yaml_reader.cc
  HEADERS config.h
  DEPS absl::optional absl::span absl::status absl::statusor absl::strings
    opsbench::pipeline_core opsbench::pipeline_transfer
  PRIVATE_DEPS opsbench::db_core yaml-cpp)

opsbench_test(NAME pipeline_config_test SOURCES config_test.cc
  DEPS opsbench::pipeline_config)

set(generated "${PROJECT_BINARY_DIR}/generated/opsbench/pipeline/sql_files.cc")
opsbench_embed_sql(OUTPUT "${generated}"
  NAMESPACE opsbench::pipeline::runner_internal
  FILES
    mysql/pipeline/bench_events.sql
    postgres/pipeline/bench_events.sql
    sqlite/pipeline/bench_events.sql
    sqlite/pipeline/state.sql)

opsbench_library(NAME pipeline_runner
  SOURCES bench_events.cc content_sum.cc runner.cc state.cc verify.cc
    "${generated}"
  HEADERS bench_events.h content_sum.h runner.h state.h verify.h
  DEPS absl::span absl::status absl::statusor absl::strings opsbench::base
    opsbench::db opsbench::pipeline_config opsbench::pipeline_core
    opsbench::pipeline_transfer
  PRIVATE_DEPS absl::int128 absl::str_format nlohmann_json::nlohmann_json)

opsbench_test(NAME content_sum_test SOURCES content_sum_test.cc
  DEPS opsbench::pipeline_random opsbench::pipeline_runner)
opsbench_test(NAME pipeline_runner_test SOURCES runner_test.cc
  DEPS opsbench::pipeline_runner opsbench::testing)
opsbench_test(NAME bench_events_test SOURCES bench_events_test.cc
  LABEL integration DEPS opsbench::pipeline_runner opsbench::testing)

# All of it, with the connectors of the engines that are built in.
opsbench_library(NAME pipeline
  SOURCES connectors.cc
  HEADERS connectors.h
  DEPS opsbench::pipeline_runner
  PRIVATE_DEPS opsbench::pipeline_sqlite)
foreach(engine MYSQL POSTGRES)
  if(OPSBENCH_WITH_${engine})
    string(TOLOWER ${engine} name)
    target_compile_definitions(opsbench_pipeline PRIVATE
      OPSBENCH_WITH_${engine})
    target_link_libraries(opsbench_pipeline PRIVATE
      opsbench::pipeline_${name})
  endif()
endforeach()

# Whole pipelines between real servers.
if(OPSBENCH_WITH_MYSQL AND OPSBENCH_WITH_POSTGRES)
  opsbench_library(NAME pipeline_every_type TESTONLY
    SOURCES internal/every_type.cc
    DEPS absl::strings opsbench::db_core)
  opsbench_test(NAME pipeline_all_pairs_test SOURCES all_pairs_test.cc
    LABEL integration TIMEOUT 600
    DEPS opsbench::pipeline opsbench::pipeline_every_type opsbench::testing)
  opsbench_test(NAME pipeline_hostile_server_test
    SOURCES hostile_server_test.cc LABEL integration TIMEOUT 300
    DEPS opsbench::pipeline opsbench::pipeline_every_type opsbench::server
      opsbench::testing)
  opsbench_test(NAME pipeline_random_tables_test SOURCES random_tables_test.cc
    LABEL integration TIMEOUT 600
    DEPS opsbench::pipeline opsbench::pipeline_random opsbench::testing)
  opsbench_test(NAME pipeline_server_loss_test SOURCES server_loss_test.cc
    LABEL integration TIMEOUT 300
    DEPS opsbench::pipeline opsbench::server opsbench::testing)
  opsbench_test(NAME pipeline_full_disk_test SOURCES full_disk_test.cc
    LABEL integration TIMEOUT 300
    DEPS opsbench::pipeline opsbench::server opsbench::testing)
  opsbench_test(NAME pipeline_shapes_test SOURCES shapes_test.cc
    LABEL integration TIMEOUT 300
    DEPS opsbench::pipeline opsbench::testing)
else()
  _opsbench_remember(all_pairs_test.cc full_disk_test.cc hostile_server_test.cc
    random_tables_test.cc
    server_loss_test.cc shapes_test.cc)
endif()

opsbench_test(NAME pipeline_hostile_file_test SOURCES hostile_file_test.cc
  LABEL integration TIMEOUT 300
  DEPS opsbench::pipeline opsbench::testing)
