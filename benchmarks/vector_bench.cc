// Vector search: kernels, indexes of this process, and the client of Redis.
//
// Timed: Vector/Search and Vector/Filter, closed loops of as many callers as
// clients, queries in a drawn order, recall counted for each; Vector/Memory,
// the same on indexes that outgrow the caches; Vector/Build, from vectors to an
// index that answers; Redis/<command>, requests through sockets on a private
// server, by connections, pipeline and size of the value. The time is that of
// one request, all callers together. Left out: making data, finding its right
// neighbours, filling keys, a warm-up of a tenth of the time. Dominated by the
// processor's caches and memory; on Redis by the server's one thread.
//
// Each search reports its recall: a figure without it says nothing. A search
// that fails, or an error reply, makes a benchmark an error, and so does an
// effect that is not there when it is read back afterwards: a value that SET
// did not store, a key that GET did not find, a neighbour that an exact index
// missed.

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "bench_main.h"
#include "benchmark/benchmark.h"
#include "measured_region.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/engines/engines.h"
#include "opsbench/vector/benchmark.h"
#include "opsbench/vector/redis_commands.h"
#include "vector/core.h"

namespace opsbench::vector_bench {
namespace {

using vector::BenchmarkConfig;
using vector::BenchmarkResult;
using vector::LoadResult;
using vector::VectorBenchmark;

struct Sizes {
  std::string dataset;
  double seconds;  // Of a measurement.
  std::vector<int> efs;
  std::vector<int> clients;
  std::vector<std::string> memory;  // Data sets of growing size.
  std::vector<int> connections;
  std::vector<int> pipelines;
  std::vector<int> value_bytes;
};

Sizes SizesOf(const BenchOptions& options) {
  Sizes sizes;
  switch (options.scale) {
    case Scale::kSmoke:
      sizes = {"clusters-1k-16", 0.02, {20},    {1, 2},
               {"sphere-1k-16"}, {5},  {1, 16}, {64}};
      break;
    case Scale::kQuick:
      sizes = {"clusters-10k-64",
               0.3,
               {10, 20, 40, 80, 160},
               {1, 2},
               {"sphere-1k-64", "sphere-10k-64", "sphere-50k-64"},
               {1, 10, 50},
               {1, 16},
               {16, 1'024, 16'384}};
      break;
    case Scale::kFull:
      sizes = {"clusters-100k-128",
               3,
               {10, 14, 20, 28, 40, 56, 80, 112, 160, 320},
               {1, 2, 4},
               {"sphere-1k-128", "sphere-10k-128", "sphere-100k-128",
                "sphere-300k-128"},
               {1, 10, 50, 200},
               {1, 4, 16, 64},
               {16, 256, 1'024, 4'096, 16'384, 65'536}};
      break;
  }
  if (options.measure_seconds > 0) sizes.seconds = options.measure_seconds;
  if (options.rows > 0) {
    sizes.dataset = absl::StrCat("clusters-", options.rows, "-64");
  }
  return sizes;
}

// What the benchmarks share: data sets and the index in use are kept from one
// to the next, and so is the server.
class Bench {
 public:
  explicit Bench(const BenchOptions& options)
      : sizes_(SizesOf(options)),
        options_(options),
        benchmark_({.stop = BenchStopFlag(),
                    .on_progress = nullptr,
                    .on_result = nullptr,
                    .on_measured = [this](bool begins) {
                      if (begins) {
                        region_.emplace();
                      } else {
                        region_.reset();
                      }
                    }}) {}

  const Sizes& sizes() const { return sizes_; }

  BenchmarkConfig Config() const {
    BenchmarkConfig config;
    config.dataset = sizes_.dataset;
    config.seed = options_.seed;
    config.num_clients = 1;
    config.num_requests = options_.iterations;
    config.duration = absl::Seconds(sizes_.seconds);
    config.warmup = config.duration / 10;
    config.key_prefix = vector::kBenchKeyPrefix;
    return config;
  }

  absl::Status Query(const BenchmarkConfig& config, benchmark::State& state) {
    if (config.is_search()) {
      const Stage setup("setup", config.dataset);
      OPSBENCH_RETURN_IF_ERROR(benchmark_.Load(config).status());
    }
    for (auto _ : state) {
      OPSBENCH_ASSIGN_OR_RETURN(const BenchmarkResult result,
                                benchmark_.Run(config));
      if (result.interrupted) return absl::CancelledError();
      if (result.errors > 0) return absl::InternalError(result.first_error);
      AddMeasuredOperations(result.requests);
      state.SetIterationTime(result.seconds /
                             static_cast<double>(result.requests));
      Report(result, state);
    }
    return absl::OkStatus();
  }

  absl::Status Build(const BenchmarkConfig& config, benchmark::State& state) {
    OPSBENCH_ASSIGN_OR_RETURN(const vector::Dataset* data,
                              benchmark_.Open(config));
    const auto rows = static_cast<int64_t>(data->base().rows);
    for (auto _ : state) {
      const MeasuredRegion region;
      OPSBENCH_ASSIGN_OR_RETURN(
          const LoadResult result,
          benchmark_.Load(config, vector::Replace::kOurs));
      AddMeasuredOperations(result.vectors);
      state.SetIterationTime(result.seconds);
      if (result.vectors != rows) {
        return absl::DataLossError(absl::StrCat("an index of ", result.vectors,
                                                " of ", rows, " vectors"));
      }
      state.counters["vectors_per_second"] = result.vectors_per_second;
      state.counters["bytes_per_vector"] =
          static_cast<double>(result.index_bytes) /
          static_cast<double>(result.vectors);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> RedisUrl() {
    if (redis_ == nullptr) {
      const Stage setup("setup", "redis");
      OPSBENCH_ASSIGN_OR_RETURN(const Environment environment,
                                Environment::Load());
      OPSBENCH_ASSIGN_OR_RETURN(redis_,
                                AcquireEngine(Engine::kRedis, environment));
    }
    return redis_->url().ToString();
  }

 private:
  static void Report(const BenchmarkResult& result, benchmark::State& state) {
    state.counters["qps"] = result.qps;
    state.counters["query_p50_ms"] = result.latency_p50_ms;
    state.counters["query_p95_ms"] = result.latency_p95_ms;
    state.counters["query_p99_ms"] = result.latency_p99_ms;
    state.counters["query_max_ms"] = result.latency_max_ms;
    if (result.recall_avg.has_value()) {
      state.counters["recall"] = *result.recall_avg;
      state.counters["min_recall"] = *result.recall_min;
      state.counters["index_bytes"] = static_cast<double>(result.index_bytes);
    }
  }

  const Sizes sizes_;
  const BenchOptions options_;
  absl::optional<MeasuredRegion> region_;  // While requests are timed.
  std::unique_ptr<EngineHandle> redis_;
  VectorBenchmark benchmark_;  // Removes its keys, so it ends first.
};

benchmark::internal::Benchmark* Register(
    const std::string& name,
    std::function<absl::Status(benchmark::State&)> run) {
  return benchmark::RegisterBenchmark(
             name.c_str(),
             [run](benchmark::State& state) {
               const absl::Status status =
                   BenchInterrupted() ? absl::CancelledError() : run(state);
               if (absl::IsCancelled(status)) {
                 state.SkipWithError(kInterrupted);
               } else if (!status.ok()) {
                 state.SkipWithError(status.ToString().c_str());
               }
             })
      ->Iterations(1)
      ->UseManualTime();
}

void RegisterQuery(const std::string& name, const BenchmarkConfig& config,
                   Bench* bench) {
  Register(name, [config, bench](benchmark::State& state) {
    return bench->Query(config, state);
  });
}

// Efforts of each index: HNSW's ef, IVF's lists to look into, none of a scan.
std::vector<int> EffortsOf(const std::string& backend, const Sizes& sizes) {
  if (backend == "brute_force") return {0};
  if (backend != "faiss_ivf") return sizes.efs;
  std::vector<int> probes;
  for (const int ef : sizes.efs) probes.push_back(std::max(1, ef / 10));
  return probes;
}

void RegisterSearches(Bench* bench) {
  for (const char* backend :
       {"hnsw", "hnswlib", "faiss_hnsw", "faiss_ivf", "brute_force"}) {
    BenchmarkConfig config = bench->Config();
    config.backend = backend;
    const std::string of =
        absl::StrCat("backend:", backend, "/dataset:", config.dataset);
    Register(absl::StrCat("Vector/Build/", of), [config, bench](
                                                    benchmark::State& state) {
      return bench->Build(config, state);
    })->Unit(benchmark::kMillisecond);
    for (const int ef : EffortsOf(backend, bench->sizes())) {
      for (const int clients : bench->sizes().clients) {
        config.ef_search = ef;
        config.num_clients = clients;
        RegisterQuery(absl::StrCat("Vector/Search/", of, "/ef:", ef,
                                   "/clients:", clients),
                      config, bench);
      }
    }
  }
}

void RegisterFilters(Bench* bench) {
  for (const char* backend : {"hnsw", "brute_force"}) {
    for (const int percent : {1, 10, 50, 100}) {
      BenchmarkConfig config = bench->Config();
      config.backend = backend;
      config.ef_search = 80;
      config.filter.by_number = true;
      config.filter.number_high = percent / 100.0;
      RegisterQuery(absl::StrCat("Vector/Filter/backend:", backend,
                                 "/dataset:", config.dataset,
                                 "/ef:80/passing_pct:", percent),
                    config, bench);
    }
  }
}

// What an index costs in memory, and what that costs in speed once it outgrows
// the caches.
void RegisterMemory(Bench* bench) {
  for (const std::string& dataset : bench->sizes().memory) {
    BenchmarkConfig config = bench->Config();
    config.dataset = dataset;
    config.ef_search = 40;
    config.num_clients = 2;
    RegisterQuery(absl::StrCat("Vector/Memory/backend:hnsw/dataset:", dataset,
                               "/ef:40/clients:2"),
                  config, bench);
  }
}

void RegisterOnRedis(const std::string& name, const BenchmarkConfig& given,
                     Bench* bench) {
  Register(name, [given, bench](benchmark::State& state) {
    BenchmarkConfig config = given;
    OPSBENCH_ASSIGN_OR_RETURN(config.backend, bench->RedisUrl());
    return bench->Query(config, state);
  });
}

void RegisterRedis(Bench* bench) {
  for (const char* command : {"ping", "get", "set", "hset"}) {
    for (const int connections : bench->sizes().connections) {
      for (const int pipeline : bench->sizes().pipelines) {
        BenchmarkConfig config = bench->Config();
        config.operation = command;
        config.num_clients = connections;
        config.pipeline = pipeline;
        RegisterOnRedis(absl::StrCat("Redis/", command, "/clients:",
                                     connections, "/pipeline:", pipeline),
                        config, bench);
      }
    }
  }
  // What a payload costs on its way.
  for (const char* command : {"get", "set"}) {
    for (const int bytes : bench->sizes().value_bytes) {
      BenchmarkConfig config = bench->Config();
      config.operation = command;
      config.num_clients = 10;
      config.key_space = 1'000;
      config.value_bytes = bytes;
      RegisterOnRedis(absl::StrCat("Redis/Payload/command:", command,
                                   "/value_bytes:", bytes, "/clients:10"),
                      config, bench);
    }
  }
}

absl::Status RegisterAll(const BenchOptions& options) {
  static std::unique_ptr<Bench> bench;
  bench = std::make_unique<Bench>(options);
  AtBenchEnd([] { bench.reset(); });
  RegisterSearches(bench.get());
  // With --rows there is only what depends on how many vectors there are.
  if (options.rows > 0) return absl::OkStatus();
  vector::RegisterCore(options);
  RegisterFilters(bench.get());
  RegisterMemory(bench.get());
  if (std::find(options.engines.begin(), options.engines.end(),
                Engine::kRedis) != options.engines.end()) {
    RegisterRedis(bench.get());
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace opsbench::vector_bench

int main(int argc, char** argv) {
  return opsbench::BenchMain(argc, argv, {opsbench::Engine::kRedis},
                             opsbench::vector_bench::RegisterAll);
}
