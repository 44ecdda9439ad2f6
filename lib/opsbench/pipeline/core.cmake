# Batches, their Arrow forms, values as text: what every connector builds on.
opsbench_library(NAME pipeline_core
  SOURCES arrow_c_data.cc arrow_reader.cc arrow_writer.cc batch.cc codec.cc
    connector.cc file_connectors.cc internal/arrow_decode.cc
    internal/arrow_encode.cc internal/arrow_file.cc internal/arrow_types.cc internal/body_codec.cc internal/column_parts.cc
    types.cc utf8.cc value_datetime.cc value_decimal.cc value_text.cc
  HEADERS arrow_c_data.h arrow_ipc.h batch.h codec.h connector.h types.h value_text.h
  DEPS absl::int128 absl::span absl::status absl::statusor absl::strings
    opsbench::base
  PRIVATE_DEPS absl::cleanup PkgConfig::LZ4 PkgConfig::ZSTD)

opsbench_test(NAME pipeline_value_text_test SOURCES value_text_test.cc
  DEPS opsbench::pipeline_core)

opsbench_library(NAME pipeline_random TESTONLY
  SOURCES random_rows.cc
  HEADERS random_rows.h
  DEPS opsbench::base opsbench::pipeline_core
  PRIVATE_DEPS absl::str_format)
opsbench_test(NAME pipeline_random_rows_test SOURCES random_rows_test.cc
  DEPS nlohmann_json::nlohmann_json opsbench::pipeline_random)

opsbench_test(NAME pipeline_codec_test SOURCES codec_test.cc
  DEPS opsbench::pipeline_random)
opsbench_test(NAME pipeline_column_parts_test
  SOURCES internal/column_parts_test.cc DEPS opsbench::pipeline_random)
opsbench_test(NAME pipeline_arrow_c_data_test SOURCES arrow_c_data_test.cc
  DEPS opsbench::pipeline_random)
opsbench_test(NAME pipeline_arrow_ipc_test SOURCES arrow_ipc_test.cc
  DEPS opsbench::pipeline_random)
opsbench_test(NAME pipeline_arrow_interop_test SOURCES arrow_interop_test.cc
  DEPS absl::str_format opsbench::pipeline_random)
if(OPSBENCH_BUILD_TESTS)
  set(probe "")
  if(NOT OPSBENCH_SANITIZE)
    add_library(pipeline_c_data_probe MODULE internal/c_data_probe.cc)
    _opsbench_compile_settings(pipeline_c_data_probe)
    target_link_libraries(pipeline_c_data_probe
      PRIVATE opsbench::pipeline_random)
    add_dependencies(pipeline_arrow_interop_test pipeline_c_data_probe)
    set(probe "$<TARGET_FILE:pipeline_c_data_probe>")
  endif()
  target_compile_definitions(pipeline_arrow_interop_test
    PRIVATE "OPSBENCH_C_DATA_PROBE=\"${probe}\"")
endif()
opsbench_test(NAME pipeline_arrow_fuzz_test
  SOURCES arrow_fuzz_test.cc internal/arrow_check.cc
  DEPS opsbench::pipeline_random)

# The fuzzer builds the reader itself: what is measured is not instrumented.
if(OPSBENCH_BUILD_TESTS AND CMAKE_CXX_COMPILER_ID MATCHES "Clang"
    AND NOT OPSBENCH_SANITIZE)
  get_target_property(sources opsbench_pipeline_core SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cc$")
  add_executable(arrow_fuzz arrow_fuzz.cc internal/arrow_check.cc ${sources})
  _opsbench_compile_settings(arrow_fuzz)
  target_compile_options(arrow_fuzz PRIVATE
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
  target_link_options(arrow_fuzz PRIVATE -fsanitize=fuzzer,address,undefined)
  target_link_libraries(arrow_fuzz PRIVATE opsbench::base absl::cleanup
    absl::int128 absl::span absl::status absl::statusor absl::strings
    PkgConfig::LZ4 PkgConfig::ZSTD)
  # libFuzzer adds what it finds to the first folder: not to the sources.
  set(corpus "${CMAKE_CURRENT_BINARY_DIR}/arrow_fuzz_corpus")
  file(MAKE_DIRECTORY "${corpus}")
  add_test(NAME arrow_fuzz
    COMMAND arrow_fuzz -runs=2000 -max_len=16384 -seed=1 "${corpus}"
      fixtures/pipelines/arrow
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(arrow_fuzz PROPERTIES LABELS unit TIMEOUT 120)
endif()
opsbench_test(NAME pipeline_file_connectors_test
  SOURCES file_connectors_test.cc DEPS opsbench::pipeline_random)

_opsbench_remember(pipeline_core_bench.cc)
if(OPSBENCH_BUILD_TESTS OR OPSBENCH_BUILD_TOOLS)
  # On Google Benchmark's own main: it needs no server.
  add_executable(pipeline_core_bench pipeline_core_bench.cc)
  _opsbench_compile_settings(pipeline_core_bench)
  target_link_libraries(pipeline_core_bench PRIVATE opsbench::pipeline_random
    benchmark::benchmark_main)
endif()
if(OPSBENCH_BUILD_TESTS)
  add_test(NAME pipeline_core_bench_smoke
    COMMAND pipeline_core_bench --benchmark_min_time=0.001
      --benchmark_out_format=json
      "--benchmark_out=${PROJECT_BINARY_DIR}/bench/pipeline_core_bench.json"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(pipeline_core_bench_smoke PROPERTIES LABELS bench
    TIMEOUT 120 FAIL_REGULAR_EXPRESSION "ERROR OCCURRED")
endif()
