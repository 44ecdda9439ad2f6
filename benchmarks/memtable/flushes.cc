#include "memtable/flushes.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/types/optional.h"
#include "memtable/opsbench_table.h"
#include "memtable/process.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/histogram.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/memtable.h"
#include "opsbench/memtable/persisters.h"

namespace opsbench::memtable_bench {
namespace {

using Table = memtable::Memtable<ThreeIndexes>;
using memtable::MemtableMetrics;
using memtable::MemtableOptions;

MemtableOptions Rotating(int64_t threshold) {
  MemtableOptions options;
  options.threshold_records = threshold;
  options.flush_timeout_ms = 0;
  return options;
}

// Counts what it is given and keeps nothing; slow, where a latency is given.
class CountingTarget : public FlushTarget {
 public:
  explicit CountingTarget(
      const absl::optional<memtable::NetworkLatency>& latency) {
    if (latency.has_value()) slow_.emplace(*latency, &counting_);
  }

  memtable::Persister<Item>* persister() override {
    if (slow_.has_value()) return &*slow_;
    return &counting_;
  }
  int64_t upserted() const { return counting_.upserted(); }

  // Rows that were put again before a flush are one.
  absl::Status Check(const std::vector<Item>& present) override {
    return Expect(upserted() >= static_cast<int64_t>(present.size()),
                  "rows at the persister");
  }

 private:
  memtable::CountingPersister<Item> counting_;
  absl::optional<memtable::SlowPersister<Item>> slow_;
};

constexpr double kSlowUs = 1000;

// Calls put(row) over a thread's rows again and again until the end; returns
// how many it put, or -1 when one failed.
template <typename Put>
int64_t PutUntil(absl::Span<const Item> rows, int64_t end_ns, Put put) {
  constexpr size_t kBetweenLooks = 64;
  size_t at = 0;
  int64_t count = 0;
  while (MonotonicNowNs() < end_ns) {
    for (size_t i = 0; i < kBetweenLooks; ++i) {
      if (!put(rows[at])) return -1;
      at = at + 1 == rows.size() ? 0 : at + 1;
    }
    count += static_cast<int64_t>(kBetweenLooks);
  }
  return count;
}

// The longest time between two looks at the clock of threads that do nothing
// else: how long the machine itself keeps a thread waiting now and then.
int64_t LongestPauseNs(int threads, int64_t duration_ns) {
  std::vector<int64_t> longest_ns(static_cast<size_t>(threads));
  RunTogether(threads, [&](int index) {
    int64_t own_ns = 0;
    int64_t last_ns = MonotonicNowNs();
    const int64_t end_ns = last_ns + duration_ns;
    while (last_ns < end_ns) {
      const int64_t now_ns = MonotonicNowNs();
      own_ns = std::max(own_ns, now_ns - last_ns);
      last_ns = now_ns;
    }
    longest_ns[static_cast<size_t>(index)] = own_ns;
  });
  return *std::max_element(longest_ns.begin(), longest_ns.end());
}

void AddMilliseconds(const char* name, int64_t time_ns, Measured* measured) {
  measured->counters[name] = 1e-6 * static_cast<double>(time_ns);
}

// Looks at the metrics every millisecond while it lives.
class Watch {
 public:
  explicit Watch(const Table* table)
      : thread_([this, table] {
          while (!stop_.load(std::memory_order_relaxed)) {
            const MemtableMetrics metrics = table->metrics();
            peak_bytes_ = std::max(peak_bytes_, metrics.table_bytes);
            unflushed_.Record(metrics.oldest_unflushed_ns);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
        }) {}

  void Stop(Measured* measured) {
    stop_ = true;
    thread_.join();
    measured->counters["peak_bytes"] = static_cast<double>(peak_bytes_);
    AddMilliseconds("unflushed_p50_ms", unflushed_.Percentile(50), measured);
    AddMilliseconds("unflushed_max_ms", unflushed_.max_ns(), measured);
  }
  ~Watch() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  int64_t peak_bytes_ = 0;
  Histogram unflushed_;
  std::thread thread_;  // Uses the others: the last one made.
};

// The rows of which each thread put so many are where the flushes brought them,
// and the first of them no longer when they are deleted.
absl::Status CheckFlushed(const Case& test, const std::vector<int64_t>& counts,
                          Table* table, FlushTarget* target) {
  const Stage stage("verify", test.name);
  const Rows& rows = test.rows->Get(test.items, Order::kPut);
  std::vector<Item> present;
  for (int index = 0; index < test.threads; ++index) {
    const auto slice = rows.Slice(index, test.threads);
    const size_t put = std::min(
        slice.size(), static_cast<size_t>(counts[static_cast<size_t>(index)]));
    present.insert(present.end(), slice.begin(), slice.begin() + put);
  }
  OPSBENCH_RETURN_IF_ERROR(table->Flush());
  OPSBENCH_RETURN_IF_ERROR(target->Check(present));
  constexpr size_t kDeleted = 10;
  const size_t deleted = std::min(kDeleted, present.size());
  for (size_t i = 0; i < deleted; ++i) {
    OPSBENCH_RETURN_IF_ERROR(table->Delete(present[i].id));
  }
  OPSBENCH_RETURN_IF_ERROR(table->Close());
  present.erase(present.begin(),
                present.begin() + static_cast<std::ptrdiff_t>(deleted));
  return target->Check(present);
}

}  // namespace

std::vector<PersisterChoice> PersisterChoices(uint64_t seed) {
  const auto counting =
      [](const absl::optional<memtable::NetworkLatency>& latency) {
        return [latency](int64_t /*max_items*/)
                   -> absl::StatusOr<std::unique_ptr<FlushTarget>> {
          return std::make_unique<CountingTarget>(latency);
        };
      };
  const auto slow = [seed](double sigma) {
    return memtable::NetworkLatency{kSlowUs, sigma, seed};
  };
  return {
      {"counting", counting(absl::nullopt)},
      {"slow_1ms", counting(slow(0))},
      {"slow_1ms_lognormal", counting(slow(0.5))},
  };
}

absl::StatusOr<Measured> RunRotation(const Case& test, int64_t threshold) {
  const Rows& rows = test.rows->Get(test.items, Order::kPut);
  memtable::CountingPersister<Item> persister;
  OPSBENCH_ASSIGN_OR_RETURN(const auto table,
                            Table::Open(Rotating(threshold), &persister));
  int64_t rounds = 0;
  Measured measured;
  OPSBENCH_ASSIGN_OR_RETURN(
      measured.operation_ns,
      OperationNs(test.budget, test.items, [&]() -> absl::StatusOr<int64_t> {
        std::atomic<bool> fine{true};
        Stage stage("measure", test.name);
        int64_t time_ns = MeasureTogether(test.threads, [&](int index) {
          for (const Item& row : rows.Slice(index, test.threads)) {
            if (!table->Upsert(row).ok()) fine = false;
          }
        });
        const int64_t start_ns = MonotonicNowNs();
        OPSBENCH_RETURN_IF_ERROR(table->Flush());
        time_ns += MonotonicNowNs() - start_ns;
        stage.End();
        ++rounds;
        OPSBENCH_RETURN_IF_ERROR(Expect(fine, "a put failed"));
        OPSBENCH_RETURN_IF_ERROR(
            Expect(persister.upserted() == rounds * test.items,
                   "rows at the persister"));
        return time_ns;
      }));
  const MemtableMetrics metrics = table->metrics();
  AddMilliseconds("stalled_ms", metrics.stalled_ns / rounds, &measured);
  return measured;
}

absl::StatusOr<Measured> RunPutLatency(const Case& test, int64_t threshold,
                                       int64_t duration_ns) {
  const Rows& rows = test.rows->Get(test.items, Order::kPut);
  memtable::CountingPersister<Item> persister;
  OPSBENCH_ASSIGN_OR_RETURN(const auto table,
                            Table::Open(Rotating(threshold), &persister));
  const auto threads = static_cast<size_t>(test.threads);
  std::vector<Histogram> latencies(threads);
  std::vector<int64_t> counts(threads);
  // Once more than all tables hold: each was used when the clock starts.
  for (const Item& row : rows.all()) {
    OPSBENCH_RETURN_IF_ERROR(table->Upsert(row));
  }
  const int64_t stalled_before_ns = table->metrics().stalled_ns;
  const int64_t upserted_before = persister.upserted();
  int64_t allocations = 0;
  Stage stage("measure", test.name);
  const int64_t time_ns = MeasureTogether(test.threads, [&](int index) {
    const auto own = static_cast<size_t>(index);
    const auto slice = rows.Slice(index, test.threads);
    // A thread's first put makes its own places: before anything is counted.
    if (!table->Upsert(slice[0]).ok()) return;
    std::unique_ptr<CountedAllocations> counted;
    if (index == 0) counted = std::make_unique<CountedAllocations>();
    int64_t last_ns = MonotonicNowNs();
    counts[own] = PutUntil(slice, last_ns + duration_ns, [&](const Item& row) {
      // From the end of one put to that of the next: one look at the clock.
      const bool fine = table->Upsert(row).ok();
      const int64_t now_ns = MonotonicNowNs();
      latencies[own].Record(now_ns - last_ns);
      last_ns = now_ns;
      return fine;
    });
    if (index == 0) allocations = counted->count();
  });
  stage.End();
  Histogram latency;
  int64_t puts = 0;
  for (size_t i = 0; i < threads; ++i) {
    OPSBENCH_RETURN_IF_ERROR(Expect(counts[i] > 0, "a put failed"));
    puts += counts[i];
    latency.Merge(latencies[i]);
  }
  AddMeasuredOperations(puts);
  OPSBENCH_RETURN_IF_ERROR(table->Flush());
  OPSBENCH_RETURN_IF_ERROR(
      Expect(persister.upserted() > upserted_before, "rows at the persister"));
  Measured measured;
  measured.operation_ns =
      static_cast<double>(time_ns) / static_cast<double>(puts);
  const auto add = [&](const char* name, int64_t value_ns) {
    measured.counters[name] = static_cast<double>(value_ns);
  };
  add("put_p50_ns", latency.Percentile(50));
  add("put_p95_ns", latency.Percentile(95));
  add("put_p99_ns", latency.Percentile(99));
  add("put_p999_ns", latency.Percentile(99.9));
  add("put_max_ns", latency.max_ns());
  add("idle_max_ns", LongestPauseNs(test.threads, duration_ns));
  measured.counters["allocations_per_op"] =
      static_cast<double>(allocations) / static_cast<double>(puts);
  AddMilliseconds("stalled_ms", table->metrics().stalled_ns - stalled_before_ns,
                  &measured);
  return measured;
}

absl::StatusOr<Measured> RunPersister(const Case& test,
                                      const PersisterChoice& choice,
                                      int64_t duration_ns) {
  const Rows& rows = test.rows->Get(test.items, Order::kPut);
  OPSBENCH_ASSIGN_OR_RETURN(const auto target, choice.make(test.items));
  OPSBENCH_ASSIGN_OR_RETURN(
      const auto table,
      Table::Open(Rotating(std::max<int64_t>(test.items / 10, 1000)),
                  target->persister()));
  std::vector<int64_t> counts(static_cast<size_t>(test.threads));
  Measured measured;
  Stage stage("measure", test.name);
  Watch watch(table.get());
  const int64_t time_ns = MeasureTogether(test.threads, [&](int index) {
    counts[static_cast<size_t>(index)] = PutUntil(
        rows.Slice(index, test.threads), MonotonicNowNs() + duration_ns,
        [&](const Item& row) { return table->Upsert(row).ok(); });
  });
  watch.Stop(&measured);
  stage.End();
  int64_t puts = 0;
  for (const int64_t count : counts) {
    OPSBENCH_RETURN_IF_ERROR(Expect(count > 0, "a put failed"));
    puts += count;
  }
  AddMeasuredOperations(puts);
  const MemtableMetrics metrics = table->metrics();
  AddMilliseconds("stalled_ms", metrics.stalled_ns, &measured);
  OPSBENCH_RETURN_IF_ERROR(
      Expect(metrics.records == puts, "the records that were put"));
  OPSBENCH_RETURN_IF_ERROR(
      CheckFlushed(test, counts, table.get(), target.get()));
  measured.operation_ns =
      static_cast<double>(time_ns) / static_cast<double>(puts);
  return measured;
}

absl::StatusOr<Measured> RunSweep(const Case& test, const SweepPoint& point) {
  constexpr int64_t kTickNs = 1'000'000;
  constexpr int64_t kPutsPerTick = 200;
  const absl::Span<const Item> rows =
      test.rows->Get(test.items, Order::kPut).all();
  CountingTarget target(memtable::NetworkLatency{.median_us = kSlowUs});
  MemtableOptions options = Rotating(point.threshold);
  options.flush_timeout_ms = point.flush_timeout_ms;
  OPSBENCH_ASSIGN_OR_RETURN(const auto table,
                            Table::Open(options, target.persister()));
  Measured measured;
  Stage stage("measure", test.name);
  Watch watch(table.get());
  const int64_t start_ns = MonotonicNowNs();
  int64_t busy_ns = 0;
  int64_t puts = 0;
  for (int64_t tick = 0; tick * kTickNs < point.duration_ns; ++tick) {
    const int64_t due_ns = start_ns + tick * kTickNs;
    const int64_t early_ns = due_ns - MonotonicNowNs();
    if (early_ns > 0) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(early_ns));
    }
    const int64_t begin_ns = MonotonicNowNs();
    for (int64_t i = 0; i < kPutsPerTick; ++i) {
      OPSBENCH_RETURN_IF_ERROR(
          table->Upsert(rows[static_cast<size_t>(puts) % rows.size()]));
      ++puts;
    }
    busy_ns += MonotonicNowNs() - begin_ns;
  }
  watch.Stop(&measured);
  stage.End();
  const MemtableMetrics metrics = table->metrics();
  measured.operation_ns =
      static_cast<double>(busy_ns) / static_cast<double>(puts);
  AddMilliseconds("stalled_ms", metrics.stalled_ns, &measured);
  measured.counters["batches_per_second"] =
      static_cast<double>(metrics.batches) * 1e9 /
      static_cast<double>(MonotonicNowNs() - start_ns);
  OPSBENCH_RETURN_IF_ERROR(table->Close());
  OPSBENCH_RETURN_IF_ERROR(
      Expect(metrics.records == puts, "the records that were put"));
  OPSBENCH_RETURN_IF_ERROR(
      Expect(target.upserted() >=
                 std::min<int64_t>(puts, static_cast<int64_t>(rows.size())),
             "rows at the persister"));
  return measured;
}

}  // namespace opsbench::memtable_bench
