#ifndef OPSBENCH_MEMTABLE_BENCH_TARGET_H_
#define OPSBENCH_MEMTABLE_BENCH_TARGET_H_

// Where benchmarks of flushes persist their items: a table, or keys, of their
// own in the database that a URL names, with a mark (db/ownership.h). What
// somebody else made under such a name is an error; what a benchmark that died
// left there is taken.
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "opsbench/db/url.h"
#include "opsbench/memtable/persister.h"
#include "opsbench/memtable/seed_item.h"

namespace opsbench::memtable {

class BenchTarget {
 public:
  struct Options {
    // Of the benchmark: the table is opsbench_bench_<name>, keys are
    // opsbench:bench:<name>:<id>.
    std::string name;
    // Ids of items are below this.
    int64_t max_items = 0;
  };

  // An empty place. FailedPrecondition: it is somebody else's.
  static absl::StatusOr<std::unique_ptr<BenchTarget>> Open(
      const Url& url, const Options& options);
  // Removes it.
  virtual ~BenchTarget() = default;

  // For one memtable at a time.
  Persister<Item>* persister() const { return persister_.get(); }

  virtual absl::Status Clear() = 0;
  virtual absl::StatusOr<int64_t> Count() = 0;
  virtual absl::StatusOr<absl::optional<OwnedItem>> Read(int64_t id) = 0;

 protected:
  std::unique_ptr<Persister<Item>> persister_;
};

// Internal unless the target holds `count` items, and of the ids below
// `max_items` those of a sample as `expected` says, none for absent.
absl::Status CheckTarget(
    BenchTarget& target, int64_t max_items, int64_t count,
    const std::function<absl::optional<OwnedItem>(int64_t id)>& expected);

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_BENCH_TARGET_H_
