#include "opsbench/vector/tuner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/chooser.h"
#include "opsbench/vector/internal/evidence.h"
#include "opsbench/vector/internal/median.h"
#include "opsbench/vector/internal/setting_space.h"

namespace opsbench::vector {
namespace {

absl::Status CheckOptions(const TuneOptions& options) {
  const Constraints& constraints = options.constraints;
  if (!(constraints.min_recall >= 0 && constraints.min_recall <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the least recall has to be in 0 to 1, not ", constraints.min_recall));
  }
  if (constraints.max_p99_ms && !(*constraints.max_p99_ms > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the highest p99 has to be above 0 ms, not ", *constraints.max_p99_ms));
  }
  if (options.max_evaluations < 0 || options.max_repeats < 1 ||
      options.budget <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "tuning needs a budget above 0, at least one repeat, and no negative "
        "number of evaluations");
  }
  if (!(options.tolerance >= 0 && options.tolerance < 1) ||
      !(options.confidence > 0 && options.confidence < 1)) {
    return absl::InvalidArgumentError(
        "tolerance has to be in 0 to 1, confidence between 0 and 1");
  }
  return absl::OkStatus();
}

// Measures what the chooser names until something ends it.
class Search {
 public:
  Search(const TuneOptions& options, const internal::SettingSpace& space,
         const Evaluator& evaluate, int evaluations)
      : options_(options),
        space_(space),
        evaluate_(evaluate),
        evaluations_(evaluations),
        chooser_(&space, &options, evaluations),
        place_(space.size(), -1),
        start_ns_(Now()) {
    result_.settings = static_cast<int64_t>(space.size());
  }

  absl::StatusOr<TuneResult> Run() {
    while (!IsUsedUp()) {
      const internal::Chooser::Choice choice = chooser_.Next();
      if (!choice.next) {
        result_.ended = choice.ended;
        break;
      }
      OPSBENCH_RETURN_IF_ERROR(Measure(*choice.next));
    }
    result_.elapsed = absl::Nanoseconds(Now() - start_ns_);
    Conclude();
    return std::move(result_);
  }

 private:
  int64_t Now() const {
    return options_.now_ns ? options_.now_ns() : MonotonicNowNs();
  }

  bool IsUsedUp() {
    if (!result_.ended.empty()) return true;
    if (options_.stop != nullptr &&
        options_.stop->load(std::memory_order_relaxed)) {
      result_.ended = "interrupted";
    } else if (result_.evaluations >= evaluations_) {
      result_.ended = "evaluations";
    } else if (!took_ns_.empty() &&
               absl::Nanoseconds(Now() - start_ns_ +
                                 static_cast<int64_t>(internal::MedianOf(
                                     took_ns_))) > options_.budget) {
      result_.ended = "budget";
    }
    return !result_.ended.empty();
  }

  absl::Status Measure(size_t index) {
    const int64_t before = Now();
    const Setting setting = space_.At(index);
    absl::StatusOr<Sample> sample = evaluate_(setting);
    ++result_.evaluations;
    took_ns_.push_back(static_cast<double>(Now() - before));
    absl::Status status = sample.status();
    if (status.ok()) {
      status = internal::CheckSample(*sample);
    }
    if (absl::IsCancelled(status)) {
      result_.ended = "interrupted";
      return absl::OkStatus();
    }
    if (!status.ok() && !internal::IsOfSetting(status)) {
      result_.failure = absl::Status(
          status.code(),
          absl::StrCat(internal::SettingText(space_.parameters(), setting),
                       ": ", status.message()));
      result_.ended = "failures";
      return internal::AnyMeasured(result_.evidence) ? absl::OkStatus()
                                                     : result_.failure;
    }
    if (place_[index] < 0) {
      place_[index] = static_cast<int64_t>(result_.evidence.size());
      result_.evidence.emplace_back();
      result_.evidence.back().setting = setting;
    }
    Evidence& evidence = result_.evidence[static_cast<size_t>(place_[index])];
    if (status.ok()) {
      evidence.samples.push_back(*sample);
      chooser_.Add(index, *sample);
    } else {
      evidence.error = status;
      chooser_.Fail(index);
    }
    return absl::OkStatus();
  }

  void Conclude();
  bool EnoughRecall(const Evidence& evidence) const {
    return evidence.recall >= options_.constraints.min_recall;
  }
  void ChooseBest();
  void ChooseClosest();
  void Explain();

  const TuneOptions& options_;
  const internal::SettingSpace& space_;
  const Evaluator& evaluate_;
  const int evaluations_;
  internal::Chooser chooser_;
  std::vector<int64_t> place_;  // Of a setting in the evidence, or -1.
  std::vector<double> took_ns_;
  const int64_t start_ns_;
  TuneResult result_;
};

void Search::ChooseBest() {
  if (const absl::optional<size_t> best = chooser_.Best()) {
    const auto place = static_cast<size_t>(place_[*best]);
    if (result_.evidence[place].feasible) {
      result_.best = place;
      return;
    }
  }
  for (size_t i = 0; i < result_.evidence.size(); ++i) {
    const Evidence& evidence = result_.evidence[i];
    if (evidence.feasible &&
        (!result_.best || evidence.qps > result_.evidence[*result_.best].qps)) {
      result_.best = i;
    }
  }
}

void Search::ChooseClosest() {
  const auto closer = [this](const Evidence& a, const Evidence& b) {
    if (EnoughRecall(a) != EnoughRecall(b)) {
      return EnoughRecall(a);
    }
    return EnoughRecall(a) ? a.p99_ms < b.p99_ms : a.recall > b.recall;
  };
  for (size_t i = 0; i < result_.evidence.size(); ++i) {
    const Evidence& evidence = result_.evidence[i];
    if (!evidence.samples.empty() && evidence.error.ok() &&
        (!result_.closest ||
         closer(evidence, result_.evidence[*result_.closest]))) {
      result_.closest = i;
    }
  }
}

void Search::Explain() {
  result_.notes = chooser_.Notes();
  const auto failed = std::count_if(
      result_.evidence.begin(), result_.evidence.end(),
      [](const Evidence& evidence) { return !evidence.error.ok(); });
  if (failed > 0) {
    const auto first = std::find_if(
        result_.evidence.begin(), result_.evidence.end(),
        [](const Evidence& evidence) { return !evidence.error.ok(); });
    result_.notes.push_back(absl::StrCat(
        failed, " settings could not be measured",
        result_.unknown > 0
            ? absl::StrCat(", ", result_.unknown, " of them are unknown")
            : "",
        ", first ", internal::SettingText(space_.parameters(), first->setting),
        ": ", first->error.message()));
  }
  result_.notes.push_back(absl::StrCat(
      result_.evaluations, " measurements of ",
      static_cast<int64_t>(result_.evidence.size()) - failed,
      " settings out of ", result_.settings,
      result_.decided
          ? ""
          : "; not decided: more measurements may find a better setting"));
}

void Search::Conclude() {
  internal::Weigh(options_.constraints, options_.confidence, &result_.evidence);
  ChooseBest();
  if (!result_.best) {
    ChooseClosest();
  }
  result_.unknown =
      std::count_if(result_.evidence.begin(), result_.evidence.end(),
                    [](const Evidence& evidence) {
                      return absl::IsUnavailable(evidence.error);
                    });
  if (result_.unknown > 0 && result_.ended == "decided") {
    result_.ended = "failures";
  }
  result_.decided = result_.ended == "decided";
  Explain();
}

}  // namespace

std::string BrokenConstraints(const Constraints& constraints,
                              const Sample& sample) {
  std::vector<std::string> broken;
  if (constraints.max_p99_ms && !(sample.p99_ms <= *constraints.max_p99_ms)) {
    broken.push_back(absl::StrCat("p99 ", sample.p99_ms, " ms is above ",
                                  *constraints.max_p99_ms, " ms"));
  }
  if (!(sample.recall >= constraints.min_recall)) {
    broken.push_back(absl::StrCat("recall ", sample.recall, " is below ",
                                  constraints.min_recall));
  }
  return absl::StrJoin(broken, ", ");
}

Parameter MakeParameter(absl::string_view name, std::vector<int64_t> values) {
  Parameter parameter;
  parameter.name = std::string(name);
  parameter.values = std::move(values);
  parameter.recall_rises =
      name == "ef" || name == "ef_search" || name == "probes";
  parameter.recall_constant = name == "clients" || name == "num_clients" ||
                              name == "threads" || name == "num_threads" ||
                              name == "pipeline";
  return parameter;
}

absl::StatusOr<TuneResult> Tune(const TuneOptions& options,
                                const Evaluator& evaluate) {
  OPSBENCH_RETURN_IF_ERROR(CheckOptions(options));
  OPSBENCH_ASSIGN_OR_RETURN(const internal::SettingSpace space,
                            internal::SettingSpace::Create(options.parameters));
  const int evaluations =
      options.max_evaluations > 0
          ? options.max_evaluations
          : std::clamp(static_cast<int>(space.size() / 5), 24, 200);
  return Search(options, space, evaluate, evaluations).Run();
}

}  // namespace opsbench::vector
