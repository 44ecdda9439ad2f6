#include "opsbench/stress/plan.h"

#include <iterator>

#include "absl/strings/str_cat.h"

namespace opsbench::stress {
namespace {

constexpr uint64_t kUserSalt = 0x7374726573732d75u;
constexpr uint64_t kDatabaseSalt = 0x7374726573732d64u;

// How many of a user's operations a read may look back over: any power of two
// down from all of them, so that both old rows and new ones are read.
constexpr uint64_t kScales = 8;

const WeightedChoice& ClassChoice(UserClass user_class) {
  static const auto* choices = [] {
    auto* all = new std::vector<WeightedChoice>;
    for (int i = 0; i < kUserClasses; ++i) {
      all->push_back(*WeightedChoice::Create(
          absl::MakeConstSpan(ClassWeights(static_cast<UserClass>(i)))));
    }
    return all;
  }();
  return (*choices)[static_cast<size_t>(user_class)];
}

UserClass ClassOf(const PlanOptions& options, int user) {
  if (user < options.inserter_users) return UserClass::kInserter;
  return user < options.inserter_users + options.query_users
             ? UserClass::kQuery
             : UserClass::kMixed;
}

// 1,000, 4,000 or 16,000 rows by complexity.
int64_t AggregateRows(int complexity) { return int64_t{250} << 2 * complexity; }

void DrawRead(const Plan& plan, const User& user, int64_t index, Random& random,
              Operation* operation) {
  const std::vector<int>& users =
      plan.users_of[static_cast<size_t>(user.database)];
  operation->target = users[random.Below(users.size())];
  const int64_t back = index >> random.Below(kScales);
  operation->from_index = index - random.Between(0, back);
}

}  // namespace

absl::string_view UserClassName(UserClass user_class) {
  constexpr absl::string_view kNames[] = {"inserter", "query", "mixed"};
  return kNames[static_cast<size_t>(user_class)];
}

absl::string_view OperationKindName(OperationKind kind) {
  constexpr absl::string_view kNames[] = {"bulk_insert",   "single_insert",
                                          "simple_select", "aggregate",
                                          "complex_join",  "schema_ddl"};
  return kNames[static_cast<size_t>(kind)];
}

const std::array<double, kOperationKinds>& ClassWeights(UserClass user_class) {
  static constexpr std::array<double, kOperationKinds> kWeights[] = {
      {0.70, 0.15, 0.05, 0.03, 0.02, 0.05},
      {0.05, 0.05, 0.40, 0.25, 0.20, 0.05},
      {0.35, 0.15, 0.20, 0.15, 0.10, 0.05},
  };
  return kWeights[static_cast<size_t>(user_class)];
}

Plan Plan::Make(const PlanOptions& options) {
  const int users =
      options.inserter_users + options.query_users + options.mixed_users;
  std::vector<uint64_t> user_seeds;
  for (int i = 0; i < users; ++i) {
    user_seeds.push_back(
        Random::Stream(options.seed, kUserSalt, static_cast<uint64_t>(i))
            .Next());
  }
  std::vector<uint64_t> database_seeds;
  for (int i = 0; i < options.databases; ++i) {
    database_seeds.push_back(
        Random::Stream(options.seed, kDatabaseSalt, static_cast<uint64_t>(i))
            .Next());
  }
  return FromSeeds(options, user_seeds, database_seeds);
}

Plan Plan::FromSeeds(const PlanOptions& options,
                     const std::vector<uint64_t>& user_seeds,
                     const std::vector<uint64_t>& database_seeds) {
  Plan plan = {.options = options};
  for (const uint64_t seed : database_seeds) {
    plan.databases.push_back(MakeSchema(seed));
  }
  plan.users_of.resize(plan.databases.size());
  for (const uint64_t seed : user_seeds) {
    const int id = static_cast<int>(plan.users.size());
    const int database = id % static_cast<int>(plan.databases.size());
    plan.users.push_back({.id = id,
                          .user_class = ClassOf(options, id),
                          .seed = seed,
                          .database = database});
    plan.users_of[static_cast<size_t>(database)].push_back(id);
  }
  return plan;
}

Operation Plan::Draw(const User& user, OperationKind kind, int64_t index,
                     Random& random) const {
  const size_t tables = schema_of(user).tables.size();
  Operation operation = {.kind = kind,
                         .table = static_cast<uint8_t>(random.Below(tables))};
  switch (kind) {
    case OperationKind::kBulkInsert:
      operation.rows = random.Between(options.batch_min, options.batch_max);
      break;
    case OperationKind::kSingleInsert:
      operation.rows = 1;
      break;
    case OperationKind::kSimpleSelect:
      operation.rows = random.Between(10, 1'000);
      DrawRead(*this, user, index, random, &operation);
      break;
    case OperationKind::kAggregate:
      operation.aggregate = static_cast<Aggregate>(random.Below(kAggregates));
      operation.complexity =
          static_cast<uint8_t>(random.Between(1, options.complexity_max));
      operation.rows = AggregateRows(operation.complexity);
      DrawRead(*this, user, index, random, &operation);
      break;
    case OperationKind::kComplexJoin:
      operation.complexity =
          static_cast<uint8_t>(random.Between(1, options.complexity_max));
      operation.second_table = static_cast<uint8_t>(random.Below(tables));
      operation.rows = random.Between(10, 500);
      DrawRead(*this, user, index, random, &operation);
      break;
    case OperationKind::kSchemaDdl:
      operation.rows = random.Between(10, 100);
      break;
  }
  return operation;
}

Operation Plan::At(const User& user, int64_t index) const {
  Random random = StreamOf(user, index);
  const auto kind =
      static_cast<OperationKind>(ClassChoice(user.user_class)(random));
  return Draw(user, kind, index, random);
}

uint64_t HashOperation(uint64_t hash, int64_t index,
                       const Operation& operation) {
  const uint64_t words[] = {
      static_cast<uint64_t>(index),
      static_cast<uint64_t>(operation.kind) |
          static_cast<uint64_t>(operation.table) << 8 |
          static_cast<uint64_t>(operation.second_table) << 16 |
          static_cast<uint64_t>(operation.aggregate) << 24 |
          static_cast<uint64_t>(operation.complexity) << 32,
      static_cast<uint64_t>(operation.rows),
      static_cast<uint64_t>(operation.target),
      static_cast<uint64_t>(operation.from_index)};
  for (const uint64_t word : words) {
    hash = Mix64(Mix64(hash + 0x9e3779b97f4a7c15u) ^ word);
  }
  return hash;
}

std::string DescribeOperation(const DatabaseSchema& schema,
                              const Operation& operation) {
  std::string text = absl::StrCat(OperationKindName(operation.kind), " ",
                                  schema.tables[operation.table].name,
                                  " rows=", operation.rows);
  if (IsWrite(operation.kind) || operation.kind == OperationKind::kSchemaDdl) {
    return text;
  }
  absl::StrAppend(&text, " of user ", operation.target, " from operation ",
                  operation.from_index);
  if (operation.kind != OperationKind::kSimpleSelect) {
    absl::StrAppend(&text, " complexity=", operation.complexity);
  }
  return text;
}

}  // namespace opsbench::stress
