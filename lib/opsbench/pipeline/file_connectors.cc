// Arrow files as sources and destinations, and the destination that forgets.
//
// A table is one file: `path` itself, or, where `path` ends in a slash or is a
// folder, the file of the table's name in it with ".arrow" behind. A
// destination writes PATH.partial and renames it at the commit, so the file is
// the old or the new one, whole. A commit's marker is in the file's footer
// under "opsbench:marker:NAME", and moves with it from file to file.

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/arrow_ipc.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/arrow_file.h"
#include "opsbench/pipeline/internal/column_parts.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kExtension = ".arrow";
constexpr absl::string_view kMarkerPrefix = "opsbench:marker:";

// Adds the time until its end to `total_ns`.
class Timer {
 public:
  explicit Timer(int64_t* total_ns)
      : total_ns_(total_ns), start_ns_(MonotonicNowNs()) {}
  ~Timer() { *total_ns_ += MonotonicNowNs() - start_ns_; }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  int64_t* total_ns_;
  int64_t start_ns_;
};

bool IsFolder(const std::string& path) {
  std::error_code error;
  return absl::EndsWith(path, "/") || fs::is_directory(path, error);
}

// A table's name as a file's: no slash, nothing hidden.
std::string FileName(const TableName& table) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string name;
  for (const char c : table.ToString()) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f || c == '/' || c == '%' ||
        (c == '.' && name.empty())) {
      name += {'%', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      name.push_back(c);
    }
  }
  return absl::StrCat(name, kExtension);
}

std::string PathOf(const std::string& path, const TableName& table) {
  return IsFolder(path) ? (fs::path(path) / FileName(table)).string() : path;
}

absl::StatusOr<std::string> RequiredPath(const ConnectorConfig& config) {
  const auto path = config.settings.find("path");
  if (path == config.settings.end() || path->second.empty()) {
    return absl::InvalidArgumentError("config needs path: the Arrow file");
  }
  return path->second;
}

absl::Status WithPath(const std::string& path, const absl::Status& status) {
  if (status.ok() || absl::StrContains(status.message(), path)) return status;
  return {status.code(), absl::StrCat(path, ": ", status.message())};
}

absl::Status Interrupted() { return absl::CancelledError("interrupted"); }

class ArrowSource : public Source {
 public:
  explicit ArrowSource(std::string path) : path_(std::move(path)) {}

  absl::Status Connect() override {
    const Timer timer(&times_.connect_ns);
    // Which file it is, the request says.
    struct stat state = {};
    if (stat(path_.c_str(), &state) != 0) {
      return absl::NotFoundError(absl::StrCat("no file or folder ", path_));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<SchemaPtr> Describe(const ReadRequest& request) override {
    const Timer timer(&times_.query_ns);
    OPSBENCH_RETURN_IF_ERROR(Open(request));
    return schema_;
  }

  absl::StatusOr<std::string> MaxCursor(
      const ReadRequest& /*request*/) override {
    return NoCursor();
  }

  absl::Status Start(const ReadRequest& request) override {
    const Timer timer(&times_.query_ns);
    batch_rows_ = std::max<int64_t>(1, request.batch_rows);
    batch_bytes_ = request.batch_bytes;
    return Open(request);
  }

  absl::StatusOr<bool> Next(Batch* batch) override {
    const Timer timer(&times_.fetch_ns);
    if (reader_ == nullptr) {
      return absl::FailedPreconditionError("Next() before Start()");
    }
    while (first_ == whole_.rows()) {
      if (interrupted_) return Interrupted();
      first_ = 0;
      const absl::StatusOr<bool> more = reader_->Next(&whole_);
      if (!more.ok()) return WithPath(file_path_, more.status());
      if (!*more) return false;
      OPSBENCH_RETURN_IF_ERROR(CheckValues());
    }
    const int64_t rows = RowsOfNextBatch();
    if (rows == whole_.rows() && request_is_whole_) {
      // Both sides' memory is used again.
      std::swap(batch->columns(), whole_.columns());
      batch->SetRows(rows);
      first_ = rows;
      return true;
    }
    for (size_t i = 0; i < places_.size(); ++i) {
      batch->columns()[i] =
          internal::SliceOf(whole_.columns()[places_[i]], first_, rows);
    }
    batch->SetRows(rows);
    first_ += rows;
    return true;
  }

  void Interrupt() override { interrupted_ = true; }

 private:
  static absl::Status NoCursor() {
    return absl::InvalidArgumentError(
        "source-arrow has no cursor: a file's rows are in no order");
  }

  absl::Status Open(const ReadRequest& request) {
    if (!request.cursor_column.empty()) return NoCursor();
    if (!request.partition.predicate.empty() || !request.wire_format.empty()) {
      return absl::InvalidArgumentError(
          "source-arrow reads whole files, as columns");
    }
    file_path_ = PathOf(path_, request.table);
    OPSBENCH_ASSIGN_OR_RETURN(file_, internal::FileSource::Open(file_path_));
    auto reader = ArrowReader::Open({}, file_.get());
    if (!reader.ok()) return WithPath(file_path_, reader.status());
    reader_ = *std::move(reader);
    whole_ = Batch(reader_->schema());
    first_ = 0;
    rows_before_ = 0;
    return ChooseColumns(request);
  }

  absl::Status ChooseColumns(const ReadRequest& request) {
    const Schema& all = *reader_->schema();
    places_.clear();
    if (request.columns.empty()) {
      for (size_t i = 0; i < all.fields.size(); ++i) places_.push_back(i);
    }
    for (const std::string& name : request.columns) {
      const int place = all.IndexOf(name);
      if (place < 0) {
        return absl::NotFoundError(
            absl::StrCat(file_path_, ": no column ", name));
      }
      places_.push_back(static_cast<size_t>(place));
    }
    request_is_whole_ = request.columns.empty();
    auto schema = std::make_shared<Schema>();
    for (const size_t place : places_) {
      schema->fields.push_back(all.fields[place]);
    }
    schema->primary_key = all.primary_key;
    for (const std::string& name : all.primary_key) {
      // A part of a key is none.
      if (schema->IndexOf(name) < 0) schema->primary_key.clear();
    }
    schema_ = std::move(schema);
    return absl::OkStatus();
  }

  static absl::Status CheckValue(TypeId id, absl::string_view text) {
    if (id == TypeId::kNumeric) return CheckNumeric(text);
    return IsUtf8(text) ? absl::OkStatus()
                        : absl::InvalidArgumentError("the text is not UTF-8");
  }

  // A file may hold any bytes; others rely on what the types say of them.
  absl::Status CheckValues() {
    for (const size_t place : places_) {
      const Column& column = whole_.columns()[place];
      const TypeId id = column.type().id;
      if (!HasOffsets(id) || id == TypeId::kBytes) continue;
      for (int64_t row = 0; row < column.size(); ++row) {
        if (column.IsNull(row)) continue;
        const absl::Status status = CheckValue(id, column.Text(row));
        if (status.ok()) continue;
        return ValueError(status.code(), {"", file_path_},
                          reader_->schema()->fields[place].name,
                          rows_before_ + row + 1, status.message());
      }
    }
    rows_before_ += whole_.rows();
    return absl::OkStatus();
  }

  // Bytes of the chosen columns of so many rows from first_ on.
  size_t BytesOf(int64_t rows) const {
    size_t bytes = 0;
    for (const size_t place : places_) {
      const Column& column = whole_.columns()[place];
      if (!HasOffsets(column.type().id)) {
        bytes += internal::ValuesBytes(column.type().id, rows);
        continue;
      }
      const auto* offsets =
          reinterpret_cast<const int32_t*>(column.offsets().data()) + first_;
      bytes += internal::OffsetsBytes(rows) +
               static_cast<size_t>(offsets[rows] - offsets[0]);
    }
    return bytes;
  }

  // As many as there are, of which the request takes at most batch_rows_ and
  // batch_bytes_, but at least one.
  int64_t RowsOfNextBatch() const {
    int64_t fits = 1;
    int64_t most = std::min(batch_rows_, whole_.rows() - first_);
    if (BytesOf(most) <= batch_bytes_) return most;
    while (fits < most) {
      const int64_t middle = fits + (most - fits + 1) / 2;
      if (BytesOf(middle) <= batch_bytes_) {
        fits = middle;
      } else {
        most = middle - 1;
      }
    }
    return fits;
  }

  std::string path_;
  std::string file_path_;
  std::unique_ptr<internal::FileSource> file_;
  std::unique_ptr<ArrowReader> reader_;
  SchemaPtr schema_;
  std::vector<size_t> places_;  // Of the columns, in the file.
  bool request_is_whole_ = false;
  int64_t batch_rows_ = 0;
  size_t batch_bytes_ = 0;
  Batch whole_;  // A batch of the file's, of which rows from first_ are left.
  int64_t first_ = 0;
  int64_t rows_before_ = 0;  // Of the file's batches that were read.
  std::atomic<bool> interrupted_{false};
};

struct Marker {
  std::string key;
  std::string value;
};

Marker MarkerOf(absl::string_view marker) {
  const size_t slash = marker.find('/');
  const absl::string_view name = marker.substr(0, slash);
  return {absl::StrCat(kMarkerPrefix, name),
          slash == absl::string_view::npos
              ? ""
              : std::string(marker.substr(slash + 1))};
}

class ArrowDestination : public Destination {
 public:
  ArrowDestination(std::string path, Compression compression)
      : path_(std::move(path)) {
    options_.format = ArrowFormat::kFile;
    options_.compression = compression;
  }

  absl::Status Connect() override {
    const Timer timer(&times_.connect_ns);
    const fs::path folder =
        IsFolder(path_) ? fs::path(path_) : fs::path(path_).parent_path();
    std::error_code error;
    if (!folder.empty() && !fs::is_directory(folder, error)) {
      return absl::NotFoundError(absl::StrCat("no folder ", folder.string()));
    }
    return absl::OkStatus();
  }

  absl::Status Prepare(const WriteRequest& request, SchemaPtr schema) override {
    const Timer timer(&times_.flush_ns);
    Abort();
    if (request.mode == WriteMode::kUpsert) {
      return absl::InvalidArgumentError(
          "dest-arrow cannot upsert: write_mode is append or replace");
    }
    const std::string path = PathOf(path_, request.table);
    OPSBENCH_ASSIGN_OR_RETURN(auto file, internal::PartialFile::Open(path));
    counts_ = {};
    metadata_.clear();
    std::error_code error;
    const bool exists = fs::exists(path, error) && fs::file_size(path, error);
    internal::ArrowFileSummary old;
    if (exists) {
      // What is no Arrow file is not overwritten.
      OPSBENCH_ASSIGN_OR_RETURN(old, internal::ReadArrowFileSummary(path));
      metadata_ = old.index.metadata;
    }
    if (exists && request.mode == WriteMode::kAppend) {
      OPSBENCH_RETURN_IF_ERROR(CheckSame(request.table, old.schema, *schema));
      OPSBENCH_RETURN_IF_ERROR(file->CopyStart(old.index.end_offset));
      options_.metadata = std::move(old.schema_metadata);
      OPSBENCH_ASSIGN_OR_RETURN(
          writer_,
          ArrowWriter::Continue(options_,
                                std::make_shared<Schema>(std::move(old.schema)),
                                old.index, file.get()));
      bytes_before_ = old.index.end_offset;
    } else {
      OPSBENCH_ASSIGN_OR_RETURN(
          writer_, ArrowWriter::Open(options_, std::move(schema), file.get()));
      bytes_before_ = 0;
    }
    file_ = std::move(file);
    return absl::OkStatus();
  }

  absl::Status Write(const Batch& batch) override {
    const Timer timer(&times_.flush_ns);
    if (interrupted_) return Interrupted();
    if (writer_ == nullptr) {
      return absl::FailedPreconditionError("Write() before Prepare()");
    }
    OPSBENCH_RETURN_IF_ERROR(writer_->Write(batch));
    counts_.rows += batch.rows();
    return absl::OkStatus();
  }

  absl::StatusOr<WriteCounts> Commit(absl::string_view marker) override {
    const Timer timer(&times_.commit_ns);
    if (writer_ == nullptr) {
      return absl::FailedPreconditionError("Commit() before Prepare()");
    }
    if (!marker.empty()) {
      Marker parts = MarkerOf(marker);
      metadata_[std::move(parts.key)] = std::move(parts.value);
    }
    OPSBENCH_RETURN_IF_ERROR(writer_->Finish(metadata_));
    OPSBENCH_RETURN_IF_ERROR(file_->Commit());
    counts_.bytes = writer_->bytes_written() - bytes_before_;
    Abort();
    return counts_;
  }

  absl::StatusOr<bool> HasMarker(absl::string_view marker) override {
    std::error_code error;
    if (!IsFolder(path_)) {
      if (!fs::exists(path_, error) || fs::file_size(path_, error) == 0) {
        return false;
      }
      return FileHasMarker(path_, marker);
    }
    for (const auto& entry : fs::directory_iterator(path_, error)) {
      if (entry.path().extension() != std::string(kExtension)) continue;
      OPSBENCH_ASSIGN_OR_RETURN(const bool has,
                                FileHasMarker(entry.path().string(), marker));
      if (has) return true;
    }
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("cannot read ", path_, ": ", error.message()));
    }
    return false;
  }

  void Abort() override {
    writer_.reset();
    file_.reset();
  }

  void Interrupt() override { interrupted_ = true; }

 private:
  static absl::StatusOr<bool> FileHasMarker(const std::string& path,
                                            absl::string_view marker) {
    OPSBENCH_ASSIGN_OR_RETURN(const internal::ArrowFileSummary summary,
                              internal::ReadArrowFileSummary(path));
    const Marker wanted = MarkerOf(marker);
    const auto found = summary.index.metadata.find(wanted.key);
    return found != summary.index.metadata.end() &&
           found->second == wanted.value;
  }

  static absl::Status CheckSame(const TableName& table, const Schema& there,
                                const Schema& here) {
    if (there.fields.size() != here.fields.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(table.ToString(), ": ", here.fields.size(),
                       " columns for a file of ", there.fields.size()));
    }
    for (size_t i = 0; i < here.fields.size(); ++i) {
      const Field& old = there.fields[i];
      const Field& field = here.fields[i];
      if (old.name != field.name || old.type != field.type ||
          (field.nullable && !old.nullable)) {
        return absl::InvalidArgumentError(absl::StrCat(
            table.ToString(), ", column ", field.name, ": ",
            TypeName(field.type), field.nullable ? "" : " not null",
            " does not go into the file's ", old.name, ", ", TypeName(old.type),
            old.nullable ? "" : " not null"));
      }
    }
    return absl::OkStatus();
  }

  std::string path_;
  ArrowWriterOptions options_;
  std::unique_ptr<internal::PartialFile> file_;
  std::unique_ptr<ArrowWriter> writer_;
  int64_t bytes_before_ = 0;
  std::map<std::string, std::string> metadata_;
  WriteCounts counts_;
  std::atomic<bool> interrupted_{false};
};

// Counts rows and bytes: what is left of a pipeline is its source.
class NullDestination : public Destination {
 public:
  explicit NullDestination(bool decode) : decode_(decode) {}

  absl::Status Connect() override { return absl::OkStatus(); }

  std::string ChooseWireFormat(const WriteRequest& /*request*/,
                               const Schema& /*schema*/,
                               absl::Span<const std::string> formats) override {
    return decode_ || formats.empty() ? "" : formats[0];
  }

  absl::Status Prepare(const WriteRequest& /*request*/,
                       SchemaPtr /*schema*/) override {
    counts_ = {};
    return absl::OkStatus();
  }

  absl::Status Write(const Batch& batch) override {
    const Timer timer(&times_.flush_ns);
    if (interrupted_) return Interrupted();
    counts_.rows += batch.rows();
    counts_.bytes += static_cast<int64_t>(batch.bytes());
    return absl::OkStatus();
  }

  absl::StatusOr<WriteCounts> Commit(absl::string_view /*marker*/) override {
    return counts_;
  }

  // Nothing stands, and no marker does.
  absl::StatusOr<bool> HasMarker(absl::string_view /*marker*/) override {
    return false;
  }

  void Abort() override {}
  void Interrupt() override { interrupted_ = true; }

 private:
  bool decode_;
  WriteCounts counts_;
  std::atomic<bool> interrupted_{false};
};

ConnectorSetting PathSetting() {
  return {"path",
          "",
          {},
          "an Arrow file, or a folder (with a slash behind) of one file a "
          "table"};
}

std::string SettingOf(const ConnectorConfig& config, const std::string& name) {
  const auto setting = config.settings.find(name);
  return setting == config.settings.end() ? "" : setting->second;
}

ConnectorKind ArrowSourceKind() {
  ConnectorKind kind;
  kind.name = "source-arrow";
  kind.settings = {PathSetting()};
  kind.rules = {{"resources.parallel_reads"}, {"resources.decode"}, {"seed"}};
  kind.make_source = [](const ConnectorConfig& config)
      -> absl::StatusOr<std::unique_ptr<Source>> {
    OPSBENCH_ASSIGN_OR_RETURN(std::string path, RequiredPath(config));
    return std::make_unique<ArrowSource>(std::move(path));
  };
  return kind;
}

ConnectorKind ArrowDestinationKind() {
  ConnectorKind kind;
  kind.name = "dest-arrow";
  // The file is always written beside the one that it replaces.
  kind.rules = {{"destination.staged"}, {"resources.decode"}};
  kind.settings = {PathSetting(),
                   {"compression",
                    "none",
                    {"none", "lz4", "zstd"},
                    "of the buffers in the file"}};
  kind.make_destination = [](const ConnectorConfig& config)
      -> absl::StatusOr<std::unique_ptr<Destination>> {
    OPSBENCH_ASSIGN_OR_RETURN(std::string path, RequiredPath(config));
    const std::string name = SettingOf(config, "compression");
    OPSBENCH_ASSIGN_OR_RETURN(const Compression compression,
                              ParseCompression(name.empty() ? "none" : name));
    return std::make_unique<ArrowDestination>(std::move(path), compression);
  };
  return kind;
}

ConnectorKind NullDestinationKind() {
  ConnectorKind kind;
  kind.name = "dest-null";
  kind.rules = {{"destination.write_mode"},
                {"destination.staged"},
                {"destination.primary_key"},
                {"config.decode", "source", {"source-postgres"}},
                {"resources.decode", "decode", {"false"}}};
  kind.settings = {{"decode",
                    "true",
                    {"true", "false"},
                    "false: takes rows as the source's server sent them"}};
  kind.make_destination = [](const ConnectorConfig& config)
      -> absl::StatusOr<std::unique_ptr<Destination>> {
    return std::make_unique<NullDestination>(SettingOf(config, "decode") !=
                                             "false");
  };
  return kind;
}

}  // namespace

std::vector<ConnectorKind> FileConnectors() {
  return {ArrowSourceKind(), ArrowDestinationKind(), NullDestinationKind()};
}

}  // namespace opsbench::pipeline
