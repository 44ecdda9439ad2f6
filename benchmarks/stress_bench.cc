// Simulated users on real engines, and what they cost without one.
//
// Timed: the load engine's closed loop without think time, from the common
// start of all users to the end of the last operation (Mix, Operation,
// BulkInsert; the time is that of one operation, all users together), so that
// drawing, making rows and checking answers, which a user does between
// operations, count; latencies are those of the statements alone. Left out:
// making and filling the databases, connecting, and the oracle. Dominated by
// the engine; without one (Overhead, Draw, MakeRows, Expect, CheckAnswer) by
// hashing and by the clock.
//
// Every answer is checked while it is timed. A wrong one, a failed operation or
// a finding of the oracle makes a benchmark an error, not a figure.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench_main.h"
#include "benchmark/benchmark.h"
#include "measured_region.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/engines/engines.h"
#include "opsbench/testing/fixed_iterations.h"
#include "stress/in_memory.h"
#include "stress/one_kind.h"
#include "stress/population.h"

namespace opsbench::stress_bench {
namespace {

using stress::OperationKind;
using stress::PlanOptions;
using stress::TableSize;
using stress::UserClass;

struct Sizes {
  absl::Duration duration;        // Of a run on an engine.
  int64_t population_operations;  // Of each user, before what is timed.
  bool all_formats;               // Of every class, not of inserters alone.
  double min_seconds;             // Of a benchmark without an engine.
};

Sizes SizesOfScale(Scale scale) {
  switch (scale) {
    case Scale::kSmoke:
      return {absl::Milliseconds(100), 16, false, 0.01};
    case Scale::kQuick:
      return {absl::Milliseconds(500), 128, false, 0.1};
    case Scale::kFull:
      return {absl::Seconds(10), 512, true, 1.0};
  }
  return {};
}

Sizes SizesOf(const BenchOptions& options) {
  Sizes sizes = SizesOfScale(options.scale);
  if (options.measure_seconds > 0) {
    sizes.duration = absl::Seconds(options.measure_seconds);
    sizes.min_seconds = options.measure_seconds;
  }
  return sizes;
}

// How bulk inserts travel, by the name that `opsbench stress run` gives it.
struct Format {
  const char* name;
  BulkMethod method;
};

// The engine's fastest first.
std::vector<Format> FormatsOf(Engine engine) {
  const Format multi_row = {"multi_row", BulkMethod::kMultiRow};
  switch (engine) {
    case Engine::kPostgres:
      return {{"copy_binary", BulkMethod::kCopyBinary},
              {"copy_text", BulkMethod::kCopyText},
              {"pipeline", BulkMethod::kPipeline},
              multi_row};
    case Engine::kMysql:
      return {{"load_data", BulkMethod::kLoadData},
              {"bulk_binding", BulkMethod::kBulkBinding},
              multi_row};
    default:
      return {multi_row};
  }
}

// Of the bulk inserts that fill the tables before Operation and BulkInsert.
constexpr int kSmallestBatch = 20;
constexpr int kLargestBatch = 200;

// The engines, each with the users that the last benchmark left on it.
class Data {
 public:
  Data(const Sizes& sizes, const BenchOptions& options)
      : sizes_(sizes),
        rows_(options.rows),
        seed_(options.seed),
        iterations_(options.iterations) {}

  const Sizes& sizes() const { return sizes_; }
  int64_t rows() const { return rows_; }
  uint64_t seed() const { return seed_; }

  // How long a run on an engine takes: its time, or the number of operations
  // that OPSBENCH_ITERATIONS asks for.
  void Limit(LoadOptions* options) const {
    options->duration = sizes_.duration;
    options->operations = iterations_;
    options->stop = BenchStopFlag();
  }

  absl::StatusOr<Url> UrlOf(Engine engine) {
    std::unique_ptr<EngineHandle>& handle = engines_[engine];
    if (handle == nullptr) {
      const Stage setup("setup", EngineName(engine));
      OPSBENCH_ASSIGN_OR_RETURN(const Environment environment,
                                Environment::Load());
      OPSBENCH_ASSIGN_OR_RETURN(handle, AcquireEngine(engine, environment));
    }
    return handle->url();
  }

  // Users of one database who have written and stopped, their answers and rows
  // checked. With `written` they go on to write, after which others are made
  // for who only reads.
  absl::StatusOr<Population*> Rested(Engine engine, int users, bool written) {
    Rest& rest = rests_[engine];
    if (rest.population == nullptr || rest.users != users ||
        (rest.written && !written)) {
      OPSBENCH_RETURN_IF_ERROR(Populate(engine, users, &rest));
    }
    rest.written = rest.written || written;
    return rest.population.get();
  }

  // The next call of Rested() makes its users anew.
  void Forget(Engine engine) { rests_[engine].population.reset(); }

 private:
  struct Rest {
    std::unique_ptr<Population> population;
    int users = 0;
    bool written = false;
  };

  absl::Status Populate(Engine engine, int users, Rest* rest) {
    rest->population.reset();
    OPSBENCH_ASSIGN_OR_RETURN(const Url url, UrlOf(engine));
    const Stage stage("populate", EngineName(engine));
    PlanOptions options = {.databases = 1, .seed = seed_};
    options.inserter_users = users;
    options.query_users = options.mixed_users = 0;
    options.batch_min = kSmallestBatch;
    options.batch_max = kLargestBatch;
    OPSBENCH_ASSIGN_OR_RETURN(auto population,
                              Population::Create(url, options));
    LoadOptions load = stress::LoadOptionsOf(population->plan());
    load.operations = users * PopulationOperations(users);
    load.stop = BenchStopFlag();
    OPSBENCH_ASSIGN_OR_RETURN(
        const LoadReport report,
        population->Run(load, FormatsOf(engine).front().method));
    if (report.interrupted) return absl::CancelledError(kInterrupted);
    OPSBENCH_RETURN_IF_ERROR(population->Check(report));
    rest->population = std::move(population);
    rest->users = users;
    rest->written = false;
    return absl::OkStatus();
  }

  // Of each of them, before what is timed.
  int64_t PopulationOperations(int users) const {
    if (rows_ == 0) return sizes_.population_operations;
    const auto& weights = stress::ClassWeights(UserClass::kInserter);
    const double rows_each =
        weights[static_cast<size_t>(OperationKind::kBulkInsert)] *
            (kSmallestBatch + kLargestBatch) / 2 +
        weights[static_cast<size_t>(OperationKind::kSingleInsert)];
    return std::max<int64_t>(
        1, std::llround(static_cast<double>(rows_) / rows_each / users));
  }

  const Sizes sizes_;
  const int64_t rows_;  // To write before what is timed; 0: the scale's.
  const uint64_t seed_;
  const int64_t iterations_;
  std::map<Engine, std::unique_ptr<EngineHandle>> engines_;
  std::map<Engine, Rest> rests_;  // Whose sessions go before their engines.
};

struct Case {
  Data* data;
  Engine engine;
  Format format;
  int users;
  UserClass user_class = UserClass::kMixed;           // Of Mix.
  OperationKind kind = OperationKind::kSimpleSelect;  // Of the others.
};

void SetChecked(const LoadReport& report, int64_t answers,
                benchmark::State& state) {
  state.counters["checked_answers_per_second"] =
      static_cast<double>(answers) / absl::ToDoubleSeconds(report.elapsed);
}

void SetCounters(const LoadReport& report, benchmark::State& state) {
  state.SetIterationTime(absl::ToDoubleSeconds(report.elapsed) /
                         static_cast<double>(report.completed()));
  const Histogram latency = report.latency();
  const auto microseconds = [&](double percentile) {
    return 1e-3 * static_cast<double>(latency.Percentile(percentile));
  };
  state.counters["operations_per_second"] = report.operations_per_second();
  state.counters["rows_per_second"] = report.rows_per_second();
  // Of one user, over the time that it spent in its statements alone: without
  // the making of rows and the checking of answers.
  state.counters["service_rows_per_second"] =
      static_cast<double>(report.rows()) /
      (1e-9 * latency.mean_ns() * static_cast<double>(latency.count()));
  state.counters["p50_us"] = microseconds(50);
  state.counters["p95_us"] = microseconds(95);
  state.counters["p99_us"] = microseconds(99);
}

absl::StatusOr<LoadReport> Measure(
    absl::string_view name, const LoadOptions& options,
    const std::function<absl::StatusOr<LoadReport>(const LoadOptions&)>& run) {
  LoadOptions named = options;
  named.stage_tag = std::string(name);
  const MeasuredRegion region;
  OPSBENCH_ASSIGN_OR_RETURN(LoadReport report, run(named));
  AddMeasuredOperations(report.completed());
  if (report.interrupted) return absl::CancelledError(kInterrupted);
  return report;
}

absl::Status RunMix(const std::string& name, const Case& test,
                    benchmark::State& state) {
  test.data->Forget(test.engine);
  OPSBENCH_ASSIGN_OR_RETURN(const Url url, test.data->UrlOf(test.engine));
  PlanOptions options = {.databases = 2, .seed = test.data->seed()};
  options.inserter_users =
      test.user_class == UserClass::kInserter ? test.users : 0;
  options.query_users = test.user_class == UserClass::kQuery ? test.users : 0;
  options.mixed_users = test.user_class == UserClass::kMixed ? test.users : 0;
  for (auto _ : state) {
    OPSBENCH_ASSIGN_OR_RETURN(const auto population,
                              Population::Create(url, options));
    LoadOptions load = stress::LoadOptionsOf(population->plan());
    test.data->Limit(&load);
    OPSBENCH_ASSIGN_OR_RETURN(
        const LoadReport report,
        Measure(name, load, [&](const LoadOptions& named) {
          return population->Run(named, test.format.method);
        }));
    const Stage verify("verify", name);
    OPSBENCH_RETURN_IF_ERROR(population->Check(report));
    SetCounters(report, state);
    SetChecked(report, population->checked_answers(), state);
  }
  return absl::OkStatus();
}

absl::Status RunOperation(const std::string& name, const Case& test,
                          benchmark::State& state) {
  for (auto _ : state) {
    OPSBENCH_ASSIGN_OR_RETURN(
        Population* const population,
        test.data->Rested(test.engine, test.users, IsWrite(test.kind)));
    OneKind workload({.population = population,
                      .kind = test.kind,
                      .bulk_method = test.format.method});
    LoadOptions load = workload.MakeLoadOptions();
    test.data->Limit(&load);
    OPSBENCH_ASSIGN_OR_RETURN(
        const LoadReport report,
        Measure(name, load,
                [&](const LoadOptions& named) -> absl::StatusOr<LoadReport> {
                  OPSBENCH_ASSIGN_OR_RETURN(const auto engine,
                                            LoadEngine::Create(named));
                  return engine->Run(workload);
                }));
    const Stage verify("verify", name);
    OPSBENCH_RETURN_IF_ERROR(CheckLoad(report));
    OPSBENCH_RETURN_IF_ERROR(workload.Check());
    SetCounters(report, state);
    if (workload.checked_answers() > 0) {
      SetChecked(report, workload.checked_answers(), state);
    }
  }
  return absl::OkStatus();
}

// Registers `run` under `name`; an error that it returns is the benchmark's.
template <typename Run>
benchmark::internal::Benchmark* Register(const std::string& name, Run run) {
  return benchmark::RegisterBenchmark(
      name.c_str(), [run](benchmark::State& state) {
        // Once interrupted, what is left is not even begun.
        const absl::Status status =
            BenchInterrupted() ? absl::CancelledError() : run(state);
        if (absl::IsCancelled(status)) {
          state.SkipWithError(kInterrupted);
        } else if (!status.ok()) {
          state.SkipWithError(status.ToString().c_str());
        }
      });
}

template <typename Run>
void RegisterOnEngine(const std::string& name, const Case& test, Run run) {
  Register(name,
           [name, test, run](benchmark::State& state) {
             return run(name, test, state);
           })
      ->Unit(benchmark::kMicrosecond)
      ->UseManualTime()
      ->Iterations(1);
}

std::string Name(absl::string_view what, Engine engine,
                 absl::string_view parameters, int users) {
  return absl::StrCat("Stress/", what, "/engine:", EngineName(engine), "/",
                      parameters, "/users:", users);
}

void RegisterMixes(Engine engine, Data* data) {
  const std::vector<Format> formats = FormatsOf(engine);
  for (int i = 0; i < stress::kUserClasses; ++i) {
    const auto user_class = static_cast<UserClass>(i);
    for (const Format& format : formats) {
      if (user_class != UserClass::kInserter && !data->sizes().all_formats &&
          format.method != formats.front().method) {
        continue;
      }
      RegisterOnEngine(
          Name("Mix", engine,
               absl::StrCat("class:", stress::UserClassName(user_class),
                            "/format:", format.name),
               4),
          {.data = data,
           .engine = engine,
           .format = format,
           .users = 4,
           .user_class = user_class},
          RunMix);
    }
  }
}

void RegisterOperations(Engine engine, int users, Data* data) {
  const std::string rows =
      data->rows() > 0 ? absl::StrCat("/rows:", data->rows()) : "";
  const std::vector<Format> formats = FormatsOf(engine);
  // Reads first: they leave what they read as it is.
  for (const OperationKind kind :
       {OperationKind::kSimpleSelect, OperationKind::kAggregate,
        OperationKind::kComplexJoin, OperationKind::kSchemaDdl,
        OperationKind::kSingleInsert}) {
    RegisterOnEngine(
        absl::StrCat(
            Name("Operation", engine,
                 absl::StrCat("kind:", stress::OperationKindName(kind)), users),
            rows),
        {.data = data,
         .engine = engine,
         .format = formats.front(),
         .users = users,
         .kind = kind},
        RunOperation);
  }
  for (const Format& format : formats) {
    RegisterOnEngine(
        absl::StrCat(Name("BulkInsert", engine,
                          absl::StrCat("format:", format.name), users),
                     rows),
        {.data = data,
         .engine = engine,
         .format = format,
         .users = users,
         .kind = OperationKind::kBulkInsert},
        RunOperation);
  }
}

// OPSBENCH_ITERATIONS asks for so many, whatever time the scale has for it.
void HowLong(const Data& data, benchmark::internal::Benchmark* benchmark) {
  if (RequestedIterations() > 0) {
    FixedIterations(benchmark);
  } else {
    benchmark->MinTime(data.sizes().min_seconds);
  }
}

void RegisterInMemory(const Data& data) {
  const uint64_t seed = data.seed();
  for (const int users : {1, 2, 64}) {
    HowLong(data, Register(absl::StrCat("Stress/Overhead/users:", users),
                           [=](benchmark::State& state) {
                             return RunOverhead(users, seed, state);
                           })
                      ->UseManualTime());
  }
  const auto add = [&](const std::string& name, auto run) {
    HowLong(data, Register(absl::StrCat("Stress/", name), run));
  };
  for (int i = 0; i < stress::kUserClasses; ++i) {
    const auto user_class = static_cast<UserClass>(i);
    add(absl::StrCat("Draw/class:", stress::UserClassName(user_class)),
        [=](benchmark::State& state) {
          return RunDraw(user_class, seed, state);
        });
  }
  for (const TableSize size :
       {TableSize::kSmall, TableSize::kMedium, TableSize::kWide}) {
    add(absl::StrCat("MakeRows/table:", stress::TableSizeName(size)),
        [=](benchmark::State& state) {
          return RunMakeRows(size, seed, state);
        });
  }
  for (const int64_t operations : {16, 256, 2'048}) {
    add(absl::StrCat("Expect/operations:", operations),
        [=](benchmark::State& state) {
          return RunExpect(operations, seed, state);
        });
  }
  for (const int64_t rows : {10, 1'000}) {
    add(absl::StrCat("CheckAnswer/limit:", rows), [=](benchmark::State& state) {
      return RunCheckAnswer(rows, seed, state);
    });
  }
}

absl::Status RegisterAll(const BenchOptions& options) {
  // Lives as long as the benchmarks that point to it.
  static std::unique_ptr<Data> data;
  data = std::make_unique<Data>(SizesOf(options), options);
  AtBenchEnd([] { data.reset(); });
  // With --rows there is only what depends on how much the tables hold.
  if (options.rows == 0) RegisterInMemory(*data);
  for (const Engine engine : options.engines) {
    if (options.rows == 0) RegisterMixes(engine, data.get());
    for (const int users : {1, 8}) {
      RegisterOperations(engine, users, data.get());
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace opsbench::stress_bench

int main(int argc, char** argv) {
  using opsbench::Engine;
  return opsbench::BenchMain(
      argc, argv, {Engine::kSqlite, Engine::kMysql, Engine::kPostgres},
      opsbench::stress_bench::RegisterAll);
}
