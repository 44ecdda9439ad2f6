#include "opsbench/results/summary.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::results {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

BenchmarkRow Row(const std::string& name, double real_time_us) {
  BenchmarkRow row;
  row.name = row.run_name = name;
  row.real_time = real_time_us;
  row.time_unit = "us";
  return row;
}

BenchmarkRow Rated(const std::string& name, double real_time_us) {
  BenchmarkRow row = Row(name, real_time_us);
  row.counters["operations_per_second"] = 8e6 / real_time_us;
  return row;
}

BenchmarkRow Failed(const std::string& name, const std::string& message) {
  BenchmarkRow row = Row(name, 0);
  row.error_occurred = true;
  row.error_message = message;
  return row;
}

Run RunOf(const std::vector<BenchmarkRow>& rows) {
  Run run;
  run.folder = "/state/runs/20260131T120005Z-0123456789";
  run.info.status = RunStatus::kComplete;
  run.info.git_short_sha = "0123456789";
  run.info.git_branch = "main";
  run.info.compiler = "GNU 12.2.0";
  run.info.build_type = "RelWithDebInfo";
  run.info.cpu_model = "AMD EPYC";
  run.info.cores = 2;
  run.info.memory_bytes = 8LL << 30;
  run.info.kernel = "Linux 6.1.0";
  run.info.scale = "quick";
  run.info.seed = 1;
  run.areas["sidetable"].rows = rows;
  return run;
}

std::string TablesOf(const std::string& summary) {
  const size_t begin = summary.find("\nsidetable: ");
  EXPECT_NE(begin, std::string::npos) << summary;
  return summary.substr(begin, summary.rfind("\nTimes are") - begin);
}

TEST(SummaryTest, ShowsFactsFailuresAndTables) {
  auto run = RunOf({
      Rated("Sidetable/BulkLoad/engine:sqlite/strategy:side_table/iterations:1/"
            "manual_time",
            12.3),
      Row("Sidetable/Exact/engine:sqlite/strategy:side_table/real_time", 30.04),
      Row("Sidetable/Latest/engine:sqlite/strategy:side_table/level:1/"
          "real_time",
          8.461),
      Row("Sidetable/Latest/engine:sqlite/strategy:side_table/level:2/"
          "real_time",
          9.996),
      Row("Sidetable/Latest/engine:sqlite/strategy:like_scan/level:1/real_time",
          123'456),
      Rated("Sidetable/Mix/engine:sqlite/strategy:side_table/mix:A/workers:1/"
            "iterations:1/manual_time",
            386),
      Rated("Sidetable/Mix/engine:sqlite/strategy:side_table/mix:A/workers:8/"
            "iterations:1/manual_time",
            61.7),
      Row("Sidetable/Exact/engine:mysql/strategy:side_table/real_time", 101.7),
      Row("Sidetable/Latest/engine:mysql/strategy:side_table/level:1/real_time",
          148.2),
      Failed("Sidetable/Latest/engine:mysql/strategy:like_scan/level:2/"
             "real_time",
             "the server\nhas gone away"),
  });
  run.info.git_dirty = true;
  run.info.engines = {{"mysql", "10.11.6-MariaDB", {}},
                      {"sqlite", "3.40.1", {}}};
  EXPECT_EQ(RenderSummary(run),
            R"(FAILED: 1 failure
  Sidetable/Latest/engine:mysql/strategy:like_scan/level:2/real_time: the server has gone away

Run 20260131T120005Z-0123456789: scale quick, seed 1
  source   main at 0123456789 with uncommitted changes
  build    GNU 12.2.0, RelWithDebInfo
  machine  AMD EPYC, 2 cores, 8.0 GiB, Linux 6.1.0
  engines  mysql 10.11.6-MariaDB
           sqlite 3.40.1

sidetable: 10 benchmarks

  Sidetable/Latest
           sqlite                   mysql
    level  side_table  like_scan    side_table  like_scan
    1         8.46 µs     123 ms        148 µs          -
    2         10.0 µs          -             -      ERROR

  Sidetable/Mix
                  sqlite
    mix  workers        side_table
    A    1         386 µs  20.7k/s
    A    8        61.7 µs   130k/s

                        sqlite             mysql
    benchmark                side_table    side_table
    Sidetable/BulkLoad  12.3 µs  650k/s             -
    Sidetable/Exact     30.0 µs                102 µs

Times are of one iteration; /s are operations a second.
)");
}

TEST(SummaryTest, FormatsOfBulkInsertsStandSideBySide) {
  EXPECT_EQ(
      TablesOf(RenderSummary(RunOf(
          {Row("Stress/Mix/engine:postgres/class:inserter/format:copy_binary/"
               "users:4/manual_time",
               2.5),
           Row("Stress/Mix/engine:postgres/class:inserter/format:multi_row/"
               "users:4/manual_time",
               20),
           Row("Stress/Mix/engine:postgres/class:query/format:copy_binary/"
               "users:4/manual_time",
               1.5)}))),
      R"(
sidetable: 3 benchmarks

  Stress/Mix
                     postgres
    class     users  copy_binary  multi_row
    inserter  4          2.50 µs    20.0 µs
    query     4          1.50 µs          -
)");
}

// The widest line, in characters.
size_t WidthOf(const std::string& text) {
  size_t widest = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    size_t characters = 0;
    for (const char byte : line) characters += (byte & 0xc0) != 0x80;
    widest = std::max(widest, characters);
  }
  return widest;
}

std::vector<BenchmarkRow> TwoEnginesThreeStrategies() {
  std::vector<BenchmarkRow> rows;
  double time_us = 10;
  for (const char* engine : {"mysql", "postgres"}) {
    for (const char* strategy : {"side_table", "like_scan", "level_columns"}) {
      for (const int level : {1, 2}) {
        rows.push_back(Row(absl::StrCat("Latest/engine:", engine, "/strategy:",
                                        strategy, "/level:", level),
                           time_us));
        time_us *= 2;
      }
    }
  }
  return rows;
}

TEST(SummaryTest, SplitsByEngineWhatIsTooWide) {
  const std::string wide = TablesOf(
      RenderSummary(RunOf(TwoEnginesThreeStrategies()), {.columns = 87}));
  EXPECT_EQ(wide, R"(
sidetable: 12 benchmarks

  Latest
           mysql                                   postgres
    level  side_table  like_scan  level_columns    side_table  like_scan  level_columns
    1         10.0 µs    40.0 µs         160 µs        640 µs    2.56 ms        10.2 ms
    2         20.0 µs    80.0 µs         320 µs       1.28 ms    5.12 ms        20.5 ms
)");
  EXPECT_EQ(TablesOf(RenderSummary(RunOf(TwoEnginesThreeStrategies()),
                                   {.columns = 86})),
            R"(
sidetable: 12 benchmarks

  Latest, engine mysql
    level  side_table  like_scan  level_columns
    1         10.0 µs    40.0 µs         160 µs
    2         20.0 µs    80.0 µs         320 µs

  Latest, engine postgres
    level  side_table  like_scan  level_columns
    1          640 µs    2.56 ms        10.2 ms
    2         1.28 ms    5.12 ms        20.5 ms
)");
  const std::string narrow = TablesOf(
      RenderSummary(RunOf(TwoEnginesThreeStrategies()), {.columns = 40}));
  EXPECT_THAT(narrow, StartsWith(R"(
sidetable: 12 benchmarks

  Latest, engine mysql
    strategy       level     time
    side_table     1      10.0 µs
    side_table     2      20.0 µs
    like_scan      1      40.0 µs
)"));
  EXPECT_LE(WidthOf(narrow), 40u);
}

// Every area of the design and other people's benchmarks go the same way.
TEST(SummaryTest, KnowsNothingOfSideTables) {
  EXPECT_EQ(TablesOf(RenderSummary(RunOf({
                Row("Memtable/Get/impl:opsbench/items:1000/threads:1", 0.0301),
                Row("Memtable/Get/impl:tbb/items:1000/threads:1", 0.0009),
                Row("Memtable/Get/impl:opsbench/items:1000/threads:2", 0.04),
                Row("BM_Copy/8/128", 5e6),
                Row("BM_Copy/8/256", 9e9),
                Row("BM_Plain", 1),
                Row("Persist/engine:redis", 3),
            }))),
            R"(
sidetable: 7 benchmarks

  Memtable/Get
    items  threads  opsbench      tbb
    1000   1         30.1 ns  0.90 ns
    1000   2         40.0 ns        -

  BM_Copy
    args     time
    8/128  5.00 s
    8/256  9000 s

    benchmark     time    redis
    BM_Plain   1.00 µs        -
    Persist          -  3.00 µs

  Times of each rival over ours, at the largest size
    benchmark     threads   tbb
    Memtable/Get  1        0.03
)");
}

TEST(SummaryTest, ComparesRivalsInNarrowColumnsAndTheirMemory) {
  std::vector<BenchmarkRow> rows;
  for (const char* impl :
       {"opsbench", "rocksdb_skiplist", "leveldb_tmpfs", "tbb_3_indexes"}) {
    rows.push_back(Row(absl::StrCat("Memory/impl:", impl, "/items:1000"), 2));
    rows.back().counters["bytes_per_row"] = 139.4;
  }
  EXPECT_EQ(TablesOf(RenderSummary(RunOf(rows), {.columns = 50})), R"(
sidetable: 4 benchmarks

  Memory
                     rocksdb_  leveldb_   tbb_3_
    items  opsbench  skiplist     tmpfs  indexes
    1000    2.00 µs   2.00 µs   2.00 µs  2.00 µs

  Memory: bytes_per_row
                     rocksdb_  leveldb_   tbb_3_
    items  opsbench  skiplist     tmpfs  indexes
    1000        139       139       139      139
)");
}

TEST(SummaryTest, ShowsCountersWhereThereIsNothingToCompare) {
  std::vector<BenchmarkRow> rows;
  for (const char* threads : {"1", "2"}) {
    rows.push_back(
        Row(absl::StrCat("Put/impl:opsbench/items:9/threads:", threads), 0.08));
    rows.back().counters = {{"put_p99_ns", 210},
                            {"put_max_ns", 12'345'678},
                            {"stalled_ms", 0},
                            {"peak_bytes", 3 << 19},
                            {"allocations_per_op", 0.00125},
                            {"items_per_second", 1e7},
                            {"rotations", 3}};
  }
  EXPECT_EQ(TablesOf(RenderSummary(RunOf(rows))), R"(
sidetable: 2 benchmarks

  Put, impl opsbench, items 9
                      allocations_
    threads     time        per_op     peak  put_max  put_p99  stalled
    1        80.0 ns       0.00125  1.5 MiB  12.3 ms   210 ns        0
    2        80.0 ns       0.00125  1.5 MiB  12.3 ms   210 ns        0
)");
}

TEST(SummaryTest, SaysLoudlyWhatIsMissing) {
  auto run = RunOf({Row("a", 1)});
  run.info.status = RunStatus::kInterrupted;
  run.failed_areas["vector"] = absl::NotFoundError("no such file");
  for (int i = 0; i < 25; ++i) {
    run.areas["stress"].rows.push_back(
        Failed(absl::StrCat("s/n:", i), "broken"));
  }
  const std::string text = RenderSummary(run);
  EXPECT_THAT(text,
              StartsWith("FAILED: 27 failures\n"
                         "  the run was interrupted: results are missing\n"
                         "  no results of vector: no such file\n"
                         "  s/n:0: broken\n"));
  EXPECT_THAT(text, AllOf(HasSubstr("  s/n:17: broken\n  and 7 more\n\n"),
                          Not(HasSubstr("s/n:18"))));
  run.info.status = RunStatus::kRunning;
  EXPECT_THAT(RenderSummary(run), HasSubstr("has not ended, or was killed\n"));
}

TEST(SummaryTest, AGoodRunShowsNoFailure) {
  const std::string text = RenderSummary(RunOf({Row("a", 1)}));
  EXPECT_THAT(text, StartsWith("Run 20260131T120005Z-0123456789: "));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("FAILED")), Not(HasSubstr("ERROR"))));
}

TEST(SummaryTest, ColoursOnlyWhenAsked) {
  const auto run = RunOf({Failed("a", "broken"), Row("b", 1)});
  EXPECT_THAT(RenderSummary(run), Not(HasSubstr("\x1b")));
  const std::string text = RenderSummary(run, {.color = true});
  EXPECT_THAT(text,
              StartsWith("\x1b[1;31mFAILED: 1 failure\x1b[0m\n  a: broken\n"));
  EXPECT_THAT(text, HasSubstr("\x1b[1;31m    a            ERROR\x1b[0m\n"));
  EXPECT_THAT(text, HasSubstr("\x1b[1msidetable\x1b[0m: 2 benchmarks\n"));
}

}  // namespace
}  // namespace opsbench::results
