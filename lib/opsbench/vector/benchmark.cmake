# A measurement from configuration to result, and the searches over it.
opsbench_library(NAME vector_benchmark
  SOURCES benchmark.cc benchmark_config.cc benchmark_report.cc
    internal/local_target.cc internal/redis_target.cc internal/server_target.cc
  HEADERS benchmark.h benchmark_config.h benchmark_report.h
  DEPS absl::optional absl::span absl::status absl::statusor absl::strings
    absl::time opsbench::base opsbench::results opsbench::vector_data
    opsbench::vector_tuner
  PRIVATE_DEPS absl::str_format opsbench::db opsbench::vector_local
    opsbench::vector_redis opsbench::vector_wire PkgConfig::HIREDIS)

opsbench_test(NAME vector_benchmark_test SOURCES benchmark_test.cc
  DEPS opsbench::vector_benchmark)

# What the documentation shows is compiled and run.
_opsbench_remember(example_max_qps.cc)
if(OPSBENCH_BUILD_TESTS)
  add_executable(example_max_qps example_max_qps.cc)
  _opsbench_compile_settings(example_max_qps)
  target_link_libraries(example_max_qps PRIVATE opsbench::vector_benchmark
    absl::str_format)
  add_test(NAME vector_example COMMAND example_max_qps clusters-1k-16)
  set_tests_properties(vector_example PROPERTIES LABELS unit TIMEOUT 120
    PASS_REGULAR_EXPRESSION "Fastest of the grid")
endif()
