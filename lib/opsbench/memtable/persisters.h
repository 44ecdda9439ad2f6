#ifndef OPSBENCH_MEMTABLE_PERSISTERS_H_
#define OPSBENCH_MEMTABLE_PERSISTERS_H_

// Persisters for measurements and tests: one that only counts, and two that
// stand before another one and make it slow or faulty.
//
// Thread safety: Persist() for one thread at a time; the counters may be read
// by any thread.

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "opsbench/base/random.h"
#include "opsbench/memtable/persister.h"

namespace opsbench::memtable {

// Takes everything and keeps nothing: the memtable alone is measured.
template <typename Row>
class CountingPersister : public Persister<Row> {
 public:
  absl::Status Persist(absl::Span<const Change<Row>> changes) override {
    int64_t removed = 0;
    for (const Change<Row>& change : changes) {
      removed += change.removed ? 1 : 0;
    }
    removed_ += removed;
    upserted_ += static_cast<int64_t>(changes.size()) - removed;
    ++calls_;
    return absl::OkStatus();
  }

  int64_t upserted() const { return upserted_; }
  int64_t removed() const { return removed_; }
  int64_t calls() const { return calls_; }

 private:
  std::atomic<int64_t> upserted_{0};
  std::atomic<int64_t> removed_{0};
  std::atomic<int64_t> calls_{0};
};

// The way to a database over a network: each call waits first. Log-normal: most
// calls take about the median, few take far longer, as round trips do.
struct NetworkLatency {
  double median_us = 0;
  // Of the logarithm; 0: every call takes the median. 0.5: one call in a
  // hundred takes more than 3.2 times the median.
  double sigma = 0;
  uint64_t seed = 1;
};

template <typename Row>
class SlowPersister : public Persister<Row> {
 public:
  // `persister` must outlive it.
  SlowPersister(const NetworkLatency& latency, Persister<Row>* persister)
      : latency_(latency), random_(latency.seed), persister_(persister) {}

  absl::Status Persist(absl::Span<const Change<Row>> changes) override {
    std::this_thread::sleep_for(
        std::chrono::nanoseconds(static_cast<int64_t>(DrawUs() * 1e3)));
    return persister_->Persist(changes);
  }

 private:
  double DrawUs() {
    if (latency_.sigma == 0) {
      return latency_.median_us;
    }
    // Box and Muller, "A note on the generation of random normal deviates",
    // 1958. 1 - u: the logarithm of 0 does not exist.
    const double radius = std::sqrt(-2 * std::log(1 - random_.Double()));
    const double normal = radius * std::cos(2 * M_PI * random_.Double());
    return latency_.median_us * std::exp(latency_.sigma * normal);
  }

  const NetworkLatency latency_;
  Random random_;
  Persister<Row>* const persister_;
};

// Fails where it is told to.
template <typename Row>
class FaultyPersister : public Persister<Row> {
 public:
  enum class Fault {
    kNone,
    kBefore,  // Nothing of the batch takes effect.
    kHalf,    // The first half of it does.
    kAfter,   // All of it does: only the answer is lost.
  };
  // What is to happen to call `number`, counted from 0.
  using Plan = std::function<Fault(int64_t number)>;

  // `persister` must outlive it.
  FaultyPersister(Plan plan, Persister<Row>* persister)
      : plan_(std::move(plan)), persister_(persister) {}

  absl::Status Persist(absl::Span<const Change<Row>> changes) override {
    const Fault fault = plan_(calls_++);
    if (fault == Fault::kNone) {
      return persister_->Persist(changes);
    }
    if (fault != Fault::kBefore) {
      const absl::Status status = persister_->Persist(changes.subspan(
          0, fault == Fault::kHalf ? changes.size() / 2 : changes.size()));
      if (!status.ok()) {
        return status;
      }
    }
    return absl::UnavailableError("injected fault");
  }

  int64_t calls() const { return calls_; }

 private:
  const Plan plan_;
  std::atomic<int64_t> calls_{0};
  Persister<Row>* const persister_;
};

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_PERSISTERS_H_
