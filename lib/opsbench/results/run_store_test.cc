#include "opsbench/results/run_store.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/atomic_file.h"

namespace opsbench::results {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

RunInfo Info() {
  RunInfo info;
  info.started = "2026-01-31T12:00:05Z";
  info.git_sha = "0123456789abcdef0123456789abcdef01234567";
  info.git_short_sha = "0123456789";
  info.git_branch = "main";
  info.areas = {"sidetable"};
  return info;
}

BenchmarkRow Row(const std::string& name, double real_time) {
  BenchmarkRow row;
  row.name = row.run_name = name;
  row.real_time = real_time;
  row.cpu_time = 1;
  return row;
}

class RunStoreTest : public ::testing::Test {
 protected:
  RunStoreTest() {
    std::string pattern = fs::temp_directory_path() / "opsbench-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    state_ = fs::path(pattern) / ".opsbench";
  }
  ~RunStoreTest() override { fs::remove_all(state_.parent_path()); }

  RunStore Store() const { return RunStore(state_); }

  std::string CreateRun(const RunInfo& info = Info()) {
    const auto folder = Store().CreateRun(info);
    EXPECT_TRUE(folder.ok()) << folder.status();
    return folder.value_or("");
  }

  static void WriteArea(const std::string& folder, const std::string& area,
                        const std::vector<BenchmarkRow>& rows) {
    const absl::Status written = WriteFileAtomically(
        RunStore::AreaFile(folder, area), FormatBenchmarkJson({.rows = rows}));
    EXPECT_TRUE(written.ok()) << written;
  }

  // A complete run with one benchmark.
  std::string FinishedRun(double real_time) {
    std::string folder = CreateRun();
    WriteArea(folder, "sidetable", {Row("a", real_time)});
    const absl::Status finished = Store().FinishRun(folder, Info());
    EXPECT_TRUE(finished.ok()) << finished;
    return folder;
  }

  std::vector<json> History() const {
    std::vector<json> lines;
    std::ifstream file(state_ / "history.jsonl");
    for (std::string line; std::getline(file, line);) {
      lines.push_back(json::parse(line, nullptr, false));
    }
    return lines;
  }

  fs::path state_;
};

TEST_F(RunStoreTest, NamesRunsByTimeAndCommitAndNeverTwice) {
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) {
    const fs::path folder = CreateRun();
    EXPECT_EQ(folder.parent_path(), state_ / "runs");
    names.push_back(folder.filename());
  }
  EXPECT_THAT(names, ElementsAre("20260131T120005Z-0123456789",
                                 "20260131T120005Z-0123456789-2",
                                 "20260131T120005Z-0123456789-3"));
  const auto run = Store().Load(names[2]);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->info.status, RunStatus::kRunning);
  EXPECT_EQ(run->info.git_branch, "main");
}

// Two runs that share a folder would overwrite each other's results.
TEST_F(RunStoreTest, RunsBegunAtOnceGetFoldersOfTheirOwn) {
  constexpr int kThreads = 8;
  std::vector<std::string> folders(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] { folders[t] = CreateRun(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(folders.begin(), folders.end()).size(),
            size_t{kThreads});
}

TEST_F(RunStoreTest, RefusesInfoThatNamesNoFolder) {
  RunInfo info = Info();
  info.started = "yesterday";
  EXPECT_EQ(Store().CreateRun(info).status().code(),
            absl::StatusCode::kInvalidArgument);
  info = Info();
  info.git_short_sha = "../x";
  EXPECT_EQ(Store().CreateRun(info).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(fs::exists(state_));
}

TEST_F(RunStoreTest, FinishingCompletesAndAppendsToTheHistory) {
  RunInfo info = Info();
  const std::string folder = CreateRun(info);
  BenchmarkRow latest = Row("Sidetable/Latest/level:1", 48.5);
  latest.time_unit = "us";
  latest.counters = {{"rows_per_second", 2e6},
                     {"odd", std::numeric_limits<double>::infinity()}};
  BenchmarkRow median = Row("Sidetable/Latest/level:1_median", 48);
  median.run_type = "aggregate";
  median.aggregate_name = "median";
  BenchmarkRow cv = median;
  cv.aggregate_name = "cv";
  cv.aggregate_unit = "percentage";
  BenchmarkRow failed = Row("Sidetable/Exact", 0);
  failed.error_occurred = true;
  failed.error_message = "server\nis gone";
  BenchmarkRow skipped = Row("Sidetable/Mix", 0);
  skipped.skipped = true;
  BenchmarkRow fit =
      Row("Sidetable/Latest_BigO", std::numeric_limits<double>::quiet_NaN());
  WriteArea(folder, "sidetable", {latest, median, cv, failed, skipped, fit});
  info.engines = {{"sqlite", "3.40.1", {}}};
  const absl::Status finished = Store().FinishRun(folder, info);
  ASSERT_TRUE(finished.ok()) << finished;

  const auto run = Store().Load(folder);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->folder, folder);
  EXPECT_EQ(run->info.status, RunStatus::kComplete);
  EXPECT_EQ(run->info.engines.size(), 1u);
  EXPECT_THAT(run->failed_areas, IsEmpty());
  ASSERT_THAT(run->areas, UnorderedElementsAre(Key("sidetable")));
  EXPECT_EQ(run->areas.at("sidetable").rows.size(), 6u);

  const json expected_latest = {{"timestamp", "2026-01-31T12:00:05Z"},
                                {"git_sha", info.git_sha},
                                {"git_branch", "main"},
                                {"git_dirty", false},
                                {"scale", ""},
                                {"run", "20260131T120005Z-0123456789"},
                                {"area", "sidetable"},
                                {"name", "Sidetable/Latest/level:1"},
                                {"real_time_ns", 48500.0},
                                {"cpu_time_ns", 1000.0},
                                {"counters", {{"rows_per_second", 2e6}}}};
  const std::vector<json> history = History();
  ASSERT_EQ(history.size(), 3u);
  EXPECT_EQ(history[0], expected_latest);
  EXPECT_EQ(history[1]["aggregate"], "median");
  EXPECT_EQ(history[1]["real_time_ns"], 48.0);
  EXPECT_EQ(history[2]["error"], "server\nis gone");
  EXPECT_FALSE(history[2].contains("real_time_ns"));
}

TEST_F(RunStoreTest, TheHistoryGrowsRunByRun) {
  FinishedRun(1);
  FinishedRun(2);
  const std::vector<json> history = History();
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0]["real_time_ns"], 1.0);
  EXPECT_EQ(history[1]["real_time_ns"], 2.0);
  EXPECT_NE(history[0]["run"], history[1]["run"]);
}

// As a full disk leaves it: the new lines must not be glued to the stump.
TEST_F(RunStoreTest, ALineCutShortSpoilsItselfAlone) {
  fs::create_directories(state_);
  std::ofstream(state_ / "history.jsonl") << "{\"timestamp\": \"2026";
  FinishedRun(1);
  const std::vector<json> history = History();
  ASSERT_EQ(history.size(), 2u);
  EXPECT_TRUE(history[0].is_discarded());
  EXPECT_EQ(history[1]["real_time_ns"], 1.0);
}

// Writers that seek to the end by themselves, or write a line in pieces, mix
// their lines: some would then be lost or no JSON.
TEST_F(RunStoreTest, RunsThatEndAtOnceKeepTheirLinesWhole) {
  constexpr int kThreads = 4;
  constexpr int kRows = 200;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      const std::string folder = CreateRun();
      std::vector<BenchmarkRow> rows;
      rows.reserve(kRows);
      for (int i = 0; i < kRows; ++i) {
        rows.push_back(Row(absl::StrCat("a", i), t * kRows + i + 1));
      }
      WriteArea(folder, "sidetable", rows);
      const absl::Status finished = Store().FinishRun(folder, Info());
      EXPECT_TRUE(finished.ok()) << finished;
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<double> times;
  for (const json& line : History()) {
    ASSERT_FALSE(line.is_discarded());
    times.insert(line["real_time_ns"].get<double>());
  }
  EXPECT_EQ(times.size(), size_t{kThreads} * kRows);
}

TEST_F(RunStoreTest, ARunWithoutAllResultsIsInterrupted) {
  RunInfo info = Info();
  info.areas = {"sidetable", "stress", "vector"};
  const std::string folder = CreateRun(info);
  WriteArea(folder, "sidetable", {Row("a", 7)});
  // Its benchmark binary was killed while writing.
  std::ofstream(RunStore::AreaFile(folder, "vector")) << "{\"benchmarks\": [";
  const absl::Status finished = Store().FinishRun(folder, info);
  ASSERT_TRUE(finished.ok()) << finished;

  const auto run = Store().Load(folder);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->info.status, RunStatus::kInterrupted);
  EXPECT_THAT(run->areas, UnorderedElementsAre(Key("sidetable")));
  ASSERT_THAT(run->failed_areas,
              UnorderedElementsAre(Key("stress"), Key("vector")));
  EXPECT_EQ(run->failed_areas.at("stress").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(run->failed_areas.at("vector").code(),
            absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(History().size(), 1u);  // What was measured is kept.
  EXPECT_EQ(Store().Save(folder, "main").code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(RunStoreTest, ARunThatTheUserStoppedStaysInterrupted) {
  RunInfo info = Info();
  const std::string folder = CreateRun(info);
  WriteArea(folder, "sidetable", {Row("a", 7)});
  info.status = RunStatus::kInterrupted;
  ASSERT_TRUE(Store().FinishRun(folder, info).ok());
  EXPECT_EQ(Store().Load(folder)->info.status, RunStatus::kInterrupted);
}

TEST_F(RunStoreTest, FinishesARunOnce) {
  const std::string folder = FinishedRun(1);
  EXPECT_EQ(Store().FinishRun(folder, Info()).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(History().size(), 1u);
  EXPECT_EQ(Store().FinishRun(folder + "-none", Info()).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RunStoreTest, SavesAndReplacesBaselines) {
  const std::string first = FinishedRun(1);
  ASSERT_EQ(chmod(first.c_str(), 0755), 0);
  WriteFileAtomically(first + "/notes.txt", "kept").IgnoreError();
  for (int i = 0; i < 2; ++i) {
    const absl::Status saved = Store().Save(first, "main");
    ASSERT_TRUE(saved.ok()) << saved;
  }
  EXPECT_EQ(*ReadWholeFile(state_ / "baselines/main/notes.txt"), "kept");
  struct stat state;
  ASSERT_EQ(stat((state_ / "baselines/main").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0755u);

  const absl::Status saved = Store().Save(FinishedRun(2), "main");
  ASSERT_TRUE(saved.ok()) << saved;
  const auto baseline = Store().Load("main");
  ASSERT_TRUE(baseline.ok()) << baseline.status();
  EXPECT_EQ(baseline->folder, state_ / "baselines/main");
  EXPECT_EQ(baseline->areas.at("sidetable").rows[0].real_time, 2);
  EXPECT_FALSE(fs::exists(state_ / "baselines/main/notes.txt"));
  EXPECT_THAT(NamesIn(state_ / "baselines"), ElementsAre("main"));
  EXPECT_EQ(NamesIn(state_ / "runs").size(), 2u);  // Copied, not moved.
}

// A baseline that is removed before its successor stands is missing for a
// moment. The reader looks at every moment that it gets.
TEST_F(RunStoreTest, ABaselineIsThereWhileItIsReplaced) {
  const std::vector<std::string> runs = {FinishedRun(1), FinishedRun(2)};
  ASSERT_TRUE(Store().Save(runs[0], "main").ok());
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i) {
      const absl::Status saved = Store().Save(runs[i % 2], "main");
      EXPECT_TRUE(saved.ok()) << saved;
    }
    done = true;
  });
  int64_t missing = 0;
  do {
    missing += fs::exists(state_ / "baselines/main") ? 0 : 1;
  } while (!done);
  writer.join();
  EXPECT_EQ(missing, 0);
  EXPECT_THAT(NamesIn(state_ / "baselines"), ElementsAre("main"));
}

TEST_F(RunStoreTest, AFullDiskLeavesTheOldBaseline) {
  ASSERT_TRUE(Store().Save(FinishedRun(1), "main").ok());
  const std::string large = FinishedRun(2);
  ASSERT_TRUE(
      WriteFileAtomically(large + "/large", std::string(100'000, 'x')).ok());
  const pid_t child = fork();
  if (child == 0) {
    // A limit of a file's size fills up like a disk, for root as well.
    const rlimit limit = {50'000, 50'000};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(static_cast<int>(Store().Save(large, "main").code()));
  }
  int state = 0;
  ASSERT_EQ(waitpid(child, &state, 0), child);
  ASSERT_TRUE(WIFEXITED(state));
  EXPECT_EQ(WEXITSTATUS(state),
            static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Store().Load("main")->areas.at("sidetable").rows[0].real_time, 1);
  EXPECT_THAT(NamesIn(state_ / "baselines"), ElementsAre("main"));
}

TEST_F(RunStoreTest, RefusesNamesThatAreNone) {
  const std::string folder = FinishedRun(1);
  for (const char* name :
       {"", ".", "..", ".hidden", "a/b", "/a", "a b", "ä", "a\n", "a,b", "-",
        "--run", "latest", "previous", "20260131T120005Z-0123456789",
        "20260131T120005Z-x-2", "before.json"}) {
    EXPECT_EQ(Store().Save(folder, name).code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
  EXPECT_FALSE(fs::exists(state_ / "baselines"));
  for (const char* name :
       {"main", "v1.2_rc-3", "_", "7", "20260131", "Latest2"}) {
    EXPECT_TRUE(Store().Save(folder, name).ok()) << name;
  }
  EXPECT_EQ(Store().Save(folder + "-none", "main").code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RunStoreTest, LoadsByBaselineByRunAndByPath) {
  const fs::path folder = FinishedRun(3);
  ASSERT_TRUE(Store().Save(folder, "main").ok());
  for (const std::string& what :
       {std::string("main"), folder.filename().string(), folder.string(),
        (state_ / "baselines/main").string()}) {
    const auto run = Store().Load(what);
    ASSERT_TRUE(run.ok()) << what << run.status();
    EXPECT_EQ(run->areas.at("sidetable").rows[0].real_time, 3);
  }
  const absl::Status status = Store().Load("none").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("\"none\""), HasSubstr(state_.string())));
}

TEST_F(RunStoreTest, ListsWhatThereIs) {
  EXPECT_THAT(*Store().ListRuns(), IsEmpty());
  EXPECT_THAT(*Store().ListBaselines(), IsEmpty());
  EXPECT_FALSE(fs::exists(state_));
  std::vector<std::string> expected;
  for (int i = 0; i < 11; ++i) {
    expected.push_back(fs::path(FinishedRun(i + 1)).filename());
  }
  // By a clock that was put back since.
  RunInfo earlier = Info();
  earlier.started = "2026-01-31T11:00:00Z";
  const std::string complete = expected.back();
  expected.push_back(fs::path(CreateRun(earlier)).filename());
  for (const char* name : {"b", "a"}) {
    ASSERT_TRUE(Store().Save((state_ / "runs" / complete).string(), name).ok());
  }
  // A copy that is under way, a stray file, and a folder that is no run.
  fs::create_directories(state_ / "baselines/.a-123456");
  std::ofstream(state_ / "baselines/stray") << "x";
  fs::create_directories(state_ / "baselines/c");

  const auto runs = Store().ListRuns();
  ASSERT_TRUE(runs.ok()) << runs.status();
  std::vector<std::string> names;
  for (const StoredRun& run : *runs) names.push_back(run.name);
  EXPECT_EQ(names, expected);  // -2 … -11 in the order of their making.
  EXPECT_EQ(runs->back().info->status, RunStatus::kRunning);
  const auto baselines = Store().ListBaselines();
  ASSERT_TRUE(baselines.ok()) << baselines.status();
  ASSERT_EQ(baselines->size(), 3u);
  EXPECT_EQ((*baselines)[0].name, "a");
  EXPECT_EQ((*baselines)[1].name, "b");
  EXPECT_EQ((*baselines)[2].info.status().code(), absl::StatusCode::kNotFound);
}

TEST_F(RunStoreTest, FindsTheLatestCompleteRuns) {
  EXPECT_EQ(Store().Find("latest").status().code(),
            absl::StatusCode::kNotFound);
  const std::string first = FinishedRun(1);
  EXPECT_EQ(Store().Find("previous").status().code(),
            absl::StatusCode::kNotFound);
  const std::string second = FinishedRun(2);
  CreateRun();  // Never finished.
  EXPECT_EQ(*Store().Find("latest"), second);
  EXPECT_EQ(*Store().Find("previous"), first);
  // A baseline of that name, of a version that saved such, stands for no run.
  fs::create_directories(state_ / "baselines");
  fs::copy(first, state_ / "baselines/latest");
  EXPECT_EQ(*Store().Find("latest"), second);
  EXPECT_TRUE(Store().Remove("latest").ok());
}

// Not the one whose clock was furthest ahead.
TEST_F(RunStoreTest, TheLatestRunIsTheOneCreatedLast) {
  RunInfo future = Info();
  future.started = "2126-01-31T12:00:00Z";
  const std::string wrong = CreateRun(future);
  WriteArea(wrong, "sidetable", {Row("a", 1)});
  ASSERT_TRUE(Store().FinishRun(wrong, future).ok());
  EXPECT_EQ(*Store().Find("latest"), wrong);
  const std::string right = FinishedRun(2);
  EXPECT_EQ(*Store().Find("latest"), right);
  EXPECT_EQ(*Store().Find("previous"), wrong);
}

// Another run in its place would be judged without a word.
TEST_F(RunStoreTest, ARunThatCannotBeReadIsNotPassedOver) {
  FinishedRun(1);
  const std::string damaged = FinishedRun(2);
  for (const char* text : {"", "{}", "{\"status\": \"complete\""}) {
    ASSERT_TRUE(WriteFileAtomically(damaged + "/run.json", text).ok());
    const absl::Status status = Store().Find("latest").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(damaged));
  }
  fs::remove(damaged + "/run.json");
  EXPECT_EQ(Store().Find("latest").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// Each is what a run never leaves behind, and would be taken for nothing to
// compare.
TEST_F(RunStoreTest, FindsDamagedResults) {
  const std::string one = FormatBenchmarkJson({.rows = {Row("a", 1)}});
  const std::string folder = FinishedRun(1);
  const std::string path = RunStore::AreaFile(folder, "sidetable");
  const std::vector<std::string> damaged = {
      "",
      "{}",
      "{\"benchmarks\": []}",
      one.substr(0, one.size() / 2),
      FormatBenchmarkJson({.rows = {Row("a", 1), Row("a", 2)}}),
      FormatBenchmarkJson({.context = {{"executable", "/x/memtable_bench"}},
                           .rows = {Row("a", 1)}})};
  for (const std::string& text : damaged) {
    ASSERT_TRUE(WriteFileAtomically(path, text).ok());
    const auto run = Store().Load(folder);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_EQ(run->failed_areas.count("sidetable"), 1u) << text;
    EXPECT_EQ(Store().Save(folder, "main").code(),
              absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_FALSE(fs::exists(state_ / "baselines"));
}

TEST_F(RunStoreTest, RemovesBaselinesAlone) {
  const std::string run = FinishedRun(1);
  ASSERT_TRUE(Store().Save(run, "main").ok());
  ASSERT_TRUE(Store().Save(run, "other").ok());
  const absl::Status removed = Store().Remove("main");
  ASSERT_TRUE(removed.ok()) << removed;
  EXPECT_THAT(NamesIn(state_ / "baselines"), ElementsAre("other"));
  EXPECT_TRUE(fs::exists(run));
  EXPECT_EQ(Store().Remove("main").code(), absl::StatusCode::kNotFound);
  for (const char* name : {"", "..", "../runs", ".hidden"}) {
    EXPECT_EQ(Store().Remove(name).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Store().Remove(fs::path(run).filename()).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RunStoreTest, WhatAKilledSaveLeftGoesWithALaterOne) {
  const std::string run = FinishedRun(1);
  ASSERT_TRUE(Store().Save(run, "main").ok());
  const fs::path baselines = state_ / "baselines";
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(2);
  for (const char* name :
       {".main-abcdef", ".main-ghijkl", ".main-ghijkl.old"}) {
    fs::create_directory(baselines / name);
    std::ofstream(baselines / name / "run.json") << "{}";
    std::ofstream(baselines / name / ".files") << "run.json\n";
  }
  // Of somebody else, who keeps baselines in git.
  fs::create_directory(baselines / ".git");
  std::ofstream(baselines / ".git" / "HEAD") << "ref";
  fs::last_write_time(baselines / ".git", old);
  fs::last_write_time(baselines / ".main-abcdef", old);
  fs::last_write_time(baselines / ".main-ghijkl.old", old);
  ASSERT_TRUE(Store().Save(run, "other").ok());
  // One may be under way, the other may be the last copy.
  EXPECT_THAT(NamesIn(baselines),
              ::testing::UnorderedElementsAre("main", "other", ".main-ghijkl",
                                              ".main-ghijkl.old", ".git"));
  EXPECT_TRUE(fs::exists(baselines / ".git" / "HEAD"));
}

TEST_F(RunStoreTest, WhatOthersPutIntoABaselineStays) {
  const std::string run = FinishedRun(1);
  const fs::path baselines = state_ / "baselines";
  ASSERT_TRUE(Store().Save(run, "main").ok());
  ASSERT_TRUE(Store().Save(run, "main").ok()) << "its own is replaced";
  std::ofstream(baselines / "main" / "report.html") << "of `opsbench report`";
  ASSERT_TRUE(Store().Save(run, "main").ok());
  std::ofstream(baselines / "main" / "notes.txt") << "mine";
  fs::create_directories(baselines / "folder");
  std::ofstream(baselines / "folder" / "mine.txt") << "mine";
  for (const std::string name : {"main", "folder"}) {
    for (const absl::Status& status :
         {Store().Save(run, name), Store().Remove(name)}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_THAT(std::string(status.message()), HasSubstr("move it away"));
    }
  }
  EXPECT_TRUE(fs::exists(baselines / "main" / "notes.txt"));
  EXPECT_TRUE(fs::exists(baselines / "folder" / "mine.txt"));
  fs::remove(baselines / "main" / "notes.txt");
  EXPECT_TRUE(Store().Remove("main").ok());
  EXPECT_THAT(NamesIn(baselines), ElementsAre("folder"));
}

// The child saves and removes without end and is killed at whatever it does
// just then: whatever has the name must be a whole baseline.
TEST_F(RunStoreTest, AKilledProcessLeavesAWholeBaselineOrNone) {
  const std::vector<std::string> runs = {FinishedRun(1), FinishedRun(2)};
  for (int round = 0; round < 10; ++round) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ready[0]);
      for (int i = 0;; ++i) {
        if (!Store().Save(runs[i % 2], "main").ok()) _exit(1);
        if (i % 3 == 2 && !Store().Remove("main").ok()) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(0);
      }
    }
    close(ready[1]);
    // After a number of turns, somewhere in the next.
    char turn;
    for (int i = 0; i <= round; ++i) ASSERT_EQ(read(ready[0], &turn, 1), 1);
    kill(child, SIGKILL);
    int state = 0;
    ASSERT_EQ(waitpid(child, &state, 0), child);
    EXPECT_TRUE(WIFSIGNALED(state));
    close(ready[0]);
    const auto baseline = Store().Load("main");
    if (!baseline.ok()) {
      EXPECT_EQ(baseline.status().code(), absl::StatusCode::kNotFound);
      EXPECT_FALSE(fs::exists(state_ / "baselines/main"));
      continue;
    }
    EXPECT_THAT(baseline->failed_areas, IsEmpty());
    EXPECT_EQ(baseline->info.status, RunStatus::kComplete);
  }
}

TEST_F(RunStoreTest, RefusesARunOfALaterVersion) {
  const std::string folder = FinishedRun(3);
  ASSERT_TRUE(
      WriteFileAtomically(folder + "/run.json", R"({"schema_version": 99})")
          .ok());
  const absl::Status status = Store().Load(folder).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr(folder));
}

}  // namespace
}  // namespace opsbench::results
