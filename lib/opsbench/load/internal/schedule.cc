#include "opsbench/load/internal/schedule.h"

#include <algorithm>
#include <cmath>

#include "opsbench/base/clock.h"
#include "opsbench/base/distributions.h"

namespace opsbench::load_internal {
namespace {

// Gives the think times streams of their own.
constexpr uint64_t kThinkSalt = 0x7468696e6b2d7469u;

int64_t RoundNs(double ns) {
  return ns < static_cast<double>(kForeverNs) ? std::llround(ns) : kForeverNs;
}

}  // namespace

int64_t ToNs(absl::Duration duration) {
  return std::min(absl::ToInt64Nanoseconds(duration), kForeverNs);
}

int64_t ThinkTime::After(uint64_t seed, int worker, int64_t index) const {
  Random random =
      Random::Stream(Mix64(seed ^ kThinkSalt), static_cast<uint64_t>(worker),
                     static_cast<uint64_t>(index));
  return random.Between(min_ns_, max_ns_);
}

Schedule::Schedule(const ScheduleOptions& options)
    : options_(options),
      random_(
          Random::Stream(options.seed, static_cast<uint64_t>(options.worker))) {
  Advance();
}

void Schedule::Advance() {
  ++count_;
  if (options_.arrival == Arrival::kConstant) {
    // From the count and not by adding up, so that no error accumulates.
    const double position = static_cast<double>(
        count_ * options_.workers + static_cast<int64_t>(options_.worker));
    next_ns_ = RoundNs(position * static_cast<double>(kNanosPerSecond) /
                       options_.rate_per_second);
    return;
  }
  arrival_ns_ +=
      Exponential(random_, static_cast<double>(kNanosPerSecond) *
                               static_cast<double>(options_.workers) /
                               options_.rate_per_second);
  next_ns_ = RoundNs(arrival_ns_);
}

int64_t Schedule::CountBefore(int64_t end_ns) {
  int64_t count = 0;
  for (; next_ns_ < end_ns; Advance()) ++count;
  return count;
}

}  // namespace opsbench::load_internal
