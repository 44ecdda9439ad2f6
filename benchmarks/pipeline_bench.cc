// Rows of bench_events from a table to another one of the same server.
//
// Timed: one whole run of a pipeline, as `opsbench pipeline run` does it:
// connecting, describing, reading, the channel between the threads, writing and
// committing, into a table that is replaced. Left out: starting engines and
// making the source's rows. Dominated by the server, which reads and writes the
// same rows at once; INSERT by its parsing, COPY by its storing.
//
// Counters are those of the run whose time is the median: phases of both
// threads, rates, sizes. The destination is compared with the source, by count
// and by each column's content, before anything is timed and after it; a row
// that is changed between tells a replacement that replaced nothing.
//
// Tables are opsbench_bench_events_<profile>_<rows> and …_copy in the database
// that a URL names, marked as this benchmark's, and dropped at the end. Another
// table of such a name is an error.

#include <algorithm>
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
#include "opsbench/db/ownership.h"
#include "opsbench/db/session.h"
#include "opsbench/engines/engines.h"
#include "opsbench/pipeline/bench_events.h"
#include "opsbench/pipeline/connectors.h"
#include "opsbench/pipeline/runner.h"

namespace opsbench::pipeline {
namespace {

struct Sizes {
  std::vector<int64_t> rows;
  // A row of 4 KB makes of many rows a benchmark of the disk.
  int64_t max_wide_rows;
  int64_t sweep_rows;
  int iterations;
};

Sizes SizesOf(const BenchOptions& options) {
  Sizes sizes;
  switch (options.scale) {
    case Scale::kSmoke:
      sizes = {{1'000}, 1'000, 1'000, 1};
      break;
    case Scale::kQuick:
      sizes = {{1'000, 10'000, 100'000}, 10'000, 50'000, 3};
      break;
    case Scale::kFull:
      sizes = {{1'000, 10'000, 100'000, 1'000'000}, 100'000, 1'000'000, 7};
      break;
  }
  if (options.rows > 0) {
    sizes.rows = {options.rows};
    sizes.max_wide_rows = options.rows;
    sizes.sweep_rows = options.rows;
  }
  return sizes;
}

struct Case {
  Engine engine = Engine::kPostgres;
  std::string method;
  Compression compression = Compression::kNone;
  bool decode = true;
  int profile = 120;
  int64_t rows = 0;
  int64_t batch_rows = 10'000;
  int inflight = 16;

  std::string Source() const {
    return absl::StrCat("opsbench_", kBenchEvents, "_", profile, "_", rows);
  }
  std::string Copy() const { return absl::StrCat(Source(), "_copy"); }
};

constexpr char kMaker[] = "pipeline_bench";

// The engines and their tables, made when the first benchmark needs them.
class Data {
 public:
  ~Data() {
    for (const auto& [table, made] : made_) {
      if (!made) continue;
      const auto session = Connect(engines_.at(table.first)->url());
      if (!session.ok()) continue;
      DropOurTable(**session, {"", table.second}, kMaker, "").IgnoreError();
    }
  }

  absl::StatusOr<PipelineConfig> Ready(const Case& test) {
    std::unique_ptr<EngineHandle>& handle = engines_[test.engine];
    if (handle == nullptr) {
      const Stage setup("setup", EngineName(test.engine));
      OPSBENCH_ASSIGN_OR_RETURN(const Environment environment,
                                Environment::Load());
      OPSBENCH_ASSIGN_OR_RETURN(handle,
                                AcquireEngine(test.engine, environment));
    }
    OPSBENCH_RETURN_IF_ERROR(Seed(handle->url(), test));
    return Configure(handle->url(), test);
  }

  const std::vector<ConnectorKind>& kinds() const { return kinds_; }

 private:
  absl::Status Seed(const Url& url, const Case& test) {
    if (made_[{test.engine, test.Source()}]) return absl::OkStatus();
    const Stage populate("populate", test.Source());
    OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
    BenchEventsOptions options;
    options.rows = test.rows;
    options.profile_bytes = test.profile;
    options.maker = kMaker;
    options.fresh = true;
    options.stop = BenchStopFlag();
    options.table.table = test.Copy();
    OPSBENCH_RETURN_IF_ERROR(CreateBenchEvents(session.get(), options));
    made_[{test.engine, test.Copy()}] = true;
    options.table.table = test.Source();
    OPSBENCH_RETURN_IF_ERROR(SeedBenchEvents(session.get(), options));
    made_[{test.engine, test.Source()}] = true;
    return absl::OkStatus();
  }

  // As the reader of a pipeline file would leave it.
  absl::StatusOr<PipelineConfig> Configure(const Url& url,
                                           const Case& test) const {
    PipelineConfig config;
    config.pipeline = test.Source();
    const auto fill = [&](absl::string_view end, ConnectorUse* use) {
      use->use = absl::StrCat(end, EngineName(test.engine));
      const ConnectorKind* kind = FindKind(kinds_, use->use);
      if (kind == nullptr) return false;
      use->config.url = url.ToString();
      for (const ConnectorSetting& setting : kind->settings) {
        use->config.settings[setting.name] = setting.default_value;
      }
      return true;
    };
    if (!fill("source-", &config.source) ||
        !fill("dest-", &config.destination)) {
      return absl::UnimplementedError(absl::StrCat(
          "no connector for ", EngineName(test.engine), " was built in"));
    }
    config.destination.config.settings["load_method"] = test.method;
    config.streams = {{test.Source(), test.Copy()}};
    config.write_mode = WriteMode::kReplace;
    config.compression = test.compression;
    config.always_decode = test.decode;
    config.batch_rows = test.batch_rows;
    config.max_inflight_batches = test.inflight;
    return config;
  }

  const std::vector<ConnectorKind> kinds_ = AllConnectors();
  std::map<Engine, std::unique_ptr<EngineHandle>> engines_;
  std::map<std::pair<Engine, std::string>, bool> made_;
};

absl::Status CheckCopy(const PipelineConfig& config, const Case& test,
                       const Data& data) {
  const Stage verify("verify", config.pipeline);
  OPSBENCH_ASSIGN_OR_RETURN(
      const std::vector<Verdict> verdicts,
      VerifyPipeline(config, data.kinds(), BenchStopFlag()));
  for (const Verdict& verdict : verdicts) {
    if (verdict.equal() && verdict.rows_b == test.rows) continue;
    return absl::DataLossError(RenderVerdict(verdict));
  }
  return absl::OkStatus();
}

absl::Status CheckCounts(const PipelineResult& result, const Case& test) {
  if (result.records_read == test.rows && result.records_written == test.rows) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat("of ", test.rows, " rows ", result.records_read,
                   " were read and ", result.records_written, " written"));
}

// Fills the copy, and leaves one of its rows as no replacement would.
absl::Status WarmUp(const PipelineConfig& config, const Case& test,
                    const Data& data, const RunOptions& options) {
  {
    const Stage warmup("warmup", config.pipeline);
    OPSBENCH_ASSIGN_OR_RETURN(const PipelineResult result,
                              RunPipeline(config, data.kinds(), options));
    OPSBENCH_RETURN_IF_ERROR(CheckCounts(result, test));
  }
  OPSBENCH_RETURN_IF_ERROR(CheckCopy(config, test, data));
  OPSBENCH_ASSIGN_OR_RETURN(const Url url,
                            Url::Parse(config.destination.config.url));
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
  return session
      ->Execute(
          absl::StrCat("UPDATE ", test.Copy(), " SET amount = -1 WHERE id = 1"))
      .status();
}

absl::Status Move(const std::string& name, const Case& test, Data* data,
                  benchmark::State& state) {
  OPSBENCH_ASSIGN_OR_RETURN(const PipelineConfig config, data->Ready(test));
  RunOptions options;
  options.stop = BenchStopFlag();
  OPSBENCH_RETURN_IF_ERROR(WarmUp(config, test, *data, options));
  std::vector<PipelineResult> runs;
  const auto loop = [&]() -> absl::Status {
    for (auto _ : state) {
      OPSBENCH_ASSIGN_OR_RETURN(PipelineResult result,
                                RunPipeline(config, data->kinds(), options));
      state.SetIterationTime(result.seconds());
      runs.push_back(std::move(result));
    }
    return absl::OkStatus();
  };
  {
    const Stage stage("measure", name);
    const MeasuredRegion region;
    OPSBENCH_RETURN_IF_ERROR(CallMeasured(loop));
  }
  AddMeasuredOperations(static_cast<int64_t>(runs.size()) * test.rows);
  for (const PipelineResult& run : runs) {
    OPSBENCH_RETURN_IF_ERROR(CheckCounts(run, test));
  }
  OPSBENCH_RETURN_IF_ERROR(CheckCopy(config, test, *data));
  std::sort(runs.begin(), runs.end(),
            [](const PipelineResult& a, const PipelineResult& b) {
              return a.duration_ns < b.duration_ns;
            });
  for (const auto& [counter, value] : ResultCounters(runs[runs.size() / 2])) {
    // The process's, not the benchmark's: it has moved larger tables before.
    if (counter == "peak_memory_bytes") continue;
    state.counters[counter] = value;
  }
  state.SetItemsProcessed(state.iterations() * test.rows);
  return absl::OkStatus();
}

void Register(const Case& test, const BenchOptions& options,
              absl::string_view what, absl::string_view parameters, Data* data,
              int iterations) {
  const std::string name =
      absl::StrCat("Pipeline/", what, "/engine:", EngineName(test.engine),
                   "/method:", test.method, parameters,
                   "/profile:", test.profile, "/rows:", test.rows);
  auto* registered = benchmark::RegisterBenchmark(
      name.c_str(), [name, test, data](benchmark::State& state) {
        // Once interrupted, what is left is not even begun.
        const absl::Status status = BenchInterrupted()
                                        ? absl::CancelledError()
                                        : Move(name, test, data, state);
        if (absl::IsCancelled(status)) {
          state.SkipWithError(kInterrupted);
        } else if (!status.ok()) {
          state.SkipWithError(status.ToString().c_str());
        }
      });
  registered->Unit(benchmark::kMillisecond)->UseManualTime();
  if (options.measure_seconds > 0) {
    registered->MinTime(options.measure_seconds);
  } else {
    registered->Iterations(iterations);
  }
}

std::vector<std::string> MethodsOf(Engine engine) {
  switch (engine) {
    case Engine::kPostgres:
      return {"insert", "copy"};
    case Engine::kMysql:
      return {"insert", "load_data"};
    default:
      return {"insert"};
  }
}

std::string Parameters(const Case& test) {
  return absl::StrCat("/values:", test.decode ? "decoded" : "wire",
                      "/compression:", CompressionName(test.compression));
}

void RegisterEngine(Engine engine, const BenchOptions& options, Data* data) {
  const Sizes sizes = SizesOf(options);
  for (const std::string& method : MethodsOf(engine)) {
    for (const int profile : {120, 500, 4096}) {
      for (const int64_t rows : sizes.rows) {
        if (profile != 120 && rows > sizes.max_wide_rows) continue;
        Case test;
        test.engine = engine;
        test.method = method;
        test.profile = profile;
        test.rows = rows;
        for (const Compression compression :
             {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
          // What compression costs depends on the rows, not on the engine.
          if (compression != Compression::kNone &&
              engine != Engine::kPostgres) {
            continue;
          }
          test.compression = compression;
          Register(test, options, "Move", Parameters(test), data,
                   sizes.iterations);
        }
        if (engine != Engine::kPostgres || method != "copy") continue;
        test.compression = Compression::kNone;
        test.decode = false;
        Register(test, options, "Move", Parameters(test), data,
                 sizes.iterations);
      }
    }
  }
  if (engine != Engine::kPostgres) return;
  Case sweep;
  sweep.method = "copy";
  sweep.rows = sizes.sweep_rows;
  for (const int64_t batch_rows : {100, 1'000, 10'000, 100'000}) {
    sweep.batch_rows = batch_rows;
    Register(sweep, options, "BatchRows",
             absl::StrCat("/batch_rows:", batch_rows), data, sizes.iterations);
  }
  sweep.batch_rows = 1'000;
  for (const int inflight : {1, 4, 16, 64}) {
    sweep.inflight = inflight;
    Register(sweep, options, "Inflight", absl::StrCat("/inflight:", inflight),
             data, sizes.iterations);
  }
}

absl::Status RegisterAll(const BenchOptions& options) {
  // Lives as long as the benchmarks that point to it.
  static std::unique_ptr<Data> data;
  data = std::make_unique<Data>();
  AtBenchEnd([] { data.reset(); });
  for (const Engine engine : options.engines) {
    RegisterEngine(engine, options, data.get());
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace opsbench::pipeline

int main(int argc, char** argv) {
  using opsbench::Engine;
  return opsbench::BenchMain(
      argc, argv, {Engine::kSqlite, Engine::kMysql, Engine::kPostgres},
      opsbench::pipeline::RegisterAll);
}
