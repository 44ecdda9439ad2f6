# The test that runs every command and benchmark beside foreign things, once for
# each engine. Included where _opsbench_cli_test() is.

_opsbench_cli_test(untouched_test TIMEOUT 120
  DEPS absl::strings opsbench::db opsbench::server
  ARGS "--gtest_filter=Untouched.*")
if(TARGET untouched_test)
  target_sources(untouched_test PRIVATE untouched/watched_redis.cc
    untouched/watched_server.cc)
  target_include_directories(untouched_test
    PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_compile_definitions(untouched_test PRIVATE
    "OPSBENCH_BUILD=\"${PROJECT_BINARY_DIR}\""
    "OPSBENCH_SOURCE=\"${PROJECT_SOURCE_DIR}\"")
  add_dependencies(untouched_test memtable_bench persister_bench pipeline_bench
    redis_load_bench sidetable_bench stress_bench vector_bench)
  foreach(engine sqlite mysql postgres redis)
    add_test(NAME untouched_${engine}
      COMMAND untouched_test "--gtest_filter=*_${engine}:*/${engine}")
    set_tests_properties(untouched_${engine} PROPERTIES
      LABELS integration TIMEOUT 1800)
  endforeach()
endif()
