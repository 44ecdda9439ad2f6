#ifndef OPSBENCH_SIDETABLE_EFFECT_H_
#define OPSBENCH_SIDETABLE_EFFECT_H_

// Whether what was timed is in the database: an insert that is acknowledged and
// has no rows, or not all of its prefix rows, is fast and worth nothing.
//
// Thread safety: as the Store's session, for one thread at a time.

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/sidetable/generator.h"
#include "opsbench/sidetable/store.h"

namespace opsbench::sidetable {

// What writers were told of their inserts.
struct Written {
  int64_t operations = 0;   // Acknowledged.
  int64_t prefix_rows = 0;  // Of these, in side_table.
  int64_t uncertain = 0;    // Operations of inserts that failed.
  std::vector<Operation> samples;

  // Counts an insert that was acknowledged, and keeps the last one of some
  // batches as samples.
  void Add(absl::Span<const NewOperation> inserted);
  void Add(const Written& other);

 private:
  static constexpr size_t kSamples = 4;
  size_t next_sample_ = 0;
};

// Looks at the operations that are new since it was made. Nobody else may write
// meanwhile.
class WriteCheck {
 public:
  static absl::StatusOr<WriteCheck> Start(Store& store);

  // Internal: there are not as many new operations as were acknowledged, one
  // has not exactly its prefix rows, or a sample is not found by the queries.
  absl::Status Finish(Store& store, const Written& written) const;

 private:
  explicit WriteCheck(int64_t last_id) : last_id_(last_id) {}

  absl::Status CheckPrefixes(Store& store, const Written& written) const;

  int64_t last_id_;
};

// Internal unless some operations of a seeded history, the first and the last
// among them, are found with all of their rows.
absl::Status VerifySeeded(Store& store, const Generator& generator,
                          int64_t operations);

// Prefix rows of the operations [first, last) of a history.
int64_t CountPrefixRows(const Generator& generator, int64_t first,
                        int64_t last);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_EFFECT_H_
