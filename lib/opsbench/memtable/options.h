#ifndef OPSBENCH_MEMTABLE_OPTIONS_H_
#define OPSBENCH_MEMTABLE_OPTIONS_H_

// How a memtable is set up, and what it says of itself.
//
// Thread safety: plain values.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace opsbench::memtable {

struct MemtableOptions {
  // Behaviour.

  // Records (inserts, updates, deletes) that the active table takes before it
  // rotates. Small: little memory, fresh data, many flushes. Large: high
  // throughput, large batches; more is in memory, and lost with the process.
  int64_t threshold_records = 100'000;

  // Bytes of records at which it rotates as well. Address space is reserved for
  // them at once, memory when it is needed.
  int64_t threshold_bytes = int64_t{1} << 30;

  // The active table rotates this long after its first write, full or not; 0:
  // never. Short: what was written is soon persisted, in small batches.
  int64_t flush_timeout_ms = 30'000;

  // Full tables that wait for their flush. When one more would be needed,
  // writers are delayed while the active table has its last tenth to spare,
  // then stopped. More of them ride out a longer stall of the persister, for
  // memory.
  int max_immutables = 4;

  // A writer that was stopped this long gives up with Unavailable.
  int64_t stall_timeout_ms = 10'000;

  // All tables together, when they are allocated; a write that would need more
  // fails with ResourceExhausted. 0: unlimited. Beside it stand the sorted runs
  // of ordered indexes, 16 bytes a record, which range reads make.
  int64_t memory_budget_bytes = 0;

  // Performance.

  // Changes in one call of the persister.
  int64_t batch_rows = 1'000;

  // A failed batch is tried again after this, doubled each time up to the
  // maximum. Short: quick recovery, more load on a persister in trouble.
  int64_t backoff_initial_ms = 10;
  int64_t backoff_max_ms = 5'000;
};

// InvalidArgument names the first option that makes no sense, and its limits.
absl::Status ValidateOptions(const MemtableOptions& options);

// Why a table was rotated.
enum class RotationReason { kSizeThreshold, kTimeout, kRequested, kShutdown };
inline constexpr int kRotationReasons = 4;
std::string_view RotationReasonName(RotationReason reason);

// Counted since Open(). What writers are doing at the moment of the call may be
// in some of them and not yet in others.
struct MemtableMetrics {
  int64_t records = 0;  // Written: inserts, updates, deletes.
  // In memory, versions and tombstones included; with what threads have claimed
  // and not used yet, up to 64 records and 64 KiB a thread.
  int64_t resident_records = 0;
  int64_t record_bytes = 0;  // Likewise, with links and strings.
  int64_t table_bytes = 0;   // Allocated for all tables, spare ones too.
  int64_t tables = 0;        // Allocated, spare ones included.
  int64_t immutables = 0;    // Waiting for their flush.
  std::array<int64_t, kRotationReasons> rotations{};
  int64_t flushes = 0;          // Tables that were persisted.
  int64_t flushed_changes = 0;  // Rows and tombstones in them.
  int64_t batches = 0;          // Successful calls of the persister.
  int64_t retries = 0;          // Failed ones.
  int64_t delays = 0;           // Writers that were slowed.
  int64_t stalls = 0;           // Writers that were stopped.
  int64_t stalled_ns = 0;       // Time that writers spent delayed or stopped.
  int64_t oldest_unflushed_ns = 0;  // Age of the oldest write not persisted.
};

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_OPTIONS_H_
