#include "opsbench/vector/internal/evidence.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "opsbench/vector/internal/median.h"

namespace opsbench::vector::internal {

void Weigh(const Constraints& constraints, double confidence,
           std::vector<Evidence>* all) {
  std::vector<Evidence*> measured;
  std::vector<std::vector<double>> qps;
  std::vector<std::vector<double>> p99;
  std::vector<std::vector<double>> recall;
  for (Evidence& evidence : *all) {
    if (evidence.samples.empty()) {
      continue;
    }
    measured.push_back(&evidence);
    qps.emplace_back();
    p99.emplace_back();
    recall.emplace_back();
    for (const Sample& sample : evidence.samples) {
      qps.back().push_back(std::log(sample.qps));
      p99.back().push_back(LogP99(sample));
      recall.back().push_back(sample.recall);
    }
  }
  for (size_t i = 0; i < measured.size(); ++i) {
    Evidence& evidence = *measured[i];
    const auto q = MedianInterval(qps, i, confidence);
    const auto l = MedianInterval(p99, i, confidence);
    const auto r = MedianInterval(recall, i, confidence);
    evidence.qps = std::exp(MedianOf(qps[i]));
    evidence.qps_low = std::exp(q.low);
    evidence.qps_high = std::exp(q.high);
    evidence.p99_ms = std::exp(MedianOf(p99[i]));
    evidence.p99_low_ms = std::exp(l.low);
    evidence.p99_high_ms = std::exp(l.high);
    evidence.recall = MedianOf(recall[i]);
    const bool any_p99 = !constraints.max_p99_ms;
    const bool any_recall = constraints.min_recall <= 0;
    const bool fast = any_p99 || evidence.p99_ms <= *constraints.max_p99_ms;
    evidence.feasible = fast && evidence.recall >= constraints.min_recall &&
                        evidence.error.ok();
    const bool surely_in =
        (any_p99 || evidence.p99_high_ms <= *constraints.max_p99_ms) &&
        (any_recall || r.low >= constraints.min_recall);
    const bool surely_out =
        (!any_p99 && evidence.p99_low_ms > *constraints.max_p99_ms) ||
        (!any_recall && r.high < constraints.min_recall);
    evidence.decided =
        !absl::IsUnavailable(evidence.error) &&
        (!evidence.error.ok() || (evidence.feasible ? surely_in : surely_out));
  }
}

absl::Status CheckSample(const Sample& sample) {
  if (!std::isfinite(sample.qps) || sample.qps <= 0 ||
      !std::isfinite(sample.p99_ms) || sample.p99_ms < 0 ||
      !std::isfinite(sample.recall)) {
    return absl::InternalError(absl::StrCat(
        "a measurement that cannot be: ", sample.qps, " queries/s, p99 ",
        sample.p99_ms, " ms, recall ", sample.recall));
  }
  return absl::OkStatus();
}

std::string SettingText(const std::vector<Parameter>& parameters,
                        const Setting& setting) {
  std::string text;
  for (size_t p = 0; p < parameters.size(); ++p) {
    absl::StrAppend(&text, p == 0 ? "" : " ", parameters[p].name, "=",
                    setting[p]);
  }
  return text;
}

bool IsOfSetting(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status);
}

bool AnyMeasured(const std::vector<Evidence>& all) {
  return std::any_of(all.begin(), all.end(), [](const Evidence& evidence) {
    return !evidence.samples.empty();
  });
}

double LogP99(const Sample& sample) {
  // No latency is below a nanosecond.
  constexpr double kLeastMs = 1e-6;
  return std::log(std::max(sample.p99_ms, kLeastMs));
}

}  // namespace opsbench::vector::internal
