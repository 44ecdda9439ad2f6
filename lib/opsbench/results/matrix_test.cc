#include "opsbench/results/matrix.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::results {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

BenchmarkRow Row(const std::string& name, double time_ns) {
  BenchmarkRow row;
  row.name = row.run_name = name;
  row.real_time = row.cpu_time = time_ns;
  return row;
}

// One engine's time does not depend on the size, the other's is linear.
std::vector<MatrixPoint> Points() {
  std::vector<MatrixPoint> points;
  for (const int64_t rows : {1'000, 10'000, 100'000}) {
    MatrixPoint point = {rows, {}};
    point.run.areas["s"].rows = {
        Row(absl::StrCat("S/Latest/engine:a/strategy:x/rows:", rows,
                         "/level:3/real_time"),
            500),
        Row(absl::StrCat("S/Latest/engine:b/strategy:x/rows:", rows,
                         "/level:3/real_time"),
            static_cast<double>(rows))};
    points.push_back(point);
  }
  return points;
}

TEST(MatrixTest, GrowthIsToldFromSizeToSizeAndOverall) {
  const std::string text = RenderMatrix(Points());
  EXPECT_THAT(text, HasSubstr("S/Latest, level 3"));
  EXPECT_THAT(text, HasSubstr(" 10000   500 ns  x1.00   10.0 µs  x10.00"));
  EXPECT_THAT(text, HasSubstr("growth            0.00              1.00"));
}

TEST(MatrixTest, WhatFailedOrIsMissingSaysSo) {
  std::vector<MatrixPoint> points = Points();
  points[1].run.areas["s"].rows[0].error_occurred = true;
  points[2].run.areas["s"].rows.pop_back();
  points[0].run.failed_areas["t"] = absl::InternalError("crashed");
  const std::string text = RenderMatrix(points);
  EXPECT_THAT(text, HasSubstr("ERROR"));
  EXPECT_THAT(text, HasSubstr("FAILED: no results of t at 1000 rows: crashed"));
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StrContains(line, "100000")) continue;
    EXPECT_THAT(std::string(line), ::testing::EndsWith("-"));
  }
}

TEST(MatrixTest, ColumnsThatDoNotFitFollowBelow) {
  const std::string text = RenderMatrix(Points(), {.columns = 40});
  size_t headings = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    EXPECT_LE(line.size(), 75u) << line;
    headings += absl::StrContains(line, "rows  ") ? 1 : 0;
  }
  EXPECT_EQ(headings, 2u);
}

}  // namespace
}  // namespace opsbench::results
