# What a run leaves behind.
opsbench_library(NAME stress_results
  SOURCES replay.cc summary.cc summary_text.cc internal/figures.cc
  HEADERS replay.h summary.h
  DEPS absl::optional absl::status absl::statusor absl::strings
    opsbench::results opsbench::stress_settings opsbench::stress_simulation
  PRIVATE_DEPS absl::str_format absl::time nlohmann_json::nlohmann_json
    opsbench::base)

opsbench_test(NAME stress_replay_test SOURCES replay_test.cc
  DEPS opsbench::stress_results nlohmann_json::nlohmann_json)
opsbench_test(NAME stress_summary_test SOURCES summary_test.cc
  DEPS opsbench::stress_results nlohmann_json::nlohmann_json)
