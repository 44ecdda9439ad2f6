# Finds the libraries of Debian 12 that opsbench builds on. A client library
# that is switched on and missing is an error that names its package.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(absl REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(ZLIB REQUIRED)
find_path(FLATBUFFERS_INCLUDE_DIR flatbuffers/flatbuffers.h REQUIRED)
find_path(HNSWLIB_INCLUDE_DIR hnswlib/hnswlib.h REQUIRED)
# Its headers do not say which version they are; the package does.
set(HNSWLIB_VERSION "")
find_program(DPKG_QUERY dpkg-query)
if(DPKG_QUERY)
  execute_process(COMMAND "${DPKG_QUERY}" -W "-f=\${Version}" libhnswlib-dev
    OUTPUT_VARIABLE HNSWLIB_VERSION ERROR_QUIET)
  string(REGEX REPLACE "-.*" "" HNSWLIB_VERSION "${HNSWLIB_VERSION}")
endif()
find_path(RAPIDJSON_INCLUDE_DIR rapidjson/reader.h REQUIRED)
find_path(FAISS_INCLUDE_DIR faiss/IndexHNSW.h REQUIRED)
find_library(FAISS_LIBRARY faiss REQUIRED)
pkg_check_modules(HDF5 REQUIRED QUIET IMPORTED_TARGET hdf5-serial)
pkg_check_modules(LZ4 REQUIRED QUIET IMPORTED_TARGET liblz4)
pkg_check_modules(ZSTD REQUIRED QUIET IMPORTED_TARGET libzstd)

# Not by its own package file, which asks for the compiler's OpenMP: FAISS was
# built by gcc and needs gcc's.
if(NOT TARGET opsbench_faiss)
  find_library(OPENMP_LIBRARY gomp REQUIRED
    HINTS ${CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES})
  add_library(opsbench_faiss INTERFACE IMPORTED)
  target_include_directories(opsbench_faiss SYSTEM INTERFACE
    "${FAISS_INCLUDE_DIR}")
  target_link_libraries(opsbench_faiss INTERFACE "${FAISS_LIBRARY}" lapack blas
    "${OPENMP_LIBRARY}" Threads::Threads)
endif()
if(NOT TARGET opsbench_hnswlib)
  add_library(opsbench_hnswlib INTERFACE IMPORTED)
  target_include_directories(opsbench_hnswlib SYSTEM INTERFACE
    "${HNSWLIB_INCLUDE_DIR}")
endif()

function(_opsbench_pkg prefix package option)
  pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${ARGN})
  if(NOT ${prefix}_FOUND)
    message(FATAL_ERROR "${option} is ON but ${ARGN} was not found: "
      "install ${package}, or configure with -D${option}=OFF")
  endif()
endfunction()

if(OPSBENCH_WITH_MYSQL)
  _opsbench_pkg(MARIADB libmariadb-dev OPSBENCH_WITH_MYSQL libmariadb)
  find_path(MYSQLCPPCONN_INCLUDE_DIR mysql_driver.h)
  find_library(MYSQLCPPCONN_LIBRARY mysqlcppconn)
  if(NOT MYSQLCPPCONN_INCLUDE_DIR OR NOT MYSQLCPPCONN_LIBRARY)
    message(FATAL_ERROR "OPSBENCH_WITH_MYSQL is ON but MySQL Connector/C++ was "
      "not found: install libmysqlcppconn-dev, or configure with "
      "-DOPSBENCH_WITH_MYSQL=OFF")
  endif()
  if(NOT TARGET opsbench_mysqlcppconn)
    add_library(opsbench_mysqlcppconn INTERFACE IMPORTED)
    target_include_directories(opsbench_mysqlcppconn SYSTEM INTERFACE
      "${MYSQLCPPCONN_INCLUDE_DIR}")
    target_link_libraries(opsbench_mysqlcppconn INTERFACE
      "${MYSQLCPPCONN_LIBRARY}")
  endif()
endif()
if(OPSBENCH_WITH_POSTGRES)
  _opsbench_pkg(PQXX libpqxx-dev OPSBENCH_WITH_POSTGRES libpqxx)
  _opsbench_pkg(PQ libpq-dev OPSBENCH_WITH_POSTGRES libpq)
endif()
if(OPSBENCH_WITH_REDIS)
  _opsbench_pkg(HIREDIS libhiredis-dev OPSBENCH_WITH_REDIS hiredis)
endif()

if(OPSBENCH_BUILD_TESTS)
  find_package(GTest 1.12 REQUIRED)
endif()
if(OPSBENCH_BUILD_TOOLS OR OPSBENCH_BUILD_TESTS)
  find_package(benchmark 1.7 REQUIRED)
endif()
if(OPSBENCH_BUILD_TOOLS)
  find_package(CLI11 2.1 REQUIRED)
endif()
