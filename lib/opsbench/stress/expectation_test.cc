#include "opsbench/stress/expectation.h"

#include <vector>

#include "gtest/gtest.h"
#include "opsbench/base/random.h"

namespace opsbench::stress {
namespace {

// One id after the other, out of all that the user has done.
std::vector<int64_t> AllIds(const Plan& plan, const User& user, int table,
                            int64_t from_index, const Progress& progress,
                            bool* has_unknown) {
  std::vector<int64_t> ids;
  *has_unknown = false;
  for (int64_t index = from_index; index < progress.ended; ++index) {
    const Operation operation = plan.At(user, index);
    if (!IsWrite(operation.kind) || operation.table != table) continue;
    Outcome outcome = Outcome::kDone;
    if (progress.exceptions != nullptr) {
      for (const Exception& exception : *progress.exceptions) {
        if (exception.index == index) outcome = exception.outcome;
      }
    }
    if (outcome == Outcome::kUnknown) {
      *has_unknown = true;
      return ids;
    }
    if (outcome != Outcome::kDone) continue;
    for (int64_t row = 0; row < operation.rows; ++row) {
      ids.push_back(FirstId(user.id, index) + row);
    }
  }
  return ids;
}

std::vector<int64_t> IdsOf(const Expectation& expected) {
  std::vector<int64_t> ids;
  for (const IdRange& range : expected.ranges) {
    for (int64_t i = 0; i < range.rows; ++i) ids.push_back(range.first_id + i);
  }
  return ids;
}

TEST(ExpectationTest, EqualsALookAtEveryOperation) {
  const Plan plan = Plan::Make({.batch_min = 1, .batch_max = 30});
  Random random(1);
  Expectation expected;
  int complete = 0;
  int bounded = 0;
  for (int round = 0; round < 3'000; ++round) {
    const User& user = plan.users[random.Below(plan.users.size())];
    const auto table =
        static_cast<int>(random.Below(plan.schema_of(user).tables.size()));
    std::vector<Exception> exceptions;
    const int64_t ended = random.Between(0, 200);
    for (int64_t index = 0; index < ended; ++index) {
      if (!random.Bernoulli(0.02)) continue;
      exceptions.push_back({.index = index,
                            .outcome = random.Bernoulli(0.2)
                                           ? Outcome::kUnknown
                                           : Outcome::kSkipped});
    }
    const Progress progress = {
        .ended = ended,
        .at_rest = random.Bernoulli(0.5),
        .exceptions = random.Bernoulli(0.5) ? &exceptions : nullptr};
    const int64_t from_index = random.Between(0, 200);
    const int64_t limit = random.Between(1, 500);
    Expect(plan, user, table, from_index, limit, progress, &expected);
    bool has_unknown = false;
    std::vector<int64_t> ids =
        AllIds(plan, user, table, from_index, progress, &has_unknown);
    const bool enough = static_cast<int64_t>(ids.size()) >= limit;
    if (enough) ids.resize(static_cast<size_t>(limit));
    ASSERT_EQ(IdsOf(expected), ids) << "round " << round;
    ASSERT_EQ(expected.rows, static_cast<int64_t>(ids.size()));
    // From beyond its end on, nothing is there and nothing is known.
    ASSERT_EQ(expected.complete, enough || (progress.at_rest && !has_unknown))
        << "round " << round;
    complete += expected.complete ? 1 : 0;
    bounded += expected.complete ? 0 : 1;
  }
  EXPECT_GT(complete, 500);
  EXPECT_GT(bounded, 500);
}

TEST(ExpectationTest, LooksNoFurtherThanItsLimit) {
  // Without a write in sight, a look at everything would take for ever.
  const Plan plan = Plan::Make({.inserter_users = 0,
                                .query_users = 1,
                                .mixed_users = 0,
                                .batch_max = 100});
  Expectation expected;
  Expect(plan, plan.users[0], 0, 0, 1'000'000'000,
         {.ended = kMaxIndex, .at_rest = true}, &expected);
  EXPECT_FALSE(expected.complete);
  EXPECT_LT(IndexOf(expected.ranges.back().first_id), kMaxLookahead);
}

}  // namespace
}  // namespace opsbench::stress
