#ifndef OPSBENCH_STRESS_TESTING_USERS_H_
#define OPSBENCH_STRESS_TESTING_USERS_H_

// For tests: simulated users on a server that tests share, or on SQLite.
//
// Thread safety: for one thread.

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/load/load.h"
#include "opsbench/stress/client.h"
#include "opsbench/stress/oracle.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::stress {

// Databases of a name of the test's own on a server that tests share.
inline Databases TestDatabases(const Url& url, int count) {
  Databases databases = Databases::Name(url, count);
  if (url.engine == Engine::kSqlite) return databases;
  static int next = 0;
  for (Url& one : databases.urls) {
    one.database = absl::StrCat(one.database, "_", getpid(), "_", next++);
  }
  return databases;
}

inline std::unique_ptr<TestDatabase> MakeTestDatabase(Engine engine) {
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
    const absl::Status created = databases_.Create(plan_, Replace::kNothing);
    EXPECT_TRUE(created.ok()) << created;
    for (const User& user : plan_.users) {
      logs_.push_back(
          *UserLog::Create(absl::StrCat(folder_, "/", user.id), user));
    }
  }

  ~StressRun() {
    const absl::Status dropped = databases_.Drop(Replace::kForeign);
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

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_TESTING_USERS_H_
