#ifndef OPSBENCH_SIDETABLE_COMPARE_H_
#define OPSBENCH_SIDETABLE_COMPARE_H_

// The question that brings people here, answered for one engine: what does each
// strategy cost to read by depth, to write and to keep.
//
// Thread safety: CompareStrategies() blocks and owns its threads.

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "opsbench/db/session.h"
#include "opsbench/sidetable/path.h"
#include "opsbench/sidetable/strategy.h"

namespace opsbench::sidetable {

// A figure of 0 was not measured.
struct StrategyFigures {
  Strategy strategy = Strategy::kSideTable;
  // Latency of the newest 100 under a prefix of 1 to kMaxLevels components, one
  // worker.
  std::array<double, kMaxLevels> read_p50_us = {};
  std::array<double, kMaxLevels> read_p99_us = {};
  double exact_p50_us = 0;
  double insert_p50_us = 0;  // One operation with its prefixes.
  double insert_p99_us = 0;
  double batch_operations_per_second = 0;  // Batches of 1000, one worker.
  double seed_operations_per_second = 0;
  double bytes_per_operation = 0;  // On disk, with indexes.
};

struct CompareOptions {
  std::vector<Strategy> strategies;
  int64_t operations = 100'000;
  uint64_t seed = 1;

  // Of each measurement.
  absl::Duration duration = absl::Seconds(1);

  // Told what is under way, for a progress line.
  std::function<void(absl::string_view)> on_step;
  const std::atomic<bool>* stop = nullptr;
};

struct Comparison {
  std::vector<StrategyFigures> figures;  // As far as it came.
  // Why it ended early. Cancelled: `stop`. Internal: an answer or what was
  // written is wrong. Otherwise as Seed().
  absl::Status ended_early;
};

// Seeds each strategy in tables of its own, replacing those that an interrupted
// comparison left, checks its answers against the Reference, then measures: all
// strategies take turns at each operation, so that a slow moment of the machine
// meets them all. Drops its tables at the end, however it ends.
Comparison CompareStrategies(const Url& url, const CompareOptions& options);

// A table with one row a strategy.
std::string RenderComparison(const std::vector<StrategyFigures>& figures);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_COMPARE_H_
