#include "stress/population.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::stress_bench {
namespace {

namespace fs = std::filesystem;

using stress::Databases;
using stress::OracleReport;
using stress::Plan;
using stress::StressWorkload;
using stress::User;
using stress::UserLog;
using stress::UserResult;

// Not those of `opsbench stress run`, which may be somebody's.
constexpr char kPrefix[] = "opsbench_stress_bench_";

// What Databases::Name() asks for: of SQLite the folder.
Url ServerOf(const Url& url) {
  if (url.engine != Engine::kSqlite) return url;
  const fs::path folder = fs::path(url.database).parent_path();
  return url.WithDatabase(folder.empty() ? "." : folder.string());
}

}  // namespace

absl::StatusOr<std::unique_ptr<UserLogs>> UserLogs::Create(const Plan& plan) {
  std::error_code error;
  std::string folder =
      (fs::temp_directory_path(error) / "opsbench-stress-XXXXXX").string();
  if (error || mkdtemp(folder.data()) == nullptr) {
    return absl::ErrnoToStatus(errno, "make a folder for users' logs");
  }
  std::unique_ptr<UserLogs> logs(new UserLogs);
  logs->folder_ = folder;
  for (const User& user : plan.users) {
    OPSBENCH_ASSIGN_OR_RETURN(
        std::unique_ptr<UserLog> log,
        UserLog::Create(absl::StrCat(folder, "/", user.id), user));
    logs->logs_.push_back(std::move(log));
  }
  return logs;
}

UserLogs::~UserLogs() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::vector<UserLog*> UserLogs::pointers() const {
  std::vector<UserLog*> pointers;
  for (const auto& log : logs_) pointers.push_back(log.get());
  return pointers;
}

absl::StatusOr<std::unique_ptr<Population>> Population::Create(
    const Url& server, const stress::PlanOptions& options) {
  std::unique_ptr<Population> population(new Population(options));
  population->databases_ =
      Databases::Name(ServerOf(server), options.databases, kPrefix);
  population->databases_.maker = stress::kBenchMaker;
  OPSBENCH_RETURN_IF_ERROR(
      population->databases_.Create(population->plan_, stress::Replace::kOurs));
  OPSBENCH_ASSIGN_OR_RETURN(population->logs_,
                            UserLogs::Create(population->plan_));
  return population;
}

absl::StatusOr<LoadReport> Population::Run(const LoadOptions& options,
                                           BulkMethod bulk_method) {
  workload_ = std::make_unique<StressWorkload>(
      stress::StressWorkloadOptions{.plan = &plan_,
                                    .databases = databases_,
                                    .logs = logs_->pointers(),
                                    .bulk_method = bulk_method,
                                    .stop = options.stop});
  OPSBENCH_ASSIGN_OR_RETURN(const auto engine, LoadEngine::Create(options));
  OPSBENCH_ASSIGN_OR_RETURN(LoadReport report, engine->Run(*workload_));
  ended_ = logs_->of(0).begun();
  return report;
}

absl::Status Population::Check(const LoadReport& report) const {
  OPSBENCH_RETURN_IF_ERROR(CheckLoad(report));
  for (const User& user : plan_.users) {
    const UserResult& result = workload_->result(user.id);
    OPSBENCH_RETURN_IF_ERROR(result.log_status);
    if (result.wrong_answers == 0) continue;
    return absl::DataLossError(absl::StrCat(
        result.wrong_answers, " wrong answers: ", result.first_wrong.front()));
  }
  return AskOracle();
}

void Population::AddPart(Draw draw) {
  Part& part = parts_.emplace_back();
  for (const User& user : plan_.users) {
    part.first.push_back(logs_->of(user.id).begun());
  }
  part.draw = std::move(draw);
}

absl::Status Population::AskOracle() const {
  const auto operation_at = [this](const User& user, int64_t index) {
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
      const int64_t first = part->first[static_cast<size_t>(user.id)];
      if (index >= first) return part->draw(user, index - first);
    }
    return plan_.At(user, index);
  };
  const std::vector<UserLog*> logs = logs_->pointers();
  OPSBENCH_ASSIGN_OR_RETURN(
      const OracleReport oracle,
      stress::CheckDatabases(plan_, databases_, {logs.begin(), logs.end()},
                             {.operation_at = operation_at}));
  if (oracle.ok()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("the oracle: ", absl::StrJoin(oracle.Failures(), ", "), ": ",
                   oracle.findings.empty() ? "" : oracle.findings.front()));
}

int64_t Population::checked_answers() const {
  int64_t sum = 0;
  for (const User& user : plan_.users) {
    const UserResult& result = workload_->result(user.id);
    sum += result.checked_exactly + result.checked_partly;
  }
  return sum;
}

absl::Status CheckLoad(const LoadReport& report) {
  if (report.completed() > 0 && report.errors() == 0 && report.skipped() == 0) {
    return absl::OkStatus();
  }
  std::string first;
  for (const OperationReport& operation : report.operations) {
    if (first.empty()) first = operation.first_error;
  }
  return absl::InternalError(absl::StrCat(report.errors(), " errors, ",
                                          report.completed(),
                                          " operations: ", first));
}

}  // namespace opsbench::stress_bench
