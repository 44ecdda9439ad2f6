#ifndef OPSBENCH_BENCHMARKS_STRESS_ONE_KIND_H_
#define OPSBENCH_BENCHMARKS_STRESS_ONE_KIND_H_

// Users who do one kind of operation alone, on what a population has written by
// then and while nobody else writes: so each answer must hold exactly that. An
// operation is what it is in a mix: drawn, logged, executed with every row
// decoded, its answer checked; a read looks back from the end of what the
// population did.
//
// Thread safety: Connect() may be called from several threads at once, the rest
// is for one thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/load/load.h"
#include "opsbench/stress/plan.h"
#include "stress/population.h"

namespace opsbench::stress_bench {

struct OneKindOptions {
  // Must outlive the workload, and its users have done the same number of
  // operations each.
  Population* population = nullptr;
  stress::OperationKind kind = stress::OperationKind::kSimpleSelect;
  BulkMethod bulk_method = BulkMethod::kBest;
  // Of the bulk inserts.
  int64_t batch_min = 100;
  int64_t batch_max = 10'000;
};

class OneKind : public Workload {
 public:
  explicit OneKind(const OneKindOptions& options);
  ~OneKind() override;

  absl::StatusOr<std::unique_ptr<Client>> Connect(int worker) override;

  // Of one worker a user, without a word on how long they run.
  LoadOptions MakeLoadOptions() const;

  // After the run: DataLoss when an answer was wrong, or when what the users
  // have in their tables is not what was acknowledged.
  absl::Status Check() const;

  int64_t checked_answers() const;

  // On cache lines of its own.
  struct alignas(64) Result {
    int64_t checked_answers = 0;
    absl::Status wrong;  // The first one.
  };

 private:
  const OneKindOptions options_;
  const stress::Plan plan_;  // What is drawn from.
  const int64_t ended_;      // Operations of the population, of each user.
  std::vector<Result> results_;
};

}  // namespace opsbench::stress_bench

#endif  // OPSBENCH_BENCHMARKS_STRESS_ONE_KIND_H_
