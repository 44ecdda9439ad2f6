#ifndef OPSBENCH_RESULTS_GATE_CONFIG_H_
#define OPSBENCH_RESULTS_GATE_CONFIG_H_

// What the gate measures and how strict it is: fixtures/gate.yaml, whose keys
// GATE.md describes.
//
// Thread safety: plain data; the functions keep no state.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/results/gate_procedure.h"

namespace opsbench::results::gate {

// One benchmark binary and those of its benchmarks that belong to the suite.
struct BinaryConfig {
  std::string target;  // Of CMake.
  std::string path;    // Below the build folder.
  std::string area;
  std::vector<std::string> arguments;
  // Extended regular expressions, each for a whole name.
  std::vector<std::string> benchmarks;
};

// What holds for some benchmarks instead of the defaults. Of several rules that
// fit, the last one that says something holds.
struct RuleConfig {
  std::string benchmarks;  // As BinaryConfig::benchmarks.
  absl::optional<double> threshold;
  std::vector<std::string> metrics;  // Empty: says nothing of them.
};

struct GateConfig {
  double threshold = 0.02;
  double promise = 0.05;
  double slice_ms = 100;
  std::vector<std::string> metrics = {"real_time_ns"};
  std::vector<BinaryConfig> binaries;
  std::vector<RuleConfig> rules;
};

// `source` is what errors call the text.
//
// InvalidArgument: not YAML, an unknown key (with the nearest known one), a
// value of the wrong type or out of range, a pattern that is no regular
// expression, a metric without a direction; each with line and column.
absl::StatusOr<GateConfig> ParseGateConfig(const std::string& text,
                                           absl::string_view source);

// InvalidArgument: `pattern` is no extended regular expression.
absl::Status CheckPattern(const std::string& pattern);

// Whether it matches all of `name`. REQUIRES: CheckPattern(pattern) is OK.
bool MatchesWhole(const std::string& pattern, const std::string& name);
// Whether it matches some of it, as --benchmark_filter does.
bool MatchesPart(const std::string& pattern, const std::string& name);

bool Selects(const BinaryConfig& binary, const std::string& name);

// The metrics of a benchmark with their thresholds and directions.
std::vector<MetricPlan> MetricsOf(const GateConfig& config,
                                  const std::string& name);

// A benchmark's name without `/iterations:8`, which is the gate's own doing,
// and without `/min_time:0.1`, in whose place that comes.
std::string CanonicalName(absl::string_view name);

// The --benchmark_filter that selects a benchmark by its canonical name alone.
std::string FilterOf(absl::string_view canonical_name);

}  // namespace opsbench::results::gate

#endif  // OPSBENCH_RESULTS_GATE_CONFIG_H_
