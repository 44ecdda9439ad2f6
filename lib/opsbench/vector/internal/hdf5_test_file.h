#ifndef OPSBENCH_VECTOR_INTERNAL_HDF5_TEST_FILE_H_
#define OPSBENCH_VECTOR_INTERNAL_HDF5_TEST_FILE_H_

// For tests: an HDF5 file as ann-benchmarks makes them.
//
// Thread safety: HDF5's is none.

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <vector>

#include "opsbench/vector/dataset.h"

namespace opsbench::vector::internal {

inline void AddHdf5Matrix(hid_t file, const char* name, size_t rows,
                          size_t columns, hid_t type, const void* values) {
  const hsize_t extent[] = {rows, columns};
  const hid_t space = H5Screate_simple(2, extent, nullptr);
  const hid_t added = H5Dcreate2(file, name, type, space, H5P_DEFAULT,
                                 H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(added, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(added);
  H5Sclose(space);
}

inline void AddHdf5Text(hid_t file, const char* name, const std::string& text) {
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t attribute =
      H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const char* value = text.c_str();
  H5Awrite(attribute, type, &value);
  H5Aclose(attribute);
  H5Tclose(type);
  H5Sclose(space);
}

// `distance`: the attribute; none when empty.
inline void WriteHdf5File(const std::string& path, const std::string& distance,
                          const Dataset& data) {
  const hid_t file =
      H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  AddHdf5Matrix(file, "train", data.base().rows, data.dimension(),
                H5T_NATIVE_FLOAT, data.base().data);
  AddHdf5Matrix(file, "test", data.queries().rows, data.dimension(),
                H5T_NATIVE_FLOAT, data.queries().data);
  std::vector<int32_t> ids;
  for (size_t q = 0; q < data.queries().rows; ++q) {
    for (const Neighbor& neighbor : data.truth(q)) {
      ids.push_back(static_cast<int32_t>(neighbor.id));
    }
  }
  AddHdf5Matrix(file, "neighbors", data.queries().rows, data.truth_k(),
                H5T_NATIVE_INT32, ids.data());
  if (!distance.empty()) AddHdf5Text(file, "distance", distance);
  H5Fclose(file);
}

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_HDF5_TEST_FILE_H_
