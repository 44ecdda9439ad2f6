#include "opsbench/vector/search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/random.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/evidence.h"
#include "opsbench/vector/internal/setting_space.h"

namespace opsbench::vector {
namespace {

constexpr int64_t kMostValues = 128;

absl::StatusOr<TuneResult> TuneOne(
    TuneOptions tune, const std::string& name, std::vector<int64_t> values,
    const std::function<absl::StatusOr<Sample>(int64_t)>& evaluate) {
  if (values.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("parameter ", name,
                     ": its lowest value is above its "
                     "highest"));
  }
  tune.parameters = {MakeParameter(name, std::move(values))};
  return Tune(tune, [&evaluate](const Setting& setting) {
    return evaluate(setting.front());
  });
}

// Every setting of each round once, each round in an order of its own.
class Grid {
 public:
  Grid(const GridOptions& options, const internal::SettingSpace& space,
       const Evaluator& evaluate)
      : options_(options),
        space_(space),
        evaluate_(evaluate),
        evidence_(space.size()),
        start_ns_(Now()) {
    for (size_t i = 0; i < space.size(); ++i) {
      evidence_[i].setting = space.At(i);
    }
  }

  absl::StatusOr<GridResult> Run() {
    for (int round = 0; round < options_.repeats && result_.ended.empty();
         ++round) {
      OPSBENCH_RETURN_IF_ERROR(Round(round));
    }
    if (result_.ended.empty()) {
      result_.ended = "complete";
    }
    result_.elapsed = absl::Nanoseconds(Now() - start_ns_);
    result_.settings = static_cast<int64_t>(space_.size());
    constexpr double kConfidence = 0.95;
    internal::Weigh(Constraints(), kConfidence, &evidence_);
    for (Evidence& evidence : evidence_) {
      if (evidence.samples.empty() && evidence.error.ok()) {
        continue;
      }
      ++(evidence.error.ok() ? result_.measured : result_.failed);
      if (!evidence.error.ok() || !options_.filter ||
          options_.filter(evidence)) {
        result_.kept.push_back(std::move(evidence));
      }
    }
    return std::move(result_);
  }

 private:
  int64_t Now() const {
    return options_.now_ns ? options_.now_ns() : MonotonicNowNs();
  }

  absl::Status Round(int round) {
    Random random = Random::Stream(options_.seed, static_cast<uint64_t>(round));
    std::vector<size_t> order(space_.size());
    for (size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
      std::swap(order[i], order[random.Below(i + 1)]);
    }
    for (size_t index : order) {
      if (options_.stop != nullptr &&
          options_.stop->load(std::memory_order_relaxed)) {
        result_.ended = "interrupted";
        return absl::OkStatus();
      }
      if (absl::Nanoseconds(Now() - start_ns_) >= options_.budget) {
        result_.ended = "budget";
        return absl::OkStatus();
      }
      OPSBENCH_RETURN_IF_ERROR(Measure(&evidence_[index]));
      if (!result_.ended.empty()) return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status Measure(Evidence* evidence) {
    if (!evidence->error.ok()) {
      return absl::OkStatus();
    }
    absl::StatusOr<Sample> sample = evaluate_(evidence->setting);
    ++result_.evaluations;
    absl::Status status = sample.status();
    if (status.ok()) {
      status = internal::CheckSample(*sample);
    }
    if (status.ok()) {
      evidence->samples.push_back(*sample);
    } else if (absl::IsCancelled(status)) {
      result_.ended = "interrupted";
    } else if (internal::IsOfSetting(status)) {
      evidence->error = std::move(status);
    } else {
      result_.failure = absl::Status(
          status.code(), absl::StrCat(internal::SettingText(space_.parameters(),
                                                            evidence->setting),
                                      ": ", status.message()));
      result_.ended = "failures";
      if (!internal::AnyMeasured(evidence_)) return result_.failure;
    }
    return absl::OkStatus();
  }

  const GridOptions& options_;
  const internal::SettingSpace& space_;
  const Evaluator& evaluate_;
  std::vector<Evidence> evidence_;
  const int64_t start_ns_;
  GridResult result_;
};

}  // namespace

std::vector<int64_t> RangeValues(int64_t min_val, int64_t max_val) {
  std::vector<int64_t> values;
  if (min_val > max_val) {
    return values;
  }
  const double span =
      static_cast<double>(max_val) - static_cast<double>(min_val);
  if (span < kMostValues) {
    for (int64_t i = 0; i <= max_val - min_val; ++i) {
      values.push_back(min_val + i);
    }
    return values;
  }
  for (int64_t i = 0; i + 1 < kMostValues; ++i) {
    // From 1 to span + 1 by an equal factor, and a step of 1 at least.
    const double power = static_cast<double>(i) / (kMostValues - 1);
    const int64_t value =
        min_val + static_cast<int64_t>(std::pow(span + 1, power)) - 1;
    values.push_back(values.empty() ? min_val
                                    : std::max(value, values.back() + 1));
  }
  values.push_back(max_val);
  return values;
}

absl::StatusOr<TuneResult> BinarySearchMaxQps(
    const BinarySearchOptions& options,
    const std::function<absl::StatusOr<Sample>(int64_t)>& evaluate) {
  TuneOptions tune = options.tune;
  tune.constraints.min_recall = options.target_recall;
  return TuneOne(std::move(tune), options.param_name,
                 RangeValues(options.min_val, options.max_val), evaluate);
}

absl::StatusOr<TuneResult> FindMaxQpsWithConstraints(
    const ConstraintSearchOptions& options,
    const std::function<absl::StatusOr<Sample>(int64_t)>& evaluate) {
  TuneOptions tune = options.tune;
  tune.constraints.min_recall = options.min_recall;
  tune.constraints.max_p99_ms = options.max_latency_p99_ms;
  return TuneOne(std::move(tune), options.param_name,
                 RangeValues(options.min_val, options.max_val), evaluate);
}

absl::StatusOr<GridResult> GridSearch(const GridOptions& options,
                                      const Evaluator& evaluate) {
  if (options.repeats < 1 || options.budget <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "a grid needs a budget above 0 and at least one repeat");
  }
  OPSBENCH_ASSIGN_OR_RETURN(const internal::SettingSpace space,
                            internal::SettingSpace::Create(options.param_grid));
  return Grid(options, space, evaluate).Run();
}

}  // namespace opsbench::vector
