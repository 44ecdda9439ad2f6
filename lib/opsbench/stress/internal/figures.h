#ifndef OPSBENCH_STRESS_INTERNAL_FIGURES_H_
#define OPSBENCH_STRESS_INTERNAL_FIGURES_H_

// The figures of a run that more than one way of telling it needs.
//
// Thread safety: pure functions.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/stress/config.h"
#include "opsbench/stress/simulation.h"

namespace opsbench::stress::internal {

struct Figures {
  double seconds = 0;
  int64_t insert_rows = 0;
  double insert_rows_per_second = 0;

  // Of the engine: hyperd's own figure, else the private server's, else, for
  // one in our process, ours. Absent: another's server, which is not measured.
  absl::optional<double> peak_memory_mib;
  absl::optional<double> peak_cpu_pct;  // Of all cores.
  absl::optional<double> peak_load;     // 1: all that there is to use.
  absl::optional<double> disk_mib;      // At its largest.

  // Of all users.
  int64_t checked_exactly = 0;
  int64_t checked_partly = 0;
  int64_t reconnects = 0;
  int64_t failed_writes = 0;
  int64_t unknown_writes = 0;
};

Figures FiguresOf(const StressConfig& config, const StressReport& report);

// What went wrong, one line each, the worst first; at most `limit`.
std::vector<std::string> ErrorsOf(const StressReport& report, size_t limit);

// Why the run is not ok, in a few words each: "2 wrong answers"; empty when
// report.ok().
std::vector<std::string> FailuresOf(const StressReport& report);

// Whether `log_mode` keeps a figure of the monitor over time.
bool IsLogged(absl::string_view metric, int log_mode);

}  // namespace opsbench::stress::internal

#endif  // OPSBENCH_STRESS_INTERNAL_FIGURES_H_
