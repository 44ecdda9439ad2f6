#include "opsbench/memtable/options.h"

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/limits.h"

namespace opsbench::memtable {
namespace {

struct Limits {
  int64_t low;
  int64_t high;
};

absl::Status Within(std::string_view option, int64_t value, Limits limits) {
  if (value < limits.low || value > limits.high) {
    return absl::InvalidArgumentError(absl::StrCat(
        "memtable option ", absl::string_view(option.data(), option.size()),
        " is ", value, "; it is ", limits.low, " to ", limits.high));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateOptions(const MemtableOptions& o) {
  constexpr int64_t kYearMs = int64_t{365} * 24 * 3600 * 1000;
  OPSBENCH_RETURN_IF_ERROR(
      Within("threshold_records", o.threshold_records, {1, kMaxRecords}));
  OPSBENCH_RETURN_IF_ERROR(Within("threshold_bytes", o.threshold_bytes,
                                  {2 * kMaxRowBytes, kMaxTableBytes}));
  OPSBENCH_RETURN_IF_ERROR(
      Within("flush_timeout_ms", o.flush_timeout_ms, {0, kYearMs}));
  OPSBENCH_RETURN_IF_ERROR(
      Within("max_immutables", o.max_immutables, {1, kMaxImmutables}));
  OPSBENCH_RETURN_IF_ERROR(
      Within("stall_timeout_ms", o.stall_timeout_ms, {0, kYearMs}));
  OPSBENCH_RETURN_IF_ERROR(Within("memory_budget_bytes", o.memory_budget_bytes,
                                  {0, int64_t{1} << 50}));
  OPSBENCH_RETURN_IF_ERROR(
      Within("batch_rows", o.batch_rows, {1, kMaxRecords}));
  OPSBENCH_RETURN_IF_ERROR(
      Within("backoff_initial_ms", o.backoff_initial_ms, {1, kYearMs}));
  return Within("backoff_max_ms", o.backoff_max_ms,
                {o.backoff_initial_ms, kYearMs});
}

std::string_view RotationReasonName(RotationReason reason) {
  switch (reason) {
    case RotationReason::kSizeThreshold:
      return "size";
    case RotationReason::kTimeout:
      return "timeout";
    case RotationReason::kRequested:
      return "requested";
    case RotationReason::kShutdown:
      return "shutdown";
  }
  return "unknown";
}

}  // namespace opsbench::memtable
