#ifndef OPSBENCH_SIDETABLE_MIX_H_
#define OPSBENCH_SIDETABLE_MIX_H_

// What a load is made of: the mixes A to D of seed document 000, or a list of
// one's own.
//
// Operations by name:
//   latest_l1 … latest_l5  the newest 100 under a prefix of that many levels
//   latest_l3_cold         the same under a prefix that nobody writes much to
//   latest_offset          100 after skipping 0 to 5000, two levels
//   exact                  the newest 100 of exactly one path
//   count_24h              how many in the last 24 hours, two levels
//   error_rate             how many failed in 7 days, two levels
//   insert_single          one operation with its prefixes
//   insert_<N>             N operations in one transaction, 2 to 10000
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::sidetable {

inline constexpr int kLimit = 100;
inline constexpr int kMaxOffset = 5000;
inline constexpr int kMaxBatch = 10'000;

enum class OperationKind {
  kLatest,
  kLatestCold,
  kLatestOffset,
  kExact,
  kCount24h,
  kErrorRate,
  kInsertSingle,
  kInsertBatch,
};

struct MixOperation {
  std::string name;
  OperationKind kind = OperationKind::kLatest;
  int level = 2;  // Of the prefix that a read asks for.
  int batch = 1;  // Operations that an insert writes.
  double weight = 0;
};

// InvalidArgument: no such operation; the message lists what there is.
absl::StatusOr<MixOperation> ParseOperation(absl::string_view name);

// "A" to "D" (either case), or "name=weight,name=weight"; a weight left out is
// 1. InvalidArgument names the part that is wrong.
absl::StatusOr<std::vector<MixOperation>> ParseMix(absl::string_view text);

// Gives every batched insert of a mix another size (seed 000's BATCH_SIZE), and
// its name with it. REQUIRES: 2 <= batch <= kMaxBatch.
void SetBatch(int batch, std::vector<MixOperation>* mix);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_MIX_H_
