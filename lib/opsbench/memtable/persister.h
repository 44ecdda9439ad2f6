#ifndef OPSBENCH_MEMTABLE_PERSISTER_H_
#define OPSBENCH_MEMTABLE_PERSISTER_H_

// Where a memtable's rows go when it flushes.
//
// Thread safety: a memtable calls its persister from one thread, its flush
// thread. What else an implementation allows it says itself.

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace opsbench::memtable {

// What became of one key since the last flush.
template <typename Row>
struct Change {
  // The row as it is now. Of a removed one only the key holds anything.
  const Row* row = nullptr;
  bool removed = false;
};

template <typename Row>
class Persister {
 public:
  virtual ~Persister() = default;

  // Makes `changes` durable: in ascending order of keys, each key once in the
  // flush of one table, at most MemtableOptions::batch_rows of them. The rows
  // are valid during the call.
  //
  // A batch whose call failed comes again unchanged until it
  // succeeds, and may have taken effect in part or whole before: an
  // implementation writes upserts and deletes of keys, so that twice is the
  // same as once. A batch that succeeded does not come again. Batches of an
  // older table come before those of a newer one.
  virtual absl::Status Persist(absl::Span<const Change<Row>> changes) = 0;
};

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_PERSISTER_H_
