# Load on servers that speak Redis's protocol, clusters among them.
set(redis_client_sources)
set(redis_client_libraries)
if(OPSBENCH_WITH_REDIS)
  set(redis_client_sources internal/redis_connection.cc internal/redis_reader.cc
    internal/redis_run.cc internal/redis_worker.cc)
  set(redis_client_libraries PkgConfig::HIREDIS)
endif()
opsbench_library(NAME vector_redis
  SOURCES redis_commands.cc redis_load.cc redis_protocol.cc
    internal/slot_map.cc ${redis_client_sources}
  HEADERS redis_commands.h redis_load.h
  DEPS absl::span absl::status absl::statusor absl::strings absl::time
    opsbench::base opsbench::db opsbench::vector_data
  PRIVATE_DEPS absl::cleanup absl::synchronization Boost::headers
    Threads::Threads ${redis_client_libraries})

# Those of adapters that are left out are known all the same.
_opsbench_remember(redis_load_fault_test.cc
  redis_load_test.cc)
if(OPSBENCH_WITH_REDIS)
  target_compile_definitions(opsbench_vector_redis PRIVATE OPSBENCH_WITH_REDIS)
  opsbench_test(NAME vector_redis_load_test SOURCES redis_load_test.cc
    LABEL integration TIMEOUT 120
    DEPS opsbench::server opsbench::vector_redis PkgConfig::HIREDIS)
  opsbench_test(NAME vector_redis_load_fault_test
    SOURCES redis_load_fault_test.cc TIMEOUT 60
    DEPS opsbench::vector_redis PkgConfig::HIREDIS)
endif()
