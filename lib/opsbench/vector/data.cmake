# Vectors, distances, data sets and their right neighbours.
opsbench_library(NAME vector_data
  SOURCES dataset.cc dataset_file.cc distance.cc generate.cc ground_truth.cc
    open_dataset.cc recall.cc vectors.cc internal/hdf5_file.cc
    internal/kernels_avx2.cc internal/kernels_avx512.cc
    internal/kernels_scalar.cc internal/mapped_file.cc internal/npy.cc
    internal/parts.cc internal/vector_files.cc
  HEADERS backend.h dataset.h dataset_file.h distance.h generate.h
    ground_truth.h open_dataset.h recall.h tuner.h vectors.h
  DEPS absl::optional absl::span absl::status absl::statusor absl::strings
    opsbench::base
  PRIVATE_DEPS absl::cleanup PkgConfig::HDF5 Threads::Threads ZLIB::ZLIB)
# A fused multiply-add rounds once where the source rounds twice: exact
# distances and generated data would depend on compiler and processor.
set_source_files_properties(distance.cc generate.cc
  PROPERTIES COMPILE_OPTIONS -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms inside the intrinsics: https://gcc.gnu.org/PR105593
  set_source_files_properties(internal/kernels_avx512.cc
    PROPERTIES COMPILE_OPTIONS "-Wno-maybe-uninitialized;-Wno-uninitialized")
endif()

opsbench_test(NAME vector_distance_test SOURCES distance_test.cc
  DEPS opsbench::vector_data)
opsbench_test(NAME vector_ground_truth_test SOURCES ground_truth_test.cc
  DEPS opsbench::vector_data)
opsbench_test(NAME vector_recall_test SOURCES recall_test.cc
  DEPS opsbench::vector_data)
opsbench_test(NAME vector_vectors_test SOURCES vectors_test.cc
  DEPS opsbench::vector_data)
opsbench_test(NAME vector_files_test SOURCES vector_files_test.cc
  DEPS opsbench::vector_data)
opsbench_test(NAME vector_dataset_file_test SOURCES dataset_file_test.cc
  DEPS opsbench::vector_data ZLIB::ZLIB)
opsbench_test(NAME vector_generate_test SOURCES generate_test.cc
  DEPS opsbench::vector_data)
opsbench_test(NAME vector_open_dataset_test SOURCES open_dataset_test.cc
  DEPS opsbench::vector_data PkgConfig::HDF5)
opsbench_test(NAME vector_reader_fuzz_test SOURCES reader_fuzz_test.cc
  DEPS opsbench::vector_data)
