#ifndef OPSBENCH_LOAD_INTERNAL_SCHEDULE_H_
#define OPSBENCH_LOAD_INTERNAL_SCHEDULE_H_

// When the operations of one worker of an open loop are due.
//
// Thread safety: not thread-safe; each worker has its own, and the schedules of
// all workers make up the load's rate without knowing of one another.

#include <cstdint>

#include "opsbench/base/random.h"
#include "opsbench/load/load.h"

namespace opsbench::load_internal {

// Stands for "never" wherever nanoseconds are added up: the sum of a few of
// them does not overflow.
inline constexpr int64_t kForeverNs = INT64_MAX / 8;

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
