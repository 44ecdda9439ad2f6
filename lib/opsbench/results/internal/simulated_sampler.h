#ifndef OPSBENCH_RESULTS_INTERNAL_SIMULATED_SAMPLER_H_
#define OPSBENCH_RESULTS_INTERNAL_SIMULATED_SAMPLER_H_

// A machine for tests of the gate: noise as it was measured on a shared virtual
// machine, and slowdowns of a known size.
//
// Thread safety: for one thread.

#include <cmath>
#include <map>
#include <numbers>
#include <vector>

#include "opsbench/base/distributions.h"
#include "opsbench/base/random.h"
#include "opsbench/results/gate_procedure.h"

namespace opsbench::results::gate {

// Standard deviations are of the logarithm of a slice's time.
struct Noise {
  double deviation = 0.02;
  // Slices that something else disturbed, and by how much on average.
  double outlier_share = 0.05;
  double outlier_mean = 0.15;
  // A machine whose speed wanders: the step from one slice to the next.
  double drift_step = 0.002;
  // Spells in which everything is slower.
  double spell_share = 0.002;  // Probability that one begins with a slice.
  double spell_size = 0.2;
  int spell_slices = 30;
};

class SimulatedSampler : public Sampler {
 public:
  SimulatedSampler(uint64_t seed, const Noise& noise)
      : random_(seed), noise_(noise) {}

  // The head takes `effect` more time for this benchmark: 0.05.
  void Plant(int benchmark, double effect) { effects_[benchmark] = effect; }
  // The copy is slower than the base: a machine that treats equal files
  // unequally.
  void PlantInCopies(double effect) { copy_effect_ = effect; }
  void Fail(int benchmark, Side side) { failing_[benchmark] = side; }
  // Each slice takes so long on the simulated clock.
  void set_slice_s(double slice_s) { slice_s_ = slice_s; }

  absl::StatusOr<std::vector<double>> Measure(int benchmark,
                                              Side side) override {
    now_s_ += slice_s_;
    ++slices_;
    if (const auto it = failing_.find(benchmark);
        it != failing_.end() && it->second == side) {
      return absl::InternalError("planted error");
    }
    drift_ = 0.999 * drift_ + noise_.drift_step * Normal();
    if (random_.Bernoulli(noise_.spell_share)) spell_ = noise_.spell_slices;
    double log_time = std::log(100.0) + drift_ + noise_.deviation * Normal();
    if (spell_ > 0) {
      --spell_;
      log_time += noise_.spell_size;
    }
    if (random_.Bernoulli(noise_.outlier_share)) {
      log_time += Exponential(random_, noise_.outlier_mean);
    }
    if (side == Side::kHead && effects_.count(benchmark) > 0) {
      log_time += std::log1p(effects_.at(benchmark));
    }
    if (side == Side::kCopy) log_time += std::log1p(copy_effect_);
    return std::vector<double>{std::exp(log_time)};
  }

  void BeginRound() override {}
  double Now() const override { return now_s_; }
  int64_t slices() const { return slices_; }

 private:
  // Box and Muller's.
  double Normal() {
    const double radius = std::sqrt(2 * Exponential(random_, 1));
    return radius * std::cos(2 * std::numbers::pi * random_.Double());
  }

  Random random_;
  const Noise noise_;
  std::map<int, double> effects_;
  std::map<int, Side> failing_;
  double copy_effect_ = 0;
  double slice_s_ = 0.125;
  double drift_ = 0;
  int spell_ = 0;
  double now_s_ = 0;
  int64_t slices_ = 0;
};

}  // namespace opsbench::results::gate

#endif  // OPSBENCH_RESULTS_INTERNAL_SIMULATED_SAMPLER_H_
