# The tuner, and the seed's searches on top of it.
opsbench_library(NAME vector_tuner
  SOURCES search.cc tuner.cc internal/chooser.cc internal/evidence.cc
    internal/median.cc internal/recall_search.cc internal/response_surface.cc
    internal/setting_space.cc
  HEADERS search.h tuner.h
  DEPS absl::optional absl::span absl::status absl::statusor absl::strings
    absl::time opsbench::base
  PRIVATE_DEPS absl::str_format Boost::headers)

foreach(name search tuner)
  opsbench_test(NAME vector_${name}_test SOURCES ${name}_test.cc
    DEPS opsbench::vector_tuner)
endforeach()
opsbench_test(NAME vector_response_surface_test
  SOURCES internal/response_surface_test.cc DEPS opsbench::vector_tuner)
opsbench_test(NAME vector_tuner_simulation_test
  SOURCES tuner_simulation_test.cc TIMEOUT 600
  DEPS nlohmann_json::nlohmann_json opsbench::results opsbench::vector_tuner)
if(OPSBENCH_BUILD_TESTS AND OPSBENCH_SANITIZE)
  target_compile_definitions(vector_tuner_simulation_test
    PRIVATE OPSBENCH_SANITIZED)
endif()

# Made fixtures/vector/tuner_recorded.json; for who wants other machines'.
if(OPSBENCH_BUILD_TESTS)
  add_executable(tuner_record EXCLUDE_FROM_ALL
    "${PROJECT_SOURCE_DIR}/fixtures/vector/tuner_record.cc")
  _opsbench_compile_settings(tuner_record)
  target_link_libraries(tuner_record PRIVATE opsbench::base opsbench_hnswlib
    nlohmann_json::nlohmann_json Threads::Threads)
endif()
