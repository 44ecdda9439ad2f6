#ifndef OPSBENCH_PIPELINE_BENCH_EVENTS_H_
#define OPSBENCH_PIPELINE_BENCH_EVENTS_H_

// The table that pipelines are measured with, made by the server from row
// numbers: deterministic, and the same on every engine.
//
// Thread safety: as the session.

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/connector.h"

namespace opsbench::pipeline {

inline constexpr char kBenchEvents[] = "bench_events";

struct BenchEventsOptions {
  TableName table = {"", kBenchEvents};
  int64_t rows = 100'000;
  // About how large a row is: 120, 500 or 4096.
  int profile_bytes = 120;
  bool fresh = false;  // Drops the table first.

  const std::atomic<bool>* stop = nullptr;
  std::function<void(int64_t rows_done)> on_progress;
};

// AlreadyExists: the table is there, and not `fresh`. Cancelled: stopped; the
// table is gone then, as after any other error.
absl::Status SeedBenchEvents(Session* session,
                             const BenchEventsOptions& options);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_BENCH_EVENTS_H_
