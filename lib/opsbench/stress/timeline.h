#ifndef OPSBENCH_STRESS_TIMELINE_H_
#define OPSBENCH_STRESS_TIMELINE_H_

// A stress run over time, for the HTML report: throughput, latency, memory and
// processor, with the faults and waits that explain them.
//
// Thread safety: a pure function.

#include <vector>

#include "opsbench/results/report_figure.h"
#include "opsbench/stress/simulation.h"

namespace opsbench::stress {

// Seconds on x: of the load's seconds in the first two, of the monitor's
// readings in the others. Faults are marks.
std::vector<results::ReportFigure> TimelineFigures(const StressReport& report);

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_TIMELINE_H_
