#ifndef OPSBENCH_STRESS_SUMMARY_H_
#define OPSBENCH_STRESS_SUMMARY_H_

// What a stress run says for itself: summary.json, a text for people, and the
// rows that comparisons and reports read.
//
// Thread safety: pure functions.

#include <string>

#include "opsbench/results/benchmark_json.h"
#include "opsbench/stress/config.h"
#include "opsbench/stress/simulation.h"

namespace opsbench::stress {

// The fields of seed document 003's summary.json (config, counts by kind,
// throughput, latency percentiles overall and by kind, peaks, disk, errors up
// to 100, crash detection), and hashes, oracle, faults, waits, and the timeline
// by second. STRESS.md has the format.
//
// `engine_version`: as the engine says it; may be empty.
std::string FormatSummary(const StressConfig& config,
                          const std::string& engine_version,
                          const StressReport& report);

// For people: as seed document 003 prints a run, then a table by kind of
// operation, waits, checks, faults and the oracle's word. No colour.
std::string RenderStressReport(const StressConfig& config,
                               const StressReport& report);

// The oracle's word, in one line or, when something is wrong, several; each is
// ended.
std::string RenderOracle(const OracleReport& oracle);

// "Stress/<kind>/engine:…/format:…/users:…": one row a kind of operation and
// one for all ("Stress/all/…"). A kind that did not succeed once is an error,
// and so is "all" when the run is not ok.
results::BenchmarkFile ToBenchmarkFile(const StressConfig& config,
                                       const StressReport& report);

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_SUMMARY_H_
