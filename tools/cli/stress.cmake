# opsbench stress, and its tests.
target_sources(opsbench_cli PRIVATE stress.cc stress_flags.cc stress_folder.cc
  stress_inspect.cc stress_report.cc stress_setup.cc)
target_link_libraries(opsbench_cli PRIVATE opsbench::stress
  opsbench::stress_run)

_opsbench_cli_test(stress_test TIMEOUT 600
  DEPS absl::strings nlohmann_json::nlohmann_json opsbench::db opsbench::results
    opsbench::server opsbench::stress opsbench::stress_run)
_opsbench_cli_test(stress_guard_test TIMEOUT 300
  DEPS absl::strings opsbench::db)
