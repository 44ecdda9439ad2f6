#ifndef OPSBENCH_LOAD_REPORT_TEXT_H_
#define OPSBENCH_LOAD_REPORT_TEXT_H_

// A load report for people.
//
// Thread safety: the functions keep no state.

#include <cstdint>
#include <string>

#include "opsbench/load/load.h"

namespace opsbench {

// Totals, a table with the latency of each operation and, where operations
// waited, one with their service times, what was skipped, held or went wrong,
// and the throughput over time. Several lines, each ended, at most 100 columns
// wide if the names of the operations are not over 18; no colour.
std::string RenderLoadReport(const LoadReport& report);

}  // namespace opsbench

#endif  // OPSBENCH_LOAD_REPORT_TEXT_H_
