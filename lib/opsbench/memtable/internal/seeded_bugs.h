#ifndef OPSBENCH_MEMTABLE_INTERNAL_SEEDED_BUGS_H_
#define OPSBENCH_MEMTABLE_INTERNAL_SEEDED_BUGS_H_

// Bugs that a test can switch on, to see that it would catch them. Without
// OPSBENCH_MEMTABLE_SEEDED_BUGS none exists, and HasBug() is a constant.
//
// Thread safety: SetBug() while no memtable is in use.

#include <array>
#include <string_view>

#ifdef OPSBENCH_MEMTABLE_SEEDED_BUGS
#include <atomic>
#endif

namespace opsbench::memtable::internal {

enum class Bug {
  kNone,
  kInsertOverwrites,     // An insert does not look whether the key is there.
  kInsertSkipsDrain,     // It trusts a table that is still written to.
  kSlotByStore,          // A new key is stored, not exchanged.
  kUpdateByStore,        // A new version is stored, not exchanged.
  kUpdateKeepsDecision,  // A lost race repeats the write, not the decision.
  kWritesIgnoreImmutables,
  kReadsFollowNoVersions,  // The slot's version is taken for the newest.
  kReadsFallThroughTombstones,
  kReadsOldestTableFirst,
  kReadsIgnoreImmutables,
  kRotationForgetsATable,
  kFlushSkipsTombstones,
};
inline constexpr int kBugs = 13;

#ifdef OPSBENCH_MEMTABLE_SEEDED_BUGS

inline std::atomic<Bug> g_bug{Bug::kNone};
inline bool HasBug(Bug bug) {
  return g_bug.load(std::memory_order_relaxed) == bug;
}
inline void SetBug(Bug bug) { g_bug.store(bug, std::memory_order_relaxed); }

#else

constexpr bool HasBug(Bug) { return false; }

#endif

constexpr std::array<Bug, kBugs - 1> AllBugs() {
  std::array<Bug, kBugs - 1> bugs{};
  for (int i = 1; i < kBugs; ++i) {
    bugs[static_cast<size_t>(i - 1)] = static_cast<Bug>(i);
  }
  return bugs;
}

constexpr std::string_view BugName(Bug bug) {
  constexpr std::array<std::string_view, kBugs> kNames = {
      "None",
      "InsertOverwrites",
      "InsertSkipsDrain",
      "SlotByStore",
      "UpdateByStore",
      "UpdateKeepsDecision",
      "WritesIgnoreImmutables",
      "ReadsFollowNoVersions",
      "ReadsFallThroughTombstones",
      "ReadsOldestTableFirst",
      "ReadsIgnoreImmutables",
      "RotationForgetsATable",
      "FlushSkipsTombstones",
  };
  return kNames[static_cast<size_t>(bug)];
}

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_SEEDED_BUGS_H_
