#include "opsbench/vector/dataset_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/output_target.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/mapped_file.h"
#include "opsbench/vector/internal/parts.h"

namespace opsbench::vector {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr absl::string_view kMagic = "OPSVECDS";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kMaxSections = 16;
constexpr size_t kAlignment = 64;

enum Kind : uint32_t {
  kDescription = 1,
  kBase = 2,
  kQueries = 3,
  kTruthIds = 4,
  kTruthDistances = 5,
  kTags = 6,
  kNumbers = 7,
};
constexpr uint32_t kKinds = 8;
constexpr absl::string_view kKindNames[kKinds] = {
    "",          "description",     "base", "queries",
    "truth ids", "truth distances", "tags", "numbers"};

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t sections;
  uint64_t file_bytes;
  uint32_t table_crc;
  uint8_t zero[36];
};
static_assert(sizeof(Header) == 64);

struct Section {
  uint32_t kind;
  uint32_t crc;
  uint64_t offset;
  uint64_t bytes;
  uint64_t zero;
};
static_assert(sizeof(Section) == 32);

struct Description {
  uint32_t metric;
  uint32_t dimension;
  uint64_t base_rows;
  uint64_t query_rows;
  uint32_t truth_k;
  uint32_t tag_count;
  uint32_t name_bytes;
  uint32_t zero;
};
static_assert(sizeof(Description) == 40);

uint32_t Crc(absl::string_view bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

template <typename T>
absl::string_view BytesOf(const T* data, size_t count) {
  return {reinterpret_cast<const char*>(data), count * sizeof(T)};
}

template <typename... Parts>
absl::Status Unusable(absl::string_view name, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", parts...));
}

class FileDataset : public Dataset {
 public:
  FileDataset(internal::MappedFile file, absl::string_view bytes,
              absl::string_view source)
      : file_(std::move(file)), bytes_(bytes), source_(source) {}

  absl::Status Parse() {
    OPSBENCH_RETURN_IF_ERROR(FindSections());
    OPSBENCH_RETURN_IF_ERROR(ReadDescription());
    OPSBENCH_RETURN_IF_ERROR(ReadSections());
    return internal::CheckDataset(*this, source_);
  }

 private:
  absl::Status FindSections() {
    Header header;
    if (bytes_.size() < sizeof(header)) {
      return Unusable(source_, "cut off in its header");
    }
    std::memcpy(&header, bytes_.data(), sizeof(header));
    if (!internal::IsDatasetFile(bytes_)) {
      return Unusable(source_, "not a data set file: it does not start with ",
                      kMagic);
    }
    if (header.version != kVersion) {
      return Unusable(source_, "version ", header.version,
                      " of the format; this reads ", kVersion);
    }
    if (header.file_bytes != bytes_.size()) {
      return Unusable(source_, "has ", bytes_.size(),
                      " bytes, but its header says ", header.file_bytes);
    }
    const size_t table_bytes = header.sections * sizeof(Section);
    if (header.sections > kMaxSections ||
        table_bytes > bytes_.size() - sizeof(header)) {
      return Unusable(source_, "its header says ", header.sections,
                      " sections");
    }
    const auto table = bytes_.substr(sizeof(header), table_bytes);
    if (Crc(table) != header.table_crc) {
      return Unusable(source_, "corrupt: the checksum of its section table ",
                      "differs");
    }
    for (uint32_t i = 0; i < header.sections; ++i) {
      OPSBENCH_RETURN_IF_ERROR(FindSection(i, table));
    }
    return absl::OkStatus();
  }

  absl::Status FindSection(size_t index, absl::string_view table) {
    Section section;
    std::memcpy(&section, table.data() + index * sizeof(section),
                sizeof(section));
    if (section.kind == 0 || section.kind >= kKinds) {
      return Unusable(source_, "section ", index, " is of unknown kind ",
                      section.kind);
    }
    const absl::string_view name = kKindNames[section.kind];
    if (sections_[section.kind].data() != nullptr) {
      return Unusable(source_, "two sections of ", name);
    }
    if (section.offset % kAlignment != 0 || section.offset > bytes_.size() ||
        section.bytes > bytes_.size() - section.offset) {
      return Unusable(source_, "section ", name, " at ", section.offset, " of ",
                      section.bytes, " bytes is out of bounds");
    }
    const auto bytes = bytes_.substr(section.offset, section.bytes);
    if (Crc(bytes) != section.crc) {
      return Unusable(source_, "corrupt: the checksum of section ", name,
                      " differs");
    }
    sections_[section.kind] = bytes;
    return absl::OkStatus();
  }

  absl::Status ReadDescription() {
    const absl::string_view bytes = sections_[kDescription];
    if (bytes.size() < sizeof(about_)) {
      return Unusable(source_, "no description");
    }
    std::memcpy(&about_, bytes.data(), sizeof(about_));
    if (about_.name_bytes != bytes.size() - sizeof(about_)) {
      return Unusable(source_, "a name of ", about_.name_bytes,
                      " bytes in a description of ", bytes.size());
    }
    name_ = std::string(bytes.substr(sizeof(about_)));
    if (std::any_of(name_.begin(), name_.end(), absl::ascii_iscntrl)) {
      return Unusable(source_, "its name '", absl::CHexEscape(name_),
                      "' has characters that are no text");
    }
    if (about_.metric > static_cast<uint32_t>(Metric::kCosine)) {
      return Unusable(source_, "unknown metric ", about_.metric);
    }
    metric_ = static_cast<Metric>(about_.metric);
    // So that products of rows and lengths do not overflow below.
    if (about_.dimension == 0 || about_.dimension > internal::kMaxDimension ||
        about_.base_rows > bytes_.size() || about_.query_rows > bytes_.size() ||
        about_.truth_k > about_.base_rows) {
      return Unusable(source_, "its description says dimension ",
                      about_.dimension, ", ", about_.base_rows,
                      " base vectors, ", about_.query_rows, " queries, ",
                      about_.truth_k, " neighbours");
    }
    return absl::OkStatus();
  }

  // The numbers of a section, of which there must be rows * columns; none at
  // all when `columns` is 0.
  template <typename T>
  absl::StatusOr<const T*> Numbers(Kind kind, uint64_t rows,
                                   uint64_t columns) const {
    const absl::string_view bytes = sections_[kind];
    // Below 2^63 and 2^32: held in 128 bits.
    const auto wanted =
        static_cast<unsigned __int128>(rows) * columns * sizeof(T);
    if (wanted != bytes.size()) {
      return Unusable(source_, "section ", kKindNames[kind], " has ",
                      bytes.size(), " bytes, not ", rows, " rows of ", columns,
                      " numbers");
    }
    return reinterpret_cast<const T*>(bytes.data());
  }

  absl::Status ReadSections() {
    const uint64_t dimension = about_.dimension;
    OPSBENCH_ASSIGN_OR_RETURN(
        base_.data, Numbers<float>(kBase, about_.base_rows, dimension));
    OPSBENCH_ASSIGN_OR_RETURN(
        queries_.data, Numbers<float>(kQueries, about_.query_rows, dimension));
    base_.rows = about_.base_rows;
    queries_.rows = about_.query_rows;
    base_.dimension = queries_.dimension = dimension;

    truth_k_ = about_.truth_k;
    OPSBENCH_ASSIGN_OR_RETURN(
        const uint32_t* const ids,
        Numbers<uint32_t>(kTruthIds, about_.query_rows, truth_k_));
    OPSBENCH_ASSIGN_OR_RETURN(
        const float* const distances,
        Numbers<float>(kTruthDistances, about_.query_rows, truth_k_));
    truth_.resize(queries_.rows * truth_k_);
    for (size_t i = 0; i < truth_.size(); ++i) {
      truth_[i] = {ids[i], distances[i]};
    }

    const uint64_t one = about_.tag_count > 0 ? 1 : 0;
    OPSBENCH_ASSIGN_OR_RETURN(const uint32_t* const tags,
                              Numbers<uint32_t>(kTags, base_.rows, one));
    OPSBENCH_ASSIGN_OR_RETURN(const float* const numbers,
                              Numbers<float>(kNumbers, base_.rows, one));
    attributes_.tag_count = about_.tag_count;
    attributes_.tags.assign(tags, tags + one * base_.rows);
    attributes_.numbers.assign(numbers, numbers + one * base_.rows);
    return absl::OkStatus();
  }

  const internal::MappedFile file_;
  const absl::string_view bytes_;
  const std::string source_;
  absl::string_view sections_[kKinds];
  Description about_ = {};
};

// Writes to a file that is there only when Commit() was called.
class NewFile {
 public:
  explicit NewFile(const std::string& path) : path_(path) {}

  ~NewFile() {
    if (file_ >= 0) {
      close(file_);
      unlink(temporary_.c_str());
    }
  }

  absl::Status Open() {
    // What a symbolic link names is replaced, not the link; a device never.
    const absl::StatusOr<OutputTarget> target = ResolveOutputFile(path_);
    if (!target.ok()) {
      return absl::Status(target.status().code(),
                          absl::StrCat(path_, ": ", target.status().message()));
    }
    path_ = target->path;
    OPSBENCH_ASSIGN_OR_RETURN(file_, OpenTemporaryBeside(path_, &temporary_));
    return absl::OkStatus();
  }

  absl::Status Write(absl::string_view bytes) {
    written_ += bytes.size();
    while (!bytes.empty()) {
      const ssize_t n = write(file_, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) return Failed();
      if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }

  absl::Status PadTo(size_t offset) {
    return Write(std::string(offset - written_, '\0'));
  }

  absl::Status Commit() {
    if (fsync(file_) != 0) return Failed();
    if (rename(temporary_.c_str(), path_.c_str()) != 0) return Failed();
    close(std::exchange(file_, -1));
    return absl::OkStatus();
  }

 private:
  absl::Status Failed() const { return absl::ErrnoToStatus(errno, path_); }

  std::string path_;
  std::string temporary_;
  int file_ = -1;
  size_t written_ = 0;
};

constexpr size_t Aligned(size_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

std::string DescriptionOf(const Dataset& data) {
  Description about = {};
  about.metric = static_cast<uint32_t>(data.metric());
  about.dimension = static_cast<uint32_t>(data.dimension());
  about.base_rows = data.base().rows;
  about.query_rows = data.queries().rows;
  about.truth_k = static_cast<uint32_t>(data.truth_k());
  about.tag_count = data.attributes().tag_count;
  about.name_bytes = static_cast<uint32_t>(data.name().size());
  return absl::StrCat(BytesOf(&about, 1), data.name());
}

}  // namespace

absl::Status WriteDatasetFile(const Dataset& data, const std::string& path) {
  if (data.base().rows > std::numeric_limits<uint32_t>::max()) {
    return Unusable(path, data.base().rows, " base vectors are too many");
  }
  const std::string description = DescriptionOf(data);
  std::vector<uint32_t> ids;
  std::vector<float> distances;
  for (size_t q = 0; q < data.queries().rows && data.truth_k() > 0; ++q) {
    for (const Neighbor& neighbor : data.truth(q)) {
      ids.push_back(static_cast<uint32_t>(neighbor.id));
      distances.push_back(neighbor.distance);
    }
  }
  const Attributes& attributes = data.attributes();
  const size_t dimension = data.dimension();
  const std::pair<Kind, absl::string_view> contents[] = {
      {kDescription, description},
      {kBase, BytesOf(data.base().data, data.base().rows * dimension)},
      {kQueries, BytesOf(data.queries().data, data.queries().rows * dimension)},
      {kTruthIds, BytesOf(ids.data(), ids.size())},
      {kTruthDistances, BytesOf(distances.data(), distances.size())},
      {kTags, BytesOf(attributes.tags.data(), attributes.tags.size())},
      {kNumbers, BytesOf(attributes.numbers.data(), attributes.numbers.size())},
  };

  std::vector<Section> table;
  size_t end = Aligned(sizeof(Header) + std::size(contents) * sizeof(Section));
  for (const auto& [kind, bytes] : contents) {
    if (bytes.empty()) continue;
    table.push_back({kind, Crc(bytes), end, bytes.size(), 0});
    end = Aligned(end + bytes.size());
  }
  Header header = {};
  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  header.version = kVersion;
  header.sections = static_cast<uint32_t>(table.size());
  header.file_bytes = end;
  header.table_crc = Crc(BytesOf(table.data(), table.size()));

  NewFile file(path);
  OPSBENCH_RETURN_IF_ERROR(file.Open());
  OPSBENCH_RETURN_IF_ERROR(file.Write(BytesOf(&header, 1)));
  OPSBENCH_RETURN_IF_ERROR(file.Write(BytesOf(table.data(), table.size())));
  size_t next = 0;
  for (const auto& [kind, bytes] : contents) {
    if (bytes.empty()) continue;
    OPSBENCH_RETURN_IF_ERROR(file.PadTo(table[next++].offset));
    OPSBENCH_RETURN_IF_ERROR(file.Write(bytes));
  }
  OPSBENCH_RETURN_IF_ERROR(file.PadTo(end));
  return file.Commit();
}

absl::StatusOr<std::unique_ptr<Dataset>> ReadDatasetFile(
    const std::string& path) {
  OPSBENCH_ASSIGN_OR_RETURN(internal::MappedFile file,
                            internal::MappedFile::Open(path));
  const absl::string_view bytes = file.bytes();
  auto data = std::make_unique<FileDataset>(std::move(file), bytes, path);
  OPSBENCH_RETURN_IF_ERROR(data->Parse());
  return data;
}

namespace internal {

bool IsDatasetFile(absl::string_view bytes) {
  return absl::StartsWith(bytes, kMagic);
}

absl::StatusOr<std::unique_ptr<Dataset>> ParseDatasetFile(
    absl::string_view bytes, absl::string_view name) {
  auto data = std::make_unique<FileDataset>(MappedFile(), bytes, name);
  OPSBENCH_RETURN_IF_ERROR(data->Parse());
  return data;
}

}  // namespace internal
}  // namespace opsbench::vector
