#ifndef OPSBENCH_STRESS_EXPECTATION_H_
#define OPSBENCH_STRESS_EXPECTATION_H_

// What a read must find, told from what users have drawn: nothing that was
// written is remembered.
//
// Thread safety: pure functions over a Plan.

#include <cstdint>
#include <vector>

#include "opsbench/stress/plan.h"
#include "opsbench/stress/user_log.h"

namespace opsbench::stress {

// Ids `first_id` to `first_id + rows - 1`.
struct IdRange {
  int64_t first_id = 0;
  int64_t rows = 0;

  bool operator==(const IdRange&) const = default;
};

// The answer to "the first rows of a user in a table, from an operation on".
struct Expectation {
  // The rows that the answer must begin with, ascending; at most the limit.
  std::vector<IdRange> ranges;
  int64_t rows = 0;  // In all of them.
  // The answer holds nothing else.
  bool complete = false;
};

// How far a user is, as one knows who asks.
struct Progress {
  // Operations below this one have ended.
  int64_t ended = 0;
  // No operation beyond is under way or to come while the answer is made:
  // whoever asks is the user, or the user has stopped.
  bool at_rest = false;
  // Its writes that were not acknowledged, ascending by index; null: none.
  const std::vector<Exception>* exceptions = nullptr;
};

// Clears `*expected` first, whose memory is used again. Looks at no more than
// kMaxLookahead operations; what it has not seen by then is not expected.
inline constexpr int64_t kMaxLookahead = 2'048;
void Expect(const Plan& plan, const User& user, int table, int64_t from_index,
            int64_t limit, const Progress& progress, Expectation* expected);

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_EXPECTATION_H_
