#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_FLUSHES_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_FLUSHES_H_

// The scenarios of rotation and flush, which no rival has: opsbench alone.
//
// Thread safety: for one thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "memtable/rows.h"
#include "memtable/scenario.h"
#include "opsbench/memtable/persister.h"

namespace opsbench::memtable_bench {

// Where the rows of a flush go, until it is destroyed.
class FlushTarget {
 public:
  virtual ~FlushTarget() = default;
  virtual memtable::Persister<Item>* persister() = 0;
  // Internal unless what was flushed has come to this: the rows of `present`
  // are there, and no others. Not timed.
  virtual absl::Status Check(const std::vector<Item>& present) = 0;
};

// `make` may take long: it is not timed. The engine of a real one is started
// there, and its place for items with ids below `max_items` made empty.
struct PersisterChoice {
  std::string name;
  std::function<absl::StatusOr<std::unique_ptr<FlushTarget>>(int64_t max_items)>
      make;
};

// Those that need no engine; the others: see real_persisters.h.
std::vector<PersisterChoice> PersisterChoices(uint64_t seed);

// Threshold after threshold of puts, and at the end of each round a flush,
// which is timed with them.
absl::StatusOr<Measured> RunRotation(const Case& test, int64_t threshold);

// How long single puts take for `duration_ns` while tables rotate and are
// flushed all the time: put_p50_ns to put_max_ns. idle_max_ns: the longest
// that threads which only read the clock were kept waiting, directly
// afterwards. allocations_per_op: calls of operator new on all threads, the
// flush thread among them, for each put.
absl::StatusOr<Measured> RunPutLatency(const Case& test, int64_t threshold,
                                       int64_t duration_ns);

// Puts as fast as the persister lets them, for `duration_ns`.
absl::StatusOr<Measured> RunPersister(const Case& test,
                                      const PersisterChoice& persister,
                                      int64_t duration_ns);

struct SweepPoint {
  int64_t threshold = 0;
  int64_t flush_timeout_ms = 0;
  int64_t duration_ns = 0;
};

// Puts at a steady rate, before a persister that takes a millisecond a batch:
// what the two settings cost in memory and in stalls, and gain in freshness.
absl::StatusOr<Measured> RunSweep(const Case& test, const SweepPoint& point);

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_FLUSHES_H_
