#include "opsbench/results/compare.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/results/benchmark_json.h"

namespace opsbench::results {
namespace {

using ::testing::AllOf;

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Rows of one benchmark, whose times are these, each of a process of its own.
std::vector<BenchmarkRow> Rows(const std::string& name,
                               const std::vector<double>& times) {
  std::vector<BenchmarkRow> rows;
  for (const double time : times) {
    BenchmarkRow row;
    row.name = row.run_name = name;
    row.real_time = row.cpu_time = time;
    row.repetition_index = static_cast<int64_t>(rows.size());
    row.repetitions = static_cast<int64_t>(times.size());
    row.process = row.repetition_index + 1;
    rows.push_back(row);
  }
  return rows;
}

// The same, all of one process.
std::vector<BenchmarkRow> OneProcess(std::vector<BenchmarkRow> rows) {
  for (BenchmarkRow& row : rows) row.process = 0;
  return rows;
}

// Ten times around `middle` that differ by up to 0.9%.
std::vector<double> Times(double middle) {
  std::vector<double> times;
  for (const int step : {3, 7, 0, 9, 1, 5, 8, 2, 6, 4}) {
    times.push_back(middle * (1 + (step - 4.5) / 500));
  }
  return times;
}

std::vector<BenchmarkRow> operator+(std::vector<BenchmarkRow> a,
                                    const std::vector<BenchmarkRow>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<BenchmarkRow> WithCounter(std::vector<BenchmarkRow> rows,
                                      const std::string& name, double factor) {
  for (BenchmarkRow& row : rows) row.counters[name] = row.real_time * factor;
  return rows;
}

SampleSet Set(const std::string& name,
              const std::vector<std::vector<BenchmarkRow>>& processes) {
  SampleSet set(name);
  for (const std::vector<BenchmarkRow>& rows : processes) {
    BenchmarkFile file = {.context = {{"num_cpus", "2"}}, .rows = rows};
    const absl::Status status =
        set.AddText(FormatBenchmarkJson(file), name + ".json");
    EXPECT_TRUE(status.ok()) << status;
  }
  return set;
}

Comparison Compared(const std::vector<BenchmarkRow>& base,
                    const std::vector<BenchmarkRow>& head,
                    const CompareOptions& options = {}) {
  const auto comparison =
      Compare(Set("base", {base}), Set("head", {head}), options);
  EXPECT_TRUE(comparison.ok()) << comparison.status();
  return comparison.value_or(Comparison());
}

const MetricComparison& Find(const Comparison& comparison,
                             const std::string& benchmark,
                             const std::string& metric = "real_time_ns") {
  for (const MetricComparison& one : comparison.metrics) {
    if (one.benchmark == benchmark && one.metric == metric) return one;
  }
  ADD_FAILURE() << "no " << benchmark << " " << metric;
  static const auto* const kNone = new MetricComparison;
  return *kNone;
}

std::string AllWarnings(const Comparison& comparison) {
  std::string all;
  for (const std::string& warning : comparison.warnings) {
    absl::StrAppend(&all, warning, "\n");
  }
  return all;
}

TEST(CompareTest, TellsTheVerdictsApart) {
  const Comparison comparison =
      Compared(Rows("slower", Times(100)) + Rows("improved", Times(100)) +
                   Rows("same", Times(100)) + Rows("small", Times(100)) +
                   Rows("gone", Times(100)),
               Rows("slower", Times(105)) + Rows("improved", Times(95)) +
                   Rows("same", Times(100.1)) + Rows("small", Times(101.8)) +
                   Rows("fresh", Times(7)));
  const MetricComparison& slower = Find(comparison, "slower");
  EXPECT_EQ(slower.verdict, Verdict::kSlower);
  EXPECT_THAT(*slower.effect, DoubleNear(0.05, 1e-9));
  EXPECT_LT(*slower.effect_low, 0.05);
  EXPECT_GT(*slower.effect_low, 0.03);
  EXPECT_GT(*slower.effect_high, 0.05);
  EXPECT_THAT(*slower.base, DoubleNear(100, 1e-9));
  EXPECT_THAT(*slower.head, DoubleNear(105, 1e-9));
  EXPECT_EQ(slower.base_samples, 10);
  EXPECT_EQ(slower.threshold, 0.02);
  EXPECT_EQ(Find(comparison, "improved").verdict, Verdict::kImproved);
  EXPECT_EQ(Find(comparison, "same").verdict, Verdict::kSame);
  // Without doubt slower, but whether by more than 2% nobody can say.
  EXPECT_EQ(Find(comparison, "small").verdict, Verdict::kUnsure);
  EXPECT_GT(*Find(comparison, "small").effect_low, 0);
  EXPECT_EQ(Find(comparison, "gone").verdict, Verdict::kMissing);
  EXPECT_FALSE(Find(comparison, "gone").head.has_value());
  EXPECT_EQ(Find(comparison, "fresh").verdict, Verdict::kNew);
  std::vector<Verdict> order;
  for (const MetricComparison& one : comparison.metrics) {
    order.push_back(one.verdict);
  }
  EXPECT_THAT(order,
              ElementsAre(Verdict::kSlower, Verdict::kMissing, Verdict::kUnsure,
                          Verdict::kImproved, Verdict::kNew, Verdict::kSame));
}

TEST(CompareTest, HigherIsBetterTurnsVerdictsAround) {
  const Comparison comparison =
      Compared(WithCounter(Rows("a", Times(100)), "qps", 1),
               WithCounter(Rows("a", Times(110)), "qps", 1));
  EXPECT_EQ(Find(comparison, "a").verdict, Verdict::kSlower);
  const MetricComparison& qps = Find(comparison, "a", "qps");
  EXPECT_EQ(qps.verdict, Verdict::kImproved);
  EXPECT_TRUE(qps.higher_is_better);
  EXPECT_THAT(*qps.effect, DoubleNear(0.1, 1e-9));
}

// What is called visible has to be seen when it is there, and what is not, not.
TEST(CompareTest, TheSmallestVisibleChangeIsJustSeen) {
  for (const std::string metric : {"real_time_ns", "qps"}) {
    const auto rows = [](double factor) {
      std::vector<double> times;
      for (const double time : Times(100)) {
        times.push_back(100 * std::pow(time / 100, 8) * factor);
      }
      return WithCounter(Rows("a", times), "qps", 1);
    };
    CompareOptions options;
    options.metrics = {{.name = metric}};
    options.threshold = 0.001;
    const MetricComparison before =
        Find(Compared(rows(1), rows(1), options), "a", metric);
    ASSERT_TRUE(before.smallest_visible.has_value());
    EXPECT_GT(*before.smallest_visible, 0.02);
    for (const double share : {0.99, 1.01}) {
      const double change = *before.smallest_visible * share;
      const double factor = metric == "qps" ? 1 - change : 1 + change;
      EXPECT_EQ(
          Find(Compared(rows(1), rows(factor), options), "a", metric).verdict,
          share > 1 ? Verdict::kSlower : Verdict::kUnsure)
          << metric << share;
    }
  }
}

TEST(CompareTest, FewSamplesAreNeverSure) {
  for (const size_t count : {1, 4}) {
    std::vector<double> base = Times(100);
    std::vector<double> head = Times(300);
    base.resize(count);
    head.resize(count);
    const Comparison comparison = Compared(Rows("a", base), Rows("a", head));
    const MetricComparison& one = Find(comparison, "a");
    EXPECT_EQ(one.verdict, Verdict::kUnsure);
    EXPECT_NEAR(*one.effect, 2, 0.1);  // Described all the same.
    EXPECT_FALSE(one.effect_low.has_value());
    EXPECT_FALSE(one.smallest_visible.has_value());
    EXPECT_THAT(one.note, HasSubstr("too few processes"));
    EXPECT_THAT(AllWarnings(comparison), HasSubstr("in at least 5"));
  }
}

// Eight values a side can be told apart at 99% once, not among 400.
TEST(CompareTest, ManyTestsTakeStrongerEvidence) {
  std::vector<double> base = Times(100);
  std::vector<double> head = Times(110);
  base.resize(8);
  head.resize(8);
  EXPECT_EQ(Find(Compared(Rows("a", base), Rows("a", head)), "a").verdict,
            Verdict::kSlower);
  std::vector<BenchmarkRow> bases = Rows("a", base);
  std::vector<BenchmarkRow> heads = Rows("a", head);
  for (int i = 0; i < 400; ++i) {
    bases = std::move(bases) + Rows(absl::StrCat("b", i), base);
    heads = std::move(heads) + Rows(absl::StrCat("b", i), base);
  }
  const Comparison comparison = Compared(bases, heads);
  EXPECT_EQ(Find(comparison, "a").verdict, Verdict::kUnsure);
  EXPECT_EQ(Find(comparison, "a").note, "not beyond doubt among so many");
  EXPECT_THAT(AllWarnings(comparison), HasSubstr("in at least 10"));
}

// Repetitions that agree within each process say nothing of how processes
// differ: five processes a side are ten samples, not a hundred, and fewer carry
// no verdict, however clear the repetitions look.
TEST(CompareTest, ProcessesAreTheSamples) {
  const auto process = [](double middle) {
    return OneProcess(Rows("a", Times(middle)));
  };
  const std::vector<std::vector<BenchmarkRow>> base = {
      process(100), process(103), process(98), process(104), process(101)};
  const std::vector<std::vector<BenchmarkRow>> head = {
      process(102), process(106), process(99), process(107), process(105)};
  const auto comparison = Compare(Set("b", base), Set("h", head), {});
  ASSERT_TRUE(comparison.ok());
  EXPECT_EQ(Find(*comparison, "a").base_samples, 5);
  EXPECT_EQ(Find(*comparison, "a").verdict, Verdict::kUnsure);

  for (const double middle : {100.0, 150.0}) {
    const Comparison alone = Compared(process(100), process(middle));
    const MetricComparison& one = Find(alone, "a");
    EXPECT_EQ(one.verdict, Verdict::kUnsure);
    EXPECT_EQ(one.note, "too few processes: 1 and 1");
    EXPECT_EQ(one.base_samples, 10);  // Described by its repetitions.
    EXPECT_TRUE(one.effect_low.has_value());
    EXPECT_FALSE(one.smallest_visible.has_value());
    EXPECT_THAT(AllWarnings(alone),
                AllOf(HasSubstr("1 of 1 metrics have too few processes"),
                      HasSubstr("--repetitions")));
  }
}

// As `opsbench run --repetitions` merges them.
TEST(CompareTest, AFileTellsItsProcesses) {
  std::vector<BenchmarkRow> base;
  std::vector<BenchmarkRow> head;
  for (int process = 1; process <= 6; ++process) {
    for (BenchmarkRow row : OneProcess(Rows("a", Times(100 + process)))) {
      row.process = process;
      row.repetition_index += (process - 1) * 10;
      row.repetitions = 60;
      base.push_back(row);
      row.real_time *= 1.5;
      head.push_back(row);
    }
  }
  const Comparison comparison = Compared(base, head);
  EXPECT_EQ(Find(comparison, "a").base_samples, 6);
  EXPECT_EQ(Find(comparison, "a").verdict, Verdict::kSlower);
}

TEST(CompareTest, ReportsWhatFailedOrWasSkipped) {
  std::vector<BenchmarkRow> error = Rows("e", {1});
  error[0].error_occurred = true;
  error[0].error_message = "no server";
  std::vector<BenchmarkRow> skipped = Rows("s", {1});
  skipped[0].skipped = true;
  skipped[0].skip_message = "no AVX2";
  const std::vector<BenchmarkRow> both = Rows("e", {1}) + Rows("s", {1});

  Comparison comparison = Compared(both, error + skipped);
  EXPECT_EQ(Find(comparison, "e").verdict, Verdict::kError);
  EXPECT_EQ(Find(comparison, "e").note, "no server");
  EXPECT_TRUE(Find(comparison, "e").base.has_value());
  EXPECT_EQ(Find(comparison, "s").verdict, Verdict::kMissing);
  EXPECT_THAT(Find(comparison, "s").note, HasSubstr("no AVX2"));

  comparison = Compared(error + skipped, both);
  EXPECT_EQ(Find(comparison, "e").verdict, Verdict::kNew);
  EXPECT_THAT(Find(comparison, "e").note, HasSubstr("failed in the base"));
  EXPECT_EQ(Find(comparison, "s").verdict, Verdict::kNew);

  comparison = Compared(error + skipped, error + skipped);
  EXPECT_EQ(Find(comparison, "e").verdict, Verdict::kError);
  EXPECT_EQ(comparison.metrics.size(), 1u);
  EXPECT_THAT(AllWarnings(comparison), HasSubstr("itself: s"));

  comparison = Compared(error, both);
  EXPECT_EQ(CountVerdicts(comparison, Verdict::kNew), 2);
  comparison = Compared(error, Rows("x", {1}));
  EXPECT_EQ(Find(comparison, "e").verdict, Verdict::kMissing);
}

// One repetition that fails spoils the benchmark.
TEST(CompareTest, AnErrorAmongRepetitionsIsAnError) {
  std::vector<BenchmarkRow> head = Rows("a", Times(100));
  head[4].error_occurred = true;
  EXPECT_EQ(Find(Compared(Rows("a", Times(100)), head), "a").verdict,
            Verdict::kError);
}

TEST(CompareTest, CountersCanGoMissingOrStopBeingNumbers) {
  std::vector<BenchmarkRow> head =
      WithCounter(Rows("a", Times(100)), "fresh_us", 1);
  for (BenchmarkRow& row : head) row.counters["odd_us"] = 1;
  std::vector<BenchmarkRow> base =
      WithCounter(Rows("a", Times(100)), "gone_us", 1);
  const Comparison comparison = Compared(base, head);
  EXPECT_EQ(Find(comparison, "a", "gone_us").verdict, Verdict::kMissing);
  EXPECT_EQ(Find(comparison, "a", "fresh_us").verdict, Verdict::kNew);
}

TEST(CompareTest, ChoosesMetrics) {
  const std::vector<BenchmarkRow> rows = WithCounter(
      WithCounter(Rows("a", Times(100)), "p99_us", 1), "evictions", 1);
  const std::vector<BenchmarkRow> worse = WithCounter(
      WithCounter(Rows("a", Times(150)), "p99_us", 1), "evictions", 1);
  Comparison comparison = Compared(rows, worse);
  EXPECT_EQ(comparison.metrics.size(), 2u);
  EXPECT_THAT(AllWarnings(comparison), HasSubstr("evictions"));

  CompareOptions options;
  options.metrics = {*ParseMetricChoice("cpu_time"),
                     *ParseMetricChoice("evictions:higher")};
  comparison = Compared(rows, worse, options);
  EXPECT_EQ(Find(comparison, "a", "cpu_time_ns").verdict, Verdict::kSlower);
  EXPECT_EQ(Find(comparison, "a", "evictions").verdict, Verdict::kImproved);
  EXPECT_EQ(comparison.metrics.size(), 2u);

  // Asked for without saying what is better: shown, not judged.
  options.metrics = {*ParseMetricChoice("evictions")};
  comparison = Compared(rows, worse, options);
  EXPECT_EQ(Find(comparison, "a", "evictions").verdict, Verdict::kUnsure);
  EXPECT_THAT(Find(comparison, "a", "evictions").note, HasSubstr(":higher"));

  options.metrics = {*ParseMetricChoice("p9_us")};
  const auto none = Compare(Set("b", {rows}), Set("h", {rows}), options);
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(none.status().message()),
              AllOf(HasSubstr("p9_us"), HasSubstr("p99_us")));
  EXPECT_EQ(ParseMetricChoice("a:up").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseMetricChoice(":lower").status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Also by default, and not as if the head's were new.
TEST(CompareTest, NothingInCommonIsSaid) {
  const Comparison comparison = Compared(Rows("a", {1}), Rows("b", {1}));
  EXPECT_FALSE(ComparesAnything(comparison));
  EXPECT_THAT(AllWarnings(comparison), HasSubstr("nothing was compared"));
  EXPECT_TRUE(ComparesAnything(Compared(Rows("a", {1}), Rows("a", {1}))));
}

TEST(CompareTest, Filters) {
  CompareOptions options;
  options.filter = "^Get/.*8$|Put";
  const std::vector<BenchmarkRow> rows =
      Rows("Get/8", {1}) + Rows("Get/16", {1}) + Rows("Put/16", {1});
  EXPECT_EQ(Compared(rows, rows, options).metrics.size(), 2u);
  options.filter = "None";
  EXPECT_EQ(
      Compare(Set("b", {rows}), Set("h", {rows}), options).status().code(),
      absl::StatusCode::kNotFound);
  options.filter = "(";
  EXPECT_EQ(
      Compare(Set("b", {rows}), Set("h", {rows}), options).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST(CompareTest, RefusesOptionsOutOfRange) {
  const SampleSet set = Set("s", {Rows("a", {1})});
  for (const auto& [threshold, confidence] :
       {std::pair(-0.1, 0.99), std::pair(kNan, 0.99), std::pair(0.1, 1.0),
        std::pair(0.1, 0.4), std::pair(0.1, kNan)}) {
    CompareOptions options;
    options.threshold = threshold;
    options.confidence = confidence;
    EXPECT_EQ(Compare(set, set, options).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  const SampleSet empty("e");
  EXPECT_EQ(Compare(empty, empty, {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(CompareTest, RivalsOfOneRun) {
  const SampleSet run =
      Set("run", {Rows("Get/impl:a/n:1", Times(100)) +
                  Rows("Get/impl:b/n:1", Times(50)) +
                  Rows("Get/impl:a/n:2", Times(10)) + Rows("Put", {1})});
  const auto comparison =
      CompareRivals(run, {.base = "impl:a", .head = "impl:b"}, {});
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  ASSERT_EQ(comparison->metrics.size(), 1u);
  EXPECT_EQ(comparison->metrics[0].benchmark, "Get/impl:a=impl:b/n:1");
  EXPECT_EQ(comparison->metrics[0].verdict, Verdict::kImproved);
  EXPECT_THAT(*comparison->metrics[0].effect, DoubleNear(-0.5, 1e-9));
  EXPECT_THAT(AllWarnings(*comparison),
              HasSubstr("without a rival: Get/impl:a/n:2"));
  EXPECT_EQ(CompareRivals(run, {.base = "x", .head = "y"}, {}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(CompareRivals(run, {.base = "x", .head = "x"}, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(CompareTest, Sorts) {
  Comparison comparison =
      Compared(Rows("a", Times(100)) + Rows("b", Times(100)) +
                   Rows("c", Times(100)) + Rows("d", {1}),
               Rows("a", Times(100)) + Rows("b", Times(120)) +
                   Rows("c", Times(150)) + Rows("d", {9}));
  const auto names = [&] {
    std::vector<std::string> all;
    for (const auto& one : comparison.metrics) all.push_back(one.benchmark);
    return all;
  };
  EXPECT_THAT(names(), ElementsAre("c", "b", "d", "a"));
  SortMetrics(SortKey::kEffect, &comparison);
  EXPECT_THAT(names(), ElementsAre("d", "c", "b", "a"));
  SortMetrics(SortKey::kName, &comparison);
  EXPECT_THAT(names(), ElementsAre("a", "b", "c", "d"));
}

// Whatever the values are, no number that is reported is NaN or infinite.
TEST(CompareTest, ReportsFiniteNumbersAlone) {
  const std::vector<double> tiny(10, 5e-324);
  const std::vector<double> huge(10, 1.7e308);
  const std::vector<double> zero(10, 0.0);
  std::vector<double> mixed = Times(1);
  mixed[0] = -1;
  const std::vector<std::vector<double>> all = {tiny, huge, zero, mixed};
  for (const auto& base : all) {
    for (const auto& head : all) {
      for (const MetricComparison& one :
           Compared(Rows("a", base), Rows("a", head)).metrics) {
        for (const auto& number :
             {one.base, one.head, one.effect, one.effect_low, one.effect_high,
              one.smallest_visible}) {
          EXPECT_TRUE(!number.has_value() || std::isfinite(*number));
        }
        if (&base == &head && &base != &all[3]) {
          EXPECT_EQ(one.verdict, Verdict::kSame);
        }
      }
    }
  }
}

}  // namespace
}  // namespace opsbench::results
