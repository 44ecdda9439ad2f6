#ifndef OPSBENCH_SIDETABLE_REFERENCE_H_
#define OPSBENCH_SIDETABLE_REFERENCE_H_

// The right answers, by brute force over the generator's own operations. Tests
// compare every strategy with it, and benchmarks do before they time anything.
//
// Thread safety: immutable after construction.

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/value.h"
#include "opsbench/sidetable/generator.h"
#include "opsbench/sidetable/store.h"

namespace opsbench::sidetable {

class Reference {
 public:
  // Holds the first `operations` of the generator: about 40 bytes each.
  Reference(const Generator& generator, int64_t operations);

  std::vector<Operation> Latest(absl::string_view prefix, int64_t limit,
                                int64_t offset = 0) const;
  std::vector<Operation> Exact(absl::string_view path, int64_t limit) const;
  int64_t CountSince(absl::string_view prefix, int64_t since_us) const;
  int64_t ErrorsSince(absl::string_view prefix, int64_t since_us) const;

 private:
  // Newest first, equal times by ascending id.
  std::vector<Operation> newest_first_;
};

// Internal unless `rows` (id, created_at, status, type_path) is exactly
// `expected`; the message names `what` and the first row that differs.
absl::Status CheckRows(absl::string_view what, const ResultSet& rows,
                       const std::vector<Operation>& expected);

// Asks `store` for `samples` prefixes of every level, and for exact paths,
// pages, counts and error rates, and compares each answer. The store must hold
// exactly the reference's operations.
absl::Status VerifyAnswers(Store& store, const Reference& reference,
                           int samples, uint64_t seed);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_REFERENCE_H_
