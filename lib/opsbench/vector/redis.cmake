# Load on servers that speak Redis's protocol, clusters among them. Without its
# client library only what is said of commands is left.
set(redis_load_sources)
if(OPSBENCH_WITH_REDIS)
  set(redis_load_sources redis_load.cc internal/redis_connection.cc
    internal/redis_worker.cc internal/slot_map.cc)
endif()
opsbench_library(NAME vector_redis
  SOURCES redis_commands.cc redis_protocol.cc ${redis_load_sources}
  HEADERS redis_commands.h redis_load.h
  DEPS absl::span absl::status absl::statusor absl::strings absl::time
    opsbench::base opsbench::db opsbench::vector_data
  PRIVATE_DEPS absl::cleanup absl::synchronization Threads::Threads)

_opsbench_remember(redis_load_test.cc)
if(OPSBENCH_WITH_REDIS)
  target_link_libraries(opsbench_vector_redis PRIVATE PkgConfig::HIREDIS)
  opsbench_test(NAME vector_redis_load_test SOURCES redis_load_test.cc
    LABEL integration TIMEOUT 120
    DEPS opsbench::server opsbench::vector_redis)
endif()
