#include "opsbench/stress/plan.h"

#include <array>
#include <cmath>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::stress {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

TEST(PlanTest, NumbersUsersClassByClassAndSpreadsThemOverDatabases) {
  const Plan plan = Plan::Make({.databases = 3,
                                .inserter_users = 2,
                                .query_users = 1,
                                .mixed_users = 4,
                                .seed = 5});
  ASSERT_EQ(plan.users.size(), 7u);
  const UserClass classes[] = {UserClass::kInserter, UserClass::kInserter,
                               UserClass::kQuery,    UserClass::kMixed,
                               UserClass::kMixed,    UserClass::kMixed,
                               UserClass::kMixed};
  std::set<uint64_t> seeds;
  for (int i = 0; i < 7; ++i) {
    const User& user = plan.users[static_cast<size_t>(i)];
    EXPECT_EQ(user.id, i);
    EXPECT_EQ(user.user_class, classes[i]);
    EXPECT_EQ(user.database, i % 3);
    seeds.insert(user.seed);
  }
  EXPECT_EQ(seeds.size(), 7u);
  EXPECT_EQ(plan.users_of[0], (std::vector<int>{0, 3, 6}));
  EXPECT_EQ(plan.users_of[2], (std::vector<int>{2, 5}));
}

TEST(PlanTest, SeedsThatWereKeptGiveTheSamePlan) {
  const PlanOptions options = {.seed = 77};
  const Plan plan = Plan::Make(options);
  std::vector<uint64_t> users;
  for (const User& user : plan.users) users.push_back(user.seed);
  std::vector<uint64_t> databases;
  for (const DatabaseSchema& schema : plan.databases) {
    databases.push_back(schema.seed);
  }
  const Plan again = Plan::FromSeeds(options, users, databases);
  for (const User& user : plan.users) {
    for (int64_t i = 0; i < 200; ++i) {
      ASSERT_EQ(plan.At(user, i), again.At(user, i));
    }
  }
}

// A promise to replays that were kept: who changes what users do raises
// kReplayVersion.
TEST(PlanTest, WhatUsersDoIsTheSameOnEveryMachine) {
  const Plan plan = Plan::Make({.seed = 9'999});
  uint64_t hash = 0;
  for (const User& user : plan.users) {
    for (int64_t i = 0; i < 10'000; ++i) {
      hash = HashOperation(hash, i, plan.At(user, i));
    }
  }
  EXPECT_EQ(hash, 3952022900311514782u);
}

// Four standard deviations of a binomial distribution around each probability
// of the seed document's table.
TEST(PlanTest, ClassesHaveTheProbabilitiesOfTheTable) {
  const Plan plan = Plan::Make({});
  constexpr int kDraws = 100'000;
  for (const int id : {0, 4, 7}) {
    const User& user = plan.users[static_cast<size_t>(id)];
    std::array<int, kOperationKinds> counts = {};
    for (int64_t i = 0; i < kDraws; ++i) {
      ++counts[static_cast<size_t>(plan.At(user, i).kind)];
    }
    const auto& weights = ClassWeights(user.user_class);
    double sum = 0;
    for (int kind = 0; kind < kOperationKinds; ++kind) {
      const double p = weights[static_cast<size_t>(kind)];
      sum += p;
      EXPECT_NEAR(counts[static_cast<size_t>(kind)], kDraws * p,
                  4 * std::sqrt(kDraws * p * (1 - p)))
          << UserClassName(user.user_class) << " "
          << OperationKindName(static_cast<OperationKind>(kind));
    }
    EXPECT_DOUBLE_EQ(sum, 1);
  }
}

TEST(PlanTest, OperationsStayWithinTheirBounds) {
  const Plan plan = Plan::Make(
      {.databases = 2, .batch_min = 7, .batch_max = 9, .complexity_max = 2});
  for (const User& user : plan.users) {
    const size_t tables = plan.schema_of(user).tables.size();
    for (int64_t i = 0; i < 3'000; ++i) {
      const Operation operation = plan.At(user, i);
      ASSERT_LT(operation.table, tables);
      ASSERT_LT(operation.second_table, tables);
      ASSERT_LE(operation.complexity, 2);
      switch (operation.kind) {
        case OperationKind::kBulkInsert:
          ASSERT_THAT(operation.rows, AllOf(Ge(7), Le(9)));
          continue;
        case OperationKind::kSingleInsert:
          ASSERT_EQ(operation.rows, 1);
          continue;
        case OperationKind::kSchemaDdl:
          ASSERT_THAT(operation.rows, AllOf(Ge(10), Le(100)));
          continue;
        case OperationKind::kSimpleSelect:
          ASSERT_THAT(operation.rows, AllOf(Ge(10), Le(1'000)));
          break;
        case OperationKind::kAggregate:
          ASSERT_EQ(operation.rows, operation.complexity == 1 ? 1'000 : 4'000);
          break;
        case OperationKind::kComplexJoin:
          ASSERT_THAT(operation.rows, AllOf(Ge(10), Le(500)));
          break;
      }
      ASSERT_THAT(operation.from_index, AllOf(Ge(0), Le(i)));
      ASSERT_EQ(plan.users[static_cast<size_t>(operation.target)].database,
                user.database);
    }
  }
}

TEST(PlanTest, IdsNameTheirOperationAndRow) {
  const int64_t id = FirstId(kMaxUsers, kMaxIndex) + kMaxBatchRows - 1;
  EXPECT_GT(id, 0);
  EXPECT_EQ(UserOf(id), kMaxUsers);
  EXPECT_EQ(IndexOf(id), kMaxIndex);
  EXPECT_EQ(RowOf(id), kMaxBatchRows - 1);
  EXPECT_GT(FirstId(0, 0), kSeedRows);
  EXPECT_EQ(FirstId(3, 8) - FirstId(3, 7), int64_t{1} << kRowBits);
}

TEST(PlanTest, EveryFieldOfAnOperationIsInTheHash) {
  const Operation base = {.kind = OperationKind::kAggregate,
                          .table = 1,
                          .second_table = 2,
                          .aggregate = Aggregate::kSum,
                          .complexity = 2,
                          .rows = 500,
                          .target = 3,
                          .from_index = 40};
  std::set<uint64_t> hashes = {HashOperation(1, 9, base),
                               HashOperation(2, 9, base),
                               HashOperation(1, 10, base)};
  const auto add = [&](auto change) {
    Operation changed = base;
    change(changed);
    hashes.insert(HashOperation(1, 9, changed));
  };
  add([](Operation& o) { o.kind = OperationKind::kComplexJoin; });
  add([](Operation& o) { o.table = 2; });
  add([](Operation& o) { o.second_table = 1; });
  add([](Operation& o) { o.aggregate = Aggregate::kMinMax; });
  add([](Operation& o) { o.complexity = 3; });
  add([](Operation& o) { o.rows = 501; });
  add([](Operation& o) { o.target = 4; });
  add([](Operation& o) { o.from_index = 41; });
  EXPECT_EQ(hashes.size(), 11u);
}

}  // namespace
}  // namespace opsbench::stress
