// Users, their answers and the oracle on real engines: what is right passes,
// and each way in which a database can lose or change rows is found.

#include "opsbench/stress/client.h"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/load/load.h"
#include "opsbench/stress/answer_check.h"
#include "opsbench/stress/expectation.h"
#include "opsbench/stress/oracle.h"
#include "opsbench/stress/statements.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::stress {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Databases of a name of the test's own on a server that tests share.
Databases TestDatabases(const Url& url, int count) {
  Databases databases = Databases::Name(url, count);
  if (url.engine == Engine::kSqlite) return databases;
  static int next = 0;
  for (Url& one : databases.urls) {
    one.database = absl::StrCat(one.database, "_", getpid(), "_", next++);
  }
  return databases;
}

std::unique_ptr<TestDatabase> MakeTestDatabase(Engine engine) {
  auto database = TestDatabase::Create(engine);
  EXPECT_TRUE(database.ok()) << database.status();
  return *std::move(database);
}

class StressRun {
 public:
  StressRun(Engine engine, BulkMethod method, const PlanOptions& options)
      : home_(MakeTestDatabase(engine)),
        plan_(Plan::Make(options)),
        databases_(TestDatabases(ServerUrl(), options.databases)),
        method_(method) {
    folder_ = ::testing::TempDir() + "/stress.XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    const absl::Status created = databases_.Create(plan_, /*fresh=*/false);
    EXPECT_TRUE(created.ok()) << created;
    for (const User& user : plan_.users) {
      logs_.push_back(
          *UserLog::Create(absl::StrCat(folder_, "/", user.id), user));
    }
  }

  ~StressRun() {
    const absl::Status dropped = databases_.Drop();
    EXPECT_TRUE(dropped.ok()) << dropped;
    std::filesystem::remove_all(folder_);
  }

  LoadReport Run(int64_t operations,
                 const std::atomic<bool>* over_disk_budget = nullptr) {
    std::vector<UserLog*> logs;
    for (const auto& log : logs_) logs.push_back(log.get());
    workload_ = std::make_unique<StressWorkload>(
        StressWorkloadOptions{.plan = &plan_,
                              .databases = databases_,
                              .logs = logs,
                              .bulk_method = method_,
                              .over_disk_budget = over_disk_budget});
    LoadOptions options = LoadOptionsOf(plan_);
    options.operations = operations;
    auto engine = LoadEngine::Create(options);
    EXPECT_TRUE(engine.ok()) << engine.status();
    auto report = (*engine)->Run(*workload_);
    EXPECT_TRUE(report.ok()) << report.status();
    return *std::move(report);
  }

  OracleReport Ask() const {
    std::vector<const UserLog*> logs;
    for (const auto& log : logs_) logs.push_back(log.get());
    auto report = CheckDatabases(plan_, databases_, logs);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(OracleReport());
  }

  UserResult Total() const {
    UserResult total;
    for (const User& user : plan_.users) {
      const UserResult& result = workload_->result(user.id);
      total.checked_exactly += result.checked_exactly;
      total.checked_partly += result.checked_partly;
      total.wrong_answers += result.wrong_answers;
      for (const std::string& wrong : result.first_wrong) {
        total.first_wrong.push_back(wrong);
      }
    }
    return total;
  }

  // Runs `sql` in the database of `user`.
  void Execute(const User& user, const std::string& sql) {
    auto session = Connect(databases_.urls[static_cast<size_t>(user.database)]);
    ASSERT_TRUE(session.ok()) << session.status();
    const auto changed = (*session)->Execute(sql);
    ASSERT_TRUE(changed.ok()) << changed.status();
  }

  // The last bulk insert of a user.
  std::pair<Operation, int64_t> LastWrite(const User& user) const {
    for (int64_t i = logs_[static_cast<size_t>(user.id)]->begun() - 1; i >= 0;
         --i) {
      const Operation operation = plan_.At(user, i);
      if (operation.kind == OperationKind::kBulkInsert) return {operation, i};
    }
    ADD_FAILURE() << "no bulk insert";
    return {};
  }

  const std::string& TableOf(const User& user, const Operation& operation) {
    return plan_.schema_of(user).tables[operation.table].name;
  }

  const Plan& plan() const { return plan_; }
  const Databases& databases() const { return databases_; }
  const UserLog& log(int user) const {
    return *logs_[static_cast<size_t>(user)];
  }

 private:
  Url ServerUrl() const {
    const Url& url = home_->url();
    if (url.engine != Engine::kSqlite) return url;
    return url.WithDatabase(
        std::filesystem::path(url.database).parent_path().string());
  }

  std::unique_ptr<TestDatabase> home_;
  const Plan plan_;
  const Databases databases_;
  const BulkMethod method_;
  std::string folder_;
  std::vector<std::unique_ptr<UserLog>> logs_;
  std::unique_ptr<StressWorkload> workload_;
};

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
  EXPECT_GT(oracle.sampled_rows, 0);
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
}

TEST_P(EveryEngineTest, TheOracleNamesWhatWasLostChangedAndAdded) {
  StressRun run(GetParam().engine, GetParam().method, kSmall);
  run.Run(400);
  const User& user = run.plan().users[0];
  const auto [operation, index] = run.LastWrite(user);
  const std::string table = run.TableOf(user, operation);
  const int64_t id = FirstId(user.id, index);
  const std::string name = absl::StrCat("user 0, operation ", index, " ");

  const auto add = [&](const char* value) {
    run.Execute(user, absl::StrCat("UPDATE ", table, " SET value = value + (",
                                   value, ") WHERE id = ", id + 2));
  };
  add("0.25");
  OracleReport oracle = run.Ask();
  EXPECT_FALSE(oracle.ok());
  EXPECT_EQ(oracle.lost_rows, 0);
  EXPECT_GE(oracle.wrong_rows, 1);
  EXPECT_THAT(oracle.findings, Contains(HasSubstr(name)));
  add("-0.25");
  EXPECT_TRUE(run.Ask().ok());

  run.Execute(user, absl::StrCat("DELETE FROM ", table, " WHERE id = ", id));
  oracle = run.Ask();
  EXPECT_EQ(oracle.lost_rows, 1);
  EXPECT_THAT(oracle.findings, Contains(HasSubstr(name)));

  // The number of rows is right again, the rows are not.
  const int64_t stranger = FirstId(user.id, kMaxIndex);
  run.Execute(user, absl::StrCat("UPDATE ", table, " SET id = ", stranger,
                                 " WHERE id = ", id + 1));
  oracle = run.Ask();
  EXPECT_EQ(oracle.lost_rows, 2);

  run.Execute(user, absl::StrCat("DELETE FROM ", table, " WHERE id = 17"));
  EXPECT_THAT(run.Ask().findings, Contains(HasSubstr("rows of the start")));
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
  EXPECT_EQ(run.Ask().unexpected_rows, 1);
}

TEST_P(EveryEngineTest, DatabasesThatExistAreLeftAlone) {
  StressRun run(GetParam().engine, GetParam().method, kSmall);
  const absl::Status again = run.databases().Create(run.plan(), false);
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(again.message(), HasSubstr("--fresh"));
  EXPECT_TRUE(run.databases().Create(run.plan(), true).ok());
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
