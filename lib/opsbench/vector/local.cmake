# Indexes of this process, hnswlib, FAISS, a scan, and load on them.
opsbench_library(NAME vector_local
  SOURCES brute_force_backend.cc faiss_backend.cc hnsw_backend.cc
    hnswlib_backend.cc
    local_backends.cc local_load.cc internal/hnsw_graph.cc
    internal/hnsw_search.cc internal/local_index.cc
  HEADERS hnsw_backend.h local_backends.h local_load.h
  DEPS absl::optional absl::status absl::statusor absl::strings
    opsbench::vector_data
  PRIVATE_DEPS absl::synchronization opsbench::base opsbench::load
    opsbench_faiss opsbench_hnswlib Threads::Threads)
target_compile_definitions(opsbench_vector_local
  PRIVATE "OPSBENCH_HNSWLIB_VERSION=\"${HNSWLIB_VERSION}\"")
if(OPSBENCH_SANITIZE MATCHES "thread")
  # hnswlib's threads draw levels from one generator and read the entry without
  # its lock. Only it is compiled here; what searches its graph is elsewhere.
  set_source_files_properties(internal/hnsw_graph.cc
    PROPERTIES COMPILE_OPTIONS -fno-sanitize=thread)
endif()
if(OPSBENCH_SANITIZE MATCHES "address")
  # hnswlib reads a link behind the last one, to prefetch what it names.
  set_source_files_properties(internal/hnsw_graph.cc
    PROPERTIES COMPILE_DEFINITIONS NO_MANUAL_VECTORIZATION)
endif()

opsbench_test(NAME vector_local_backends_test SOURCES local_backends_test.cc
  DEPS opsbench::base opsbench::vector_local)
opsbench_test(NAME vector_local_load_test SOURCES local_load_test.cc
  DEPS opsbench::vector_local)
opsbench_test(NAME vector_hnsw_backend_test SOURCES hnsw_backend_test.cc
  DEPS opsbench::vector_local opsbench_hnswlib)
if(OPSBENCH_BUILD_TESTS AND OPSBENCH_SANITIZE MATCHES "thread")
  # hnswlib orders its locks by level, which is not seen; races are looked for.
  set_tests_properties(vector_local_backends_test vector_hnsw_backend_test
    PROPERTIES ENVIRONMENT TSAN_OPTIONS=detect_deadlocks=0)
endif()
