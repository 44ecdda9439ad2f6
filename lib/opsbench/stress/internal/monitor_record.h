#ifndef OPSBENCH_STRESS_INTERNAL_MONITOR_RECORD_H_
#define OPSBENCH_STRESS_INTERNAL_MONITOR_RECORD_H_

// What becomes of the readings: thresholds, peaks, the series, events.
//
// Thread safety: for one thread at a time; the flags may be read by any.

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "opsbench/stress/monitor.h"

namespace opsbench::stress::internal {

class MonitorRecord {
 public:
  // REQUIRES: the options are valid; max_points is 2 at least.
  explicit MonitorRecord(const MonitorOptions& options);

  const std::atomic<bool>& backpressure() const { return backpressure_.flag; }
  const std::atomic<bool>& over_disk_budget() const { return disk_.flag; }

  // REQUIRES: `seconds` does not go back.
  void Add(double seconds, const Reading& reading);
  void AddEvent(double seconds, absl::string_view source, std::string text);

  // Puts both flags down and hands out all that was recorded.
  MonitorReport Finish(double seconds);

 private:
  // Raised above `limit`, until the figure is at `release` or absent. The first
  // of `metrics` that a reading has decides.
  struct Rule {
    std::vector<std::string> metrics;
    double limit = 0;
    double release = 0;
    bool raised = false;
  };
  struct Flag {
    const char* name;
    std::vector<Rule> rules;
    MonitorCondition condition;
    std::atomic<bool> flag{false};
  };

  void Update(double seconds, const Reading& reading, Flag* flag);
  void Lower(double seconds, Flag* flag);
  void AddPoint(double seconds, const Reading& reading);

  const size_t max_points_;
  Flag backpressure_{"backpressure", {}, {}};
  Flag disk_{"over_disk_budget", {}, {}};
  MonitorReport report_;
  // Where a metric is in a point's values; those of points that were made
  // before it was first seen are shorter.
  std::map<std::string, size_t> columns_;
  // Each so manieth reading becomes a point.
  int64_t stride_ = 1;
};

}  // namespace opsbench::stress::internal

#endif  // OPSBENCH_STRESS_INTERNAL_MONITOR_RECORD_H_
