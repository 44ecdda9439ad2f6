// What the load engine itself costs for each operation.
//
// Timed: a closed loop over a client that does nothing, from the common start
// of the workers to the end of the last one; an iteration is one operation.
// Left out: starting and connecting the workers. Dominated by the two readings
// of the clock, which ClockReads shows alone. The time is that of the wall, so
// several workers share it out among the cores; `cpu_ns` is the processor time
// of an operation, starting and joining threads included, and the figure to
// quote on a machine that does other work.

#include <time.h>

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "opsbench/base/clock.h"
#include "opsbench/load/load.h"
#include "opsbench/testing/fixed_iterations.h"

namespace opsbench {
namespace {

constexpr int64_t kOperations = 1'000'000;
constexpr int64_t kRowsEach = 3;

class IdleClient : public Client {
 public:
  void Prepare(int operation, Random&) override { kind_ = operation; }
  absl::StatusOr<int64_t> Execute() override {
    benchmark::DoNotOptimize(kind_);
    return kRowsEach;
  }

 private:
  int kind_ = 0;
};

class IdleWorkload : public Workload {
 public:
  absl::StatusOr<std::unique_ptr<Client>> Connect(int) override {
    return std::make_unique<IdleClient>();
  }
};

absl::StatusOr<LoadReport> RunOnce(int workers, int64_t operations) {
  LoadOptions options;
  options.mix = {{"a", 60}, {"b", 20}, {"c", 10}, {"d", 10}};
  options.workers = workers;
  options.operations = operations;
  auto engine = LoadEngine::Create(options);
  if (!engine.ok()) return engine.status();
  IdleWorkload workload;
  return (*engine)->Run(workload);
}

int64_t ProcessCpuNs() {
  timespec cpu;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return int64_t{cpu.tv_sec} * kNanosPerSecond + cpu.tv_nsec;
}

// Every operation was run, counted once and shared out by weight.
bool Verify(int workers, benchmark::State& state) {
  constexpr int64_t kSome = 10'007;
  const auto report = RunOnce(workers, kSome);
  if (!report.ok()) {
    state.SkipWithError(report.status().ToString().c_str());
    return false;
  }
  if (report->completed() != kSome || report->rows() != kSome * kRowsEach ||
      report->errors() != 0 ||
      report->operations[0].completed() <
          2 * report->operations[1].completed()) {
    state.SkipWithError("the engine miscounted its operations");
    return false;
  }
  return true;
}

void Overhead(benchmark::State& state) {
  const auto workers = static_cast<int>(state.range(0));
  if (!Verify(workers, state)) return;
  int64_t cpu_ns = 0;
  while (state.KeepRunningBatch(kOperations)) {
    const int64_t before_ns = ProcessCpuNs();
    const auto report = RunOnce(workers, kOperations);
    if (!report.ok()) {
      state.SkipWithError(report.status().ToString().c_str());
      return;
    }
    cpu_ns += ProcessCpuNs() - before_ns;
    state.SetIterationTime(absl::ToDoubleSeconds(report->elapsed));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.counters["cpu_ns"] =
      static_cast<double>(cpu_ns) / static_cast<double>(state.iterations());
}
BENCHMARK(Overhead)
    ->Name("Load/Overhead")
    ->ArgName("workers")
    ->Arg(1)
    ->Arg(2)
    ->Arg(8)
    ->UseManualTime()
    ->Apply(FixedIterations);

void ClockReads(benchmark::State& state) {
  if (const int64_t now = MonotonicNowNs(); MonotonicNowNs() < now) {
    state.SkipWithError("the clock went back");
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(MonotonicNowNs());
    benchmark::DoNotOptimize(MonotonicNowNs());
  }
}
BENCHMARK(ClockReads)->Name("Load/ClockReads")->Apply(FixedIterations);

}  // namespace
}  // namespace opsbench
