#ifndef OPSBENCH_LOAD_INTERNAL_RECORDER_H_
#define OPSBENCH_LOAD_INTERNAL_RECORDER_H_

// What one worker measures, and how it reaches the coordinator while the load
// runs: memory is fixed up front, whatever the length of the run.
//
// Thread safety: a Recorder belongs to its worker's thread. The coordinator may
// meanwhile read live() and take full seconds from ring(); the rest only after
// the worker has ended. Worker and coordinator meet once a second, so that no
// operation touches a cache line that the other side writes.

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/histogram.h"
#include "opsbench/load/load.h"

namespace opsbench::load_internal {

inline constexpr size_t kCacheLine = 64;

// One worker's share of one second.
struct SecondCounts {
  int64_t second = 0;  // From the start of the measured part.
  int64_t rows = 0;
  int64_t errors = 0;
  int64_t holds = 0;
  int64_t held_ns = 0;
  Histogram latency;  // Counts the operations, too.

  bool empty() const {
    return errors == 0 && holds == 0 && latency.count() == 0;
  }
};

// Hands seconds from one worker to the coordinator: a ring with one producer,
// one consumer and no allocation. When the coordinator is kSlots - 1 seconds
// behind, the worker goes on in the second that it has, so that nothing is lost
// or waited for: what it counts is then attributed to an earlier second.
class SecondRing {
 public:
  static constexpr uint64_t kSlots = 4;

  // Worker.
  SecondCounts& current() { return *current_; }
  // Ends the current second, and begins `second`.
  void Advance(int64_t second);

  // Coordinator: calls take(counts) for each second handed over.
  template <typename Take>
  void Consume(Take take) {
    // Acquire: the counts were written before they were handed over.
    const uint64_t produced = produced_.load(std::memory_order_acquire);
    uint64_t consumed = consumed_.load(std::memory_order_relaxed);
    while (consumed != produced) {
      SecondCounts& counts = slots_[consumed % kSlots];
      take(counts);
      Clear(counts);
      // Release: the worker finds the slot empty.
      consumed_.store(++consumed, std::memory_order_release);
    }
  }

 private:
  static void Clear(SecondCounts& counts);

  std::array<SecondCounts, kSlots> slots_;
  SecondCounts* current_ = &slots_[0];
  alignas(kCacheLine) std::atomic<uint64_t> produced_{0};
  alignas(kCacheLine) std::atomic<uint64_t> consumed_{0};
};

// Counters that the coordinator reads for its progress while their only writer
// goes on. Relaxed: each counts by itself and orders nothing.
struct alignas(kCacheLine) LiveCounts {
  std::atomic<int64_t> operations{0};
  std::atomic<int64_t> rows{0};
  std::atomic<int64_t> errors{0};

  // REQUIRES: one thread writes. A load and a store cost less than a locked
  // addition.
  static void Add(std::atomic<int64_t>& counter, int64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount,
                  std::memory_order_relaxed);
  }
};

// What an operation took: LoadReport says how the two differ.
struct Timing {
  int64_t latency_ns = 0;
  int64_t service_ns = 0;
};

class alignas(kCacheLine) Recorder {
 public:
  // `waits`: operations may wait between being due and being begun. Where none
  // does, service time is latency and is not kept a second time.
  Recorder(size_t operations, bool waits);

  // The measured part starts; before that, only live() counts.
  void Start(int64_t start_ns);

  // An operation ended at `now_ns`.
  void Success(int operation, Timing timing, int64_t rows, int64_t now_ns);
  void Failure(int operation, const absl::Status& status, int64_t now_ns);

  // An operation was not admitted.
  void Skip(int operation);

  // A hold of `held_ns` ended at `now_ns`.
  void Hold(int64_t held_ns, int64_t now_ns);

  // Hands over the current second when it is over at `now_ns`.
  void RollTo(int64_t now_ns) {
    if (now_ns >= second_end_ns_) BeginSecond(now_ns);
  }

  // What all of them recorded, by operation in the order of the mix.
  static std::vector<OperationReport> Merge(
      absl::Span<const WeightedOperation> mix,
      absl::Span<const Recorder* const> recorders);

  SecondRing& ring() { return ring_; }
  const LiveCounts& warmup() const { return live_[0]; }
  const LiveCounts& live() const { return live_[1]; }
  int64_t holds() const { return holds_; }
  int64_t held_ns() const { return held_ns_; }

 private:
  static constexpr int kStatusCodes = 17;  // absl::StatusCode is 0 to 16.

  struct Operation {
    Histogram latency;
    int64_t rows = 0;
    int64_t skipped = 0;
    std::array<int64_t, kStatusCodes> errors{};
    int64_t first_error_ns = INT64_MAX;
    std::string first_error;

    void AddTo(OperationReport& report) const;
  };

  void BeginSecond(int64_t now_ns);

  std::vector<Operation> operations_;
  std::vector<Histogram> services_;  // By operation; none if none waits.
  SecondRing ring_;
  int64_t holds_ = 0;
  int64_t held_ns_ = 0;
  bool started_ = false;
  int64_t start_ns_ = 0;
  int64_t second_end_ns_ = INT64_MAX;
  std::array<LiveCounts, 2> live_;
};

// The seconds of the measured part, all workers together. Histograms are kept
// for the newest seconds alone; older ones are reduced to percentiles, so an
// hour takes a few hundred KiB. What a worker hands over later than that is
// still counted, and only the percentiles of its second leave it out.
class Series {
 public:
  static constexpr int64_t kOpenSeconds = 16;

  Series();

  void Add(const SecondCounts& counts);

  // The latency of a second as far as it was handed over.
  LoadSecond Peek(int64_t second) const;

  // Closes all seconds, of which there are `count` if no later one was added.
  std::vector<LoadSecond> Finish(int64_t count);

 private:
  bool IsOpen(int64_t second) const {
    return second + kOpenSeconds >= static_cast<int64_t>(seconds_.size());
  }
  Histogram& LatencyOf(int64_t second) {
    return open_[static_cast<size_t>(second % kOpenSeconds)];
  }
  void Append();
  void Close(int64_t second);

  std::vector<LoadSecond> seconds_;
  std::vector<Histogram> open_;
};

}  // namespace opsbench::load_internal

#endif  // OPSBENCH_LOAD_INTERNAL_RECORDER_H_
