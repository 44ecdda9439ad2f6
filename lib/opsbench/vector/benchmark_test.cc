#include "opsbench/vector/benchmark.h"

#include <atomic>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/vector/benchmark_report.h"

namespace opsbench::vector {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

BenchmarkConfig Small() {
  BenchmarkConfig config;
  config.dataset = "clusters-1k-16";
  config.num_clients = 2;
  config.num_requests = 400;
  config.warmup = absl::Milliseconds(5);
  return config;
}

TEST(BenchmarkConfigTest, ParametersByTheirNames) {
  BenchmarkConfig config;
  ASSERT_TRUE(SetParameter("num_clients", 7, &config).ok());
  ASSERT_TRUE(SetParameter("threads", 3, &config).ok());
  ASSERT_TRUE(SetParameter("pipeline", 4, &config).ok());
  ASSERT_TRUE(SetParameter("ef", 50, &config).ok());
  EXPECT_EQ(config.num_clients, 7);
  EXPECT_EQ(config.num_threads, 3);
  EXPECT_EQ(config.pipeline, 4);
  EXPECT_EQ(config.ef_search, 50);
  EXPECT_EQ(GetParameter("num_clients", config), 7);
  EXPECT_EQ(GetParameter("num_threads", config), 3);
  EXPECT_EQ(GetParameter("pipeline", config), 4);
  EXPECT_EQ(GetParameter("probes", config), 50);
  EXPECT_THAT(SetParameter("clientz", 1, &config).message(),
              HasSubstr("there are num_clients"));
  EXPECT_FALSE(SetParameter("ef", -1, &config).ok());
}

TEST(BenchmarkConfigTest, WhatCannotBeIsNamed) {
  const auto fault = [](auto change) {
    BenchmarkConfig config;
    change(config);
    const absl::Status status = CheckConfig(config);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_TRUE(CheckConfig(BenchmarkConfig()).ok());
  EXPECT_THAT(fault([](auto& c) { c.k = 0; }), StartsWith("k is 0"));
  EXPECT_THAT(fault([](auto& c) { c.num_clients = -1; }), HasSubstr("clients"));
  EXPECT_THAT(fault([](auto& c) { c.pipeline = 2; }), HasSubstr("pipeline"));
  EXPECT_THAT(fault([](auto& c) { c.operation = "get"; }),
              HasSubstr("--backend redis"));
  EXPECT_THAT(fault([](auto& c) { c.duration = absl::ZeroDuration(); }),
              HasSubstr("seconds"));
  EXPECT_THAT(fault([](auto& c) { c.rate_per_second = -1; }),
              HasSubstr("rate"));
  EXPECT_THAT(
      fault([](auto& c) { c.filter.by_tag = c.filter.by_number = true; }),
      HasSubstr("not by both"));
  EXPECT_THAT(fault([](auto& c) {
                c.filter.by_number = true;
                c.filter.number_low = c.filter.number_high = 0.5;
              }),
              HasSubstr("begin below its end"));
}

TEST(BenchmarkConfigTest, TheCommandHasWhatCountsAndNoPassword) {
  BenchmarkConfig config = Small();
  config.ef_search = 64;
  config.filter.by_tag = true;
  config.filter.tag = 3;
  EXPECT_EQ(CommandOf(config),
            "vector query --backend hnsw --dataset clusters-1k-16 --k 10 "
            "--ef 64 --filter-tag 3 --clients 2 --requests 400 --warmup 0.005");
  config.backend = "redis://:hushhush@localhost:6379/0";
  config.num_threads = 2;
  config.dataset = "a file's name";
  EXPECT_THAT(CommandOf(config),
              AllOf(Not(HasSubstr("hushhush")), HasSubstr("--threads 2"),
                    HasSubstr("--dataset 'a file'\\''s name'")));
}

// What a user can set apart from what was measured before: in the name, so that
// comparisons do not take two of them for one, and in the CSV.
TEST(BenchmarkReportTest, WhatChangesAMeasurementChangesItsName) {
  const auto name = [](const BenchmarkConfig& config) {
    BenchmarkResult result;
    result.config = config;
    result.answered_by = config.backend;
    return ToBenchmarkFile({result}).rows[0].name;
  };
  const auto line = [](const BenchmarkConfig& config) {
    BenchmarkResult result;
    result.config = config;
    return FormatResultsCsv({result});
  };
  struct Change {
    const char* backend;
    const char* operation;
    void (*change)(BenchmarkConfig*);
  };
  using Config = BenchmarkConfig;
  const char* const redis = "redis://127.0.0.1:6379";
  for (const Change& change : std::vector<Change>{
           {"hnsw", kVectorQuery, [](Config* c) { c->build.m = 8; }},
           {"hnswlib", kVectorQuery,
            [](Config* c) { c->build.ef_construction = 100; }},
           {"faiss_ivf", kVectorQuery, [](Config* c) { c->build.lists = 7; }},
           {"hnsw", kVectorQuery, [](Config* c) { c->build.threads = 1; }},
           {"hnsw", kVectorQuery, [](Config* c) { c->k = 3; }},
           {"hnsw", kVectorQuery, [](Config* c) { c->ef_search = 77; }},
           {"hnsw", kVectorQuery, [](Config* c) { c->seed = 2; }},
           {"hnsw", kVectorQuery, [](Config* c) { c->dataset = "other"; }},
           {"hnsw", kVectorQuery,
            [](Config* c) { c->open.metric = Metric::kCosine; }},
           {"hnsw", kVectorQuery, [](Config* c) { c->open.queries = "q.npy"; }},
           {"hnsw", kVectorQuery,
            [](Config* c) {
              c->filter.by_tag = true;
              c->filter.tag = 4;
            }},
           {"hnsw", kVectorQuery,
            [](Config* c) {
              c->filter.by_number = true;
              c->filter.number_high = 0.123456789;
            }},
           {"hnsw", kVectorQuery, [](Config* c) { c->rate_per_second = 5; }},
           {redis, kVectorQuery, [](Config* c) { c->num_threads = 3; }},
           {redis, kVectorQuery, [](Config* c) { c->build.m = 8; }},
           {redis, "get", [](Config* c) { c->pipeline = 3; }},
           {redis, "get", [](Config* c) { c->key_space = 7; }},
           {redis, "get", [](Config* c) { c->value_bytes = 7; }},
           {redis, "get", [](Config* c) { c->operation = "set"; }},
           {redis, "incr", [](Config* c) { c->key_space = 7; }}}) {
    BenchmarkConfig config;
    config.backend = change.backend;
    config.operation = change.operation;
    BenchmarkConfig changed = config;
    change.change(&changed);
    EXPECT_NE(name(config), name(changed));
    EXPECT_NE(line(config), line(changed)) << name(changed);
    EXPECT_NE(CommandOf(config), CommandOf(changed)) << name(changed);
  }
}

TEST(VectorBenchmarkTest, RunCountsEveryRequestAndItsRecall) {
  VectorBenchmark benchmark;
  BenchmarkConfig config = Small();
  config.ef_search = 200;
  const auto result = benchmark.Run(config);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests, 400);
  EXPECT_EQ(result->errors, 0);
  EXPECT_GT(result->qps, 0);
  EXPECT_GT(*result->recall_avg, 0.95);
  EXPECT_LE(*result->recall_avg, *result->recall_max);
  EXPECT_LE(*result->recall_min, *result->recall_avg);
  EXPECT_GT(result->latency_p50_ms, 0);
  EXPECT_LE(result->latency_p50_ms, result->latency_p99_ms);
  EXPECT_LE(result->latency_p99_ms, result->latency_max_ms);
  EXPECT_FALSE(result->baseline_latency_avg_ms.has_value());
  EXPECT_THAT(result->answered_by, StartsWith("hnsw 1, graph by hnswlib "));
  EXPECT_GT(result->index_bytes, 1000 * 16 * 4);
  EXPECT_THAT(benchmark.results(), SizeIs(1));
}

TEST(VectorBenchmarkTest, AnExactIndexFindsAllAlsoUnderAFilter) {
  VectorBenchmark benchmark;
  BenchmarkConfig config = Small();
  config.backend = "brute_force";
  for (const bool filtered : {false, true}) {
    config.filter.by_number = filtered;
    config.filter.number_high = 0.1;
    const auto result = benchmark.Run(config);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(*result->recall_min, 1);
  }
}

// 0 of 0 is no recall, and certainly not 1.
TEST(VectorBenchmarkTest, AFilterThatPassesNothingIsRefused) {
  for (const char* backend : {"hnsw", "brute_force", "faiss_ivf"}) {
    VectorBenchmark benchmark;
    BenchmarkConfig config = Small();
    config.backend = backend;
    config.build.lists = 4;
    config.filter.by_tag = true;
    config.filter.tag = 999'999;
    for (const absl::Status& status :
         {benchmark.Run(config).status(),
          benchmark
              .Tune(config, {.parameters = {MakeParameter("ef", {10, 20})}})
              .status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << backend;
      EXPECT_THAT(std::string(status.message()),
                  HasSubstr("passes none of the 1000 vectors"));
    }
    EXPECT_THAT(benchmark.results(), SizeIs(0));
  }
}

// Of fewer vectors than k, recall is that of those that can be found.
TEST(VectorBenchmarkTest, WhatRecallIsOfIsSaid) {
  VectorBenchmark benchmark;
  BenchmarkConfig config = Small();
  config.backend = "brute_force";
  config.k = 100;
  config.filter.by_tag = true;
  config.filter.tag = 2;  // A twentieth.
  const auto result = benchmark.Run(config);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LT(result->recall_k, 100);
  EXPECT_GT(result->recall_k, 0);
  EXPECT_EQ(*result->recall_min, 1);
  EXPECT_EQ(result->short_replies, 0);
  EXPECT_THAT(RenderResult(*result),
              HasSubstr("recall is of them, not of 100"));
}

// A window that is over before a request is: it goes on until one has ended.
TEST(VectorBenchmarkTest, AWindowWithoutARequestIsMadeLonger) {
  VectorBenchmark benchmark;
  BenchmarkConfig config = Small();
  config.num_requests = 0;
  config.duration = absl::Nanoseconds(1);
  const auto result = benchmark.Run(config);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GE(result->requests, 1);
  EXPECT_GT(result->qps, 0);
}

// The latency that is asked for is one that single measurements break half of
// the time, so that a median that keeps it says little of what is reported.
TEST(VectorBenchmarkTest, WhatIsReportedKeepsTheConstraintsItself) {
  VectorBenchmark benchmark;
  const BenchmarkConfig config = Small();
  const auto usual = benchmark.Run(config);
  ASSERT_TRUE(usual.ok()) << usual.status();
  for (int i = 0; i < 10; ++i) {
    ConstraintSearchOptions options;
    options.min_recall = 0.1;
    options.max_latency_p99_ms = usual->latency_p99_ms;
    options.min_val = 1;
    options.max_val = 3;
    options.tune.max_evaluations = 6;
    const auto outcome = benchmark.FindMaxQpsWithConstraints(config, options);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->feasible, outcome->search.best.has_value());
    if (!outcome->feasible) continue;
    EXPECT_LE(outcome->best->latency_p99_ms, usual->latency_p99_ms);
    EXPECT_EQ(outcome->best->config.num_clients,
              outcome->search.evidence[*outcome->search.best].setting[0]);
  }
}

TEST(VectorBenchmarkTest, ALeastRecallIsForSearches) {
  VectorBenchmark benchmark;
  BenchmarkConfig config = Small();
  config.backend = "redis://127.0.0.1:1";
  config.operation = "get";
  const auto outcome = benchmark.FindMaxQpsWithConstraints(config, {});
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(outcome.status().message()),
              HasSubstr("get has no recall"));
}

TEST(VectorBenchmarkTest, FaultsAreToldBeforeAnythingIsMeasured) {
  VectorBenchmark benchmark;
  BenchmarkConfig config = Small();
  config.backend = "hnswlibb";
  EXPECT_THAT(benchmark.Run(config).status().message(), HasSubstr("hnswlib"));
  config = Small();
  config.dataset = "nowhere.fvecs";
  EXPECT_EQ(benchmark.Run(config).status().code(), absl::StatusCode::kNotFound);
  config = Small();
  config.backend = "redis://127.0.0.1:1";
  EXPECT_EQ(benchmark.Run(config).status().code(),
            absl::StatusCode::kUnavailable);
  config.backend = "mysql://127.0.0.1:1/d";
  EXPECT_EQ(benchmark.Run(config).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(benchmark.results(), SizeIs(0));
}

TEST(VectorBenchmarkTest, TheBestKeepsTheConstraints) {
  VectorBenchmark benchmark;
  BenchmarkConfig config = Small();
  BinarySearchOptions options;
  options.param_name = "ef_search";
  options.target_recall = 0.9;
  options.min_val = 10;
  options.max_val = 60;
  options.tune.max_evaluations = 30;
  const auto outcome = benchmark.BinarySearchMaxQps(config, options);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  ASSERT_TRUE(outcome->feasible);
  EXPECT_GE(*outcome->best->recall_avg, 0.9);
  EXPECT_EQ(benchmark.results().size(),
            static_cast<size_t>(outcome->search.evaluations));
  TuneOptions tune;
  tune.parameters = {MakeParameter("ef_search", {10, 20})};
  EXPECT_THAT(RenderOutcome(*outcome, tune), HasSubstr("Best: ef_search"));
}

TEST(VectorBenchmarkTest, AnUnreachableRecallHasItsClosest) {
  VectorBenchmark benchmark;
  BenchmarkConfig config = Small();
  config.dataset = "sphere-2k-32";
  TuneOptions options;
  options.parameters = {MakeParameter("ef_search", {10, 11, 12})};
  options.constraints.min_recall = 1;
  options.max_evaluations = 10;
  const auto outcome = benchmark.Tune(config, options);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_FALSE(outcome->feasible);
  ASSERT_TRUE(outcome->best.has_value());
  EXPECT_EQ(outcome->best->config.ef_search, 12);
  EXPECT_THAT(RenderOutcome(*outcome, options),
              HasSubstr("No setting keeps the constraints. Closest: "
                        "ef_search 12"));
}

TEST(VectorBenchmarkTest, AGridKeepsWhatItsFilterTakes) {
  VectorBenchmark benchmark;
  GridOptions options;
  options.param_grid = {MakeParameter("num_clients", {1, 2}),
                        MakeParameter("ef_search", {10, 100})};
  options.filter = [](const Evidence& evidence) {
    return evidence.setting[1] == 100;
  };
  const auto grid = benchmark.GridSearch(Small(), options);
  ASSERT_TRUE(grid.ok()) << grid.status();
  EXPECT_EQ(grid->measured, 4);
  EXPECT_THAT(grid->kept, SizeIs(2));
  EXPECT_THAT(RenderGrid(*grid, options.param_grid), HasSubstr("2 kept"));
  EXPECT_THAT(benchmark.results(), SizeIs(4));
}

TEST(VectorBenchmarkTest, AStopEndsASearchWithWhatThereIs) {
  std::atomic<bool> stop{false};
  VectorBenchmark benchmark(
      {.stop = &stop,
       .on_progress = nullptr,
       .on_result = [&](const BenchmarkResult&) { stop = true; }});
  TuneOptions options;
  options.parameters = {MakeParameter("ef_search", {10, 20, 40})};
  const auto outcome = benchmark.Tune(Small(), options);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->search.ended, "interrupted");
  EXPECT_THAT(benchmark.results(), SizeIs(1));
}

TEST(BenchmarkReportTest, RowsOfOneSettingAreRepetitions) {
  BenchmarkResult result;
  result.config = Small();
  result.config.ef_search = 64;
  result.answered_by = "hnsw 1, graph by hnswlib 0.6.2";
  result.qps = 1000;
  result.latency_avg_ms = 0.5;
  result.recall_avg = result.recall_min = result.recall_max = 0.9;
  result.requests = 400;
  BenchmarkResult other = result;
  other.config.ef_search = 80;
  const auto file = ToBenchmarkFile({result, other, result});
  ASSERT_THAT(file.rows, SizeIs(3));
  EXPECT_EQ(file.rows[0].name,
            "VectorQuery/backend:hnsw/dataset:clusters-1k-16/m:16/"
            "ef_construction:200/k:10/ef:64/clients:2");
  EXPECT_EQ(file.rows[2].name, file.rows[0].name);
  EXPECT_EQ(file.rows[2].repetition_index, 1);
  EXPECT_EQ(file.rows[0].repetitions, 2);
  EXPECT_EQ(file.rows[1].repetitions, 1);
  EXPECT_EQ(file.rows[0].real_time, 500'000);
  EXPECT_EQ(file.rows[0].counters.at("recall"), 0.9);
  EXPECT_TRUE(results::CheckBenchmarkFile(file, "test").ok());
}

TEST(BenchmarkReportTest, CsvHasALineForEachAndQuotes) {
  BenchmarkResult result;
  result.config = Small();
  result.config.dataset = "a,\"b\".npy";
  result.qps = 12.5;
  const std::vector<std::string> lines =
      absl::StrSplit(FormatResultsCsv({result}), '\n');
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], StartsWith("qps,latency_avg_ms,latency_p50_ms,"));
  EXPECT_THAT(lines[1], StartsWith("12.5,"));
  EXPECT_THAT(lines[1], HasSubstr("\"a,\"\"b\"\".npy\""));
  // Recall was not measured.
  EXPECT_THAT(lines[1], HasSubstr(",,,,"));
  EXPECT_EQ(lines[2], "");
}

}  // namespace
}  // namespace opsbench::vector
