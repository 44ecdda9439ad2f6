# `opsbench profile`. Included where opsbench_cli is declared.

target_sources(opsbench_cli PRIVATE profile.cc profile_heap.cc profile_perf.cc
  profile_valgrind.cc)
target_link_libraries(opsbench_cli PRIVATE opsbench::profile)

if(OPSBENCH_BUILD_TESTS)
  add_test(NAME stage_monitor_test
    COMMAND "${PROJECT_SOURCE_DIR}/tools/stage-monitor_test.sh"
      "${PROJECT_SOURCE_DIR}" "$<TARGET_FILE:opsbench_cli>")
  set_tests_properties(stage_monitor_test PROPERTIES LABELS unit TIMEOUT 120)
endif()
