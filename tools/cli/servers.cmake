# `opsbench servers`, its test, and the ctest fixture that keeps real servers up
# while integration tests and benchmarks run. Included where opsbench_cli is
# declared.

target_sources(opsbench_cli PRIVATE env_file.cc kept_servers.cc servers.cc)
target_link_libraries(opsbench_cli PRIVATE opsbench::server opsbench::db_core
  nlohmann_json::nlohmann_json)

if(OPSBENCH_BUILD_TESTS)
  set(servers_state "${OPSBENCH_TEST_SERVERS}.json")
  add_test(NAME servers_up
    COMMAND opsbench_cli servers up --fresh --state-file "${servers_state}"
      --env-file "${OPSBENCH_TEST_SERVERS}")
  add_test(NAME servers_down
    COMMAND opsbench_cli servers down --state-file "${servers_state}")
  set_tests_properties(servers_up PROPERTIES
    LABELS integration TIMEOUT 120 FIXTURES_SETUP servers)
  set_tests_properties(servers_down PROPERTIES
    LABELS integration TIMEOUT 120 FIXTURES_CLEANUP servers)
endif()
