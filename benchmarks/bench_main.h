#ifndef OPSBENCH_BENCHMARKS_BENCH_MAIN_H_
#define OPSBENCH_BENCHMARKS_BENCH_MAIN_H_

// The common main of the benchmark binaries: opsbench's own flags beside those
// of Google Benchmark, the context that a result carries, and Ctrl-C, after
// which what was measured is still written as valid JSON.
//
// Thread safety: BenchMain() is called once, from main(). BenchInterrupted()
// may be called from any thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "opsbench/db/url.h"

namespace opsbench {

// smoke: seconds, for tests. quick: the default of `opsbench run`. full:
// numbers worth publishing; refused in a debug build.
enum class Scale { kSmoke, kQuick, kFull };

struct BenchOptions {
  Scale scale = Scale::kQuick;
  std::vector<Engine> engines;
  uint64_t seed = 1;
  // What OPSBENCH_ITERATIONS asks for: so much work, however long it takes; 0
  // when it is absent. Part of the gate's protocol (results/GATE.md).
  int64_t iterations = 0;
  // Above 0: each benchmark is measured for about so long, whatever the scale.
  double measure_seconds = 0;
  // How much data, in place of what the scale says; 0: as the scale says.
  int64_t rows = 0;
};

// Reads `--scale=`, `--engines=` (of `engines`, all of them when absent),
// `--seed=`, `--rows=` and the flags for profilers (`--help` lists them), gives
// the rest to Google Benchmark, calls `register_all`, and runs what the filter
// selects. Returns main()'s exit code: 0, 1 when a benchmark ended with an
// error or none was selected, 2 for wrong usage.
int BenchMain(
    int argc, char** argv, absl::Span<const Engine> engines,
    const std::function<absl::Status(const BenchOptions&)>& register_all);

// Has `cleanup` called when the benchmarks have ended, before BenchMain()
// returns. A static's destructor would drop tables too late: what a session
// needs may be gone by then.
void AtBenchEnd(std::function<void()> cleanup);

// The error message of a benchmark that was not measured to its end because of
// Ctrl-C: tells it from one that failed.
inline constexpr char kInterrupted[] = "interrupted";

// Whether SIGINT or SIGTERM came. A benchmark that takes long looks now and
// then, and ends with SkipWithError(kInterrupted).
bool BenchInterrupted();
const std::atomic<bool>* BenchStopFlag();

}  // namespace opsbench

#endif  // OPSBENCH_BENCHMARKS_BENCH_MAIN_H_
