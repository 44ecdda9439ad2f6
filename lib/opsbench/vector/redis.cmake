# Load on servers that speak Redis's protocol, clusters among them.
opsbench_library(NAME vector_redis
  SOURCES redis_commands.cc redis_load.cc redis_protocol.cc
    internal/redis_connection.cc internal/redis_reader.cc
    internal/redis_worker.cc internal/slot_map.cc
  HEADERS redis_commands.h redis_load.h
  DEPS absl::span absl::status absl::statusor absl::strings absl::time
    opsbench::base opsbench::db opsbench::vector_data
  PRIVATE_DEPS absl::cleanup absl::synchronization Boost::headers
    PkgConfig::HIREDIS
    Threads::Threads)

opsbench_test(NAME vector_redis_load_test SOURCES redis_load_test.cc
  LABEL integration TIMEOUT 120
  DEPS opsbench::server opsbench::vector_redis PkgConfig::HIREDIS)
