#ifndef OPSBENCH_RESULTS_GATE_REPORT_H_
#define OPSBENCH_RESULTS_GATE_REPORT_H_

// What the gate found, for people and for machines: failures first.
//
// Thread safety: plain data; the functions keep no state.

#include <string>

#include "opsbench/results/comparison.h"
#include "opsbench/results/gate_procedure.h"
#include "opsbench/results/gate_verdict.h"

namespace opsbench::results::gate {

struct GateReport {
  Comparison comparison;
  Procedure::NullArm null_arm;
  // It describes, and is no test: the user only wanted to see.
  bool report_only = false;
  double seconds = 0;
};

// "passed: 38 benchmarks the same, 2 improved".
std::string ConclusionLine(const GateReport& report);

// A table a verdict, each line ended.
std::string RenderGateText(const GateReport& report, bool color);

// A comment for a pull request: below `limit_bytes`, by leaving out rows of
// what did not fail, and then of what did; it says how many. Begins with
// kCommentMark.
std::string RenderGateMarkdown(const GateReport& report,
                               size_t limit_bytes = 64'000);

// By which a later comment finds the earlier one, to replace it.
inline constexpr char kCommentMark[] = "<!-- opsbench-gate -->";

// One object: conclusion, null arm, and each metric with every number.
std::string RenderGateJson(const GateReport& report);

// One case a metric; what is open is skipped.
std::string RenderGateJUnit(const GateReport& report);

}  // namespace opsbench::results::gate

#endif  // OPSBENCH_RESULTS_GATE_REPORT_H_
