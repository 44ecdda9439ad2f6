#ifndef OPSBENCH_MEMTABLE_INTERNAL_ARENA_H_
#define OPSBENCH_MEMTABLE_INTERNAL_ARENA_H_

// The memory of one table's records: one range of addresses, so that a record
// is named by a 32-bit offset in units of 8 bytes, handed out in pieces and
// taken back all at once.
//
// Addresses are reserved at Create(); memory is committed in steps, stays
// committed through Reset(), and so costs nothing when the table is used again.
//
// Thread safety: Claim() may be called by many threads at once; Reset() while
// nothing else runs.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"

namespace opsbench::memtable::internal {

// In units of 8 bytes from the arena's start; 0 is nothing. The highest bit is
// never set.
using Offset = uint32_t;
inline constexpr size_t kOffsetUnit = 8;
inline constexpr uint64_t kMaxArenaBytes = uint64_t{1} << 34;

// What all tables of one memtable may allocate, and have.
class MemoryBudget {
 public:
  // 0: unlimited.
  explicit MemoryBudget(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  bool Take(uint64_t bytes);
  void Give(uint64_t bytes);
  uint64_t used_bytes() const {
    return used_bytes_.load(std::memory_order_relaxed);
  }

 private:
  const uint64_t limit_bytes_;
  std::atomic<uint64_t> used_bytes_{0};
};

// Zeroed memory of whole pages, in huge ones where the system has them; counted
// in a budget.
class Pages {
 public:
  // ResourceExhausted: beyond the budget, or of the system's memory.
  static absl::StatusOr<Pages> Allocate(uint64_t bytes, MemoryBudget* budget);

  Pages() = default;
  ~Pages();
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&& other) noexcept;

  char* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }

 private:
  char* data_ = nullptr;
  uint64_t bytes_ = 0;
  MemoryBudget* budget_ = nullptr;
};

class Arena {
 public:
  // REQUIRES: bytes <= kMaxArenaBytes.
  static absl::StatusOr<std::unique_ptr<Arena>> Create(uint64_t bytes,
                                                       MemoryBudget* budget);
  ~Arena();

  char* base() const { return base_; }

  enum class Failure { kNone, kFull, kNoMemory };

  // `bytes`, a multiple of kOffsetUnit, of committed memory; nullptr and why
  // when there is none. What it holds is unspecified.
  char* Claim(uint64_t bytes, Failure* failure);

  // Commits `bytes` ahead, as far as the budget allows, and touches them, so
  // that no writer has to.
  void Prefault(uint64_t bytes);

  // Forgets all records.
  void Reset() { top_.store(kOffsetUnit, std::memory_order_relaxed); }

  uint64_t claimed_bytes() const {
    return top_.load(std::memory_order_relaxed);
  }

 private:
  Arena(char* base, uint64_t reserved_bytes, MemoryBudget* budget)
      : base_(base), reserved_bytes_(reserved_bytes), budget_(budget) {}

  // Makes [0, bytes) usable.
  bool Commit(uint64_t bytes);

  char* const base_;
  const uint64_t reserved_bytes_;
  MemoryBudget* const budget_;
  // Offset 0 is never handed out.
  std::atomic<uint64_t> top_{kOffsetUnit};
  std::atomic<uint64_t> committed_bytes_{0};
  std::mutex commit_mutex_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_ARENA_H_
