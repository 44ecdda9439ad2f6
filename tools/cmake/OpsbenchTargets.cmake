# The functions through which every target of opsbench is declared, so that
# warnings, include roots, aliases, test labels and install rules are said once.

include(CMakeParseArguments)
include(GNUInstallDirs)

function(_opsbench_reject_unknown function)
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${function}: unknown arguments: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(ARG_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "${function}: no value for: ${ARG_KEYWORDS_MISSING_VALUES}")
  endif()
endfunction()

# Remembers sources, so that opsbench_check_sources() can tell a test or
# benchmark that no target builds.
function(_opsbench_remember)
  foreach(source IN LISTS ARGN)
    get_filename_component(path "${source}" ABSOLUTE)
    set_property(GLOBAL APPEND PROPERTY OPSBENCH_SOURCES "${path}")
  endforeach()
endfunction()

function(_opsbench_compile_settings target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>"
    "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_compile_options(${target} PRIVATE ${OPSBENCH_WARNINGS})
endfunction()

# opsbench_library(NAME base SOURCES ... HEADERS ... DEPS ... PRIVATE_DEPS ...)
#
# The library of one folder: target opsbench_<name>, alias opsbench::<name>.
# HEADERS are public and installed; DEPS become part of its interface.
function(opsbench_library)
  cmake_parse_arguments(ARG "TESTONLY" "NAME"
    "SOURCES;HEADERS;DEPS;PRIVATE_DEPS" ${ARGN})
  _opsbench_reject_unknown(opsbench_library)
  set(target opsbench_${ARG_NAME})
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES} ${ARG_HEADERS})
    _opsbench_compile_settings(${target})
    target_link_libraries(${target} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(${target} INTERFACE)
    target_compile_features(${target} INTERFACE cxx_std_20)
    target_include_directories(${target} INTERFACE
      "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>"
      "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    target_link_libraries(${target} INTERFACE ${ARG_DEPS} ${ARG_PRIVATE_DEPS})
  endif()
  add_library(opsbench::${ARG_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${ARG_NAME})
  if(NOT ARG_TESTONLY)
    install(TARGETS ${target} EXPORT opsbenchTargets
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    foreach(header IN LISTS ARG_HEADERS)
      get_filename_component(path "${header}" ABSOLUTE)
      file(RELATIVE_PATH relative "${PROJECT_SOURCE_DIR}/lib" "${path}")
      get_filename_component(folder "${relative}" DIRECTORY)
      install(FILES "${path}"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/${folder}")
    endforeach()
  endif()
endfunction()

# opsbench_test(NAME histogram_test SOURCES ... DEPS ... [LABEL unit])
#
# LABEL is unit (the default: no server, no network) or integration (real
# servers; the ctest fixture keeps them up). SERIAL: nothing else runs beside
# it. TIMEOUT in seconds, 120 when absent.
function(opsbench_test)
  cmake_parse_arguments(ARG "SERIAL" "NAME;LABEL;TIMEOUT"
    "SOURCES;DEPS;ARGS" ${ARGN})
  _opsbench_reject_unknown(opsbench_test)
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_LABEL MATCHES "^(unit|integration)$")
    message(FATAL_ERROR "opsbench_test: LABEL is unit or integration, not ${ARG_LABEL}")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  _opsbench_remember(${ARG_SOURCES})
  if(NOT OPSBENCH_BUILD_TESTS)
    return()
  endif()
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  _opsbench_compile_settings(${ARG_NAME})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} GTest::gmock
    GTest::gtest GTest::gtest_main)
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME} ${ARG_ARGS}
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${ARG_NAME} PROPERTIES
    LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
  if(ARG_SERIAL)
    set_tests_properties(${ARG_NAME} PROPERTIES RUN_SERIAL TRUE)
  endif()
  if(ARG_LABEL STREQUAL "integration")
    set_tests_properties(${ARG_NAME} PROPERTIES
      FIXTURES_REQUIRED servers
      ENVIRONMENT "OPSBENCH_TEST_SERVERS=${OPSBENCH_TEST_SERVERS}")
  endif()
endfunction()

# opsbench_benchmark(NAME sidetable_bench SOURCES ... DEPS ...)
#
# A Google Benchmark binary with the common main. ctest -L bench runs it at
# smoke scale, and the JSON that it leaves behind is validated.
function(opsbench_benchmark)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;SMOKE_ARGS" ${ARGN})
  _opsbench_reject_unknown(opsbench_benchmark)
  _opsbench_remember(${ARG_SOURCES})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  _opsbench_compile_settings(${ARG_NAME})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} benchmark::benchmark)
  set_target_properties(${ARG_NAME} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  if(OPSBENCH_BUILD_TESTS)
    set(json "${PROJECT_BINARY_DIR}/bench/${ARG_NAME}.json")
    add_test(NAME ${ARG_NAME}_smoke
      COMMAND ${ARG_NAME} --scale=smoke --benchmark_out=${json}
        --benchmark_out_format=json ${ARG_SMOKE_ARGS}
      WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(${ARG_NAME}_smoke PROPERTIES
      LABELS bench TIMEOUT 600 RUN_SERIAL TRUE FIXTURES_REQUIRED servers
      FIXTURES_SETUP ${ARG_NAME}_json
      ENVIRONMENT "OPSBENCH_TEST_SERVERS=${OPSBENCH_TEST_SERVERS}")
    if(TARGET opsbench_cli)
      add_test(NAME ${ARG_NAME}_json
        COMMAND opsbench_cli check-json "${json}")
      set_tests_properties(${ARG_NAME}_json PROPERTIES
        LABELS bench TIMEOUT 30 FIXTURES_REQUIRED ${ARG_NAME}_json)
    endif()
  endif()
endfunction()

# Fails the configuration when a test or benchmark lies in the tree that no
# target builds: such a file is never run, and nobody notices.
function(opsbench_check_sources)
  get_property(known GLOBAL PROPERTY OPSBENCH_SOURCES)
  file(GLOB_RECURSE found
    "${PROJECT_SOURCE_DIR}/lib/*_test.cc"
    "${PROJECT_SOURCE_DIR}/lib/*_bench.cc")
  if(OPSBENCH_BUILD_TOOLS)
    file(GLOB_RECURSE tools
      "${PROJECT_SOURCE_DIR}/benchmarks/*_bench.cc"
      "${PROJECT_SOURCE_DIR}/benchmarks/*_test.cc"
      "${PROJECT_SOURCE_DIR}/tools/*_test.cc")
    list(APPEND found ${tools})
  endif()
  list(REMOVE_ITEM found ${known})
  if(found)
    list(JOIN found "\n  " lines)
    message(FATAL_ERROR "No target lists these files:\n  ${lines}")
  endif()
endfunction()
