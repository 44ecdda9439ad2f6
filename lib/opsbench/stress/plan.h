#ifndef OPSBENCH_STRESS_PLAN_H_
#define OPSBENCH_STRESS_PLAN_H_

// Who the simulated users are, and what each of them does: operation `index`
// of a user is a pure function of the user's seed, the index and the settings
// that a plan holds. Nothing that an engine, a fault, a disk budget or another
// user does changes it, so a run can be replayed exactly, and what was written
// can be told without having been remembered.
//
// Rows are named by ids: row r of the operation `index` of user u has the id
// (u + 1) << 46 | index << 16 | r; ids below kSeedRows are there from the
// start.
//
// Thread safety: a Plan is immutable once made; several threads may read it.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/random.h"
#include "opsbench/stress/schema.h"

namespace opsbench::stress {

enum class UserClass : uint8_t { kInserter, kQuery, kMixed };
inline constexpr int kUserClasses = 3;

enum class OperationKind : uint8_t {
  kBulkInsert,
  kSingleInsert,
  kSimpleSelect,
  kAggregate,
  kComplexJoin,
  kSchemaDdl,
};
inline constexpr int kOperationKinds = 6;

// "inserter", "query", "mixed"; "bulk_insert", "single_insert", ….
absl::string_view UserClassName(UserClass user_class);
absl::string_view OperationKindName(OperationKind kind);

inline bool IsWrite(OperationKind kind) {
  return kind == OperationKind::kBulkInsert ||
         kind == OperationKind::kSingleInsert;
}

// The probabilities of a class, by kind. Source: seed document 003.
const std::array<double, kOperationKinds>& ClassWeights(UserClass user_class);

// What the operations depend on beside seeds.
struct PlanOptions {
  int databases = 3;
  // Users are numbered class by class in this order.
  int inserter_users = 4;
  int query_users = 3;
  int mixed_users = 2;
  uint64_t seed = 1;
  int64_t batch_min = 100;  // Rows of a bulk insert.
  int64_t batch_max = 10'000;
  int complexity_max = 3;  // Of aggregates and joins, 1 to 3.
};

inline constexpr int kMaxUsers = 4'096;
inline constexpr int kMaxDatabases = 64;
inline constexpr int64_t kMaxBatchRows = 65'535;
inline constexpr int kMaxComplexity = 3;

struct User {
  int id = 0;
  UserClass user_class = UserClass::kInserter;
  uint64_t seed = 0;
  int database = 0;  // id % databases.
};

enum class Aggregate : uint8_t { kCount, kSum, kMinMax, kGroups };
inline constexpr int kAggregates = 4;

struct Operation {
  OperationKind kind = OperationKind::kBulkInsert;
  uint8_t table = 0;         // Of the user's database.
  uint8_t second_table = 0;  // Of a join; a third one is the one after it.
  Aggregate aggregate = Aggregate::kCount;
  uint8_t complexity = 1;  // Of aggregates and joins; 1 for others.
  // Rows to write; of reads, rows to read at most.
  int64_t rows = 0;
  // A read finds what user `target` wrote by operation `from_index` and later
  // ones.
  int32_t target = 0;
  int64_t from_index = 0;

  bool operator==(const Operation&) const = default;
};

// A join of three tables takes the one after the second, of `tables`.
inline size_t ThirdTable(const Operation& operation, size_t tables) {
  return (operation.second_table + size_t{1}) % tables;
}

struct Plan {
  PlanOptions options;
  std::vector<User> users;
  std::vector<DatabaseSchema> databases;
  std::vector<std::vector<int>> users_of;  // By database.

  // REQUIRES: at least one user and one database, and no more than the limits;
  // 1 <= batch_min <= batch_max <= kMaxBatchRows; a complexity of 1 to 3.
  static Plan Make(const PlanOptions& options);

  // As Make(), from seeds that were kept: as many as there are users and
  // databases.
  static Plan FromSeeds(const PlanOptions& options,
                        const std::vector<uint64_t>& user_seeds,
                        const std::vector<uint64_t>& database_seeds);

  const DatabaseSchema& schema_of(const User& user) const {
    return databases[static_cast<size_t>(user.database)];
  }

  // Operation `index` of `user`, whose kind was drawn from `random` just
  // before, as the load engine does.
  Operation Draw(const User& user, OperationKind kind, int64_t index,
                 Random& random) const;

  // The same from the start: what the load engine will make of it.
  Operation At(const User& user, int64_t index) const;
};

// The stream that operation `index` of a user draws from.
inline Random StreamOf(const User& user, int64_t index) {
  return Random::Stream(user.seed, static_cast<uint64_t>(user.id),
                        static_cast<uint64_t>(index));
}

inline constexpr int kIndexBits = 30;
inline constexpr int kRowBits = 16;
inline constexpr int64_t kMaxIndex = (int64_t{1} << kIndexBits) - 1;

inline int64_t FirstId(int user, int64_t index) {
  return (int64_t{user} + 1) << (kIndexBits + kRowBits) | index << kRowBits;
}
// Of a row that an operation wrote.
inline int UserOf(int64_t id) {
  return static_cast<int>(id >> (kIndexBits + kRowBits)) - 1;
}
inline int64_t IndexOf(int64_t id) { return id >> kRowBits & kMaxIndex; }
inline int64_t RowOf(int64_t id) { return id & ((int64_t{1} << kRowBits) - 1); }

// The running hash of a user's operations after one more.
uint64_t HashOperation(uint64_t hash, int64_t index,
                       const Operation& operation);

// For people and logs: "bulk_insert t0_small rows=512".
std::string DescribeOperation(const DatabaseSchema& schema,
                              const Operation& operation);

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_PLAN_H_
