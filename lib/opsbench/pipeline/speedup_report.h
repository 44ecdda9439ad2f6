#ifndef OPSBENCH_PIPELINE_SPEEDUP_REPORT_H_
#define OPSBENCH_PIPELINE_SPEEDUP_REPORT_H_

// Ways to move the same rows, side by side: medians of several runs of each,
// and how many times as fast as the first one the others are.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/pipeline/result.h"

namespace opsbench::pipeline {

struct ModeRuns {
  std::string label;  // "INSERT".
  std::vector<PipelineResult> runs;
};

// FailedPrecondition: runs that moved different numbers of rows, which no
// average may mix. InvalidArgument: no mode, or a mode without runs.
absl::StatusOr<std::string> RenderSpeedups(absl::Span<const ModeRuns> modes);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_SPEEDUP_REPORT_H_
