# Search engines over the wire: Redis, Valkey, PostgreSQL.
set(generated "${PROJECT_BINARY_DIR}/generated/opsbench/vector/sql_files.cc")
opsbench_embed_sql(OUTPUT "${generated}"
  NAMESPACE opsbench::vector::internal
  FILES postgres/vector/pgvector.sql)

# Replies are read through the adapter of Redis.
set(redis_sources)
if(OPSBENCH_WITH_REDIS)
  set(redis_sources redis_search_index.cc redis_vector_set.cc
    internal/redis_owner.cc internal/redis_reply.cc internal/redis_rows.cc)
endif()
opsbench_library(NAME vector_wire
  SOURCES index_mark.cc pgvector_backend.cc redis_features.cc wire_backends.cc
    internal/pgvector_format.cc internal/pgvector_searcher.cc ${redis_sources}
    "${generated}"
  HEADERS index_mark.h pgvector_backend.h redis_features.h redis_search_index.h
    redis_vector_set.h wire_backends.h
  DEPS absl::optional absl::status absl::statusor absl::strings opsbench::db
    opsbench::vector_data opsbench::vector_redis
  PRIVATE_DEPS absl::span absl::str_format opsbench::base)

# Those of adapters that are left out are known all the same.
_opsbench_remember(internal/redis_owner_test.cc pgvector_backend_test.cc pgvector_replay_test.cc
  redis_index_test.cc redis_server_test.cc wire_backends_test.cc)
if(OPSBENCH_WITH_POSTGRES)
  opsbench_test(NAME vector_pgvector_replay_test
    SOURCES pgvector_replay_test.cc postgres_exchanges.cc
    DEPS opsbench::vector_wire)
  opsbench_test(NAME vector_pgvector_test SOURCES pgvector_backend_test.cc
    LABEL integration DEPS absl::time opsbench::testing opsbench::vector_wire)
  # Made fixtures/vector/replies; for who wants another server's.
  if(OPSBENCH_BUILD_TESTS)
    add_executable(pgvector_record EXCLUDE_FROM_ALL postgres_exchanges.cc
      "${PROJECT_SOURCE_DIR}/fixtures/vector/replies/record_pgvector.cc")
    _opsbench_compile_settings(pgvector_record)
    target_link_libraries(pgvector_record PRIVATE opsbench::base
      opsbench::vector_wire Threads::Threads)
  endif()
endif()
if(OPSBENCH_WITH_REDIS)
  target_compile_definitions(opsbench_vector_wire PRIVATE OPSBENCH_WITH_REDIS)
  foreach(name redis_index wire_backends)
    opsbench_test(NAME vector_${name}_test
      SOURCES redis_exchanges.cc ${name}_test.cc DEPS opsbench::vector_wire)
  endforeach()
  opsbench_test(NAME vector_redis_owner_test
    SOURCES internal/redis_owner_test.cc
    LABEL integration TIMEOUT 120
    DEPS absl::optional absl::time opsbench::server opsbench::vector_wire)
  opsbench_test(NAME vector_redis_server_test
    SOURCES redis_exchanges.cc redis_server_test.cc
    LABEL integration
    DEPS absl::time opsbench::testing opsbench::vector_wire)

  # Likewise.
  if(OPSBENCH_BUILD_TESTS)
    add_executable(replies_record EXCLUDE_FROM_ALL redis_exchanges.cc
      "${PROJECT_SOURCE_DIR}/fixtures/vector/replies/record.cc")
    _opsbench_compile_settings(replies_record)
    target_link_libraries(replies_record PRIVATE opsbench::base
      opsbench::vector_wire)
  endif()
endif()
