#include "stress/in_memory.h"

#include <time.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench_main.h"
#include "measured_region.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/load/load.h"
#include "opsbench/stress/answer_check.h"
#include "opsbench/stress/client.h"
#include "opsbench/stress/expectation.h"
#include "stress/population.h"

namespace opsbench::stress_bench {
namespace {

using stress::AnswerCheck;
using stress::Expectation;
using stress::Operation;
using stress::OperationKind;
using stress::Outcome;
using stress::Plan;
using stress::PlanOptions;
using stress::RowMaker;
using stress::Table;
using stress::TableSize;
using stress::User;
using stress::UserClass;
using stress::UserLog;

// So many that the end, which the last thread decides, does not weigh.
constexpr int64_t kOverheadOperations = 1'000'000;

class LoggingClient : public Client {
 public:
  LoggingClient(const Plan& plan, const User& user, UserLog* log)
      : plan_(plan), user_(user), log_(*log) {}

  void Prepare(int kind, Random& random) override {
    operation_ =
        plan_.Draw(user_, static_cast<OperationKind>(kind), index_, random);
  }

  bool Admit() override {
    log_.Begin(index_++, operation_);
    return true;
  }

  absl::StatusOr<int64_t> Execute() override {
    OPSBENCH_RETURN_IF_ERROR(
        log_.End(operation_, Outcome::kDone, operation_.rows, operation_.rows));
    return operation_.rows;
  }

 private:
  const Plan& plan_;
  const User user_;
  UserLog& log_;
  int64_t index_ = 0;
  Operation operation_;
};

class LoggingWorkload : public Workload {
 public:
  static absl::StatusOr<std::unique_ptr<LoggingWorkload>> Create(
      const Plan& plan) {
    std::unique_ptr<LoggingWorkload> workload(new LoggingWorkload(plan));
    OPSBENCH_ASSIGN_OR_RETURN(workload->logs_, UserLogs::Create(plan));
    return workload;
  }

  absl::StatusOr<std::unique_ptr<Client>> Connect(int worker) override {
    return std::make_unique<LoggingClient>(
        plan_, plan_.users[static_cast<size_t>(worker)], &logs_->of(worker));
  }

  absl::StatusOr<LoadReport> Run(int64_t operations) {
    LoadOptions options = stress::LoadOptionsOf(plan_);
    options.operations = operations;
    options.stop = BenchStopFlag();
    OPSBENCH_ASSIGN_OR_RETURN(const auto engine, LoadEngine::Create(options));
    OPSBENCH_ASSIGN_OR_RETURN(LoadReport report, engine->Run(*this));
    if (report.interrupted) return absl::CancelledError(kInterrupted);
    return report;
  }

  // That the logs tell what the plan says.
  absl::Status Check() const {
    for (const User& user : plan_.users) {
      const UserLog& log = logs_->of(user.id);
      uint64_t hash = 0;
      for (int64_t i = 0; i < log.begun(); ++i) {
        hash = stress::HashOperation(hash, i, plan_.At(user, i));
      }
      if (log.begun() == 0 || log.begun() != log.ended() ||
          log.hash() != hash) {
        return absl::DataLossError(absl::StrCat(
            "user ", user.id, " logged other operations than were drawn"));
      }
    }
    return absl::OkStatus();
  }

 private:
  explicit LoggingWorkload(const Plan& plan) : plan_(plan) {}

  const Plan& plan_;
  std::unique_ptr<UserLogs> logs_;
};

int64_t ProcessCpuNs() {
  timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return int64_t{cpu.tv_sec} * kNanosPerSecond + cpu.tv_nsec;
}

// Of one user.
Plan PlanOf(UserClass user_class, uint64_t seed) {
  PlanOptions options = {.databases = 1, .seed = seed};
  options.inserter_users = user_class == UserClass::kInserter ? 1 : 0;
  options.query_users = user_class == UserClass::kQuery ? 1 : 0;
  options.mixed_users = user_class == UserClass::kMixed ? 1 : 0;
  return Plan::Make(options);
}

// Calls body(i) in the timed loop, i-th iteration by i-th iteration.
template <typename Body>
void Time(benchmark::State& state, Body body) {
  {
    const MeasuredRegion region;
    CallMeasured([&] {
      int64_t i = 0;
      for (auto _ : state) body(i++);
    });
  }
  AddMeasuredOperations(state.iterations());
}

// The first rows of a select's answer.
void Append(const Table& table, int64_t first_id, int64_t rows,
            ResultSet* answer) {
  std::string text;
  std::vector<Value> row;
  for (int64_t id = first_id; id < first_id + rows; ++id) {
    text.clear();
    text.reserve(RowMaker::MaxTextBytes(table.size));
    row.clear();
    RowMaker::Append(table, id, &text, &row);
    answer->AppendInt64(row[0].int64());
    answer->AppendText(row[1].text());
    answer->AppendDouble(row[2].float64());
  }
}

}  // namespace

absl::Status RunOverhead(int users, uint64_t seed, benchmark::State& state) {
  PlanOptions options = {.seed = seed};
  options.inserter_users = (users + 2) / 3;
  options.query_users = (users + 1) / 3;
  options.mixed_users = users / 3;
  const Plan plan = Plan::Make(options);
  OPSBENCH_ASSIGN_OR_RETURN(const auto trial, LoggingWorkload::Create(plan));
  OPSBENCH_RETURN_IF_ERROR(trial->Run(10'007).status());
  OPSBENCH_RETURN_IF_ERROR(trial->Check());

  int64_t cpu_ns = 0;
  while (state.KeepRunningBatch(kOverheadOperations)) {
    OPSBENCH_ASSIGN_OR_RETURN(const auto workload,
                              LoggingWorkload::Create(plan));
    const int64_t before_ns = ProcessCpuNs();
    const MeasuredRegion region;
    OPSBENCH_ASSIGN_OR_RETURN(const LoadReport report,
                              workload->Run(kOverheadOperations));
    cpu_ns += ProcessCpuNs() - before_ns;
    AddMeasuredOperations(report.completed());
    state.SetIterationTime(absl::ToDoubleSeconds(report.elapsed));
  }
  state.counters["cpu_ns"] =
      static_cast<double>(cpu_ns) / static_cast<double>(state.iterations());
  state.counters["operations_per_second"] = benchmark::Counter(
      static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  return absl::OkStatus();
}

absl::Status RunDraw(UserClass user_class, uint64_t seed,
                     benchmark::State& state) {
  const Plan plan = PlanOf(user_class, seed);
  const User& user = plan.users[0];
  const auto choice = WeightedChoice::Create(
      absl::MakeConstSpan(stress::ClassWeights(user_class)));
  OPSBENCH_RETURN_IF_ERROR(choice.status());
  for (int64_t i = 0; i < 1'000; ++i) {
    Random random = stress::StreamOf(user, i);
    const auto kind = static_cast<int>((*choice)(random));
    if (plan.Draw(user, static_cast<OperationKind>(kind), i, random) ==
        plan.At(user, i)) {
      continue;
    }
    return absl::DataLossError(
        absl::StrCat("operation ", i, " is drawn in two ways"));
  }
  Time(state, [&](int64_t i) { benchmark::DoNotOptimize(plan.At(user, i)); });
  return absl::OkStatus();
}

absl::Status RunMakeRows(TableSize size, uint64_t seed,
                         benchmark::State& state) {
  constexpr int64_t kRows = 1'024;
  const Table table = {.size = size, .seed = seed, .name = "t0"};
  std::string text;
  text.reserve(kRows * RowMaker::MaxTextBytes(size));
  std::vector<Value> values;
  const auto make = [&](int64_t first_id) {
    text.clear();
    values.clear();
    for (int64_t id = first_id; id < first_id + kRows; ++id) {
      RowMaker::Append(table, id, &text, &values);
    }
    benchmark::DoNotOptimize(values.data());
  };
  make(7);
  RowMaker check;
  const size_t columns = values.size() / kRows;
  for (int64_t row = 0; row < kRows; ++row) {
    OPSBENCH_RETURN_IF_ERROR(
        check.Check(table, 7 + row,
                    absl::MakeConstSpan(values).subspan(
                        static_cast<size_t>(row) * columns, columns)));
  }
  {
    const MeasuredRegion region;
    CallMeasured([&] {
      int64_t first_id = 0;
      while (state.KeepRunningBatch(kRows)) {
        make(first_id);
        first_id += kRows;
      }
    });
  }
  AddMeasuredOperations(state.iterations());
  state.counters["rows_per_second"] = benchmark::Counter(
      static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  return absl::OkStatus();
}

absl::Status RunExpect(int64_t operations, uint64_t seed,
                       benchmark::State& state) {
  const Plan plan = PlanOf(UserClass::kMixed, seed);
  const User& user = plan.users[0];
  constexpr int64_t kUnlimited = INT64_MAX;
  Expectation expected;
  const auto expect = [&](int64_t from_index) {
    stress::Expect(plan, user, 0, from_index, kUnlimited,
                   {.ended = from_index + operations, .at_rest = true},
                   &expected);
    benchmark::DoNotOptimize(expected.rows);
  };
  expect(0);
  int64_t rows = 0;
  for (int64_t i = 0; i < operations; ++i) {
    const Operation operation = plan.At(user, i);
    if (stress::IsWrite(operation.kind) && operation.table == 0) {
      rows += operation.rows;
    }
  }
  if (expected.rows != rows || !expected.complete) {
    return absl::DataLossError(absl::StrCat(
        expected.rows, " rows expected, of ", rows, " that were written"));
  }
  Time(state, expect);
  return absl::OkStatus();
}

absl::Status RunCheckAnswer(int64_t rows, uint64_t seed,
                            benchmark::State& state) {
  const Plan plan = PlanOf(UserClass::kInserter, seed);
  const User& user = plan.users[0];
  const stress::DatabaseSchema& schema = plan.schema_of(user);
  Operation operation = {.kind = OperationKind::kSimpleSelect, .rows = rows};
  Expectation expected;
  stress::Expect(plan, user, operation.table, 0, rows,
                 {.ended = 1'000, .at_rest = true}, &expected);
  ResultSet answer;
  for (const char* name : {"id", "name", "value"}) answer.AddColumn(name);
  for (const stress::IdRange& range : expected.ranges) {
    Append(schema.tables[0], range.first_id, range.rows, &answer);
  }
  AnswerCheck check(plan);
  OPSBENCH_RETURN_IF_ERROR(check.Check(schema, operation, expected, answer));
  Operation other = operation;
  other.table = 1;
  if (check.Check(schema, other, expected, answer).ok()) {
    return absl::DataLossError("rows of another table pass");
  }
  bool right = true;
  Time(state, [&](int64_t) {
    right = check.Check(schema, operation, expected, answer).ok() && right;
  });
  if (!right) return absl::DataLossError("the answer became a wrong one");
  state.counters["rows_per_second"] =
      benchmark::Counter(static_cast<double>(state.iterations() * rows),
                         benchmark::Counter::kIsRate);
  return absl::OkStatus();
}

}  // namespace opsbench::stress_bench
