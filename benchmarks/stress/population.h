#ifndef OPSBENCH_BENCHMARKS_STRESS_POPULATION_H_
#define OPSBENCH_BENCHMARKS_STRESS_POPULATION_H_

// Databases of a benchmark's own with their simulated users: made, used by
// them, and checked by the oracle.
//
// The databases stay when it ends, for the next benchmark to replace and for
// peers to measure the same work on.
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/load/load.h"
#include "opsbench/stress/client.h"
#include "opsbench/stress/databases.h"
#include "opsbench/stress/oracle.h"
#include "opsbench/stress/plan.h"
#include "opsbench/stress/user_log.h"

namespace opsbench::stress_bench {

// The users' logs, in a temporary folder that goes with it.
class UserLogs {
 public:
  static absl::StatusOr<std::unique_ptr<UserLogs>> Create(
      const stress::Plan& plan);
  ~UserLogs();
  UserLogs(const UserLogs&) = delete;
  UserLogs& operator=(const UserLogs&) = delete;

  stress::UserLog& of(int user) const {
    return *logs_[static_cast<size_t>(user)];
  }
  std::vector<stress::UserLog*> pointers() const;

 private:
  UserLogs() = default;

  std::string folder_;
  std::vector<std::unique_ptr<stress::UserLog>> logs_;
};

class Population {
 public:
  // Replaces the databases of an earlier one. `server` as an EngineHandle has
  // it.
  static absl::StatusOr<std::unique_ptr<Population>> Create(
      const Url& server, const stress::PlanOptions& options);

  // Users do what the plan says. `options`: LoadOptionsOf(plan()), with a word
  // on how long. May be called once.
  absl::StatusOr<LoadReport> Run(const LoadOptions& options,
                                 BulkMethod bulk_method);

  // After Run(): OK when all went well. Internal: operations failed, or there
  // was none. DataLoss: an answer was wrong, or the oracle is not content.
  absl::Status Check(const LoadReport& report) const;

  // From now on users do operations of another plan, whose `index` counts from
  // 0: the oracle draws them again.
  using Draw =
      std::function<stress::Operation(const stress::User& user, int64_t index)>;
  void AddPart(Draw draw);

  // DataLoss: the databases do not hold what the logs say, or hold more.
  absl::Status AskOracle() const;

  // Answers that Run() compared with what they had to be.
  int64_t checked_answers() const;

  // How many operations user 0 did in Run(); each of the others, when
  // LoadOptions::operations was a multiple of their number.
  int64_t ended() const { return ended_; }

  const stress::Plan& plan() const { return plan_; }
  const stress::Databases& databases() const { return databases_; }
  const UserLogs& logs() const { return *logs_; }

 private:
  explicit Population(const stress::PlanOptions& options)
      : plan_(stress::Plan::Make(options)) {}

  const stress::Plan plan_;
  stress::Databases databases_;
  std::unique_ptr<UserLogs> logs_;
  std::unique_ptr<stress::StressWorkload> workload_;
  int64_t ended_ = 0;

  // What users have done after Run().
  struct Part {
    std::vector<int64_t> first;  // By user: its first operation.
    Draw draw;
  };
  std::vector<Part> parts_;
};

// Internal: operations of a load failed, or there was none.
absl::Status CheckLoad(const LoadReport& report);

}  // namespace opsbench::stress_bench

#endif  // OPSBENCH_BENCHMARKS_STRESS_POPULATION_H_
