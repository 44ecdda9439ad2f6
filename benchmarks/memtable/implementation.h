#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_IMPLEMENTATION_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_IMPLEMENTATION_H_

// What an implementation under test looks like to the runner. Each is a class
// with
//
//   static constexpr Abilities kAbilities;
//   static absl::StatusOr<std::unique_ptr<T>> Create(const Shape&);
//   absl::Status Reset();                  // Empty again.
//   struct Scratch; Scratch MakeScratch();  // Of one thread, used again.
//   bool Put(const Item&);                 // Inserts or replaces.
//   int64_t Get(int64_t id, Scratch*);     // The row's value, or kAbsent.
//   bool Delete(int64_t id);
//
// and, where kAbilities says so,
//
//   bool Update(int64_t id, int64_t value);  // Reads, changes, replaces.
//   int64_t MultiGet(Span<const int64_t> ids, Scratch*);  // Sum of the values.
//   Found FindByName(string_view, Scratch*);              // An index, unique.
//   Found FindByCategory(int64_t, Scratch*);              // Ten values.
//   Found FindByValue(int64_t, Scratch*);                 // A thousand.
//   Found FindPrefix(string_view, size_t limit, Scratch*);  // Of the name.
//   Found FindRange(int64_t low, int64_t high, size_t limit, Scratch*);
//
// A row that was read stays valid for its reader, whatever writers do, and is
// read: by a pin, a shared_ptr, a lock or a copy, as the implementation has it.
//
// Thread safety: all but Reset() may be called by as many threads as
// kAbilities.threads says.

#include <cstddef>
#include <cstdint>

namespace opsbench::memtable_bench {

struct Abilities {
  const char* name;
  bool threads = true;  // Several at once.
  bool update = true;   // Atomically.
  bool multi_get = false;
  bool indexes = false;  // Of name, category and value.
  bool ordered = false;  // FindPrefix() and FindRange().
};

struct Shape {
  // Writes that it takes until the next Reset(): each has its memory reserved
  // as far as it can do that.
  int64_t records = 0;
};

inline constexpr size_t kMultiGetBatch = 64;
inline constexpr size_t kFindLimit = 100;

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_IMPLEMENTATION_H_
