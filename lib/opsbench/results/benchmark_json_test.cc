#include "opsbench/results/benchmark_json.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace opsbench::results {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::NanSensitiveDoubleEq;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Written by Google Benchmark 1.7.1 (Debian 12).
constexpr char kRecorded[] = "fixtures/compare/google_benchmark_1.7.1.json";

BenchmarkFile Recorded() {
  const auto file = ReadBenchmarkFile(kRecorded);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.value_or(BenchmarkFile());
}

const BenchmarkRow& RowNamed(const BenchmarkFile& file,
                             const std::string& name) {
  for (const BenchmarkRow& row : file.rows) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << "no row " << name;
  static const BenchmarkRow* const kNone = new BenchmarkRow;
  return *kNone;
}

// One row with `fields` beside its name and times.
std::string FileOf(const std::string& fields) {
  return absl::StrCat(
      R"({"benchmarks": [{"name": "a", "real_time": 1, "cpu_time": 1)",
      fields.empty() ? "" : ", ", fields, "}]}");
}

std::string MessageOf(const std::string& text) {
  const absl::Status status = ParseBenchmarkJson(text, "x.json").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

TEST(BenchmarkJsonTest, ReadsWhatGoogleBenchmarkWrites) {
  const BenchmarkFile file = Recorded();
  EXPECT_EQ(file.rows.size(), 13u);
  EXPECT_EQ(file.context.at("num_cpus"), "2");
  EXPECT_EQ(file.context.at("cpu_scaling_enabled"), "false");
  EXPECT_EQ(file.context.at("host_name"), "vm");
  EXPECT_EQ(file.context.count("caches"), 0u);

  const BenchmarkRow& copy = RowNamed(file, "BM_Copy/1024/iterations:1000");
  EXPECT_EQ(copy.run_name, copy.name);
  EXPECT_EQ(copy.run_type, "iteration");
  EXPECT_EQ(copy.repetitions, 1);
  EXPECT_EQ(copy.threads, 1);
  EXPECT_EQ(copy.iterations, 1000);
  EXPECT_EQ(copy.real_time, 20.471001334954053);
  EXPECT_EQ(copy.cpu_time, 18.807999999999932);
  EXPECT_EQ(copy.time_unit, "ns");
  EXPECT_THAT(copy.counters, UnorderedElementsAre(
                                 Pair("bytes_per_second", 54444917056.57187)));
  EXPECT_FALSE(copy.error_occurred);

  const BenchmarkRow& failed = RowNamed(file, "BM_Fails");
  EXPECT_TRUE(failed.error_occurred);
  EXPECT_EQ(failed.error_message, "no server at 127.0.0.1");
}

TEST(BenchmarkJsonTest, TellsRepetitionsFromAggregates) {
  const BenchmarkFile file = Recorded();
  const std::string name = "BM_Rep/iterations:1000/repeats:3";
  int repetitions = 0;
  for (const BenchmarkRow& row : file.rows) {
    if (row.run_name != name || row.run_type != "iteration") continue;
    EXPECT_EQ(row.repetition_index, repetitions++);
    EXPECT_EQ(row.repetitions, 3);
  }
  EXPECT_EQ(repetitions, 3);
  const BenchmarkRow& median = RowNamed(file, name + "_median");
  EXPECT_EQ(median.run_type, "aggregate");
  EXPECT_EQ(median.run_name, name);
  EXPECT_EQ(median.aggregate_name, "median");
  EXPECT_EQ(median.aggregate_unit, "time");
  EXPECT_EQ(RowNamed(file, name + "_cv").aggregate_unit, "percentage");
}

TEST(BenchmarkJsonTest, FitsHaveNoTimes) {
  const BenchmarkFile file = Recorded();
  const BenchmarkRow& fit = RowNamed(file, "BM_Copy/iterations:1000_BigO");
  EXPECT_TRUE(std::isnan(fit.real_time));
  EXPECT_TRUE(std::isnan(fit.cpu_time));
  EXPECT_THAT(
      fit.counters,
      UnorderedElementsAre(Pair("cpu_coefficient", 0.014648437500000076),
                           Pair("real_coefficient", 0.014748563782016872)));
  const BenchmarkRow& rms = RowNamed(file, "BM_Copy/iterations:1000_RMS");
  EXPECT_THAT(rms.counters, ElementsAre(Pair("rms", 0.07129914462459536)));
}

TEST(BenchmarkJsonTest, AcceptsNanAndInfinityOutsideStringsOnly) {
  const BenchmarkFile file = Recorded();
  const BenchmarkRow& odd =
      RowNamed(file, "BM_Odd/iterations:100/real_time/threads:2");
  EXPECT_EQ(odd.label, "NaN \"quoted\" Infinity");
  EXPECT_THAT(
      odd.counters,
      UnorderedElementsAre(Pair("limit", kInfinity), Pair("low", -kInfinity),
                           Pair("ratio", NanSensitiveDoubleEq(std::nan("")))));

  const auto other = ParseBenchmarkJson(
      FileOf(R"("a\\": NaN, "inf\"nan": -inf, "c": nan, "d": -NaN)"), "x");
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_THAT(
      other->rows[0].counters,
      UnorderedElementsAre(Pair("a\\", NanSensitiveDoubleEq(std::nan(""))),
                           Pair("inf\"nan", -kInfinity),
                           Pair("c", NanSensitiveDoubleEq(std::nan(""))),
                           Pair("d", NanSensitiveDoubleEq(std::nan("")))));
}

// As version 1.4 wrote it: no run_name, run_type, threads or repetitions.
TEST(BenchmarkJsonTest, ReadsOldFiles) {
  const auto file = ParseBenchmarkJson(R"({
  "context": {
    "date": "2016-08-02 17:44:46",
    "num_cpus": 4,
    "mhz_per_cpu": 4228,
    "cpu_scaling_enabled": false,
    "library_build_type": "release"
  },
  "benchmarks": [
    {
      "name": "BM_Sum/8",
      "iterations": 1000,
      "real_time": 10,
      "cpu_time": 100,
      "time_unit": "us"
    },
    {
      "name": "BM_Sum/8_mean",
      "iterations": 1.0000e+03,
      "real_time": 11,
      "cpu_time": 101,
      "time_unit": "us"
    },
    {
      "name": "BM_Sum/8_cv",
      "iterations": 1000,
      "real_time": 0.1,
      "cpu_time": 0.2,
      "time_unit": "us"
    }
  ]
})",
                                       "old.json");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->rows.size(), 3u);
  EXPECT_EQ(file->rows[0].run_name, "BM_Sum/8");
  EXPECT_EQ(file->rows[0].run_type, "iteration");
  EXPECT_EQ(file->rows[0].threads, 1);
  EXPECT_EQ(file->rows[1].run_name, "BM_Sum/8");
  EXPECT_EQ(file->rows[1].run_type, "aggregate");
  EXPECT_EQ(file->rows[1].aggregate_name, "mean");
  EXPECT_EQ(file->rows[1].iterations, 1000);
  EXPECT_EQ(file->rows[2].aggregate_unit, "percentage");
  EXPECT_THAT(file->rows[0].counters, IsEmpty());
}

// Version 1.8 tells a benchmark that does not apply from one that failed.
TEST(BenchmarkJsonTest, ReadsSkippedRows) {
  const auto file = ParseBenchmarkJson(
      FileOf(R"("skipped": true, "skip_message": "no AVX2")"), "new.json");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->rows[0].skipped);
  EXPECT_EQ(file->rows[0].skip_message, "no AVX2");
  EXPECT_FALSE(file->rows[0].error_occurred);
}

TEST(BenchmarkJsonTest, SaysWhereItIsNoJson) {
  EXPECT_THAT(MessageOf(""), AllOf(HasSubstr("x.json"), HasSubstr("line 1")));
  // A file whose writer was killed.
  EXPECT_THAT(MessageOf("{\n  \"benchmarks\": [\n    {\"name\": NaN, \"b"),
              HasSubstr("line 3, column 21"));
  EXPECT_THAT(MessageOf(FileOf(R"("a": NaNaN)")), HasSubstr("not JSON"));
  EXPECT_THAT(MessageOf(FileOf(R"("a": 1e999)")), HasSubstr("1e999"));
  // Half of a pair of surrogates is no character, as an escape or without.
  for (const char* half : {"\\ud83d", "\\ude00", "\xed\xa0\xbd"}) {
    EXPECT_THAT(MessageOf(FileOf(absl::StrCat(R"("label": ")", half, "\""))),
                HasSubstr("not JSON"));
    EXPECT_THAT(MessageOf(FileOf(absl::StrCat("\"", half, "\": 1"))),
                HasSubstr("not JSON"));
  }
  EXPECT_THAT(MessageOf(FileOf("\"label\": \"\xff\"")),
              AllOf(HasSubstr("line 1"), HasSubstr("UTF-8")));
  // What lies behind a zero byte must not be lost.
  EXPECT_THAT(MessageOf(FileOf("") + std::string(1, '\0') + FileOf("")),
              HasSubstr("not JSON"));
  // A parser that recurses would run out of stack.
  EXPECT_THAT(MessageOf(std::string(200'000, '[')), HasSubstr("not JSON"));
}

TEST(BenchmarkJsonTest, NumbersAreTheNearestDoubles) {
  const auto file = ParseBenchmarkJson(
      FileOf(R"("a": 0.1, "b": 0.30000000000000001665, "c": 1e-400,
                "d": 5e-324, "e": 1.7976931348623157e308, "f": -0.0,
                "g": 1.00000000000000011102230246251565,
                "h": 18446744073709551615, "i": -9223372036854775809,
                "j": 9007199254740993, "k": 5.0000000000000000e+01)"),
      "x");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(
      file->rows[0].counters,
      UnorderedElementsAre(
          Pair("a", 0.1), Pair("b", 0.30000000000000001665), Pair("c", 0),
          Pair("d", 5e-324), Pair("e", 1.7976931348623157e308), Pair("f", 0),
          Pair("g", 1.00000000000000011102230246251565),
          Pair("h", 18446744073709551616.0), Pair("i", -9223372036854775808.0),
          Pair("j", 9007199254740992), Pair("k", 50)));
}

// A number that is none comes after rows that have been visited.
TEST(BenchmarkJsonTest, VisitsNoRowTwice) {
  std::vector<std::string> names;
  std::vector<double> values;
  const auto visit = [&](const BenchmarkRow& row) {
    names.push_back(row.name);
    values.push_back(row.real_time);
    return absl::OkStatus();
  };
  const std::string text =
      R"({"benchmarks": [{"name": "a", "real_time": 1},
                         {"name": "b", "real_time": 2},
                         {"name": "c", "real_time": Infinity},
                         {"name": "d", "real_time": 4})";
  const absl::Status read =
      VisitBenchmarkJson(text + "]}", "x", visit, nullptr);
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(values, ElementsAre(1, 2, kInfinity, 4));
  names.clear();
  // Cut off: all rows have been visited when that is known.
  const absl::Status cut = VisitBenchmarkJson(text, "x", visit, nullptr);
  EXPECT_THAT(std::string(cut.message()), HasSubstr("line 4"));
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "d"));
}

TEST(BenchmarkJsonTest, SaysWhatIsNoResult) {
  for (const char* text : {"[]", "3", "{}", R"({"benchmarks": {}})"}) {
    EXPECT_THAT(MessageOf(text), HasSubstr("x.json: no list \"benchmarks\""));
  }
  EXPECT_THAT(MessageOf(R"({"benchmarks": [3]})"),
              HasSubstr("x.json: benchmarks[0]: not an object"));
  EXPECT_THAT(
      MessageOf(R"({"benchmarks": [{"name": "a"}, {"run_name": "b"}]})"),
      HasSubstr("benchmarks[1]: no \"name\""));
  EXPECT_THAT(MessageOf(FileOf(R"("time_unit": "min")")), HasSubstr("\"min\""));
  EXPECT_THAT(MessageOf(FileOf(R"("run_type": "mean")")),
              HasSubstr("\"mean\""));
  EXPECT_THAT(MessageOf(FileOf(R"("iterations": "5")")),
              HasSubstr("\"iterations\" is not a count"));
  EXPECT_THAT(MessageOf(FileOf(R"("threads": NaN)")),
              HasSubstr("\"threads\" is not a count"));
  EXPECT_THAT(MessageOf(FileOf(R"("iterations": 1e30)")),
              HasSubstr("\"iterations\" is not a count"));
  EXPECT_THAT(MessageOf(FileOf(R"("error_occurred": 1)")),
              HasSubstr("\"error_occurred\" is not true or false"));
  EXPECT_THAT(MessageOf(FileOf(R"("label": 7)")),
              HasSubstr("\"label\" is not text"));
  EXPECT_THAT(MessageOf(R"({"benchmarks": [{"name": "a", "real_time": "1"}]})"),
              HasSubstr("\"real_time\" is not a number"));
}

// Files of other tools, and what becomes of ours on the way.
TEST(BenchmarkJsonTest, SaysWhatBrokenFilesAre) {
  for (const auto& [file, expected] :
       {std::pair("array.json", "no list \"benchmarks\""),
        std::pair("criterion.json", "no list \"benchmarks\""),
        std::pair("empty.json", "not JSON"),
        std::pair("pytest_benchmark.json", "another tool"),
        std::pair("truncated.json", "not JSON: parse error at line 60"),
        std::pair("utf16.json", "UTF-16")}) {
    const std::string path = std::string("fixtures/compare/broken/") + file;
    const absl::Status status = ReadBenchmarkFile(path).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << file;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(path), HasSubstr(expected)));
  }
}

TEST(BenchmarkJsonTest, SkipsAByteOrderMark) {
  const auto file = ParseBenchmarkJson("\xef\xbb\xbf" + FileOf(""), "x");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->rows.size(), 1u);
}

// Lists and objects in a row are none of the format's, whatever they hold.
TEST(BenchmarkJsonTest, PassesOverWhatItDoesNotKnow) {
  const auto file = ParseBenchmarkJson(
      FileOf(R"("a": [1, 2], "b": {"real_time": 7, "c": [[-1]]}, "d": "x",
                "e": [[]], "f": [null], "g": [0], "h": null, "i": true,
                "family_index": 3, "j": 5)"),
      "x");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->rows[0].real_time, 1);
  EXPECT_THAT(file->rows[0].counters, UnorderedElementsAre(Pair("j", 5)));
}

TEST(BenchmarkJsonTest, VisitsRowByRowUntilTheVisitorHasEnough) {
  const std::string text = FormatBenchmarkJson(Recorded());
  std::vector<std::string> names;
  std::map<std::string, std::string> context;
  const absl::Status stopped = VisitBenchmarkJson(
      text, "x",
      [&](const BenchmarkRow& row) -> absl::Status {
        names.push_back(row.name);
        if (names.size() == 2) return absl::CancelledError("enough");
        return absl::OkStatus();
      },
      &context);
  EXPECT_EQ(stopped.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(names.size(), 2u);
  EXPECT_EQ(context.at("host_name"), "vm");
  // No row of one visit leaks into the next.
  const absl::Status all = VisitBenchmarkJson(
      R"({"benchmarks": [
        {"name": "a", "label": "l", "time_unit": "us", "error_occurred": true,
         "error_message": "e", "x_us": 1, "threads": 4, "iterations": 9},
        {"name": "b", "real_time": 2}]})",
      "x",
      [&](const BenchmarkRow& row) {
        if (row.name == "a") return absl::OkStatus();
        EXPECT_EQ(row.label, "");
        EXPECT_EQ(row.time_unit, "ns");
        EXPECT_FALSE(row.error_occurred);
        EXPECT_EQ(row.error_message, "");
        EXPECT_THAT(row.counters, IsEmpty());
        EXPECT_EQ(row.threads, 1);
        EXPECT_EQ(row.iterations, 0);
        EXPECT_EQ(row.run_type, "iteration");
        EXPECT_EQ(row.run_name, "b");
        return absl::OkStatus();
      },
      nullptr);
  EXPECT_TRUE(all.ok()) << all;
}

TEST(BenchmarkJsonTest, AMissingFileIsNotFound) {
  const absl::Status status = ReadBenchmarkFile("no/such/file").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no/such/file"));
}

TEST(BenchmarkJsonTest, WritesWhatItReadsExceptWhatIsNoNumber) {
  const BenchmarkFile before = Recorded();
  const std::string text = FormatBenchmarkJson(before);
  // A strict parser takes it.
  const auto json = nlohmann::json::parse(text, nullptr, false);
  ASSERT_FALSE(json.is_discarded());
  EXPECT_EQ(json["context"]["num_cpus"], 2);
  EXPECT_EQ(json["context"]["cpu_scaling_enabled"], false);
  EXPECT_EQ(json["context"]["host_name"], "vm");

  const auto after = ParseBenchmarkJson(text, "again");
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->context, before.context);
  ASSERT_EQ(after->rows.size(), before.rows.size());
  for (size_t i = 0; i < before.rows.size(); ++i) {
    const BenchmarkRow& was = before.rows[i];
    const BenchmarkRow& is = after->rows[i];
    SCOPED_TRACE(was.name);
    EXPECT_EQ(is.name, was.name);
    EXPECT_EQ(is.run_name, was.run_name);
    EXPECT_EQ(is.run_type, was.run_type);
    EXPECT_EQ(is.aggregate_name, was.aggregate_name);
    EXPECT_EQ(is.aggregate_unit, was.aggregate_unit);
    EXPECT_EQ(is.repetitions, was.repetitions);
    EXPECT_EQ(is.repetition_index, was.repetition_index);
    EXPECT_EQ(is.threads, was.threads);
    EXPECT_EQ(is.iterations, was.iterations);
    EXPECT_THAT(is.real_time, NanSensitiveDoubleEq(was.real_time));
    EXPECT_THAT(is.cpu_time, NanSensitiveDoubleEq(was.cpu_time));
    EXPECT_EQ(is.time_unit, was.time_unit);
    EXPECT_EQ(is.label, was.label);
    EXPECT_EQ(is.error_occurred, was.error_occurred);
    EXPECT_EQ(is.error_message, was.error_message);
    if (was.label.empty()) {
      EXPECT_EQ(is.counters, was.counters);
    } else {
      EXPECT_THAT(is.counters, IsEmpty());  // NaN and infinities.
    }
  }
}

TEST(BenchmarkJsonTest, WritesAnyTextAndNoKeyTwice) {
  BenchmarkRow row;
  row.name = "a";
  row.error_occurred = true;
  row.error_message = "latin-1: \xe9, tab:\t, quote: \"";
  row.counters = {{"threads", 7}, {"p99_us", 1.5}};
  row.skipped = true;
  row.skip_message = "s";
  const auto file =
      ParseBenchmarkJson(FormatBenchmarkJson({.rows = {row}}), "x");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->rows[0].error_message,
            "latin-1: \xef\xbf\xbd, tab:\t, quote: \"");
  EXPECT_EQ(file->rows[0].threads, 1);
  EXPECT_EQ(file->rows[0].run_name, "a");
  EXPECT_TRUE(file->rows[0].skipped);
  EXPECT_THAT(file->rows[0].counters, ElementsAre(Pair("p99_us", 1.5)));
}

BenchmarkRow Measured(const std::string& name) {
  BenchmarkRow row;
  row.name = row.run_name = name;
  row.real_time = 5;
  row.cpu_time = 0;
  return row;
}

TEST(CheckBenchmarkFileTest, AcceptsMeasurements) {
  BenchmarkRow fit = Measured("a_BigO");
  fit.run_type = "aggregate";
  fit.real_time = fit.cpu_time = std::nan("");
  BenchmarkRow skipped = Measured("b");
  skipped.skipped = true;
  skipped.real_time = 0;
  const absl::Status status =
      CheckBenchmarkFile({.rows = {Measured("a"), fit, skipped}}, "x");
  EXPECT_TRUE(status.ok()) << status;
}

TEST(CheckBenchmarkFileTest, RefusesFilesWithoutMeasurements) {
  BenchmarkRow skipped = Measured("b");
  skipped.skipped = true;
  for (const BenchmarkFile& file :
       {BenchmarkFile(), BenchmarkFile{.rows = {skipped}}}) {
    const absl::Status status = CheckBenchmarkFile(file, "x.json");
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("x.json: no benchmark was measured"));
  }
}

TEST(CheckBenchmarkFileTest, ListsTheFirstFiveFaults) {
  BenchmarkFile file;
  file.rows.push_back(Measured("good"));
  for (const double time : {0.0, -1.0, std::nan(""), kInfinity}) {
    file.rows.push_back(Measured("bad"));
    file.rows.back().real_time = time;
  }
  file.rows.push_back(Measured("cpu"));
  file.rows.back().cpu_time = std::nan("");
  file.rows.push_back(Measured("sixth"));
  file.rows.back().error_occurred = true;
  file.rows.push_back(Measured("seventh"));
  file.rows.back().error_occurred = true;
  const absl::Status status = CheckBenchmarkFile(file, "x.json");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "x.json: 7 of 8 rows are unusable: "
            "benchmarks[1] bad: real_time is 0; "
            "benchmarks[2] bad: real_time is -1; "
            "benchmarks[3] bad: real_time is nan; "
            "benchmarks[4] bad: real_time is inf; "
            "benchmarks[5] cpu: cpu_time is nan; and 2 more");
}

TEST(CheckBenchmarkFileTest, NamesTheErrorsOfARecordedFile) {
  EXPECT_THAT(std::string(CheckBenchmarkFile(Recorded(), "x").message()),
              AllOf(HasSubstr("1 of 13 rows"),
                    HasSubstr("BM_Fails: error: no server at 127.0.0.1"),
                    Not(HasSubstr("BM_Copy"))));
}

TEST(ToNanosecondsTest, KnowsTheUnitsOfGoogleBenchmark) {
  EXPECT_EQ(ToNanoseconds(1.5, "ns"), 1.5);
  EXPECT_EQ(ToNanoseconds(1.5, "us"), 1'500);
  EXPECT_EQ(ToNanoseconds(1.5, "ms"), 1'500'000);
  EXPECT_EQ(ToNanoseconds(1.5, "s"), 1'500'000'000);
  EXPECT_TRUE(std::isnan(ToNanoseconds(1.5, "min")));
}

}  // namespace
}  // namespace opsbench::results
