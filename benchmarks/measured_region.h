#ifndef OPSBENCH_BENCHMARKS_MEASURED_REGION_H_
#define OPSBENCH_BENCHMARKS_MEASURED_REGION_H_

// The parts of a benchmark whose time counts, for profilers: `opsbench profile`
// looks at them alone. Without a profiler a region costs two additions.
//
// perf is told at each end, through the pipes of its option --control, and has
// answered before the benchmark goes on: not a sample is lost or too many.
// callgrind toggles at the calls of CallMeasured (--toggle-collect), thread by
// thread.
//
// Thread safety: safe; regions may be nested and overlap.

#include <cstdint>
#include <string>
#include <type_traits>

#include "absl/status/status.h"

namespace opsbench {

// From now on regions enable and disable perf, which listens at the named pipe
// before the comma of `pipes` and answers at the one behind it. perf that does
// not answer within five seconds is left alone from then on.
//
// InvalidArgument: not two names. NotFound and others: as opening them fails.
absl::Status ControlPerf(const std::string& pipes);

class MeasuredRegion {
 public:
  MeasuredRegion();
  ~MeasuredRegion();
  MeasuredRegion(const MeasuredRegion&) = delete;
  MeasuredRegion& operator=(const MeasuredRegion&) = delete;
};

// Says how many operations the regions of this process did: what costs are
// divided by.
void AddMeasuredOperations(int64_t count);
int64_t MeasuredOperations();

// Calls work() on this thread, as part of a region. What it compiles to always
// has a call of its own, whose name callgrind looks for.
template <typename Work>
[[gnu::noinline]] auto CallMeasured(Work work) {
  if constexpr (std::is_void_v<std::invoke_result_t<Work&>>) {
    work();
    // A jump in place of the call above would leave this function early.
    asm volatile("" ::: "memory");
  } else {
    auto result = work();
    asm volatile("" ::: "memory");
    return result;
  }
}

}  // namespace opsbench

#endif  // OPSBENCH_BENCHMARKS_MEASURED_REGION_H_
