#ifndef OPSBENCH_TOOLS_CLI_REPORT_H_
#define OPSBENCH_TOOLS_CLI_REPORT_H_

// The HTML report of a run, with what the state folder knows beside it.
//
// Thread safety: for the main thread.

#include <string>

#include "absl/status/status.h"
#include "command.h"
#include "opsbench/results/report.h"

namespace opsbench::cli {

// Adds the history to `data`, renders it and writes it to `path`. A history
// that is missing or unreadable is left out: a report of the run is worth
// having without it. Other codes as WriteFileAtomically().
absl::Status WriteReport(const Context& context, results::ReportData data,
                         const std::string& path);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_REPORT_H_
