#ifndef OPSBENCH_MEMTABLE_INTERNAL_HISTORY_CHECKER_H_
#define OPSBENCH_MEMTABLE_INTERNAL_HISTORY_CHECKER_H_

// Whether a recorded history of operations on one key is linearizable: whether
// each can be given one moment between its call and its return, such that in
// the order of these moments every answer is right.
//
// Thread safety: pure functions.
//
// Method: just-in-time linearization (Lowe, "Testing for linearizability",
// Concurrency and Computation 29(4), 2017). Calls and returns are played in the
// order of time, with all states that are possible so far: the key's value, and
// which of the operations under way have had their moment. A return keeps the
// states in which its operation had it. None left: not linearizable.

#include <cstdint>
#include <string>
#include <vector>

namespace opsbench::memtable::internal {

struct HistoryEntry {
  enum class Kind : uint8_t {
    kUpsert,  // Wrote `wrote`.
    kDelete,  // Leaves no value.
    kInsert,  // ok: there was none, wrote `wrote`. Else: there was one.
    kUpdate,  // ok: `read` became `wrote`. Else: there was none.
    kGet,     // Read `read`.
  };
  Kind kind = Kind::kGet;
  bool ok = true;
  uint8_t thread = 0;  // For the description.
  uint64_t read = 0;   // 0: no value.
  uint64_t wrote = 0;
  int64_t call_ns = 0;
  int64_t return_ns = 0;
};

// An empty string, or what cannot be: the first operation whose answer fits no
// order, with those around it. `initial` is the value before all of them. At
// most 64 operations may overlap.
std::string CheckHistory(std::vector<HistoryEntry> history,
                         uint64_t initial = 0);

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_HISTORY_CHECKER_H_
