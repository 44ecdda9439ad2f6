#include "opsbench/base/format.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace opsbench {
namespace {

TEST(FormatTest, FormatsLatenciesWithThreeDigits) {
  const std::vector<std::pair<int64_t, std::string>> cases = {
      {0, "0 ns"},
      {7, "7 ns"},
      {999, "999 ns"},
      {1'000, "1.00 µs"},
      {1'234, "1.23 µs"},
      {9'996, "10.0 µs"},
      {52'340, "52.3 µs"},
      {99'960, "100 µs"},
      {999'400, "999 µs"},
      {999'600, "1.00 ms"},
      {39'460'000, "39.5 ms"},
      {1'500'000'000, "1.50 s"},
      {3'600'000'000'000, "3600 s"},
  };
  for (const auto& [ns, text] : cases) EXPECT_EQ(FormatLatency(ns), text);
}

TEST(FormatTest, AMeanMayHaveAFractionOfANanosecond) {
  EXPECT_EQ(FormatTime(0.534), "0.53 ns");
  EXPECT_EQ(FormatTime(40), "40.0 ns");
  EXPECT_EQ(FormatTime(870.2), "870 ns");
  EXPECT_EQ(FormatTime(999.6), "1.00 µs");
}

TEST(FormatTest, RatesHaveThreeDigits) {
  const std::vector<std::pair<double, std::string>> cases = {
      {0, "0.00/s"},        {1.234, "1.23/s"},    {999.4, "999/s"},
      {999.5, "1.00k/s"},   {52'345, "52.3k/s"},  {999'499, "999k/s"},
      {999'500, "1.00M/s"}, {1.5e13, "15000G/s"},
  };
  for (const auto& [rate, text] : cases) EXPECT_EQ(FormatRate(rate), text);
}

TEST(FormatTest, PadsByCharacters) {
  EXPECT_EQ(PadLeft("1 µs", 6), "  1 µs");
  EXPECT_EQ(PadRight("1 µs", 6), "1 µs  ");
  EXPECT_EQ(PadLeft("longer", 3), "longer");
  EXPECT_EQ(DisplayWidth("1 µs"), 4);
}

}  // namespace
}  // namespace opsbench
