# A measurement from configuration to result, and the searches over it.
opsbench_library(NAME vector_benchmark
  SOURCES benchmark.cc benchmark_config.cc benchmark_report.cc
    benchmark_searches.cc benchmark_settings.cc
    internal/local_target.cc internal/redis_target.cc internal/server_target.cc
  HEADERS benchmark.h benchmark_config.h benchmark_report.h
    benchmark_settings.h
  DEPS absl::optional absl::span absl::status absl::statusor absl::strings
    absl::time opsbench::base opsbench::results opsbench::vector_data
    opsbench::vector_tuner
  PRIVATE_DEPS absl::str_format opsbench::db opsbench::load
    opsbench::vector_local
    opsbench::vector_redis opsbench::vector_wire)

opsbench_test(NAME vector_benchmark_test SOURCES benchmark_test.cc
  DEPS opsbench::vector_benchmark)
_opsbench_remember(benchmark_server_test.cc redis_ownership_test.cc)
if(OPSBENCH_WITH_REDIS)
  opsbench_test(NAME vector_benchmark_server_test
    SOURCES benchmark_server_test.cc LABEL integration TIMEOUT 120
    DEPS opsbench::db opsbench::server opsbench::vector_benchmark)
  opsbench_test(NAME vector_redis_ownership_test
    SOURCES redis_exchanges.cc redis_ownership_test.cc
    LABEL integration TIMEOUT 240
    DEPS absl::optional opsbench::db opsbench::testing
      opsbench::vector_benchmark opsbench::vector_wire)
endif()
