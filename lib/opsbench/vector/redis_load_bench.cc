// What the client of Redis loads gets out of a server: requests per second of a
// private one, by command, connections and depth of the pipeline.
//
// Timed: a closed loop of one thread, from its common start to the last reply;
// an iteration is one request. Left out: starting the server, connecting, and
// filling the keys. Dominated by the server and by the kernel's sockets;
// `cpu_ns` is the processor time of the client for a request, and the figure to
// look at when the client is changed. With one connection and no pipeline, by
// how fast the kernel wakes a process up.
//
// With a URL in OPSBENCH_REDIS_URL, that server is used: keys
// "opsbench:bench:…" are written and removed, unless there are some that are
// not of benchmarks.

#include <time.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "opsbench/base/clock.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/fixed_iterations.h"
#include "opsbench/vector/redis_commands.h"
#include "opsbench/vector/redis_load.h"

namespace opsbench::vector {
namespace {

// At a time: enough that starting the threads does not count.
constexpr int64_t kBatch = 50'000;

// Of the process; ended with it.
absl::StatusOr<Url> ServerUrl() {
  static const auto* const url = new absl::StatusOr<Url>([] {
    const char* named = std::getenv("OPSBENCH_REDIS_URL");
    if (named != nullptr && *named != '\0') return Url::Parse(named);
    ServerOptions options;
    options.kind = ServerKind::kRedis;
    auto server = PrivateServer::Start(options);
    if (!server.ok()) return absl::StatusOr<Url>(server.status());
    static const std::unique_ptr<PrivateServer> kept = *std::move(server);
    return Url::Parse(kept->url());
  }());
  return *url;
}

int64_t ProcessCpuNs() {
  timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return int64_t{cpu.tv_sec} * kNanosPerSecond + cpu.tv_nsec;
}

absl::StatusOr<QueryLoadResult> Load(const Url& url, int64_t requests,
                                     int connections, int pipeline,
                                     const TrafficFactory& traffic) {
  QueryLoadOptions options;
  options.requests = requests;
  options.clients = connections;
  options.pipeline = pipeline;
  options.warmup = absl::ZeroDuration();
  auto result = RunRedisLoad(url, options, traffic);
  if (result.ok() && (result->requests != requests || result->errors != 0)) {
    return absl::InternalError(
        absl::StrCat(result->requests, " of ", requests,
                     " requests were answered: ", result->first_error));
  }
  return result;
}

void Requests(benchmark::State& state, const std::string& command) {
  const auto connections = static_cast<int>(state.range(0));
  const auto pipeline = static_cast<int>(state.range(1));
  RedisCommandOptions options;
  options.command = command;
  options.key_prefix = kBenchKeyPrefix;
  const auto url = ServerUrl();
  const auto traffic = MakeRedisCommandTraffic(options);
  absl::Status status = url.ok() ? traffic.status() : url.status();
  if (status.ok()) status = ClaimRedisKeys(*url, options);
  if (status.ok()) {
    if (const TrafficFactory fill = MakeRedisFillTraffic(options)) {
      status = Load(*url, options.key_space, 4, 16, fill).status();
    }
  }
  Histogram latency;
  int64_t cpu_ns = 0;
  double seconds = 0;
  while (status.ok() && state.KeepRunningBatch(kBatch)) {
    const int64_t before_ns = ProcessCpuNs();
    const auto result = Load(*url, kBatch, connections, pipeline, *traffic);
    status = result.status();
    if (!status.ok()) break;
    cpu_ns += ProcessCpuNs() - before_ns;
    latency.Merge(result->latency);
    seconds += absl::ToDoubleSeconds(result->elapsed);
    state.SetIterationTime(absl::ToDoubleSeconds(result->elapsed));
  }
  if (status.ok()) status = ReleaseRedisKeys(*url, options);
  if (!status.ok()) {
    state.SkipWithError(status.ToString().c_str());
    return;
  }
  const auto requests = static_cast<double>(state.iterations());
  state.counters["requests_per_second"] = requests / seconds;
  state.counters["p99_us"] =
      static_cast<double>(latency.Percentile(99)) / 1'000;
  state.counters["cpu_ns"] = static_cast<double>(cpu_ns) / requests;
}

void Register() {
  for (const char* command : {"get", "set"}) {
    benchmark::RegisterBenchmark(
        absl::StrCat("Redis/", absl::AsciiStrToUpper(command)).c_str(),
        [command](benchmark::State& state) { Requests(state, command); })
        ->ArgNames({"connections", "pipeline"})
        ->ArgsProduct({{1, 50}, {1, 16}})
        ->UseManualTime()
        ->Apply(FixedIterations);
  }
}

}  // namespace
}  // namespace opsbench::vector

int main(int argc, char** argv) {
  opsbench::vector::Register();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
