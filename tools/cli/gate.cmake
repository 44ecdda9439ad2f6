# `opsbench gate` and its tests. Included where opsbench_cli is declared.

target_sources(opsbench_cli PRIVATE gate.cc gate_build.cc gate_repository.cc
  gate_run.cc gate_sampler.cc gate_rates.cc gate_witness.cc)

set(gate_parts child_process.cc command.cc gate_build.cc gate_rates.cc
  gate_repository.cc gate_run.cc gate_sampler.cc gate_witness.cc progress.cc)
opsbench_test(NAME gate_parts_test SOURCES gate_parts_test.cc ${gate_parts}
  DEPS CLI11::CLI11 opsbench::results)
if(TARGET gate_parts_test)
  # testing.h, of which only the folder is used here.
  target_compile_definitions(gate_parts_test PRIVATE OPSBENCH_CLI="unused"
    "OPSBENCH_BUILD=\"${PROJECT_BINARY_DIR}\"")
  # Those of fixtures/gate.yaml.
  add_dependencies(gate_parts_test base_bench load_bench memtable_bench
    stress_bench vector_bench)
endif()
_opsbench_cli_test(gate_test TIMEOUT 300
  DEPS absl::strings nlohmann_json::nlohmann_json)
