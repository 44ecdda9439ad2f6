#ifndef OPSBENCH_PIPELINE_BENCH_EVENTS_H_
#define OPSBENCH_PIPELINE_BENCH_EVENTS_H_

// The table that pipelines are measured with, made by the server from row
// numbers: deterministic, and the same on every engine.
//
// Thread safety: as the session.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/connector.h"

namespace opsbench::pipeline {

inline constexpr char kBenchEvents[] = "bench_events";
inline constexpr char kSeedMaker[] = "pipeline seed";

struct BenchEventsOptions {
  TableName table = {"", kBenchEvents};
  int64_t rows = 100'000;
  // About how large a row is: 120, 500 or 4096.
  int profile_bytes = 120;
  // Who makes it, by which others know it (db/ownership.h).
  std::string maker = kSeedMaker;
  bool fresh = false;            // Replaces a table of the same maker.
  bool replace_foreign = false;  // Replaces any table, also without `fresh`.

  const std::atomic<bool>* stop = nullptr;
  std::function<void(int64_t rows_done)> on_progress;
};

// AlreadyExists: the table is there, and not `fresh`. FailedPrecondition:
// somebody else made it. Cancelled: stopped; the table is gone then, as after
// any other error.
absl::Status SeedBenchEvents(Session* session,
                             const BenchEventsOptions& options);

// The rows of a table that SeedBenchEvents() made by its default maker; 0 of
// another table. FailedPrecondition: it was cut off, and some are missing.
absl::StatusOr<int64_t> SeededRows(Session* session, const TableName& table);

// Makes the table without rows, by the same rules; for one that a pipeline is
// to fill.
absl::Status CreateBenchEvents(Session* session,
                               const BenchEventsOptions& options);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_BENCH_EVENTS_H_
