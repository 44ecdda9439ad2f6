#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_TEAM_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_TEAM_H_

// Threads that start together, and rounds of work that are measured.
//
// Thread safety: each function for one thread.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "measured_region.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::memtable_bench {

// Calls work(index) for each index below `threads` on a thread of its own, all
// at once; the one of a single thread on the caller's. Returns the time from
// the first start to the last end: neither making the threads nor waking them
// is part of it.
template <typename Work>
int64_t RunTogether(int threads, Work work) {
  if (threads == 1) {
    const int64_t start_ns = MonotonicNowNs();
    work(0);
    return MonotonicNowNs() - start_ns;
  }
  struct Times {
    int64_t start_ns = 0;
    int64_t end_ns = 0;
  };
  std::vector<Times> times(static_cast<size_t>(threads));
  std::atomic<int> waiting{threads};
  std::vector<std::thread> team;
  for (int i = 0; i < threads; ++i) {
    team.emplace_back([&, i] {
      // Threads that sleep would be woken one after the other, longer than
      // the smallest rounds take.
      waiting.fetch_sub(1);
      while (waiting.load() > 0) std::this_thread::yield();
      Times own;
      own.start_ns = MonotonicNowNs();
      work(i);
      own.end_ns = MonotonicNowNs();
      times[static_cast<size_t>(i)] = own;
    });
  }
  for (std::thread& thread : team) thread.join();
  int64_t first_ns = times[0].start_ns;
  int64_t last_ns = 0;
  for (const Times& own : times) {
    first_ns = std::min(first_ns, own.start_ns);
    last_ns = std::max(last_ns, own.end_ns);
  }
  return last_ns - first_ns;
}

// The same of work whose time is the result: what profilers look at.
template <typename Work>
int64_t MeasureTogether(int threads, Work work) {
  const MeasuredRegion region;
  return RunTogether(threads,
                     [&](int index) { CallMeasured([&] { work(index); }); });
}

// The same as the stage "measure" of the benchmark of that name, which holds
// neither the preparation of a round nor its checks.
template <typename Work>
int64_t MeasureTogether(absl::string_view name, int threads, Work work) {
  const Stage stage("measure", name);
  return MeasureTogether(threads, work);
}

// How long a benchmark goes on.
struct Budget {
  int64_t wall_ns = 0;  // Preparation of its rounds included.
  int min_rounds = 1;
  int max_rounds = 200;
};

// The time of an operation: round() prepares, runs and checks `operations` of
// them, and returns the time of running. Of the rounds' times it is the lower
// quartile: what else a machine does makes rounds slower, never faster, and a
// median moves with it. The first of several rounds does not count: it meets
// cold memory.
template <typename Round>
absl::StatusOr<double> OperationNs(const Budget& budget, int64_t operations,
                                   Round round) {
  std::vector<int64_t> times_ns;
  const int64_t start_ns = MonotonicNowNs();
  do {
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t time_ns, round());
    times_ns.push_back(time_ns);
    AddMeasuredOperations(operations);
  } while (times_ns.size() < static_cast<size_t>(budget.min_rounds) ||
           (times_ns.size() < static_cast<size_t>(budget.max_rounds) &&
            MonotonicNowNs() - start_ns < budget.wall_ns));
  if (times_ns.size() > 1) times_ns.erase(times_ns.begin());
  const auto quarter =
      times_ns.begin() + static_cast<ptrdiff_t>(times_ns.size() / 4);
  std::nth_element(times_ns.begin(), quarter, times_ns.end());
  return static_cast<double>(*quarter) / static_cast<double>(operations);
}

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_TEAM_H_
