#ifndef OPSBENCH_LOAD_REPORT_H_
#define OPSBENCH_LOAD_REPORT_H_

// What came of a load: by operation, by second and as a whole.
//
// Thread safety: plain values.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "opsbench/base/histogram.h"

namespace opsbench {

// An operation that was begun either succeeded or failed; one that was due and
// not admitted was skipped.
struct OperationReport {
  std::string name;
  // Of the operations that succeeded. Latency is what a user waits: from when
  // the operation was due to when it ended. Service time is what the system
  // took: from when Client::Execute() was called to when it returned. The
  // difference is what the operation waited before it was begun: behind a slow
  // one, for a hold to end, for its thread to wake up. In a closed loop with
  // neither think time nor a hold there is none, and the two are equal.
  Histogram latency;
  Histogram service;
  int64_t rows = 0;  // Read or written by them.
  int64_t errors = 0;
  // By kind: the status code's name ("UNAVAILABLE").
  std::map<std::string, int64_t> errors_by_kind;
  std::string first_error;  // The message of the first one seen.
  int64_t skipped = 0;      // Client::Admit() returned false.

  int64_t completed() const { return static_cast<int64_t>(latency.count()); }
};

// One second of the measured part. An operation counts where it ended, and a
// hold likewise. The last second of a run may be shorter than a second.
struct LoadSecond {
  int64_t operations = 0;  // That succeeded.
  int64_t rows = 0;
  int64_t errors = 0;
  // Of the operations that succeeded, all workers together; 0 without any.
  int64_t p50_ns = 0;
  int64_t p99_ns = 0;
  int64_t max_ns = 0;
  int64_t holds = 0;
  int64_t held_ns = 0;  // By all workers together: may exceed a second.
};

struct LoadProgress {
  absl::Duration elapsed;
  bool warming_up = false;
  // So far; in the warm-up, its own.
  int64_t operations = 0;
  int64_t errors = 0;
  // Since the last call. Its latency and its holds leave out workers that are
  // still in an operation that began before it, and are 0 in the warm-up.
  LoadSecond last_second;
};

struct LoadReport {
  std::vector<OperationReport> operations;  // In the order of the mix.
  std::vector<LoadSecond> seconds;
  // From the common start to the end of the last operation, and not less than
  // the duration unless the run ended before it.
  absl::Duration elapsed;
  bool interrupted = false;  // RequestStop() or LoadOptions::stop ended it.
  // Operations that the run owed and never began. With LoadOptions::operations
  // those left of them; in an open loop those that were due before it ended.
  int64_t abandoned = 0;
  int workers_lost = 0;  // Ended early: Recover() failed.
  // OK, or why it ended before its time: the last worker was lost.
  absl::Status ended_early;

  // Operations that LoadOptions::hold delayed, and the sum of the delays; the
  // run's end may have cut one short and its operation was never begun.
  int64_t holds = 0;
  absl::Duration held;

  // Open loop; 0 in a closed one: the rate that was asked for.
  double offered_per_second = 0;
  // Operations that were due but not begun when the schedule was over: run in
  // the drain, or abandoned.
  int64_t overdue = 0;
  // Whether the system and the machine kept up with the rate: at most 1% of the
  // operations, or one for each worker, were overdue.
  bool rate_met = true;

  int64_t completed() const;
  int64_t errors() const;
  int64_t skipped() const;
  int64_t rows() const;
  double operations_per_second() const;
  double rows_per_second() const;
  // Of all operations together.
  Histogram latency() const;
  Histogram service() const;
};

}  // namespace opsbench

#endif  // OPSBENCH_LOAD_REPORT_H_
