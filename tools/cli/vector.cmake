# opsbench vector, and its tests.
target_sources(opsbench_cli PRIVATE vector.cc vector_flags.cc vector_output.cc)
target_link_libraries(opsbench_cli PRIVATE opsbench::vector_benchmark)

_opsbench_cli_test(vector_test TIMEOUT 300
  DEPS absl::strings nlohmann_json::nlohmann_json opsbench::db
    opsbench::results opsbench::server)
