# Indexes of this process, and load on them.
opsbench_library(NAME vector_local
  SOURCES brute_force_backend.cc faiss_backend.cc hnswlib_backend.cc
    local_backends.cc local_load.cc internal/hnsw_graph.cc
    internal/local_index.cc
  HEADERS hnswlib_backend.h local_backends.h local_load.h
  DEPS absl::status absl::statusor absl::strings opsbench::vector_data
  PRIVATE_DEPS absl::synchronization opsbench::base opsbench::load
    opsbench_faiss opsbench_hnswlib Threads::Threads)

opsbench_test(NAME vector_local_test SOURCES local_backends_test.cc
  DEPS opsbench::vector_local)
