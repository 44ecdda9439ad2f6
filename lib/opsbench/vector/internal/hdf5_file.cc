#include "opsbench/vector/internal/hdf5_file.h"

#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/isolated.h"
#include "opsbench/vector/internal/mapped_file.h"

namespace opsbench::vector::internal {
namespace {

template <typename... Parts>
absl::Status Unusable(absl::string_view name, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", parts...));
}

// An HDF5 identifier, given back by the function that belongs to it.
class Id {
 public:
  Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Id(const Id&) = delete;
  Id& operator=(const Id&) = delete;
  ~Id() {
    if (id_ >= 0) close_(id_);
  }

  bool ok() const { return id_ >= 0; }
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

struct Shape {
  size_t rows = 0;
  size_t columns = 0;
};

class Reader {
 public:
  Reader(hid_t file, absl::string_view name, size_t file_bytes)
      : file_(file), name_(name), file_bytes_(file_bytes) {}

  bool Has(const char* dataset) const {
    return H5Lexists(file_, dataset, H5P_DEFAULT) > 0;
  }

  absl::StatusOr<VectorTable> Vectors(const char* dataset) const {
    VectorTable table;
    OPSBENCH_ASSIGN_OR_RETURN(const Shape shape,
                              Read(dataset, H5T_NATIVE_FLOAT, &table.values));
    table.rows = shape.rows;
    table.dimension = shape.columns;
    return table;
  }

  absl::StatusOr<IdTable> Ids(const char* dataset) const {
    IdTable table;
    OPSBENCH_ASSIGN_OR_RETURN(const Shape shape,
                              Read(dataset, H5T_NATIVE_INT64, &table.ids));
    table.rows = shape.rows;
    table.k = shape.columns;
    return table;
  }

  // The attribute `distance`; empty when there is none.
  absl::StatusOr<std::string> Distance() const {
    if (H5Aexists(file_, "distance") <= 0) return "";
    const Id attribute(H5Aopen(file_, "distance", H5P_DEFAULT), H5Aclose);
    const Id type(attribute.ok() ? H5Aget_type(attribute.get()) : -1, H5Tclose);
    const Id space(attribute.ok() ? H5Aget_space(attribute.get()) : -1,
                   H5Sclose);
    if (!type.ok() || !space.ok() || H5Tget_class(type.get()) != H5T_STRING ||
        H5Sget_simple_extent_npoints(space.get()) != 1) {
      return Unusable(name_, "its attribute 'distance' is no text");
    }
    if (H5Tis_variable_str(type.get()) > 0) {
      const Id memory(H5Tcopy(H5T_C_S1), H5Tclose);
      H5Tset_size(memory.get(), H5T_VARIABLE);
      H5Tset_cset(memory.get(), H5Tget_cset(type.get()));
      char* text = nullptr;
      if (H5Aread(attribute.get(), memory.get(), &text) < 0 ||
          text == nullptr) {
        return Unusable(name_, "its attribute 'distance' is not readable");
      }
      std::string value = text;
      H5free_memory(text);
      return value;
    }
    const size_t size = H5Tget_size(type.get());
    if (size > 256) {
      return Unusable(name_, "its attribute 'distance' has ", size, " bytes");
    }
    std::string value(size, '\0');
    if (H5Aread(attribute.get(), type.get(), value.data()) < 0) {
      return Unusable(name_, "its attribute 'distance' is not readable");
    }
    return value.substr(0, value.find('\0'));
  }

 private:
  template <typename T>
  absl::StatusOr<Shape> Read(const char* dataset, hid_t memory_type,
                             std::vector<T>* values) const {
    const Id data(H5Dopen2(file_, dataset, H5P_DEFAULT), H5Dclose);
    if (!data.ok()) return Unusable(name_, "has no data set '", dataset, "'");
    const Id space(H5Dget_space(data.get()), H5Sclose);
    const Id type(H5Dget_type(data.get()), H5Tclose);
    hsize_t extent[2] = {0, 0};
    if (!space.ok() || H5Sget_simple_extent_ndims(space.get()) != 2 ||
        H5Sget_simple_extent_dims(space.get(), extent, nullptr) != 2) {
      return Unusable(name_, "'", dataset, "' is no matrix");
    }
    const H5T_class_t kind =
        type.ok() ? H5Tget_class(type.get()) : H5T_NO_CLASS;
    if (kind != H5T_INTEGER && kind != H5T_FLOAT) {
      return Unusable(name_, "'", dataset, "' is not of numbers");
    }
    // Compressed numbers may take more memory than the file has bytes, but not
    // beyond what deflate can do, which is 1032 times.
    const size_t stored =
        std::min<size_t>(H5Dget_storage_size(data.get()), file_bytes_);
    if (extent[1] == 0 || extent[1] > kMaxDimension ||
        extent[0] > stored * 1032 / extent[1]) {
      return Unusable(name_, "'", dataset, "' says ", extent[0], " rows of ",
                      extent[1], ", in ", stored, " bytes");
    }
    try {
      values->resize(extent[0] * extent[1]);
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError(
          absl::StrCat(name_, ": no memory for ", extent[0], " rows of ",
                       extent[1], " numbers of '", dataset, "'"));
    }
    if (H5Dread(data.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                values->data()) < 0) {
      return Unusable(name_, "'", dataset, "' is corrupt or cut off");
    }
    return Shape{extent[0], extent[1]};
  }

  const hid_t file_;
  const absl::string_view name_;
  const size_t file_bytes_;
};

// "…/glove-100-angular.hdf5": what follows the last dash.
absl::optional<Metric> MetricOfName(absl::string_view name) {
  name = name.substr(0, name.rfind('.'));
  const auto metric = ParseMetric(name.substr(name.rfind('-') + 1));
  if (metric.ok()) return *metric;
  return absl::nullopt;
}

absl::StatusOr<Hdf5Contents> Read(hid_t file, absl::string_view name,
                                  size_t file_bytes) {
  const Reader reader(file, name, file_bytes);
  Hdf5Contents contents;
  OPSBENCH_ASSIGN_OR_RETURN(const std::string distance, reader.Distance());
  if (distance.empty()) {
    contents.metric = MetricOfName(name);
  } else {
    const auto metric = ParseMetric(distance);
    if (!metric.ok()) return Unusable(name, metric.status().message());
    contents.metric = *metric;
  }
  OPSBENCH_ASSIGN_OR_RETURN(contents.train, reader.Vectors("train"));
  OPSBENCH_ASSIGN_OR_RETURN(contents.test, reader.Vectors("test"));
  if (reader.Has("neighbors")) {
    OPSBENCH_ASSIGN_OR_RETURN(contents.neighbors, reader.Ids("neighbors"));
  }
  return contents;
}

absl::StatusOr<Hdf5Contents> OpenAndRead(const std::string& path,
                                         absl::string_view image,
                                         absl::string_view name) {
  // What went wrong is said by the Status, not on standard error.
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  size_t bytes = image.size();
  if (path.empty()) {
    H5Pset_fapl_core(access.get(), 1 << 16, /*backing_store=*/0);
    H5Pset_file_image(access.get(), const_cast<char*>(image.data()), bytes);
  }
  const Id file(H5Fopen(path.empty() ? "image" : path.c_str(), H5F_ACC_RDONLY,
                        access.get()),
                H5Fclose);
  if (!file.ok()) return Unusable(name, "not an HDF5 file, or a corrupt one");
  hsize_t size = 0;
  if (path.empty() || H5Fget_filesize(file.get(), &size) < 0) size = bytes;
  return Read(file.get(), name, size);
}

// From the child to the parent, both of this program: the numbers follow.
struct Wire {
  int code = 0;
  bool has_metric = false;
  Metric metric = Metric::kL2;
  bool has_neighbors = false;
  size_t train_rows = 0;
  size_t test_rows = 0;
  size_t train_dimension = 0;
  size_t test_dimension = 0;
  size_t neighbor_rows = 0;
  size_t k = 0;
};

void Send(int file, const void* data, size_t size) {
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = write(file, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(1);
    bytes += n;
    size -= static_cast<size_t>(n);
  }
}

template <typename T>
void SendVector(int file, const std::vector<T>& values) {
  Send(file, values.data(), values.size() * sizeof(T));
}

void SendContents(int file, const absl::StatusOr<Hdf5Contents>& contents) {
  Wire wire;
  wire.code = static_cast<int>(contents.status().code());
  if (!contents.ok()) {
    Send(file, &wire, sizeof(wire));
    const absl::string_view message = contents.status().message();
    return Send(file, message.data(), message.size());
  }
  wire.has_metric = contents->metric.has_value();
  wire.metric = contents->metric.value_or(Metric::kL2);
  wire.train_rows = contents->train.rows;
  wire.train_dimension = contents->train.dimension;
  wire.test_rows = contents->test.rows;
  wire.test_dimension = contents->test.dimension;
  if (contents->neighbors.has_value()) {
    wire.has_neighbors = true;
    wire.neighbor_rows = contents->neighbors->rows;
    wire.k = contents->neighbors->k;
  }
  Send(file, &wire, sizeof(wire));
  SendVector(file, contents->train.values);
  SendVector(file, contents->test.values);
  if (contents->neighbors.has_value()) {
    SendVector(file, contents->neighbors->ids);
  }
}

// Takes `count` numbers off the front; false when there are fewer.
template <typename T>
bool Receive(absl::string_view* bytes, size_t count, std::vector<T>* values) {
  if (count > bytes->size() / sizeof(T)) return false;
  values->resize(count);
  std::memcpy(values->data(), bytes->data(), count * sizeof(T));
  bytes->remove_prefix(count * sizeof(T));
  return true;
}

absl::StatusOr<Hdf5Contents> ReceiveContents(absl::string_view bytes,
                                             absl::string_view name) {
  Wire wire;
  if (bytes.size() < sizeof(wire)) return Unusable(name, "corrupt");
  std::memcpy(&wire, bytes.data(), sizeof(wire));
  bytes.remove_prefix(sizeof(wire));
  if (wire.code != 0) {
    return absl::Status(static_cast<absl::StatusCode>(wire.code), bytes);
  }
  Hdf5Contents contents;
  if (wire.has_metric) contents.metric = wire.metric;
  contents.train = {wire.train_rows, wire.train_dimension, {}};
  contents.test = {wire.test_rows, wire.test_dimension, {}};
  bool whole = Receive(&bytes, wire.train_rows * wire.train_dimension,
                       &contents.train.values) &&
               Receive(&bytes, wire.test_rows * wire.test_dimension,
                       &contents.test.values);
  if (wire.has_neighbors) {
    contents.neighbors = IdTable{wire.neighbor_rows, wire.k, {}};
    whole = whole && Receive(&bytes, wire.neighbor_rows * wire.k,
                             &contents.neighbors->ids);
  }
  if (!whole) return Unusable(name, "corrupt");
  return contents;
}

absl::StatusOr<Hdf5Contents> ReadIsolated(const std::string& path,
                                          absl::string_view image,
                                          absl::string_view name, int seconds) {
  const auto bytes = RunIsolated(seconds, [&](int file) {
    SendContents(file, OpenAndRead(path, image, name));
  });
  if (absl::IsAborted(bytes.status())) {
    return Unusable(name, "corrupt: reading it ", bytes.status().message());
  }
  if (!bytes.ok()) {
    return absl::Status(bytes.status().code(),
                        absl::StrCat(name, ": ", bytes.status().message()));
  }
  return ReceiveContents(*bytes, name);
}

}  // namespace

absl::StatusOr<Hdf5Contents> ReadHdf5File(const std::string& path) {
  // The system's own words when the file is not there or not readable.
  OPSBENCH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  // Ten times what inflating it takes, at the least.
  const size_t mib = file.bytes().size() >> 20;
  return ReadIsolated(path, "", path, static_cast<int>(60 + mib / 10));
}

absl::StatusOr<Hdf5Contents> ParseHdf5File(absl::string_view bytes,
                                           absl::string_view name,
                                           int seconds) {
  if (bytes.empty()) return Unusable(name, "an empty file");
  return ReadIsolated("", bytes, name, seconds);
}

}  // namespace opsbench::vector::internal
