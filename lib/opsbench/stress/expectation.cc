#include "opsbench/stress/expectation.h"

#include <algorithm>

namespace opsbench::stress {
namespace {

// kDone: acknowledged.
Outcome OutcomeOf(const std::vector<Exception>* exceptions, int64_t index) {
  if (exceptions == nullptr) return Outcome::kDone;
  const auto found =
      std::lower_bound(exceptions->begin(), exceptions->end(), index,
                       [](const Exception& exception, int64_t at) {
                         return exception.index < at;
                       });
  return found != exceptions->end() && found->index == index ? found->outcome
                                                             : Outcome::kDone;
}

}  // namespace

void Expect(const Plan& plan, const User& user, int table, int64_t from_index,
            int64_t limit, const Progress& progress, Expectation* expected) {
  expected->ranges.clear();
  expected->rows = 0;
  expected->complete = false;
  const int64_t end = std::min(progress.ended, from_index + kMaxLookahead);
  for (int64_t index = from_index; index < end; ++index) {
    const Operation operation = plan.At(user, index);
    if (!IsWrite(operation.kind) || operation.table != table) continue;
    const Outcome outcome = OutcomeOf(progress.exceptions, index);
    // Whether its rows are there cannot be told, nor so what comes after them.
    if (outcome == Outcome::kUnknown) return;
    if (outcome != Outcome::kDone) continue;
    const int64_t rows = std::min(operation.rows, limit - expected->rows);
    expected->ranges.push_back({FirstId(user.id, index), rows});
    expected->rows += rows;
    if (expected->rows == limit) {
      expected->complete = true;
      return;
    }
  }
  expected->complete = progress.at_rest && end == progress.ended;
}

}  // namespace opsbench::stress
