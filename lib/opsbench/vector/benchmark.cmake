# A measurement from configuration to result, and the searches over it.
set(redis_target_sources)
if(OPSBENCH_WITH_REDIS)
  set(redis_target_sources internal/redis_target.cc)
endif()
opsbench_library(NAME vector_benchmark
  SOURCES benchmark.cc benchmark_config.cc benchmark_report.cc
    internal/local_target.cc internal/server_target.cc ${redis_target_sources}
  HEADERS benchmark.h benchmark_config.h benchmark_report.h
  DEPS absl::optional absl::span absl::status absl::statusor absl::strings
    absl::time opsbench::base opsbench::results opsbench::vector_data
    opsbench::vector_tuner
  PRIVATE_DEPS absl::str_format opsbench::db opsbench::vector_local
    opsbench::vector_redis opsbench::vector_wire)
if(OPSBENCH_WITH_REDIS)
  target_compile_definitions(opsbench_vector_benchmark
    PRIVATE OPSBENCH_WITH_REDIS)
  target_link_libraries(opsbench_vector_benchmark PRIVATE PkgConfig::HIREDIS)
endif()

opsbench_test(NAME vector_benchmark_test SOURCES benchmark_test.cc
  DEPS opsbench::vector_benchmark)
