#include "opsbench/stress/fault_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::stress {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

// In the order of FaultKind.
FaultSpec Spec(int kill, int reset, int pause, int slow_disk) {
  return {{kill, reset, pause, slow_disk}};
}

TEST(ParseFaultsTest, ReadsNamesAndCounts) {
  const std::vector<std::pair<std::string, FaultSpec>> cases = {
      {"kill", Spec(1, 0, 0, 0)},
      {"kill=3,reset=10", Spec(3, 10, 0, 0)},
      {"slow_disk,pause=10000", Spec(0, 0, 10'000, 1)},
      {" reset = 2 , kill ", Spec(1, 2, 0, 0)},
      {"all", Spec(1, 1, 1, 1)},
      {"all=5", Spec(5, 5, 5, 5)},
  };
  for (const auto& [text, expected] : cases) {
    const auto spec = ParseFaults(text);
    ASSERT_TRUE(spec.ok()) << text << ": " << spec.status();
    EXPECT_EQ(*spec, expected) << text;
    EXPECT_EQ(*ParseFaults(spec->ToString()), expected) << text;
  }
  EXPECT_EQ(Spec(3, 10, 0, 0).ToString(), "kill=3,reset=10");
  EXPECT_EQ(FaultSpec().ToString(), "");
}

TEST(ParseFaultsTest, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"kil", "did you mean \"kill\"?"},
      {"kill,rest=2", "unknown fault \"rest\": did you mean \"reset\"?"},
      {"slowdisk", "did you mean \"slow_disk\"?"},
      {"PAUSE", "unknown fault \"PAUSE\""},
      {"", "unknown fault \"\""},
      {"kill,", "unknown fault \"\""},
      {"=3", "unknown fault \"\""},
      {"kill=0", "\"kill\": the count must be from 1 to 10000, got \"0\""},
      {"kill=10001", "got \"10001\""},
      {"kill=-1", "got \"-1\""},
      {"kill=", "got \"\""},
      {"kill=2=3", "got \"2=3\""},
      {"kill=1.5", "got \"1.5\""},
      {"kill=99999999999999999999", "from 1 to 10000"},
      {"kill,reset,kill=2", "kill is there twice"},
      {"reset=10,all", "reset is there twice, as all includes it"},
      {"all,reset=10", "reset is there twice"},
  };
  for (const auto& [text, message] : cases) {
    const absl::Status status = ParseFaults(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message)) << text;
    EXPECT_FALSE(absl::StrContains(status.message(), "\n")) << text;
  }
}

TEST(CheckFaultsTest, DependsOnTheTarget) {
  const FaultSpec reset = Spec(0, 9, 0, 0);
  for (const Engine engine : {Engine::kMysql, Engine::kPostgres}) {
    EXPECT_TRUE(CheckFaults(engine, true, Spec(1, 2, 3, 4)).ok());
    EXPECT_TRUE(CheckFaults(engine, false, reset).ok());
    for (const FaultSpec& spec :
         {Spec(1, 9, 0, 0), Spec(0, 9, 1, 0), Spec(0, 0, 0, 1)}) {
      const absl::Status status = CheckFaults(engine, false, spec);
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(
          std::string(status.message()),
          AllOf(HasSubstr("only the fault reset"), HasSubstr(spec.ToString())));
    }
  }
  for (const Engine engine : {Engine::kSqlite, Engine::kRedis}) {
    EXPECT_TRUE(CheckFaults(engine, false, {}).ok());
    EXPECT_EQ(CheckFaults(engine, false, reset).code(),
              absl::StatusCode::kInvalidArgument);
  }
}

void ExpectSound(const FaultSpec& spec, absl::Duration run, uint64_t seed) {
  const std::vector<PlannedFault> faults = PlanFaults(spec, run, seed);
  ASSERT_EQ(faults.size(), static_cast<size_t>(spec.total()));
  EXPECT_EQ(PlanFaults(spec, run, seed), faults);
  FaultSpec found;
  absl::Duration free_from = run * 5 / 100;
  for (const PlannedFault& fault : faults) {
    ++found.counts[static_cast<size_t>(fault.kind)];
    ASSERT_GE(fault.begin, free_from);
    ASSERT_GE(fault.length, absl::ZeroDuration());
    free_from = fault.begin + fault.length;
    ASSERT_LE(fault.length, run / 10);
    switch (fault.kind) {
      case FaultKind::kKill:
      case FaultKind::kReset:
        ASSERT_EQ(fault.length, absl::ZeroDuration());
        break;
      case FaultKind::kPause:
        ASSERT_LE(fault.length, absl::Seconds(2));
        break;
      case FaultKind::kSlowDisk:
        ASSERT_LE(fault.length, absl::Seconds(5));
        break;
    }
    if (fault.kind == FaultKind::kSlowDisk) {
      ASSERT_THAT(fault.disk_delay,
                  AllOf(Ge(absl::Milliseconds(1)), Le(absl::Milliseconds(20))));
    } else {
      ASSERT_EQ(fault.disk_delay, absl::ZeroDuration());
    }
  }
  EXPECT_LE(free_from, run * 90 / 100);
  EXPECT_EQ(found, spec);
}

TEST(PlanFaultsTest, KeepsItsBoundsAndNeverOverlaps) {
  for (const absl::Duration run :
       {absl::Nanoseconds(1), absl::Milliseconds(1), absl::Seconds(1),
        absl::Seconds(30), absl::Minutes(5), absl::Hours(24 * 365)}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(::testing::Message() << run << ", seed " << seed);
      ExpectSound(Spec(1, 1, 1, 1), run, seed);
      ExpectSound(Spec(3, 40, 25, 7), run, seed);
      ExpectSound(Spec(0, 0, 1, 0), run, seed);
    }
    SCOPED_TRACE(::testing::Message() << run << ", as many as there can be");
    ExpectSound(Spec(kMaxFaultsOfKind, kMaxFaultsOfKind, kMaxFaultsOfKind,
                     kMaxFaultsOfKind),
                run, 7);
  }
}

// Lengths are what the names promise when there is time for them.
TEST(PlanFaultsTest, DrawsLengthsFromTheirWholeRanges) {
  absl::Duration pauses[2] = {absl::InfiniteDuration(), absl::ZeroDuration()};
  absl::Duration slow[2] = {absl::InfiniteDuration(), absl::ZeroDuration()};
  const auto widen = [](absl::Duration* range, absl::Duration value) {
    range[0] = std::min(range[0], value);
    range[1] = std::max(range[1], value);
  };
  for (const PlannedFault& fault :
       PlanFaults(Spec(0, 0, 1'000, 1'000), absl::Hours(10), 3)) {
    widen(fault.kind == FaultKind::kPause ? pauses : slow, fault.length);
  }
  EXPECT_GE(pauses[0], absl::Milliseconds(200));
  EXPECT_LT(pauses[0], absl::Milliseconds(220));
  EXPECT_GT(pauses[1], absl::Milliseconds(1'980));
  EXPECT_GE(slow[0], absl::Seconds(1));
  EXPECT_LT(slow[0], absl::Milliseconds(1'040));
  EXPECT_GT(slow[1], absl::Milliseconds(4'960));
}

// Moments, order and picks come from the seed: over many seeds every kind comes
// first, and a lone fault comes anywhere between 5% and 90%.
TEST(PlanFaultsTest, SeedsDecide) {
  std::map<FaultKind, int> first;
  std::set<uint64_t> picks;
  constexpr int kSeeds = 1'000;
  double earliest = 1;
  double latest = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    ++first[PlanFaults(Spec(1, 1, 1, 1), absl::Minutes(1), seed)[0].kind];
    const PlannedFault lone =
        PlanFaults(Spec(0, 1, 0, 0), absl::Minutes(1), seed)[0];
    picks.insert(lone.pick);
    const double part = absl::FDivDuration(lone.begin, absl::Minutes(1));
    earliest = std::min(earliest, part);
    latest = std::max(latest, part);
  }
  ASSERT_EQ(first.size(), 4U);
  // Four standard deviations of a binomial distribution are 55.
  for (const auto& [kind, times] : first) {
    EXPECT_NEAR(times, kSeeds / 4.0, 55) << FaultKindName(kind);
  }
  EXPECT_EQ(picks.size(), static_cast<size_t>(kSeeds));
  EXPECT_LT(earliest, 0.06);
  EXPECT_GT(latest, 0.89);
}

// A seed that is reported means the same faults on every machine, and later.
TEST(PlanFaultsTest, StaysAsItIs) {
  std::vector<PlannedFault> expected(4);
  expected[0] = {.kind = FaultKind::kSlowDisk,
                 .begin = absl::Nanoseconds(5'768'791'307),
                 .length = absl::Nanoseconds(1'717'867'356),
                 .disk_delay = absl::Microseconds(17'151)};
  expected[1] = {.kind = FaultKind::kReset,
                 .begin = absl::Nanoseconds(26'246'278'618),
                 .pick = 12'894'015'577'231'452'534u};
  expected[2] = {.kind = FaultKind::kKill,
                 .begin = absl::Nanoseconds(38'813'762'365)};
  expected[3] = {.kind = FaultKind::kPause,
                 .begin = absl::Nanoseconds(49'548'141'770),
                 .length = absl::Nanoseconds(617'307'862)};
  EXPECT_EQ(PlanFaults(Spec(1, 1, 1, 1), absl::Minutes(1), 42), expected);
}

}  // namespace
}  // namespace opsbench::stress
