#include "peers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::cli {
namespace {

using ::testing::HasSubstr;

constexpr char kEffects[] = "effects: 4 figures, each of work that was done";
constexpr char kRatio[] = "ratio 1.250 at 1 thread, 0.980 at 8";

TEST(PeerResultTest, ARatioNeedsItsEffectsAndAGoodEnd) {
  EXPECT_EQ(PeerResult({0, kEffects, kRatio, ""}).value(), kRatio);
  EXPECT_EQ(PeerResult({0, "", "left out: no PostgreSQL", ""}).value(),
            "left out: no PostgreSQL");
  const PeerEnd refused[] = {
      {1, kEffects, kRatio, ""},
      {143, kEffects, kRatio, ""},
      {0, "", kRatio, ""},
      {0, "effects: 0 figures", kRatio, ""},
      {0, "round 1: ours 1 s", kRatio, ""},
      {0, kEffects, "", ""},
      {0, kRatio, kEffects, ""},
      {0, kEffects, "ratio", ""},
      {0, kEffects, "ratio nan", ""},
      {0, kEffects, "ratio inf (median of 1 rounds)", ""},
      {0, kEffects, "ratio 0.000", ""},
      {0, kEffects, "ratio -1.0", ""},
      {0, kEffects, "ratio 1.0 decoded, nan undecoded", ""},
      {0, kEffects, "ratio 1.0 decoded, -inf undecoded", ""},
      {0, kRatio, "left out: after all", ""},
  };
  for (const PeerEnd& end : refused) {
    EXPECT_FALSE(PeerResult(end).ok())
        << end.exit_code << ": " << end.before_last << "\n"
        << end.last;
  }
  EXPECT_THAT(
      PeerResult({1, "", "", "a_b_c: pgbench: no server"}).status().message(),
      HasSubstr("pgbench: no server"));
}

}  // namespace
}  // namespace opsbench::cli
