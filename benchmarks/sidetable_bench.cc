// "Latest N under a prefix" on real engines, by strategy.
//
// Timed: one prepared statement with its rows read (Latest, Exact, Count24h,
// LatestOffset, ErrorRate), one transaction (InsertSingle, InsertBatch), the
// load engine's closed loop (Mix, whose time is that of one operation, all
// workers together), or seeding (BulkLoad, the time of one operation with all
// its rows). Left out: connecting, preparing, drawing what to ask for, and
// rendering what to write. Dominated by the round trip and, below it, by the
// index: seeks for side_table and level_columns, a sort for the others.
//
// Every strategy's answers are checked against an in-memory reference before
// anything of it is timed, and after each benchmark that writes, whether all
// that was acknowledged is there. The tables are the benchmark's own.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "bench_main.h"
#include "benchmark/benchmark.h"
#include "measured_region.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/engines/engines.h"
#include "opsbench/load/load.h"
#include "opsbench/sidetable/effect.h"
#include "opsbench/sidetable/inspect.h"
#include "opsbench/sidetable/mix.h"
#include "opsbench/sidetable/reference.h"
#include "opsbench/sidetable/seed.h"
#include "opsbench/sidetable/store.h"
#include "opsbench/sidetable/workload.h"

namespace opsbench::sidetable {
namespace {

struct Sizes {
  int64_t operations;
  double min_seconds;  // Of a benchmark of one statement.
  absl::Duration mix_duration;
};

Sizes SizesOfScale(Scale scale) {
  switch (scale) {
    case Scale::kSmoke:
      return {2'000, 0.01, absl::Milliseconds(100)};
    case Scale::kQuick:
      return {50'000, 0.1, absl::Milliseconds(500)};
    case Scale::kFull:
      return {1'000'000, 1.0, absl::Seconds(10)};
  }
  return {};
}

Sizes SizesOf(const BenchOptions& options) {
  Sizes sizes = SizesOfScale(options.scale);
  if (options.measure_seconds > 0) {
    sizes.min_seconds = options.measure_seconds;
    sizes.mix_duration = absl::Seconds(options.measure_seconds);
  }
  return sizes;
}

// The engines and their data, made when the first benchmark needs them.
class Data {
 public:
  // `rows` takes the place of the size's operations unless it is 0, and is part
  // of the names then.
  Data(Sizes sizes, int64_t rows, uint64_t seed)
      : sizes_(sizes), rows_(rows), seed_(seed) {
    if (rows > 0) sizes_.operations = rows;
  }

  // Drops what it made: the database is somebody's, where a URL names it.
  ~Data() {
    absl::MutexLock lock(&mutex_);
    for (const auto& [place, ready] : ready_) {
      const auto session = Connect(engines_[place.first]->url());
      if (!session.ok()) continue;
      const auto store =
          Store::Create(session->get(), place.second, Purpose::kBenchmark);
      if (store.ok() && (*store)->DropSchema().ok()) {
        (*store)->DropRecords().IgnoreError();
      }
    }
  }

  std::string Suffix() const {
    return rows_ > 0 ? absl::StrCat("/rows:", rows_) : "";
  }

  const Sizes& sizes() const { return sizes_; }
  uint64_t seed() const { return seed_; }

  absl::StatusOr<Url> UrlOf(Engine engine) {
    absl::MutexLock lock(&mutex_);
    return UrlLocked(engine);
  }

  // The URL of an engine that holds the strategy's data, its answers checked.
  absl::StatusOr<Url> Ready(Engine engine, Strategy strategy) {
    absl::MutexLock lock(&mutex_);
    OPSBENCH_ASSIGN_OR_RETURN(const Url url, UrlLocked(engine));
    if (!ready_[{engine, strategy}]) {
      OPSBENCH_RETURN_IF_ERROR(SeedLocked(url, strategy).status());
    }
    return url;
  }

  // Loads the strategy's data anew.
  absl::StatusOr<SeedReport> Reload(Engine engine, Strategy strategy) {
    absl::MutexLock lock(&mutex_);
    OPSBENCH_ASSIGN_OR_RETURN(const Url url, UrlLocked(engine));
    return SeedLocked(url, strategy);
  }

 private:
  absl::StatusOr<Url> UrlLocked(Engine engine)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::unique_ptr<EngineHandle>& handle = engines_[engine];
    if (handle == nullptr) {
      const Stage setup("setup", EngineName(engine));
      OPSBENCH_ASSIGN_OR_RETURN(const Environment environment,
                                Environment::Load());
      OPSBENCH_ASSIGN_OR_RETURN(handle, AcquireEngine(engine, environment));
    }
    return handle->url();
  }

  absl::StatusOr<SeedReport> SeedLocked(const Url& url, Strategy strategy)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ready_[{url.engine, strategy}] = false;
    const std::string tag =
        absl::StrCat(EngineName(url.engine), "/", StrategyName(strategy));
    Stage populate("populate", tag);
    OPSBENCH_ASSIGN_OR_RETURN(const SeedReport report,
                              Seed(url, {.strategy = strategy,
                                         .purpose = Purpose::kBenchmark,
                                         .operations = sizes_.operations,
                                         .seed = seed_,
                                         .fresh = true,
                                         .stop = BenchStopFlag()}));
    populate.End();
    const Stage verify("verify", tag);
    if (reference_ == nullptr) {
      reference_ =
          std::make_unique<Reference>(Generator(seed_), sizes_.operations);
    }
    OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
    OPSBENCH_ASSIGN_OR_RETURN(
        const auto store,
        Store::Create(session.get(), strategy, Purpose::kBenchmark));
    OPSBENCH_RETURN_IF_ERROR(VerifyAnswers(*store, *reference_, 2, seed_));
    ready_[{url.engine, strategy}] = true;
    return report;
  }

  Sizes sizes_;
  const int64_t rows_;
  const uint64_t seed_;
  absl::Mutex mutex_;
  std::map<Engine, std::unique_ptr<EngineHandle>> engines_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<Engine, Strategy>, bool> ready_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Reference> reference_ ABSL_GUARDED_BY(mutex_);
};

struct Case {
  Data* data;
  Engine engine;
  Strategy strategy;
  std::string name;  // The benchmark's, once it has one.

  Case Named(std::string its_name) const {
    return {data, engine, strategy, std::move(its_name)};
  }
  std::string Name(absl::string_view what) const {
    return absl::StrCat("Sidetable/", what, "/engine:", EngineName(engine),
                        "/strategy:", StrategyName(strategy), data->Suffix());
  }
};

// Requests drawn before the clock starts.
constexpr int kRequests = 512;

// What a workload has written by the end of `run`, checked.
template <typename Run>
absl::Status RunChecked(const Case& test, const Url& url,
                        const SidetableWorkload& workload, const Run& run) {
  if (!workload.Writes()) return run();
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
  OPSBENCH_ASSIGN_OR_RETURN(
      const auto store,
      Store::Create(session.get(), test.strategy, Purpose::kBenchmark));
  OPSBENCH_ASSIGN_OR_RETURN(const WriteCheck check, WriteCheck::Start(*store));
  OPSBENCH_RETURN_IF_ERROR(run());
  const Stage stage("verify", test.name);
  return check.Finish(*store, workload.written());
}

absl::Status RunRequests(const Case& test, const MixOperation& operation,
                         benchmark::State& state) {
  OPSBENCH_ASSIGN_OR_RETURN(const Url url,
                            test.data->Ready(test.engine, test.strategy));
  SidetableWorkload workload(url, {}, test.strategy, {operation}, 0,
                             Purpose::kBenchmark);
  int64_t rows = 0;
  const auto loop = [&]() -> absl::Status {
    OPSBENCH_ASSIGN_OR_RETURN(const auto client,
                              workload.Connect(state.thread_index()));
    uint64_t index = 0;
    const Stage stage("measure", test.name);
    const MeasuredRegion region;
    return CallMeasured([&]() -> absl::Status {
      for (auto _ : state) {
        if (BenchInterrupted()) return absl::CancelledError(kInterrupted);
        // Drawing takes well below a microsecond, a round trip many.
        Random random = Random::Stream(test.data->seed(), state.thread_index(),
                                       index++ % kRequests);
        client->Prepare(0, random);
        const absl::StatusOr<int64_t> result = client->Execute();
        if (!result.ok()) return result.status();
        rows += *result;
      }
      return absl::OkStatus();
    });
  };
  OPSBENCH_RETURN_IF_ERROR(RunChecked(test, url, workload, loop));
  AddMeasuredOperations(state.iterations());
  state.SetItemsProcessed(state.iterations());
  state.counters["rows_per_second"] = benchmark::Counter(
      static_cast<double>(rows), benchmark::Counter::kIsRate);
  return absl::OkStatus();
}

absl::Status RunMix(const Case& test, absl::string_view mix_name, int threads,
                    benchmark::State& state) {
  OPSBENCH_ASSIGN_OR_RETURN(const Url url,
                            test.data->Ready(test.engine, test.strategy));
  OPSBENCH_ASSIGN_OR_RETURN(std::vector<MixOperation> mix, ParseMix(mix_name));
  SidetableWorkload workload(url, {}, test.strategy, std::move(mix), 0,
                             Purpose::kBenchmark);
  return RunChecked(test, url, workload, [&]() -> absl::Status {
    for (auto _ : state) {
      LoadOptions options;
      options.mix = workload.WeightedMix();
      options.workers = threads;
      options.duration = test.data->sizes().mix_duration;
      options.seed = test.data->seed();
      options.stop = BenchStopFlag();
      options.stage_tag = test.name;
      OPSBENCH_ASSIGN_OR_RETURN(const auto engine, LoadEngine::Create(options));
      const MeasuredRegion region;
      OPSBENCH_ASSIGN_OR_RETURN(const LoadReport report, engine->Run(workload));
      AddMeasuredOperations(report.completed());
      if (report.interrupted) return absl::CancelledError(kInterrupted);
      if (report.completed() == 0 || report.errors() > 0) {
        return absl::InternalError(absl::StrCat(
            report.errors(), " errors, ", report.completed(), " operations"));
      }
      state.SetIterationTime(absl::ToDoubleSeconds(report.elapsed) /
                             static_cast<double>(report.completed()));
      const Histogram latency = report.latency();
      state.counters["operations_per_second"] = report.operations_per_second();
      state.counters["rows_per_second"] = report.rows_per_second();
      state.counters["p50_us"] =
          1e-3 * static_cast<double>(latency.Percentile(50));
      state.counters["p95_us"] =
          1e-3 * static_cast<double>(latency.Percentile(95));
      state.counters["p99_us"] =
          1e-3 * static_cast<double>(latency.Percentile(99));
    }
    return absl::OkStatus();
  });
}

absl::Status RunBulkLoad(const Case& test, benchmark::State& state) {
  for (auto _ : state) {
    OPSBENCH_ASSIGN_OR_RETURN(const SeedReport report,
                              test.data->Reload(test.engine, test.strategy));
    state.SetIterationTime(absl::ToDoubleSeconds(report.elapsed) /
                           static_cast<double>(report.operations));
    state.counters["operations_per_second"] = report.operations_per_second;
    state.counters["rows_per_second"] =
        static_cast<double>(report.operations + report.prefix_rows) /
        absl::ToDoubleSeconds(report.elapsed);
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Url url, test.data->UrlOf(test.engine));
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
  OPSBENCH_ASSIGN_OR_RETURN(
      const auto store,
      Store::Create(session.get(), test.strategy, Purpose::kBenchmark));
  OPSBENCH_ASSIGN_OR_RETURN(const Records records, ReadRecords(*store, 0));
  state.counters["disk_per_operation_bytes"] = records.bytes_per_operation;
  return absl::OkStatus();
}

// Registers `run` under `name`; an error that it returns is the benchmark's.
template <typename Run>
benchmark::internal::Benchmark* Register(const std::string& name, Run run) {
  return benchmark::RegisterBenchmark(
             name.c_str(),
             [run](benchmark::State& state) {
               // Once interrupted, what is left is not even begun.
               const absl::Status status =
                   BenchInterrupted() ? absl::CancelledError() : run(state);
               if (absl::IsCancelled(status)) {
                 state.SkipWithError(kInterrupted);
               } else if (!status.ok()) {
                 state.SkipWithError(status.ToString().c_str());
               }
             })
      ->Unit(benchmark::kMicrosecond);
}

void RegisterOperation(const Case& test, const std::string& name,
                       absl::string_view operation_name) {
  Register(
      name,
      [test = test.Named(name),
       operation = *ParseOperation(operation_name)](benchmark::State& state) {
        return RunRequests(test, operation, state);
      })
      ->UseRealTime()
      ->MinTime(test.data->sizes().min_seconds);
}

void RegisterCase(const Case& test) {
  Register(test.Name("BulkLoad"),
           [test](benchmark::State& state) { return RunBulkLoad(test, state); })
      ->UseManualTime()
      ->Iterations(1);
  for (int level = 1; level <= kMaxLevels; ++level) {
    RegisterOperation(test, absl::StrCat(test.Name("Latest"), "/level:", level),
                      absl::StrCat("latest_l", level));
  }
  RegisterOperation(test, test.Name("Exact"), "exact");
  RegisterOperation(test, test.Name("Count24h"), "count_24h");
  RegisterOperation(test, test.Name("ErrorRate"), "error_rate");
  RegisterOperation(test, test.Name("LatestOffset"), "latest_offset");
  RegisterOperation(test, test.Name("InsertSingle"), "insert_single");
  for (const int batch : {500, 1000}) {
    RegisterOperation(test,
                      absl::StrCat(test.Name("InsertBatch"), "/batch:", batch),
                      absl::StrCat("insert_", batch));
  }
  for (const char* mix : {"A", "B", "C", "D"}) {
    for (const int threads : {1, 8}) {
      const std::string name =
          absl::StrCat(test.Name("Mix"), "/mix:", mix, "/workers:", threads);
      Register(
          name,
          [test = test.Named(name), mix, threads](benchmark::State& state) {
            return RunMix(test, mix, threads, state);
          })
          ->UseManualTime()
          ->Iterations(1);
    }
  }
}

absl::Status RegisterAll(const BenchOptions& options) {
  // Lives as long as the benchmarks that point to it.
  static std::unique_ptr<Data> data;
  data = std::make_unique<Data>(SizesOf(options), options.rows, options.seed);
  AtBenchEnd([] { data.reset(); });
  for (const Engine engine : options.engines) {
    for (const Strategy strategy : StrategiesOf(engine)) {
      RegisterCase({data.get(), engine, strategy, ""});
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace opsbench::sidetable

int main(int argc, char** argv) {
  using opsbench::Engine;
  return opsbench::BenchMain(
      argc, argv, {Engine::kSqlite, Engine::kMysql, Engine::kPostgres},
      opsbench::sidetable::RegisterAll);
}
