#include <sys/resource.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/column_parts.h"
#include "opsbench/pipeline/random_rows.h"

namespace opsbench::pipeline {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Settings = std::map<std::string, std::string>;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

const ConnectorKind& Kind(absl::string_view name) {
  static const auto* const kKinds =
      new std::vector<ConnectorKind>(FileConnectors());
  for (const ConnectorKind& kind : *kKinds) {
    if (kind.name == name) return kind;
  }
  std::abort();
}

std::unique_ptr<Source> ArrowSource(const std::string& path) {
  auto source = Kind("source-arrow").make_source({"", {{"path", path}}});
  EXPECT_TRUE(source.ok()) << source.status();
  return *std::move(source);
}

std::unique_ptr<Destination> ArrowDestination(
    const std::string& path, const std::string& compression = "none") {
  auto destination =
      Kind("dest-arrow")
          .make_destination(
              {"", {{"path", path}, {"compression", compression}}});
  EXPECT_TRUE(destination.ok()) << destination.status();
  return *std::move(destination);
}

std::vector<Batch> RandomBatches(uint64_t seed, SchemaPtr schema = nullptr) {
  Random random(seed);
  const RandomRowsOptions options;
  if (schema == nullptr) schema = RandomSchema(options, &random);
  std::vector<Batch> batches;
  for (int i = 0; i < 3; ++i) {
    batches.emplace_back(schema);
    AppendRandomRows(options, 1 + 100 * i, random.Between(0, 100), &random,
                     &batches.back());
  }
  return batches;
}

absl::Status Write(Destination* destination, const WriteRequest& request,
                   const std::vector<Batch>& batches,
                   absl::string_view marker = "") {
  absl::Status status = destination->Connect();
  status.Update(destination->Prepare(request, batches[0].schema()));
  int64_t rows = 0;
  for (const Batch& batch : batches) {
    if (status.ok()) status.Update(destination->Write(batch));
    rows += batch.rows();
  }
  if (!status.ok()) return status;
  const auto counts = destination->Commit(marker);
  if (counts.ok()) {
    EXPECT_EQ(counts->rows, rows);
    EXPECT_GT(counts->bytes, 0);
  }
  return counts.status();
}

// All batches, with as many rows as they came in.
absl::StatusOr<std::vector<Batch>> Read(const std::string& path,
                                        const ReadRequest& request) {
  auto source = ArrowSource(path);
  absl::Status status = source->Connect();
  if (!status.ok()) return status;
  const auto schema = source->Describe(request);
  if (!schema.ok()) return schema.status();
  status = source->Start(request);
  if (!status.ok()) return status;
  std::vector<Batch> batches;
  while (true) {
    Batch batch(*schema);
    const auto more = source->Next(&batch);
    if (!more.ok()) return more.status();
    if (!*more) return batches;
    batches.push_back(std::move(batch));
  }
}

// The rows of all batches, as one column after the other as text.
std::vector<std::string> Rows(const std::vector<Batch>& batches) {
  std::vector<std::string> rows;
  for (const Batch& batch : batches) {
    for (int64_t row = 0; row < batch.rows(); ++row) {
      std::string text;
      for (const Column& column : batch.columns()) {
        const Column one = internal::SliceOf(column, row, 1);
        const Buffer& values = one.values();
        absl::StrAppend(&text, one.IsNull(0) ? "null" : "value ", values.size(),
                        ":");
        if (!one.IsNull(0)) {
          text.append(reinterpret_cast<const char*>(values.data()),
                      values.size());
        }
      }
      rows.push_back(std::move(text));
    }
  }
  return rows;
}

class FileConnectorsTest : public ::testing::Test {
 protected:
  FileConnectorsTest() {
    std::string folder = ::testing::TempDir() + "file_connectors_XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = (folder_ / "rows.arrow").string();
  }
  ~FileConnectorsTest() override { fs::remove_all(folder_); }

  std::string FileText() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Nothing but the file itself is in the folder.
  void ExpectNothingElse() const {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      EXPECT_EQ(entry.path().string(), path_);
    }
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(FileConnectorsTest, RandomTablesComeBackInBatchesOfTheRequestsSize) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const std::vector<Batch> batches = RandomBatches(seed);
    const char* const compressions[] = {"none", "lz4", "zstd"};
    auto destination = ArrowDestination(path_, compressions[seed % 3]);
    WriteRequest replace;
    replace.mode = WriteMode::kReplace;
    const absl::Status status = Write(destination.get(), replace, batches);
    ASSERT_TRUE(status.ok()) << status;
    ReadRequest request;
    request.batch_rows = static_cast<int64_t>(1 + seed * 3);
    request.batch_bytes = 100 + seed * 100;
    const auto back = Read(path_, request);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(Rows(*back), Rows(batches));
    for (const Batch& batch : *back) {
      EXPECT_EQ(*batch.schema(), *batches[0].schema());
      EXPECT_GE(batch.rows(), 1);
      EXPECT_LE(batch.rows(), request.batch_rows);
      if (batch.rows() > 1) {
        size_t bytes = 0;
        for (const Column& column : batch.columns()) {
          bytes += column.offsets().size() + column.values().size();
        }
        EXPECT_LE(bytes, request.batch_bytes);
      }
    }
  }
  ExpectNothingElse();
}

TEST_F(FileConnectorsTest, WholeBatchesAndChosenColumns) {
  const std::vector<Batch> batches = RandomBatches(4);
  auto destination = ArrowDestination(path_);
  ASSERT_TRUE(Write(destination.get(), {}, batches).ok());
  auto back = Read(path_, {});
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Rows(*back), Rows(batches));

  ReadRequest request;
  request.columns = {"c1", "c0"};
  back = Read(path_, request);
  ASSERT_TRUE(back.ok()) << back.status();
  const Schema& schema = *back->front().schema();
  ASSERT_EQ(schema.fields.size(), 2);
  EXPECT_EQ(schema.fields[1], batches[0].schema()->fields[0]);
  EXPECT_EQ(schema.primary_key, std::vector<std::string>{"c0"});
  EXPECT_EQ(back->front().columns()[1].Fixed<int64_t>(0), 1);
  request.columns = {"c1"};
  back = Read(path_, request);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(back->front().schema()->primary_key.empty());
}

TEST_F(FileConnectorsTest, AppendingKeepsWhatWasThere) {
  const std::vector<Batch> first = RandomBatches(1);
  const std::vector<Batch> second = RandomBatches(2, first[0].schema());
  std::vector<std::string> rows = Rows(first);
  auto destination = ArrowDestination(path_, "lz4");
  ASSERT_TRUE(Write(destination.get(), {}, first, "run/1").ok());
  const absl::Status status =
      Write(ArrowDestination(path_).get(), {}, second, "run/2");
  ASSERT_TRUE(status.ok()) << status;
  auto back = Read(path_, {});
  ASSERT_TRUE(back.ok()) << back.status();
  for (const std::string& row : Rows(second)) rows.push_back(row);
  EXPECT_EQ(Rows(*back), rows);

  // Other columns do not go into it, and leave it alone.
  const std::string before = FileText();
  const absl::Status refused = Write(destination.get(), {}, RandomBatches(3));
  EXPECT_EQ(refused.code(), kInvalid) << refused;
  destination->Abort();
  EXPECT_EQ(FileText(), before);
  ExpectNothingElse();
}

TEST_F(FileConnectorsTest, MarkersStandInTheFile) {
  const std::vector<Batch> batches = RandomBatches(1);
  WriteRequest replace;
  replace.mode = WriteMode::kReplace;
  auto destination = ArrowDestination(path_);
  const auto has = [&](const char* marker) {
    const auto result = ArrowDestination(path_)->HasMarker(marker);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() && *result;
  };
  EXPECT_FALSE(has("a/1"));
  ASSERT_TRUE(Write(destination.get(), {}, batches, "a/1").ok());
  EXPECT_TRUE(has("a/1"));
  EXPECT_FALSE(has("a/2"));
  EXPECT_FALSE(has("a"));
  ASSERT_TRUE(Write(destination.get(), {}, batches, "b/1").ok());
  EXPECT_TRUE(has("a/1"));
  ASSERT_TRUE(Write(destination.get(), replace, batches, "a/2").ok());
  EXPECT_FALSE(has("a/1"));
  EXPECT_TRUE(has("a/2"));
  EXPECT_TRUE(has("b/1"));
  const auto in_folder = ArrowDestination(folder_.string())->HasMarker("b/1");
  ASSERT_TRUE(in_folder.ok()) << in_folder.status();
  EXPECT_TRUE(*in_folder);
}

TEST_F(FileConnectorsTest, FoldersHoldAFileATable) {
  const std::string folder = folder_.string() + "/";
  const std::vector<Batch> batches = RandomBatches(1);
  for (const char* name : {"events", "../../etc", ".hidden", "ün\n%"}) {
    WriteRequest request;
    request.table = {"s", name};
    ASSERT_TRUE(Write(ArrowDestination(folder).get(), request, batches).ok());
    ReadRequest read;
    read.table = request.table;
    const auto back = Read(folder, read);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(Rows(*back), Rows(batches));
  }
  EXPECT_TRUE(fs::exists(folder_ / "s.events.arrow"));
  EXPECT_TRUE(fs::exists(folder_ / "s...%2F..%2Fetc.arrow"));
  ReadRequest missing;
  missing.table.table = "missing";
  EXPECT_EQ(Read(folder, missing).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FileConnectorsTest, AbortedRunsLeaveTheFileAsItWas) {
  const std::vector<Batch> batches = RandomBatches(1);
  WriteRequest replace;
  replace.mode = WriteMode::kReplace;
  auto destination = ArrowDestination(path_);
  ASSERT_TRUE(destination->Connect().ok());
  ASSERT_TRUE(destination->Prepare(replace, batches[0].schema()).ok());
  destination->Abort();
  EXPECT_FALSE(fs::exists(path_));
  ASSERT_TRUE(Write(destination.get(), replace, batches).ok());
  const std::string before = FileText();
  const std::vector<Batch> others = RandomBatches(2);
  ASSERT_TRUE(destination->Prepare(replace, others[0].schema()).ok());
  ASSERT_TRUE(destination->Write(others[0]).ok());
  EXPECT_TRUE(fs::exists(path_ + ".partial"));
  destination.reset();
  EXPECT_EQ(FileText(), before);
  ExpectNothingElse();
}

TEST_F(FileConnectorsTest, OneWriterAtATime) {
  const std::vector<Batch> batches = RandomBatches(1);
  // What a killed run left.
  std::ofstream(path_ + ".partial") << "OPSBPART" << std::string(99'999, 'x');
  auto first = ArrowDestination(path_);
  ASSERT_TRUE(first->Prepare({}, batches[0].schema()).ok());
  auto second = ArrowDestination(path_);
  const absl::Status status = second->Prepare({}, batches[0].schema());
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
  second.reset();
  ASSERT_TRUE(first->Write(batches[0]).ok());
  ASSERT_TRUE(first->Commit("").ok());
  const auto back = Read(path_, {});
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Rows(*back), Rows({batches[0]}));
  ExpectNothingElse();
}

// A file beside the target that opsbench did not make is somebody's.
TEST_F(FileConnectorsTest, AForeignPartialFileIsRefusedAndStays) {
  const std::vector<Batch> batches = RandomBatches(1);
  const std::string partial = path_ + ".partial";
  for (const std::string text :
       {"precious", "ARROW1 of another program", "", "OPSB"}) {
    std::ofstream(partial) << text;
    const absl::Status status =
        ArrowDestination(path_)->Prepare({}, batches[0].schema());
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(status.message(), HasSubstr(partial));
    std::ifstream file(partial);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
    EXPECT_FALSE(fs::exists(path_));
    fs::remove(partial);
  }
  // Nor is it followed to somewhere else.
  std::ofstream(folder_ / "else") << "precious";
  fs::create_symlink(folder_ / "else", partial);
  const absl::Status status =
      ArrowDestination(path_)->Prepare({}, batches[0].schema());
  EXPECT_EQ(status.code(), kInvalid) << status;
  EXPECT_TRUE(fs::is_symlink(partial));
  EXPECT_EQ(fs::file_size(folder_ / "else"), 8);
}

TEST_F(FileConnectorsTest, ALinkStaysAndWhatItNamesIsReplaced) {
  const std::vector<Batch> batches = RandomBatches(1);
  WriteRequest replace;
  replace.mode = WriteMode::kReplace;
  const fs::path real = folder_ / "real.arrow";
  ASSERT_TRUE(
      Write(ArrowDestination(real.string()).get(), replace, batches).ok());
  fs::permissions(real, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(real, path_);
  const std::vector<Batch> others = RandomBatches(2);
  ASSERT_TRUE(Write(ArrowDestination(path_).get(), replace, others).ok());
  EXPECT_TRUE(fs::is_symlink(path_));
  const auto back = Read(real.string(), {});
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Rows(*back), Rows(others));
  EXPECT_EQ(fs::status(real).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(FileConnectorsTest, OnlyRegularFilesAreReplaced) {
  const std::vector<Batch> batches = RandomBatches(1);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  for (const WriteMode mode : {WriteMode::kAppend, WriteMode::kReplace}) {
    WriteRequest request;
    request.mode = mode;
    const absl::Status status =
        ArrowDestination(path_)->Prepare(request, batches[0].schema());
    EXPECT_EQ(status.code(), kInvalid) << status;
    EXPECT_THAT(status.message(), HasSubstr("no regular file"));
    ExpectNothingElse();
  }
  EXPECT_TRUE(fs::is_fifo(path_));
}

TEST_F(FileConnectorsTest, TruncatedFilesAreRefusedByName) {
  const std::vector<Batch> batches = RandomBatches(1);
  ASSERT_TRUE(Write(ArrowDestination(path_).get(), {}, batches).ok());
  const auto size = static_cast<int64_t>(fs::file_size(path_));
  for (int64_t cut = size - 1; cut >= 0; cut -= size / 50) {
    fs::resize_file(path_, static_cast<uintmax_t>(cut));
    const absl::Status read = Read(path_, {}).status();
    EXPECT_EQ(read.code(), absl::StatusCode::kDataLoss) << cut;
    EXPECT_THAT(read.message(), HasSubstr(path_));
    if (cut == 0) continue;
    const std::string before = FileText();
    for (const WriteMode mode : {WriteMode::kAppend, WriteMode::kReplace}) {
      WriteRequest request;
      request.mode = mode;
      const absl::Status written =
          Write(ArrowDestination(path_).get(), request, batches);
      EXPECT_EQ(written.code(), absl::StatusCode::kDataLoss) << cut;
      EXPECT_THAT(written.message(), HasSubstr(path_));
    }
    EXPECT_EQ(FileText(), before);
  }
  ExpectNothingElse();
}

// A limit of the file's size stands for the disk's: the same calls fail, at the
// same places.
TEST_F(FileConnectorsTest, AFullDiskLeavesTheFileAsItWas) {
  const std::vector<Batch> batches = RandomBatches(1);
  ASSERT_TRUE(Write(ArrowDestination(path_).get(), {}, batches).ok());
  const std::string before = FileText();
  Batch large(batches[0].schema());
  Random random(5);
  AppendRandomRows({}, 1, 20'000, &random, &large);
  rlimit old = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t room : {0, 1'000, 300'000}) {
    rlimit limit = old;
    limit.rlim_cur = room;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const absl::Status status =
        Write(ArrowDestination(path_).get(), {}, {batches[0], large});
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_THAT(status.message(), HasSubstr(path_));
    EXPECT_EQ(FileText(), before);
    ExpectNothingElse();
  }
  std::signal(SIGXFSZ, handler);
}

TEST_F(FileConnectorsTest, WhatDoesNotFitIsRefused) {
  const std::vector<Batch> batches = RandomBatches(1);
  EXPECT_EQ(Kind("source-arrow").make_source({}).status().code(), kInvalid);
  EXPECT_EQ(Kind("dest-arrow").make_destination({}).status().code(), kInvalid);
  EXPECT_EQ(
      Kind("dest-arrow")
          .make_destination({"", {{"path", path_}, {"compression", "gzip"}}})
          .status()
          .code(),
      kInvalid);
  EXPECT_EQ(ArrowSource(path_)->Connect().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ArrowDestination(folder_ / "no" / "x.arrow")->Connect().code(),
            absl::StatusCode::kNotFound);
  WriteRequest upsert;
  upsert.mode = WriteMode::kUpsert;
  auto destination = ArrowDestination(path_);
  EXPECT_EQ(destination->Prepare(upsert, batches[0].schema()).code(), kInvalid);
  EXPECT_EQ(destination->Write(batches[0]).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(destination->Commit("").status().code(),
            absl::StatusCode::kFailedPrecondition);

  ASSERT_TRUE(Write(destination.get(), {}, batches).ok());
  ReadRequest request;
  request.columns = {"c0", "nothing"};
  EXPECT_EQ(Read(path_, request).status().code(), absl::StatusCode::kNotFound);
  request.columns.clear();
  request.cursor_column = "c0";
  EXPECT_EQ(Read(path_, request).status().code(), kInvalid);
  EXPECT_EQ(ArrowSource(path_)->MaxCursor(request).status().code(), kInvalid);
  request.cursor_column.clear();
  request.partition.predicate = "c0 > 1";
  EXPECT_EQ(Read(path_, request).status().code(), kInvalid);

  // Some other file is not overwritten.
  WriteRequest replace;
  replace.mode = WriteMode::kReplace;
  std::ofstream(path_) << "id,name\n1,a letter that is long enough for this\n";
  const std::string before = FileText();
  EXPECT_EQ(Write(destination.get(), replace, batches).code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(FileText(), before);
}

TEST_F(FileConnectorsTest, InterruptsEndReadingAndWriting) {
  const std::vector<Batch> batches = RandomBatches(1);
  auto destination = ArrowDestination(path_);
  ASSERT_TRUE(Write(destination.get(), {}, batches).ok());
  ASSERT_TRUE(destination->Prepare({}, batches[0].schema()).ok());
  destination->Interrupt();
  EXPECT_EQ(destination->Write(batches[0]).code(),
            absl::StatusCode::kCancelled);
  auto source = ArrowSource(path_);
  ASSERT_TRUE(source->Start({}).ok());
  source->Interrupt();
  Batch batch(batches[0].schema());
  EXPECT_EQ(source->Next(&batch).status().code(), absl::StatusCode::kCancelled);
}

TEST(NullDestinationTest, CountsAndForgets) {
  const std::vector<Batch> batches = RandomBatches(1);
  size_t bytes = 0;
  int64_t rows = 0;
  for (const Batch& batch : batches) {
    bytes += batch.bytes();
    rows += batch.rows();
  }
  const std::vector<std::string> formats = {"postgres:binary", "other"};
  for (const char* decode : {"true", "false"}) {
    auto destination =
        Kind("dest-null").make_destination({"", {{"decode", decode}}});
    ASSERT_TRUE(destination.ok());
    EXPECT_EQ(
        (*destination)->ChooseWireFormat({}, *batches[0].schema(), formats),
        decode == std::string("true") ? "" : "postgres:binary");
    ASSERT_TRUE((*destination)->Connect().ok());
    ASSERT_TRUE((*destination)->Prepare({}, batches[0].schema()).ok());
    for (const Batch& batch : batches) {
      ASSERT_TRUE((*destination)->Write(batch).ok());
    }
    const auto counts = (*destination)->Commit("run/1");
    ASSERT_TRUE(counts.ok());
    EXPECT_EQ(counts->rows, rows);
    EXPECT_EQ(counts->bytes, static_cast<int64_t>(bytes));
    EXPECT_FALSE((*destination)->HasMarker("run/1").value_or(true));
    (*destination)->Interrupt();
    EXPECT_EQ((*destination)->Write(batches[0]).code(),
              absl::StatusCode::kCancelled);
  }
}

}  // namespace
}  // namespace opsbench::pipeline
