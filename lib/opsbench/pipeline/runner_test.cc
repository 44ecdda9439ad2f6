// Whole pipelines between connectors in memory: streams, state, what a killed
// run leaves behind, verifying.

#include "opsbench/pipeline/runner.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/internal/memory_connectors.h"
#include "opsbench/pipeline/state.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

using ::testing::HasSubstr;

class RunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // A folder that goes away with it.
    auto database = TestDatabase::Create(Engine::kSqlite);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    kinds_ = {{"source-memory",
               "",
               {},
               [this](const ConnectorConfig&)
                   -> absl::StatusOr<std::unique_ptr<Source>> {
                 return std::make_unique<CountingSource>(rows_, source_faults_);
               },
               nullptr},
              {"dest-memory",
               "",
               {},
               nullptr,
               [this](const ConnectorConfig&)
                   -> absl::StatusOr<std::unique_ptr<Destination>> {
                 return std::make_unique<MemoryDestination>(
                     &table_, destination_faults_);
               }}};
    config_.pipeline = "p/1";
    config_.source.use = "source-memory";
    config_.destination.use = "dest-memory";
    config_.streams = {{"a", "a"}};
    config_.state = database_->url().database + ".state";
  }

  absl::StatusOr<PipelineResult> Run() { return RunPipeline(config_, kinds_); }

  void MakeIncremental() {
    config_.streams[0].incremental = true;
    config_.streams[0].cursor_field = "id";
  }

  std::unique_ptr<TestDatabase> database_;
  int64_t rows_ = 100;
  MemoryFaults source_faults_;
  MemoryFaults destination_faults_;
  MemoryTable table_;
  std::vector<ConnectorKind> kinds_;
  PipelineConfig config_;
};

TEST_F(RunnerTest, StreamsRunOneAfterTheOtherAndAddUp) {
  config_.streams.push_back({"b", "b"});
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->streams, 2);
  EXPECT_EQ(result->records_read, 200);
  EXPECT_EQ(result->records_written, 200);
  EXPECT_EQ(result->pipeline, "p/1");
  EXPECT_GT(result->peak_memory_bytes, 1 << 20);
}

TEST_F(RunnerTest, AStreamThatFailsSaysWhichWereCommitted) {
  config_.streams.push_back({"b", "b"});
  int commits = 0;
  destination_faults_.commit = [&]() -> absl::Status {
    return ++commits == 2 ? absl::DataLossError("planted") : absl::OkStatus();
  };
  const auto result = Run();
  EXPECT_TRUE(absl::IsDataLoss(result.status()));
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("committed before: a"));
  EXPECT_EQ(table_.rows.size(), 100u);
}

TEST_F(RunnerTest, AnIncrementalStreamGoesOnWhereItCameTo) {
  MakeIncremental();
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(table_.rows.size(), 100u);
  rows_ = 130;
  const auto more = Run();
  ASSERT_TRUE(more.ok()) << more.status();
  EXPECT_EQ(more->records_read, 30);
  EXPECT_EQ(table_.rows.size(), 130u);
  const auto nothing = Run();
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_EQ(nothing->records_read, 0);
  EXPECT_EQ(table_.rows.back().first, 130);
}

// A database of somebody's is none to keep a state in, and is not even opened
// in a way that would change it.
TEST_F(RunnerTest, AStateIsKeptInAFileOfItsOwn) {
  MakeIncremental();
  using Statements = std::vector<const char*>;
  for (const Statements& sql : std::vector<Statements>{
           {"CREATE TABLE users (name TEXT)", "PRAGMA journal_mode = DELETE"},
           {"CREATE TABLE pipeline_streams (pipeline TEXT)",
            "PRAGMA journal_mode = DELETE"},
           {"CREATE TABLE users (name TEXT)"}}) {
    std::filesystem::remove(config_.state);
    {
      Url url;
      url.engine = Engine::kSqlite;
      url.database = config_.state;
      const auto made = Connect(url);
      ASSERT_TRUE(made.ok()) << made.status();
      for (const char* statement : sql) {
        ASSERT_TRUE((*made)->Execute(statement).ok()) << statement;
      }
    }
    const auto bytes = [&] {
      std::ifstream file(config_.state, std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const std::string before = bytes();
    const absl::Status status = Run().status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(config_.state));
    EXPECT_EQ(bytes(), before) << sql[0];
    EXPECT_TRUE(table_.rows.empty());
  }
}

// A commit whose answer is lost, having happened or not: the next run finds out
// and neither loses nor doubles a row.
TEST_F(RunnerTest, APendingStepIsSettledByItsMarker) {
  MakeIncremental();
  for (const bool committed : {false, true}) {
    SCOPED_TRACE(committed);
    const size_t before = table_.rows.size();
    rows_ += 50;
    if (committed) {
      // Stores what the commit would, then fails.
      class Lost : public MemoryDestination {
       public:
        using MemoryDestination::MemoryDestination;
        absl::StatusOr<WriteCounts> Commit(absl::string_view marker) override {
          MemoryDestination::Commit(marker).IgnoreError();
          return absl::UnavailableError("connection lost");
        }
      };
      const auto make = kinds_[1].make_destination;
      kinds_[1].make_destination = [this](const ConnectorConfig&)
          -> absl::StatusOr<std::unique_ptr<Destination>> {
        return std::make_unique<Lost>(&table_, MemoryFaults());
      };
      EXPECT_TRUE(absl::IsUnavailable(Run().status()));
      kinds_[1].make_destination = make;
      EXPECT_GT(table_.rows.size(), before);
    } else {
      destination_faults_.commit = [] {
        return absl::UnavailableError("connection lost");
      };
      EXPECT_TRUE(absl::IsUnavailable(Run().status()));
      EXPECT_EQ(table_.rows.size(), before);
    }
    destination_faults_ = {};
    const auto next = Run();
    ASSERT_TRUE(next.ok()) << next.status();
    ASSERT_EQ(table_.rows.size(), static_cast<size_t>(rows_));
    for (int64_t i = 1; i <= rows_; ++i) {
      EXPECT_EQ(table_.rows[static_cast<size_t>(i - 1)].first, i);
    }
  }
}

// A server may not have ended the earlier run's transaction yet.
TEST_F(RunnerTest, AnUnansweredMarkerIsAskedForAgain) {
  MakeIncremental();
  destination_faults_.committed = [] {
    return CommitUnknown({"", "a"}, absl::UnavailableError("lost"));
  };
  const absl::Status lost = Run().status();
  EXPECT_TRUE(absl::IsUnknown(lost));
  EXPECT_THAT(std::string(lost.message()), HasSubstr("next run"));
  destination_faults_ = {};
  int asked = 0;
  std::atomic<bool> stop{false};
  destination_faults_.has_marker = [&] {
    stop = ++asked == 2;
    return asked < 4 ? absl::DeadlineExceededError("locked") : absl::OkStatus();
  };
  RunOptions options;
  options.stop = &stop;
  EXPECT_TRUE(
      absl::IsCancelled(RunPipeline(config_, kinds_, options).status()));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(table_.rows.size(), 100u);
  stop = false;
  const auto next = RunPipeline(config_, kinds_, options);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(asked, 4);
  EXPECT_EQ(next->records_read, 0);
  EXPECT_EQ(table_.rows.size(), 100u);
}

TEST_F(RunnerTest, AStateThatCannotBeWrittenDoesNotDenyTheRows) {
  MakeIncremental();
  destination_faults_.committed = [&]() -> absl::Status {
    Url url;
    url.engine = Engine::kSqlite;
    url.database = config_.state;
    OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
    return session->Execute("DROP TABLE pipeline_streams").status();
  };
  const absl::Status status = Run().status();
  EXPECT_THAT(
      std::string(status.message()),
      ::testing::AllOf(HasSubstr("a: its rows stand"), HasSubstr("next run")));
  EXPECT_EQ(table_.rows.size(), 100u);
}

TEST_F(RunnerTest, AStopDuringACommitEndsTheRunBehindIt) {
  config_.streams.push_back({"b", "b"});
  std::atomic<bool> stop{false};
  destination_faults_.committed = [&] {
    stop = true;
    return absl::OkStatus();
  };
  RunOptions options;
  options.stop = &stop;
  const absl::Status status = RunPipeline(config_, kinds_, options).status();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("committed before: a"));
  EXPECT_EQ(table_.rows.size(), 100u);
}

TEST_F(RunnerTest, OneRunAtATimeHasTheState) {
  MakeIncremental();
  const auto held = StateStore::Open(config_.state);
  ASSERT_TRUE(held.ok()) << held.status();
  const auto result = Run();
  EXPECT_TRUE(absl::IsFailedPrecondition(result.status())) << result.status();
}

TEST_F(RunnerTest, MarkersOfAStreamShareAName) {
  const StreamKey key = {"a/b", "c.d", "e"};
  const std::string one = NewMarker(key);
  EXPECT_EQ(one.substr(0, one.find('/')), "a%2Fb.c%2Ed.e");
  EXPECT_NE(one, NewMarker(key));
}

TEST_F(RunnerTest, VerifySaysWhichColumnDiffers) {
  CountingSource a(50, {});
  CountingSource b(50, {});
  const auto same = VerifyTables(&a, {}, &b, {});
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_TRUE(same->equal()) << RenderVerdict(*same);
  EXPECT_EQ(same->rows_a, 50);

  CountingSource c(50, {});
  CountingSource d(51, {});
  const auto different = VerifyTables(&c, {}, &d, {});
  ASSERT_TRUE(different.ok());
  EXPECT_FALSE(different->equal());
  EXPECT_THAT(RenderVerdict(*different), HasSubstr("DIFF rows: 50 and 51"));
  EXPECT_THAT(RenderVerdict(*different), HasSubstr("DIFF column id"));
}

TEST_F(RunnerTest, VerifyEndsWhenEitherSideFails) {
  for (const bool first : {false, true}) {
    MemoryFaults faults;
    faults.next = [](int64_t row) {
      return row > 5 ? absl::DataLossError("planted") : absl::OkStatus();
    };
    CountingSource bad(50, faults);
    CountingSource endless(int64_t{1} << 60, {});
    ReadRequest small;
    small.batch_rows = 10;
    const auto verdict = first ? VerifyTables(&bad, small, &endless, small)
                               : VerifyTables(&endless, small, &bad, small);
    EXPECT_TRUE(absl::IsDataLoss(verdict.status())) << verdict.status();
  }
}

TEST_F(RunnerTest, VerifyNeedsASourceOfTheDestinationsKind) {
  EXPECT_TRUE(
      absl::IsUnimplemented(VerifyPipeline(config_, {kinds_[1]}).status()) ||
      absl::IsInvalidArgument(VerifyPipeline(config_, {kinds_[1]}).status()));
}

}  // namespace
}  // namespace opsbench::pipeline
