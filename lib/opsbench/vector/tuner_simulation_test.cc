// Is the tuner within 5% of the exhaustive optimum with a fifth of its
// evaluations, 19 times of 20, whatever the surface and the noise? Thousands of
// tunings on surfaces whose optimum is known, drawn from a seed, so that a rate
// is the same in every run. The recorded surface is a real index's
// (tuner_record.cc).
//
// A tuning succeeds when its answer's true rate is 95% or more of the best that
// truly keeps the constraints, and its true p99 exceeds the limit by 5% at
// most: what lies nearer is within the noise of any measurement.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/random.h"
#include "opsbench/results/gate_statistics.h"
#include "opsbench/vector/tuner.h"

namespace opsbench::vector {
namespace {

// OPSBENCH_TUNINGS=500 gives TUNER.md's figures, in two minutes. A sanitizer
// makes a tuning 20 times as slow, and finds what it finds in the first 20.
int Tunings() {
  const char* text = std::getenv("OPSBENCH_TUNINGS");
  int tunings = 0;
  if (text != nullptr && absl::SimpleAtoi(text, &tunings) && tunings > 0) {
    return tunings;
  }
#ifdef OPSBENCH_SANITIZED
  return 20;
#else
  return 100;
#endif
}

const int kTunings = Tunings();

double Normal(Random* random) {
  const double u = 1 - random->Double();
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * M_PI * random->Double());
}

struct Surface {
  std::string name;
  std::vector<Parameter> parameters;
  Constraints constraints;
  std::function<Sample(const Setting&)> truth;
  // What is measured where that is the truth.
  std::function<Sample(const Setting&, const Sample&, Random*)> measure;
};

struct Noise {
  const char* id;
  const char* name;
  double deviation;
  double outliers;  // Share of measurements that are 10 to 30% slower.
};

constexpr Noise kNoises[] = {{"Little", "3%", 0.03, 0},
                             {"Much", "10%", 0.10, 0},
                             {"Outliers", "3%, outliers", 0.03, 0.15}};

Sample Disturb(const Noise& noise, Sample sample, Random* random) {
  sample.qps *= std::exp(noise.deviation * Normal(random));
  // A tail is noisier than a mean.
  sample.p99_ms *= std::exp(1.5 * noise.deviation * Normal(random));
  sample.recall += 0.0005 * Normal(random);
  if (random->Bernoulli(noise.outliers)) {
    const double slower = 0.1 + 0.2 * random->Double();
    sample.qps *= 1 - slower;
    sample.p99_ms *= 1 + 2 * slower;
  }
  return sample;
}

// Every setting, the first parameter fastest.
std::vector<Setting> AllSettings(const std::vector<Parameter>& parameters) {
  std::vector<Setting> all = {{}};
  for (const Parameter& parameter : parameters) {
    std::vector<Setting> longer;
    for (int64_t value : parameter.values) {
      for (Setting setting : all) {
        setting.push_back(value);
        longer.push_back(setting);
      }
    }
    all = longer;
  }
  return all;
}

bool Keeps(const Constraints& constraints, const Sample& truth, double slack) {
  return truth.recall >= constraints.min_recall &&
         (!constraints.max_p99_ms ||
          truth.p99_ms <= *constraints.max_p99_ms * slack);
}

struct Tally {
  int good = 0;
  int decided = 0;
  int decided_wrong = 0;
  int most_evaluations = 0;
  int64_t settings = 0;
};

Tally Simulate(const Surface& surface, uint64_t seed) {
  Tally tally;
  std::map<Setting, Sample> truth;
  double optimum = 0;
  for (const Setting& setting : AllSettings(surface.parameters)) {
    const Sample sample = surface.truth(setting);
    truth[setting] = sample;
    if (Keeps(surface.constraints, sample, 1)) {
      optimum = std::max(optimum, sample.qps);
    }
  }
  EXPECT_GT(optimum, 0) << surface.name << ": nothing to find";
  tally.settings = static_cast<int64_t>(truth.size());

  TuneOptions options;
  options.parameters = surface.parameters;
  options.constraints = surface.constraints;
  options.max_evaluations = static_cast<int>(truth.size() / 5);
  options.now_ns = [] { return int64_t{0}; };
  for (int i = 0; i < kTunings; ++i) {
    Random random = Random::Stream(seed, static_cast<uint64_t>(i));
    int evaluations = 0;
    const auto result = Tune(options, [&](const Setting& setting) {
      ++evaluations;
      return surface.measure(setting, truth.at(setting), &random);
    });
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok()) {
      return tally;
    }
    EXPECT_EQ(result->evaluations, evaluations);
    tally.most_evaluations = std::max(tally.most_evaluations, evaluations);
    bool good = false;
    if (result->best) {
      const Sample& got = truth.at(result->evidence[*result->best].setting);
      good = got.qps >= 0.95 * optimum && Keeps(surface.constraints, got, 1.05);
    }
    tally.good += good ? 1 : 0;
    tally.decided += result->decided ? 1 : 0;
    tally.decided_wrong += result->decided && !good ? 1 : 0;
  }
  return tally;
}

// Prints the figures of TUNER.md and checks the promise.
void Check(const Surface& surface, const std::string& noise, uint64_t seed) {
  const Tally tally = Simulate(surface, seed);
  const auto rate = results::gate::ClopperPearson(tally.good, kTunings, 0.95);
  std::printf(
      "%-14s %-13s %4d of %4d  good %5.1f%% (%.1f to %.1f)  decided "
      "%5.1f%%, of these wrong %d\n",
      surface.name.c_str(), noise.c_str(), tally.most_evaluations,
      static_cast<int>(tally.settings), 100.0 * tally.good / kTunings,
      100 * rate.low, 100 * rate.high, 100.0 * tally.decided / kTunings,
      tally.decided_wrong);
  EXPECT_LE(tally.most_evaluations * 5, tally.settings);
  // 19 of 20 is not refuted: a last digit that another compiler rounds
  // otherwise changes a few tunings, but not this.
  EXPECT_GE(rate.high, 0.95) << surface.name << ", " << noise;
}

const std::vector<int64_t> kEfs = {10,  20,  30,  40,  60,  80,
                                   100, 150, 200, 300, 400, 600};

std::vector<Parameter> UsualParameters() {
  return {MakeParameter("clients", {1, 2, 4, 8, 16, 32, 64, 128}),
          MakeParameter("threads", {1, 2, 4, 8}), MakeParameter("ef", kEfs)};
}

double RecallOf(int64_t ef) {
  return 1 - 0.5 * std::exp(-static_cast<double>(ef) / 40);
}

// Rate and latency from what clients and threads make of it.
Surface Make(const std::string& name,
             const std::function<double(double, double)>& gain,
             Constraints constraints) {
  Surface surface;
  surface.name = name;
  surface.parameters = UsualParameters();
  surface.constraints = constraints;
  surface.truth = [gain](const Setting& setting) {
    const double clients = std::log2(setting[0]);
    const double threads = std::log2(setting[1]);
    Sample sample;
    sample.qps = 50'000 * std::pow(setting[2], -0.6) * gain(clients, threads);
    // Little's law, and a tail.
    sample.p99_ms = 1000 * 2.5 * static_cast<double>(setting[0]) / sample.qps;
    sample.recall = RecallOf(setting[2]);
    return sample;
  };
  return surface;
}

double Bump(double x, double y, double at_x, double at_y, double width) {
  const double dx = (x - at_x) / width;
  const double dy = (y - at_y) / (0.6 * width);
  return std::exp(-dx * dx - dy * dy);
}

Surface Plateau() {
  return Make("plateau",
              [](double c, double t) {
                return std::min({std::exp2(c), 4 * std::exp2(0.9 * t), 12.0});
              },
              {0.95, absl::nullopt});
}

Surface SinglePeak() {
  return Make("single peak",
              [](double c, double t) { return 0.05 + Bump(c, t, 4, 1, 2.2); },
              {0.95, absl::nullopt});
}

Surface TwoPeaks() {
  return Make("two peaks",
              [](double c, double t) {
                return 0.1 + std::max(0.85 * Bump(c, t, 5, 2.5, 2.5),
                                      Bump(c, t, 1.5, 0.5, 1.6));
              },
              {0.95, absl::nullopt});
}

Surface Monotone() {
  return Make("monotone",
              [](double c, double t) { return std::exp2(0.5 * c + 0.3 * t); },
              {0.9, absl::nullopt});
}

// More clients are faster as long as the p99 allows it.
Surface LatencyLimit() {
  return Make("p99 limit",
              [](double c, double t) { return std::exp2(0.5 * c + 0.3 * t); },
              {0.95, 6.0});
}

Surface LatencyWall() {
  Surface surface =
      Make("p99 wall",
           [](double c, double t) { return std::exp2(0.4 * c + 0.3 * t); },
           {0.9, 5.0});
  const auto smooth = surface.truth;
  surface.truth = [smooth](const Setting& setting) {
    Sample sample = smooth(setting);
    sample.p99_ms = setting[0] * setting[1] > 64 ? 40 : 3;
    return sample;
  };
  return surface;
}

Surface RecallCliff() {
  Surface surface = Plateau();
  surface.name = "recall cliff";
  const auto smooth = surface.truth;
  surface.truth = [smooth](const Setting& setting) {
    Sample sample = smooth(setting);
    sample.recall = setting[2] < 150 ? 0.4 : 0.97;
    return sample;
  };
  return surface;
}

// What is promised does not hold: recall falls with ef, so the least that has
// enough is not where halving looks for it.
Surface FallingRecall() {
  Surface surface = Plateau();
  surface.name = "falling recall";
  const auto smooth = surface.truth;
  surface.truth = [smooth](const Setting& setting) {
    Sample sample = smooth(setting);
    sample.recall = 1.0 - static_cast<double>(setting[2]) / 1000;
    return sample;
  };
  surface.constraints.min_recall = 0.85;
  return surface;
}

// More ef is faster.
Surface RisingQps() {
  Surface surface = Plateau();
  surface.name = "rising QPS";
  const auto smooth = surface.truth;
  surface.truth = [smooth](const Setting& setting) {
    Sample sample = smooth(setting);
    sample.qps *= std::pow(static_cast<double>(setting[2]), 0.9);
    return sample;
  };
  return surface;
}

// A real index, recorded in slices on a machine with other work. The truth is a
// two-way fit to the logarithms of the settings' means: each mean by itself is
// so uncertain that the highest would be one of luck. A measurement errs as ten
// recorded slices of the same setting, drawn by lot, err from their mean.
class Recorded {
 public:
  Recorded() {
    std::ifstream in("fixtures/vector/tuner_recorded.json");
    const auto json = nlohmann::json::parse(in);
    for (const auto& row : json.at("settings")) {
      std::vector<Sample>& slices = slices_[{row.at("threads"), row.at("ef")}];
      for (const auto& slice : row.at("samples")) {
        slices.push_back({slice.at(0), slice.at(1), slice.at(2), 0});
      }
    }
    std::map<int64_t, std::vector<double>> by_threads;
    std::map<int64_t, std::vector<double>> by_ef;
    std::map<int64_t, std::vector<double>> recall_by_ef;
    std::vector<double> all;
    for (const auto& [setting, slices] : slices_) {
      means_[setting] = Mean(slices);
      recall_by_ef[setting[1]].push_back(means_[setting].recall);
      const double log_qps = std::log(means_[setting].qps);
      by_threads[setting[0]].push_back(log_qps);
      by_ef[setting[1]].push_back(log_qps);
      all.push_back(log_qps);
    }
    for (const auto& [setting, slices] : slices_) {
      truth_[setting] = means_[setting];
      truth_[setting].qps = std::exp(Average(by_threads[setting[0]]) +
                                     Average(by_ef[setting[1]]) - Average(all));
    }
    for (auto& [setting, truth] : truth_) {
      // Threads end at different queries; the index finds the same.
      truth.recall = Average(recall_by_ef[setting[1]]);
    }
    for (const auto& [threads, unused] : by_threads) {
      threads_.push_back(threads);
    }
    for (const auto& [ef, unused] : by_ef) {
      efs_.push_back(ef);
    }
  }

  Surface Make(const std::string& name, Constraints constraints) const {
    Surface surface;
    surface.name = name;
    surface.parameters = {MakeParameter("threads", threads_),
                          MakeParameter("ef", efs_)};
    surface.constraints = constraints;
    surface.truth = [this](const Setting& setting) {
      return truth_.at(setting);
    };
    surface.measure = [this](const Setting& setting, const Sample& truth,
                             Random* random) {
      const std::vector<Sample>& slices = slices_.at(setting);
      std::vector<Sample> drawn;
      for (int i = 0; i < 10; ++i) {
        drawn.push_back(slices[random->Below(slices.size())]);
      }
      Sample sample = Mean(drawn);
      sample.qps *= truth.qps / means_.at(setting).qps;
      sample.recall += truth.recall - means_.at(setting).recall;
      return sample;
    };
    return surface;
  }

  // The usual deviation of a measurement, as a share.
  double Noise() const {
    std::vector<double> all;
    for (const auto& [setting, slices] : slices_) {
      double squares = 0;
      for (const Sample& slice : slices) {
        squares += std::pow(slice.qps / means_.at(setting).qps - 1, 2);
      }
      all.push_back(
          std::sqrt(squares / static_cast<double>(slices.size()) / 10));
    }
    return results::gate::Median(all);
  }

 private:
  static double Average(const std::vector<double>& values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum / static_cast<double>(values.size());
  }

  static Sample Mean(const std::vector<Sample>& samples) {
    Sample mean{0, 0, 0, 0};
    for (const Sample& sample : samples) {
      const double n = static_cast<double>(samples.size());
      mean.qps += sample.qps / n;
      mean.p99_ms += sample.p99_ms / n;
      mean.recall += sample.recall / n;
    }
    return mean;
  }

  std::map<Setting, std::vector<Sample>> slices_;
  std::map<Setting, Sample> means_;
  std::map<Setting, Sample> truth_;
  std::vector<int64_t> threads_;
  std::vector<int64_t> efs_;
};

TEST(TunerRecordedTest, FindsTheOptimumOfARealIndex) {
  const Recorded recorded;
  std::printf("noise of a measurement: %.1f%%\n", 100 * recorded.Noise());
  uint64_t seed = 200;
  for (double recall : {0.0, 0.9, 0.95, 0.98, 0.993}) {
    Check(recorded.Make(absl::StrCat("real, ", recall), {recall, {}}),
          "recorded", ++seed);
  }
}

class TunerSimulationTest : public testing::TestWithParam<Noise> {};

TEST_P(TunerSimulationTest, FindsTheOptimumOfKnownSurfaces) {
  uint64_t seed = 100;
  for (const Surface& made :
       {Plateau(), SinglePeak(), TwoPeaks(), Monotone(), LatencyLimit(),
        LatencyWall(), RecallCliff(), FallingRecall(), RisingQps()}) {
    Surface surface = made;
    surface.measure = [](const Setting&, const Sample& truth, Random* random) {
      return Disturb(GetParam(), truth, random);
    };
    Check(surface, GetParam().name, ++seed);
  }
}

std::string NoiseId(const testing::TestParamInfo<Noise>& info) {
  return info.param.id;
}

INSTANTIATE_TEST_SUITE_P(Noise, TunerSimulationTest, testing::ValuesIn(kNoises),
                         NoiseId);

}  // namespace
}  // namespace opsbench::vector
