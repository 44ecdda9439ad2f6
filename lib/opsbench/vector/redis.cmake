# Load on servers that speak Redis's protocol, clusters among them.
set(redis_client_sources)
if(OPSBENCH_WITH_REDIS)
  set(redis_client_sources internal/redis_connection.cc internal/redis_run.cc
    internal/redis_worker.cc)
endif()
opsbench_library(NAME vector_redis
  SOURCES redis_commands.cc redis_load.cc redis_protocol.cc
    internal/redis_nodes.cc internal/slot_map.cc ${redis_client_sources}
  HEADERS redis_commands.h redis_load.h
  DEPS absl::span absl::status absl::statusor absl::strings absl::time
    opsbench::base opsbench::db opsbench::vector_data
  PRIVATE_DEPS absl::cleanup absl::synchronization Boost::headers
    Threads::Threads)

# Those of adapters that are left out are known all the same.
_opsbench_remember(redis_commands_test.cc redis_load_bench.cc
  redis_load_fault_test.cc redis_load_test.cc)
if(OPSBENCH_WITH_REDIS)
  target_compile_definitions(opsbench_vector_redis PRIVATE OPSBENCH_WITH_REDIS)
  opsbench_test(NAME vector_redis_commands_test SOURCES redis_commands_test.cc
    LABEL integration TIMEOUT 120
    DEPS opsbench::server opsbench::vector_redis)
  opsbench_test(NAME vector_redis_load_test SOURCES redis_load_test.cc
    LABEL integration TIMEOUT 120
    DEPS opsbench::server opsbench::vector_redis)
  opsbench_test(NAME vector_redis_load_fault_test
    SOURCES redis_load_fault_test.cc TIMEOUT 60
    DEPS opsbench::vector_redis)

  if(OPSBENCH_BUILD_TESTS)
    # On a main of its own: the common one lies above this floor.
    add_executable(redis_load_bench redis_load_bench.cc)
    _opsbench_compile_settings(redis_load_bench)
    target_link_libraries(redis_load_bench PRIVATE opsbench::server
      opsbench::vector_redis benchmark::benchmark Threads::Threads)
    add_test(NAME vector_redis_load_bench_smoke
      COMMAND redis_load_bench --benchmark_min_time=0.001
        "--benchmark_filter=connections:50/pipeline:16")
    set_tests_properties(vector_redis_load_bench_smoke PROPERTIES
      LABELS bench TIMEOUT 120 FAIL_REGULAR_EXPRESSION "ERROR OCCURRED")
  endif()
endif()
