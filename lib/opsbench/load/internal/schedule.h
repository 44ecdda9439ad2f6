#ifndef OPSBENCH_LOAD_INTERNAL_SCHEDULE_H_
#define OPSBENCH_LOAD_INTERNAL_SCHEDULE_H_

// When the operations of one worker are due: at the times of its schedule in an
// open loop, and after its think times in a closed one.
//
// Thread safety: a Schedule is not thread-safe; each worker has its own, and
// those of all workers make up the load's rate without knowing of one another.

#include <cstdint>

#include "absl/time/time.h"
#include "opsbench/base/random.h"
#include "opsbench/load/load.h"

namespace opsbench::load_internal {

// Stands for "never" wherever nanoseconds are added up: the sum of a few of
// them does not overflow.
inline constexpr int64_t kForeverNs = INT64_MAX / 8;

// Nanoseconds of a duration of at least zero, at most kForeverNs.
int64_t ToNs(absl::Duration duration);

// How long a worker of a closed loop waits after each of its operations.
class ThinkTime {
 public:
  explicit ThinkTime(const LoadOptions& options)
      : min_ns_(ToNs(options.think_min)), max_ns_(ToNs(options.think_max)) {}

  // Whether there is any.
  bool any() const { return max_ns_ > 0; }

  // After operation `index` of `worker`. Drawn from a stream of its own, so
  // that it changes no operation.
  int64_t After(uint64_t seed, int worker, int64_t index) const;

 private:
  int64_t min_ns_;
  int64_t max_ns_;
};

struct ScheduleOptions {
  Arrival arrival = Arrival::kConstant;  // Not kClosed.
  double rate_per_second = 1;            // Of all workers together.
  int worker = 0;
  int workers = 1;
  uint64_t seed = 1;
};

class Schedule {
 public:
  // REQUIRES: an open loop with a finite rate above 0.
  explicit Schedule(const ScheduleOptions& options);

  // When the next operation is due, from the start; at most kForeverNs.
  int64_t next_ns() const { return next_ns_; }

  // Goes on to the operation after it.
  void Advance();

  // Counts the operations that are due before `end_ns` and goes past them.
  int64_t CountBefore(int64_t end_ns);

 private:
  ScheduleOptions options_;
  Random random_;
  int64_t count_ = -1;     // Index of the operation that is next.
  double arrival_ns_ = 0;  // Poisson arrivals: unrounded, so no drift.
  int64_t next_ns_ = 0;
};

}  // namespace opsbench::load_internal

#endif  // OPSBENCH_LOAD_INTERNAL_SCHEDULE_H_
