set(monitor_sql
  "${PROJECT_BINARY_DIR}/generated/opsbench/stress/monitor_sql_files.cc")
opsbench_embed_sql(OUTPUT "${monitor_sql}"
  NAMESPACE opsbench::stress::internal::monitor_sql
  FILES
    mysql/stress/monitor.sql
    postgres/stress/monitor.sql)
opsbench_library(NAME stress_monitor
  SOURCES hyperd_log.cc internal/engine_figures.cc internal/monitor_record.cc
    internal/monitor_sources.cc monitor.cc "${monitor_sql}"
  HEADERS hyperd_log.h monitor.h
  DEPS opsbench::db opsbench::server
  PRIVATE_DEPS opsbench::base absl::str_format nlohmann_json::nlohmann_json
    Threads::Threads)

opsbench_test(NAME hyperd_log_test SOURCES hyperd_log_test.cc
  DEPS opsbench::stress_monitor)
opsbench_test(NAME monitor_record_test SOURCES internal/monitor_record_test.cc
  DEPS opsbench::stress_monitor)
_opsbench_remember(monitor_test.cc)
if(OPSBENCH_WITH_MYSQL AND OPSBENCH_WITH_POSTGRES)
  opsbench_test(NAME monitor_test SOURCES monitor_test.cc
    DEPS opsbench::stress_monitor
    LABEL integration)
endif()
