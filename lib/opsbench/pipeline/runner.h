#ifndef OPSBENCH_PIPELINE_RUNNER_H_
#define OPSBENCH_PIPELINE_RUNNER_H_

// What a pipeline file asks for, done: its streams moved one after the other,
// each in a transaction of its own, or said what would be done, or verified.
//
// Thread safety: each function runs on one thread at a time and starts its own.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/pipeline/config.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/result.h"
#include "opsbench/pipeline/transfer.h"
#include "opsbench/pipeline/verify.h"

namespace opsbench::pipeline {

struct RunOptions {
  const std::atomic<bool>* stop = nullptr;
  std::function<void(absl::string_view stream, const TransferProgress&)>
      on_progress;
};

// An error ends the run at its stream: those before it stay committed, which
// the message says, that one and those after it are untouched.
absl::StatusOr<PipelineResult> RunPipeline(
    const PipelineConfig& config, absl::Span<const ConnectorKind> kinds,
    const RunOptions& options = {});

// Connects to both ends, describes each stream, and writes nothing: what a run
// would do, for people.
absl::StatusOr<std::string> PlanPipeline(const PipelineConfig& config,
                                         absl::Span<const ConnectorKind> kinds);

// Reads each stream's table and its destination's. Unimplemented: there is no
// source that reads what the destination wrote.
absl::StatusOr<std::vector<Verdict>> VerifyPipeline(
    const PipelineConfig& config, absl::Span<const ConnectorKind> kinds,
    const std::atomic<bool>* stop = nullptr);

// Whether the source lacks the table that `config.seed` is for; false without
// asking when there is no seed. FailedPrecondition: its seeding was cut off, or
// it has not the rows that are asked for.
absl::StatusOr<bool> NeedsSeed(const PipelineConfig& config,
                               absl::Span<const ConnectorKind> kinds);

// Makes the rows that `config.seed` asks for.
absl::Status SeedSource(
    const PipelineConfig& config, const std::atomic<bool>* stop = nullptr,
    const std::function<void(int64_t rows_done)>& on_progress = nullptr);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_RUNNER_H_
