#include "opsbench/vector/tuner.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::vector {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<int64_t> Values(int64_t first, int64_t last, int64_t step) {
  std::vector<int64_t> values;
  for (int64_t value = first; value <= last; value += step) {
    values.push_back(value);
  }
  return values;
}

TuneOptions Options(std::vector<Parameter> parameters) {
  TuneOptions options;
  options.parameters = std::move(parameters);
  options.now_ns = [] { return int64_t{0}; };
  return options;
}

// Without noise: recall ef / 100, 10,000 / ef queries per second a client up to
// 16 clients, p99 a tenth of a millisecond a client.
absl::StatusOr<Sample> Exact(const Setting& setting) {
  Sample sample;
  const double clients = static_cast<double>(setting[0]);
  const double ef = static_cast<double>(setting[1]);
  sample.qps = 1e4 / ef * std::min(clients, 16.0);
  sample.p99_ms = clients / 10;
  sample.recall = std::min(1.0, ef / 100);
  return sample;
}

std::vector<Parameter> ClientsAndEf() {
  return {MakeParameter("clients", {1, 2, 4, 8, 16, 32, 64}),
          MakeParameter("ef", Values(10, 200, 10))};
}

const Evidence& Best(const absl::StatusOr<TuneResult>& result) {
  static const Evidence none;
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok() || !result->best) {
    ADD_FAILURE() << "no best setting";
    return none;
  }
  return result->evidence[*result->best];
}

TEST(TunerTest, FindsTheLeastEfAndTheClientsThatFill) {
  TuneOptions options = Options(ClientsAndEf());
  options.constraints.min_recall = 0.9;  // At the edge: ef 90 has just that.
  const auto result = Tune(options, Exact);
  const Evidence& best = Best(result);
  EXPECT_GE(best.setting[0], 16);
  EXPECT_EQ(best.setting[1], 90);
  EXPECT_NEAR(best.qps, 1e4 / 90 * 16, 1);
  EXPECT_TRUE(best.feasible);
  EXPECT_TRUE(best.decided);
  EXPECT_TRUE(result->decided);
  EXPECT_EQ(result->ended, "decided");
  EXPECT_EQ(result->settings, 140);
  EXPECT_LE(result->evaluations, 28);
  EXPECT_THAT(result->notes,
              Contains(HasSubstr("ef 90 is the least with recall 0.9")));
}

// The seed's search moved down when recall was too low.
TEST(TunerTest, MovesUpWhenRecallIsTooLow) {
  TuneOptions options = Options({MakeParameter("ef", Values(1, 1000, 1))});
  options.constraints.min_recall = 0.9995;
  const auto result = Tune(options, [](const Setting& setting) {
    Sample sample;
    const double ef = static_cast<double>(setting[0]);
    sample.qps = 1e6 / ef;
    sample.p99_ms = ef / 100;
    sample.recall = ef / 1000;
    return absl::StatusOr<Sample>(sample);
  });
  EXPECT_EQ(Best(result).setting[0], 1000);
}

TEST(TunerTest, KeepsTheLatencyAtTheEdge) {
  TuneOptions options = Options(ClientsAndEf());
  options.constraints.min_recall = 0.5;
  options.constraints.max_p99_ms = 0.8;  // 8 clients have just that.
  const auto result = Tune(options, Exact);
  EXPECT_THAT(Best(result).setting, ElementsAre(8, 50));
  EXPECT_LE(Best(result).p99_ms, 0.8 + 1e-9);
}

TEST(TunerTest, TakesTheFastestWithoutConstraints) {
  const auto result = Tune(Options(ClientsAndEf()), Exact);
  EXPECT_EQ(Best(result).setting[1], 10);
  EXPECT_GE(Best(result).setting[0], 16);
}

TEST(TunerTest, UnreachableRecallNamesTheBestReached) {
  TuneOptions options = Options({MakeParameter("clients", {1, 2, 4}),
                                 MakeParameter("ef", {10, 20, 30, 40, 50})});
  options.constraints.min_recall = 0.95;
  const auto result = Tune(options, Exact);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->best);
  EXPECT_TRUE(result->decided);
  ASSERT_TRUE(result->closest);
  const Evidence& closest = result->evidence[*result->closest];
  EXPECT_EQ(closest.setting[1], 50);
  EXPECT_NEAR(closest.recall, 0.5, 1e-9);
  // Not on one measurement's word.
  int of_last = 0;
  for (const Evidence& evidence : result->evidence) {
    of_last += evidence.setting[1] == 50
                   ? static_cast<int>(evidence.samples.size())
                   : 0;
  }
  EXPECT_GE(of_last, 2);
  EXPECT_LT(result->evaluations, 15);
  EXPECT_THAT(result->notes, Contains(HasSubstr("no ef reaches recall 0.95")));
}

TEST(TunerTest, UnreachableLatencyNamesTheLowest) {
  TuneOptions options = Options(ClientsAndEf());
  options.constraints.min_recall = 0.5;
  options.constraints.max_p99_ms = 0.01;
  const auto result = Tune(options, Exact);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->best);
  EXPECT_TRUE(result->decided);
  ASSERT_TRUE(result->closest);
  const Evidence& closest = result->evidence[*result->closest];
  EXPECT_EQ(closest.setting[0], 1);
  EXPECT_GE(closest.recall, 0.5);
  EXPECT_FALSE(closest.feasible);
}

TEST(TunerTest, OneSettingIsMeasuredUntilItIsSettled) {
  TuneOptions options =
      Options({MakeParameter("clients", {16}), MakeParameter("ef", {50})});
  options.constraints.min_recall = 0.4;
  const auto result = Tune(options, Exact);
  EXPECT_THAT(Best(result).setting, ElementsAre(16, 50));
  EXPECT_GE(Best(result).samples.size(), 3u);
  EXPECT_TRUE(result->decided);
  EXPECT_EQ(result->settings, 1);
}

TEST(TunerTest, EmptyAndUnorderedSpacesAreRefused) {
  EXPECT_EQ(Tune(Options({}), Exact).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(
          Tune(Options({MakeParameter("ef", {})}), Exact).status().message()),
      HasSubstr("parameter ef has no values"));
  for (const std::vector<int64_t>& values :
       {std::vector<int64_t>{10, 10}, std::vector<int64_t>{20, 10}}) {
    EXPECT_THAT(std::string(Tune(Options({MakeParameter("ef", values)}), Exact)
                                .status()
                                .message()),
                HasSubstr("have to ascend"));
  }
  EXPECT_THAT(
      std::string(Tune(Options({MakeParameter("a", Values(1, 1000, 1)),
                                MakeParameter("b", Values(1, 1000, 1))}),
                       Exact)
                      .status()
                      .message()),
      HasSubstr("more than 100000 settings"));
}

TEST(TunerTest, OptionsOutOfRangeAreRefused) {
  const auto refused = [](const std::function<void(TuneOptions*)>& change) {
    TuneOptions options = Options(ClientsAndEf());
    change(&options);
    return absl::IsInvalidArgument(Tune(options, Exact).status());
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(refused([](TuneOptions*) {}));
  EXPECT_TRUE(refused([](auto* o) { o->constraints.min_recall = 1.1; }));
  EXPECT_TRUE(refused([nan](auto* o) { o->constraints.min_recall = nan; }));
  EXPECT_TRUE(refused([](auto* o) { o->constraints.max_p99_ms = 0; }));
  EXPECT_TRUE(refused([nan](auto* o) { o->constraints.max_p99_ms = nan; }));
  EXPECT_TRUE(refused([](auto* o) { o->budget = absl::ZeroDuration(); }));
  EXPECT_TRUE(refused([](auto* o) { o->max_evaluations = -1; }));
  EXPECT_TRUE(refused([](auto* o) { o->max_repeats = 0; }));
  EXPECT_TRUE(refused([](auto* o) { o->tolerance = -0.1; }));
  EXPECT_TRUE(refused([](auto* o) { o->confidence = 1; }));
}

TEST(TunerTest, OneEvaluationIsAnAnswerThatIsNotDecided) {
  TuneOptions options = Options(ClientsAndEf());
  options.max_evaluations = 1;
  options.constraints.min_recall = 0.1;
  const auto result = Tune(options, Exact);
  EXPECT_EQ(Best(result).samples.size(), 1u);
  EXPECT_EQ(result->evaluations, 1);
  EXPECT_EQ(result->ended, "evaluations");
  EXPECT_FALSE(result->decided);
  EXPECT_FALSE(Best(result).decided);
  EXPECT_TRUE(std::isinf(Best(result).qps_high));
  EXPECT_THAT(result->notes, Contains(HasSubstr("not decided")));
}

TEST(TunerTest, RecallThatFallsWithEfIsNoticed) {
  TuneOptions options = Options(ClientsAndEf());
  options.max_evaluations = 80;
  options.constraints.min_recall = 0.9;
  const auto result = Tune(options, [](const Setting& setting) {
    absl::StatusOr<Sample> sample = Exact(setting);
    sample->recall = 1 - static_cast<double>(setting[1]) / 200;
    return sample;
  });
  EXPECT_EQ(Best(result).setting[1], 10);  // 10 and 20 have enough.
  EXPECT_GE(Best(result).setting[0], 16);
  EXPECT_THAT(result->notes,
              Contains(HasSubstr("recall does not rise with ef")));
}

TEST(TunerTest, RecallThatDependsOnClientsIsNoticed) {
  TuneOptions options = Options(ClientsAndEf());
  options.max_evaluations = 80;
  options.constraints.min_recall = 0.9;
  const auto result = Tune(options, [](const Setting& setting) {
    absl::StatusOr<Sample> sample = Exact(setting);
    // Short of memory for candidates: many clients have it fall.
    if (setting[0] > 8) {
      sample->recall *= 0.5;
    }
    return sample;
  });
  EXPECT_THAT(Best(result).setting, ElementsAre(8, 90));
  EXPECT_THAT(result->notes,
              Contains(AnyOf(HasSubstr("recall depends on more than ef"),
                             HasSubstr("recall does not rise with ef"))));
}

TEST(TunerTest, NothingIsAssumedOfUnknownParameters) {
  TuneOptions options = Options({MakeParameter("beam", Values(1, 40, 1))});
  options.max_evaluations = 40;
  options.constraints.min_recall = 0.5;
  // Enough recall from 11 to 29; fastest at 20.
  const auto result = Tune(options, [](const Setting& setting) {
    const double off = std::abs(static_cast<double>(setting[0]) - 20);
    Sample sample;
    sample.qps = 1e4 / (1 + off * off / 20);
    sample.recall = 1 - off / 20;
    return absl::StatusOr<Sample>(sample);
  });
  EXPECT_NEAR(static_cast<double>(Best(result).setting[0]), 20, 1);
  EXPECT_THAT(result->notes, Contains(HasSubstr("nothing is known")));
}

TEST(TunerTest, SettingsThatFailAreInfeasible) {
  TuneOptions options = Options(ClientsAndEf());
  options.constraints.min_recall = 0.5;
  std::map<Setting, int> asked;
  const auto result = Tune(options, [&asked](const Setting& setting) {
    ++asked[setting];
    if (setting[0] > 8) {
      return absl::StatusOr<Sample>(
          absl::ResourceExhaustedError("too many connections"));
    }
    return Exact(setting);
  });
  EXPECT_THAT(Best(result).setting, ElementsAre(8, 50));
  for (const Evidence& evidence : result->evidence) {
    if (evidence.setting[0] > 8) {
      EXPECT_TRUE(absl::IsResourceExhausted(evidence.error));
      EXPECT_FALSE(evidence.feasible);
      EXPECT_EQ(asked[evidence.setting], 1) << "asked again";
    }
  }
  EXPECT_THAT(result->notes, Contains(HasSubstr("too many connections")));
}

TEST(TunerTest, AllThatFailIsNoAnswer) {
  const auto result = Tune(Options(ClientsAndEf()), [](const Setting&) {
    return absl::StatusOr<Sample>(absl::UnavailableError("gone"));
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->best);
  EXPECT_FALSE(result->closest);
}

// A server that is away for some of the settings: they are unknown, so that
// nothing is decided.
TEST(TunerTest, SettingsWhoseServerWasAwayAreUnknown) {
  int asked = 0;
  const auto result =
      Tune(Options(ClientsAndEf()), [&asked](const Setting& setting) {
        return ++asked == 3
                   ? absl::StatusOr<Sample>(absl::UnavailableError("gone"))
                   : Exact(setting);
      });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->unknown, 1);
  EXPECT_FALSE(result->decided);
  EXPECT_NE(result->ended, "decided");
  EXPECT_THAT(result->notes, Contains(HasSubstr("1 of them are unknown")));
}

TEST(TunerTest, AnErrorLaterOnKeepsWhatWasMeasured) {
  int asked = 0;
  const auto result =
      Tune(Options(ClientsAndEf()), [&asked](const Setting& setting) {
        return ++asked > 5
                   ? absl::StatusOr<Sample>(absl::AbortedError("it died"))
                   : Exact(setting);
      });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->ended, "failures");
  EXPECT_FALSE(result->decided);
  EXPECT_TRUE(absl::IsAborted(result->failure));
  EXPECT_TRUE(result->best);
  EXPECT_EQ(asked, 6);
}

TEST(TunerTest, OtherErrorsEndTheSearchAndNameTheSetting) {
  const auto result = Tune(Options(ClientsAndEf()), [](const Setting&) {
    return absl::StatusOr<Sample>(absl::DataLossError("broken"));
  });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(result.status().message()),
              AllOf(HasSubstr("broken"), HasSubstr("clients=")));
}

TEST(TunerTest, SamplesThatCannotBeEndTheSearch) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Sample& bad : {Sample{0, 1, 1, 1}, Sample{nan, 1, 1, 1},
                            Sample{1, -1, 1, 1}, Sample{1, 1, nan, 1}}) {
    const auto result = Tune(Options(ClientsAndEf()), [&bad](const Setting&) {
      return absl::StatusOr<Sample>(bad);
    });
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInternal);
  }
}

TEST(TunerTest, DoesNotBeginWhatTheBudgetCannotEnd) {
  TuneOptions options = Options(ClientsAndEf());
  int64_t now_ns = 0;
  options.now_ns = [&now_ns] { return now_ns; };
  options.budget = absl::Seconds(10);
  const auto result = Tune(options, [&now_ns](const Setting& setting) {
    now_ns += 3'000'000'000;
    return Exact(setting);
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->evaluations, 3);
  EXPECT_EQ(result->elapsed, absl::Seconds(9));
  EXPECT_EQ(result->ended, "budget");
  EXPECT_FALSE(result->decided);
}

TEST(TunerTest, StopsBeforeTheNextMeasurement) {
  TuneOptions options = Options(ClientsAndEf());
  std::atomic<bool> stop = false;
  options.stop = &stop;
  int asked = 0;
  const auto result = Tune(options, [&](const Setting& setting) {
    stop = ++asked == 5;
    return Exact(setting);
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->evaluations, 5);
  EXPECT_EQ(result->ended, "interrupted");
  EXPECT_TRUE(result->best);
}

TEST(TunerTest, RepeatsEndWhenNoneDecides) {
  // Two settings that differ by less than their noise.
  TuneOptions options = Options({MakeParameter("clients", {1, 2})});
  options.max_evaluations = 200;
  options.max_repeats = 4;
  options.tolerance = 0;
  std::map<Setting, size_t> asked;
  const auto result = Tune(options, [&asked](const Setting& setting) {
    constexpr double kQps[] = {1000, 1100, 900, 1000};
    Sample sample;
    sample.qps = kQps[asked[setting]++ % 4] + static_cast<double>(setting[0]);
    return absl::StatusOr<Sample>(sample);
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->ended, "repeats");
  EXPECT_LE(result->evaluations, 8);
  EXPECT_FALSE(result->decided);
  EXPECT_LT(Best(result).qps_low, Best(result).qps);
  EXPECT_GT(Best(result).qps_high, Best(result).qps);
}

TEST(TunerTest, TheSameMeasurementsAreTheSameSearch) {
  TuneOptions options = Options(ClientsAndEf());
  options.constraints.min_recall = 0.7;
  const auto once = Tune(options, Exact);
  const auto again = Tune(options, Exact);
  ASSERT_TRUE(once.ok() && again.ok());
  ASSERT_EQ(once->evidence.size(), again->evidence.size());
  for (size_t i = 0; i < once->evidence.size(); ++i) {
    EXPECT_EQ(once->evidence[i].setting, again->evidence[i].setting);
  }
}

}  // namespace
}  // namespace opsbench::vector
