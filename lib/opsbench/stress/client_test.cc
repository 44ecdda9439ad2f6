// Users, their answers and the oracle on real engines: what is right passes,
// and each way in which a database can lose or change rows is found.

#include "opsbench/stress/client.h"

#include <atomic>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/load/load.h"
#include "opsbench/stress/answer_check.h"
#include "opsbench/stress/expectation.h"
#include "opsbench/stress/statements.h"
#include "opsbench/stress/testing_users.h"

namespace opsbench::stress {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const PlanOptions kSmall = {.databases = 2,
                            .inserter_users = 2,
                            .query_users = 1,
                            .mixed_users = 1,
                            .seed = 7'777,
                            .batch_min = 5,
                            .batch_max = 60};

struct Case {
  Engine engine;
  BulkMethod method;
  const char* name;
};

// Every way to write in bulk.
class EveryFormatTest : public ::testing::TestWithParam<Case> {};
class EveryEngineTest : public ::testing::TestWithParam<Case> {};

TEST_P(EveryFormatTest, EveryAnswerIsRightAndEveryRowIsThere) {
  StressRun run(GetParam().engine, GetParam().method, kSmall);
  const LoadReport report = run.Run(800);
  EXPECT_EQ(report.completed(), 800);
  for (const OperationReport& operation : report.operations) {
    EXPECT_EQ(operation.first_error, "") << operation.name;
    EXPECT_GT(operation.completed(), 0) << operation.name;
  }
  const UserResult total = run.Total();
  EXPECT_THAT(total.first_wrong, IsEmpty());
  EXPECT_GT(total.checked_exactly, 100);

  const OracleReport oracle = run.Ask();
  EXPECT_TRUE(oracle.ok());
  EXPECT_THAT(oracle.findings, IsEmpty());
  int64_t rows = 0;
  for (const User& user : run.plan().users) {
    uint64_t hash = 0;
    for (int64_t i = 0; i < 200; ++i) {
      const Operation operation = run.plan().At(user, i);
      hash = HashOperation(hash, i, operation);
      if (IsWrite(operation.kind)) rows += operation.rows;
    }
    EXPECT_EQ(run.log(user.id).begun(), 200);
    EXPECT_EQ(run.log(user.id).hash(), hash);
  }
  EXPECT_EQ(oracle.acknowledged_rows, rows);
  int64_t initial = 0;
  for (const DatabaseSchema& database : run.plan().databases) {
    initial += kSeedRows * static_cast<int64_t>(database.tables.size());
  }
  EXPECT_EQ(oracle.checked_rows, rows + initial);
}

TEST_P(EveryEngineTest, UsersSeeWhatIsMissing) {
  StressRun run(GetParam().engine, GetParam().method,
                {.databases = 1,
                 .inserter_users = 0,
                 .query_users = 0,
                 .mixed_users = 1,
                 .seed = 3,
                 .batch_min = 5,
                 .batch_max = 60});
  run.Run(300);
  EXPECT_EQ(run.Total().wrong_answers, 0);
  const User& user = run.plan().users[0];
  for (const Table& table : run.plan().schema_of(user).tables) {
    run.Execute(user, absl::StrCat("DELETE FROM ", table.name,
                                   " WHERE id % 7 = 3 AND id > 100"));
  }
  // The same user goes on where it was: only its reads can notice.
  const Plan& plan = run.plan();
  auto session = *Connect(run.databases().urls[0]);
  const SqlCatalog sql = *LoadWorkloadSql(GetParam().engine);
  Statements statements(session.get(), sql, plan.databases[0]);
  AnswerCheck check(plan);
  int reads = 0;
  int noticed = 0;
  for (int64_t i = 0; i < 300; ++i) {
    const Operation operation = plan.At(user, i);
    if (IsWrite(operation.kind) ||
        operation.kind == OperationKind::kSchemaDdl) {
      continue;
    }
    Expectation expected;
    Expect(plan, user, operation.table, operation.from_index, operation.rows,
           {.ended = 300, .at_rest = true}, &expected);
    if (expected.rows < 20) continue;
    ResultSet rows;
    ASSERT_TRUE(statements.Read(operation, &rows).ok());
    ++reads;
    noticed +=
        check.Check(plan.databases[0], operation, expected, rows).ok() ? 0 : 1;
  }
  EXPECT_GT(reads, 50);
  // A COUNT, MIN or MAX over a window that is full all the same may be right.
  EXPECT_GT(noticed, reads * 8 / 10);
}

TEST_P(EveryEngineTest, OverTheBudgetWritesAreSkippedAndDrawTheSame) {
  StressRun run(GetParam().engine, GetParam().method, kSmall);
  const std::atomic<bool> over{true};
  const LoadReport report = run.Run(400, &over);
  EXPECT_GT(report.skipped(), 100);
  for (const User& user : run.plan().users) {
    uint64_t hash = 0;
    for (int64_t i = 0; i < 100; ++i) {
      hash = HashOperation(hash, i, run.plan().At(user, i));
    }
    EXPECT_EQ(run.log(user.id).hash(), hash);
  }
  EXPECT_EQ(run.Total().wrong_answers, 0);
  const OracleReport oracle = run.Ask();
  EXPECT_TRUE(oracle.ok());
  EXPECT_EQ(oracle.acknowledged_rows, 0);
  // Rows of a skipped write were never promised, and must not be there.
  const User& user = run.plan().users[0];
  const auto [operation, index] = run.LastWrite(user);
  run.Execute(user, absl::StrCat("UPDATE ", run.TableOf(user, operation),
                                 " SET id = ", FirstId(user.id, index),
                                 " WHERE id = 5"));
  const OracleReport after = run.Ask();
  EXPECT_EQ(after.ghost_rows + after.moved_rows, 1);
  EXPECT_FALSE(after.ok());
}

TEST_P(EveryEngineTest, DatabasesThatExistAreLeftAlone) {
  StressRun run(GetParam().engine, GetParam().method, kSmall);
  const absl::Status again =
      run.databases().Create(run.plan(), Replace::kNothing);
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(again.message(), HasSubstr("--fresh"));
  EXPECT_TRUE(run.databases().Create(run.plan(), Replace::kOurs).ok());
}

std::string NameOfCase(const ::testing::TestParamInfo<Case>& param) {
  return param.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryEngineTest,
    ::testing::Values(Case{Engine::kSqlite, BulkMethod::kBest, "Sqlite"},
                      Case{Engine::kPostgres, BulkMethod::kBest, "Postgres"},
                      Case{Engine::kMysql, BulkMethod::kBest, "Mysql"}),
    NameOfCase);

INSTANTIATE_TEST_SUITE_P(
    All, EveryFormatTest,
    ::testing::Values(
        Case{Engine::kSqlite, BulkMethod::kBest, "Sqlite"},
        Case{Engine::kPostgres, BulkMethod::kCopyBinary, "PostgresCopyBinary"},
        Case{Engine::kPostgres, BulkMethod::kCopyText, "PostgresCopyText"},
        Case{Engine::kPostgres, BulkMethod::kPipeline, "PostgresPipeline"},
        Case{Engine::kPostgres, BulkMethod::kMultiRow, "PostgresMultiRow"},
        Case{Engine::kMysql, BulkMethod::kLoadData, "MysqlLoadData"},
        Case{Engine::kMysql, BulkMethod::kBulkBinding, "MysqlBulkBinding"},
        Case{Engine::kMysql, BulkMethod::kMultiRow, "MysqlMultiRow"}),
    NameOfCase);

}  // namespace
}  // namespace opsbench::stress
