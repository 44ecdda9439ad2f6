// A destination whose disk is full in the middle of a run: an error that says
// so with table and row, nothing of the run left, and the same run through once
// there is space. The disk is a small one of the test's own.

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/pipeline/internal/pipeline_testing.h"
#include "opsbench/pipeline/internal/small_disk.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

using internal::Database;
using internal::OneStream;
using internal::PipelineEnd;
using internal::RunBetween;
using internal::SmallDisk;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kMiB = int64_t{1} << 20;
// Rows of about 220 bytes: some 26 MB.
constexpr int kRows = 120'000;
constexpr int64_t kTooLittle = 9 * kMiB;

class FullDiskTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    static bool entered = false;
    if (!entered) *allowed_ = internal::EnterMountNamespace();
    entered = true;
  }

  void SetUp() override {
    if (!allowed_->ok()) {
      GTEST_SKIP() << "a small file system cannot be mounted: " << *allowed_;
    }
    auto made = TestDatabase::Create(Engine::kSqlite);
    ASSERT_TRUE(made.ok()) << made.status();
    made_ = *std::move(made);
    source_ = Database::Open(made_->url()).value();
    MakeRows("big", kRows);
  }

  void MakeRows(const char* view, int rows) {
    source_->Run(absl::StrCat("CREATE VIEW ", view,
                              " AS WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL "
                              "SELECT i + 1 FROM s WHERE i < ",
                              rows,
                              ") SELECT printf('%d %.200c', i, 'x') AS v "
                              "FROM s"));
  }

  void MountDisk(int64_t bytes) {
    auto disk = SmallDisk::Mount(bytes);
    ASSERT_TRUE(disk.ok()) << disk.status();
    disk_ = *std::move(disk);
  }

  // A run into `into` with too little space.
  absl::Status RunOnFullDisk(const PipelineEnd& to, const OneStream& stream) {
    const absl::Status filled = disk_->LeaveFree(kTooLittle);
    EXPECT_TRUE(filled.ok()) << filled;
    const absl::Status status = RunBetween(source_->End(), to, stream).status();
    disk_->Release();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
    return status;
  }

  static inline absl::Status* const allowed_ = new absl::Status;
  std::unique_ptr<TestDatabase> made_;
  std::unique_ptr<Database> source_;
  std::unique_ptr<SmallDisk> disk_;
};

struct Stream {
  const char* write_mode;
  bool staged;
  const char* into;
};

constexpr Stream kStreams[] = {{"append", false, "kept"},
                               {"replace", false, "kept"},
                               {"replace", true, "kept"},
                               {"append", false, "made"}};

class FullServerTest : public FullDiskTest,
                       public ::testing::WithParamInterface<PipelineEnd> {
 protected:
  void Start() {
    MountDisk(260 * kMiB);
    const bool postgres = GetParam().connector == "postgres";
    ServerOptions options;
    options.kind = postgres ? ServerKind::kPostgres : ServerKind::kMysql;
    options.parent_folder = disk_->folder();
    options.cache_bytes = 16 * kMiB;
    options.durable = true;
    if (postgres) {
      options.settings = {{"max_wal_size", "32MB"}, {"min_wal_size", "32MB"}};
    } else {
      options.settings = {{"innodb_log_file_size", "8M"}};
    }
    auto server = PrivateServer::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    url_ = Url::Parse(server_->url()).value();
    const auto database = Database::Open(url_).value();
    database->Run("CREATE TABLE kept (v VARCHAR(300))");
    database->Run("INSERT INTO kept VALUES ('old')");
  }

  // A log that cannot be written ends a server, as a crash does.
  void Revive() {
    if (Database::Open(url_).ok()) return;
    (void)server_->Kill();
    const absl::Status restarted = server_->Restart();
    ASSERT_TRUE(restarted.ok()) << restarted;
  }

  // After the server, which has its files there.
  void TearDown() override { server_ = nullptr; }

  std::unique_ptr<PrivateServer> server_;
  Url url_;
};

TEST_P(FullServerTest, LeavesTheDestinationAsItWas) {
  Start();
  if (HasFatalFailure()) return;
  const PipelineEnd to = internal::EndAt(url_, GetParam().settings);
  for (const Stream& stream : kStreams) {
    SCOPED_TRACE(absl::StrCat(stream.into, " ", stream.write_mode,
                              stream.staged ? " staged" : ""));
    const OneStream file = {"big", stream.into, stream.write_mode,
                            stream.staged ? "  staged: true\n" : ""};
    const absl::Status status = RunOnFullDisk(to, file);
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                ContainsRegex(absl::StrCat(stream.into, ", rows? [0-9]+")));
    Revive();
    if (HasFatalFailure()) return;
    const auto database = Database::Open(url_).value();
    EXPECT_EQ(database->Cells("SELECT v FROM kept"), "old");
    EXPECT_EQ(database->Tables(), "kept");
  }
  const auto run = RunBetween(source_->End(), to, {"big", "made"});
  ASSERT_TRUE(run.ok()) << run.status();
  const auto database = Database::Open(url_).value();
  EXPECT_EQ(database->Cells("SELECT COUNT(DISTINCT v) FROM made"),
            absl::StrCat(kRows));
}

INSTANTIATE_TEST_SUITE_P(
    Servers, FullServerTest,
    ::testing::Values(PipelineEnd{"postgres", "", "load_method: insert"},
                      PipelineEnd{"postgres", "", "load_method: copy"},
                      PipelineEnd{"mysql", "", "load_method: insert"},
                      PipelineEnd{"mysql", "", "load_method: load_data"}),
    [](const auto& test) {
      return absl::StrCat(test.param.connector, "_",
                          test.param.settings.substr(strlen("load_method: ")));
    });

// The cache of 64 MiB is written when it is full, in the middle of an INSERT,
// or at the commit: both meet the full disk.
TEST_F(FullDiskTest, ASqliteFileStaysAsItWas) {
  MakeRows("spilled", 4 * kRows);
  MountDisk(64 * kMiB);
  Url url;
  url.engine = Engine::kSqlite;
  url.database = disk_->folder() + "/target.db";
  {
    const auto database = Database::Open(url).value();
    database->Run("CREATE TABLE kept (v TEXT)");
    database->Run("INSERT INTO kept VALUES ('old')");
  }
  const PipelineEnd to = internal::EndAt(url);
  for (const Stream& stream : kStreams) {
    if (stream.staged) continue;  // Nothing is, in SQLite.
    for (const char* from : {"big", "spilled"}) {
      SCOPED_TRACE(
          absl::StrCat(from, " ", stream.into, " ", stream.write_mode));
      const absl::Status status =
          RunOnFullDisk(to, {from, stream.into, stream.write_mode});
      EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr(stream.into), HasSubstr("full")));
      const auto database = Database::Open(url).value();
      EXPECT_EQ(database->Cells("SELECT v FROM kept"), "old");
      EXPECT_EQ(database->Tables(), "kept");
      EXPECT_EQ(database->Cells("PRAGMA integrity_check"), "ok");
    }
  }
  const auto run = RunBetween(source_->End(), to, {"big", "made"});
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->records_written, kRows);
}

TEST_F(FullDiskTest, AnArrowFileStaysAsItWas) {
  MountDisk(96 * kMiB);
  const std::string path = disk_->folder() + "/target.arrow";
  const PipelineEnd to = {"arrow", path};
  source_->Run("CREATE TABLE few (v TEXT)");
  source_->Run("INSERT INTO few VALUES ('old')");
  const OneStream few = {"few", "few", "replace"};
  ASSERT_TRUE(RunBetween(source_->End(), to, few).ok());
  const absl::Status status = RunOnFullDisk(to, {"big", "big", "replace"});
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("target.arrow"), HasSubstr("space")));
  EXPECT_EQ(internal::DifferenceBetween(source_->End(), to, few), "");
  // Nothing half-written beside it.
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(disk_->folder())) {
    EXPECT_EQ(entry.path(), path);
    ++files;
  }
  EXPECT_EQ(files, 1);
  const auto run = RunBetween(source_->End(), to, {"big", "big", "replace"});
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->records_written, kRows);
}

}  // namespace
}  // namespace opsbench::pipeline
