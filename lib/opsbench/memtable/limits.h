#ifndef OPSBENCH_MEMTABLE_LIMITS_H_
#define OPSBENCH_MEMTABLE_LIMITS_H_

// What a memtable takes at most.
//
// Thread safety: constants.

#include <cstdint>

namespace opsbench::memtable {

// A row with its strings. More is InvalidArgument.
inline constexpr int64_t kMaxRowBytes = int64_t{1} << 20;

// Of one table: threshold_records and threshold_bytes.
inline constexpr int64_t kMaxRecords = 1'000'000'000;
inline constexpr int64_t kMaxTableBytes = int64_t{16} << 30;

inline constexpr int kMaxImmutables = 16;

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_LIMITS_H_
