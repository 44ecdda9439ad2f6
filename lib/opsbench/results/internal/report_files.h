#ifndef OPSBENCH_RESULTS_INTERNAL_REPORT_FILES_H_
#define OPSBENCH_RESULTS_INTERNAL_REPORT_FILES_H_

// The parts of the report's page that are compiled in.
//
// Thread safety: a pure function.

#include "absl/strings/string_view.h"

namespace opsbench::results::internal {

// A file of the report's page, such as "style.css", compiled in: those of
// results/report/ and Debian's "chart.min.js". REQUIRES: there is one.
absl::string_view ReportFile(absl::string_view name);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_REPORT_FILES_H_
