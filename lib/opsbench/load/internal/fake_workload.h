#ifndef OPSBENCH_LOAD_INTERNAL_FAKE_WORKLOAD_H_
#define OPSBENCH_LOAD_INTERNAL_FAKE_WORKLOAD_H_

// A system for the tests of the load engine: does what the test says, and keeps
// what each worker drew and ran.
//
// Thread safety: the functions are called from the workers' threads; the logs
// may be read once Run() has returned.

#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/random.h"
#include "opsbench/load/load.h"

namespace opsbench::load_internal {

// What an operation is: its kind and a number that stands for its arguments.
struct Drawn {
  int kind = 0;
  uint64_t argument = 0;

  bool operator==(const Drawn&) const = default;
};

// One operation as the functions of a FakeWorkload see it.
struct Call {
  int worker;
  // Of this worker's operations, those of the warm-up and the skipped ones
  // included.
  int64_t index;
  Drawn drawn;
};

class FakeWorkload : public Workload {
 public:
  explicit FakeWorkload(int workers)
      : prepared(static_cast<size_t>(workers)),
        executed(static_cast<size_t>(workers)) {}

  std::function<absl::Status(int worker)> on_connect;
  std::function<void(const Call&)> on_prepare;
  std::function<bool(const Call&)> on_admit;
  std::function<absl::StatusOr<int64_t>(const Call&)> on_execute;
  std::function<absl::Status(int worker)> on_recover;

  std::vector<std::vector<Drawn>> prepared;  // By worker.
  std::vector<std::vector<Drawn>> executed;  // Those that were admitted.
  std::atomic<int> alive{0};                 // Clients.
  std::atomic<int64_t> recoveries{0};

  int64_t total() const {
    int64_t sum = 0;
    for (const auto& log : executed) sum += static_cast<int64_t>(log.size());
    return sum;
  }

  absl::StatusOr<std::unique_ptr<Client>> Connect(int worker) override {
    if (on_connect) {
      if (absl::Status status = on_connect(worker); !status.ok()) return status;
    }
    return std::make_unique<FakeClient>(worker, *this);
  }

 private:
  class FakeClient : public Client {
   public:
    FakeClient(int worker, FakeWorkload& system)
        : worker_(worker), system_(system) {
      ++system_.alive;
    }
    ~FakeClient() override { --system_.alive; }

    void Prepare(int operation, Random& random) override {
      drawn_ = {operation, random.Next()};
      log(system_.prepared).push_back(drawn_);
      if (system_.on_prepare) system_.on_prepare(MakeCall());
    }

    bool Admit() override {
      return system_.on_admit ? system_.on_admit(MakeCall()) : Client::Admit();
    }

    absl::StatusOr<int64_t> Execute() override {
      const Call call = MakeCall();
      log(system_.executed).push_back(drawn_);
      if (system_.on_execute) return system_.on_execute(call);
      return 1;
    }

    absl::Status Recover() override {
      ++system_.recoveries;
      return system_.on_recover ? system_.on_recover(worker_)
                                : Client::Recover();
    }

   private:
    std::vector<Drawn>& log(std::vector<std::vector<Drawn>>& logs) {
      return logs[static_cast<size_t>(worker_)];
    }
    Call MakeCall() {
      const auto count = static_cast<int64_t>(log(system_.prepared).size());
      return {worker_, count - 1, drawn_};
    }

    const int worker_;
    FakeWorkload& system_;
    Drawn drawn_;
  };
};

// The measured operations of a worker as the contract defines them.
inline std::vector<Drawn> ReferenceOperations(
    const std::vector<WeightedOperation>& mix, uint64_t seed, int worker,
    int64_t count) {
  std::vector<double> weights;
  for (const WeightedOperation& operation : mix) {
    weights.push_back(operation.weight);
  }
  const WeightedChoice choice = *WeightedChoice::Create(weights);
  std::vector<Drawn> drawn;
  for (int64_t i = 0; i < count; ++i) {
    Random random = Random::Stream(seed, static_cast<uint64_t>(worker),
                                   static_cast<uint64_t>(i));
    const auto kind = static_cast<int>(choice(random));
    drawn.push_back({kind, random.Next()});
  }
  return drawn;
}

// What a call takes: at least `ns`. Off the processor, as a call to a server
// is, so that tests disturb one another little.
inline void Pass(int64_t ns) {
  const int64_t end_ns = MonotonicNowNs() + ns;
  for (int64_t now = end_ns - ns; now < end_ns; now = MonotonicNowNs()) {
    absl::SleepFor(absl::Nanoseconds(end_ns - now));
  }
}

inline absl::StatusOr<LoadReport> RunLoad(const LoadOptions& options,
                                          Workload& workload) {
  auto engine = LoadEngine::Create(options);
  if (!engine.ok()) return engine.status();
  return (*engine)->Run(workload);
}

// Runs until it is stopped from another thread, once `ready` is open.
inline absl::StatusOr<LoadReport> RunAndStop(const LoadOptions& options,
                                             Workload& workload,
                                             std::latch& ready) {
  auto engine = LoadEngine::Create(options);
  if (!engine.ok()) return engine.status();
  std::thread stopper([&] {
    ready.wait();
    (*engine)->RequestStop();
  });
  auto report = (*engine)->Run(workload);
  stopper.join();
  return report;
}

// What a histogram holds, to compare two of them.
inline std::vector<std::pair<int64_t, uint64_t>> Buckets(
    const Histogram& histogram) {
  std::vector<std::pair<int64_t, uint64_t>> buckets;
  histogram.ForEachBucket([&](int64_t low, int64_t, uint64_t count) {
    buckets.emplace_back(low, count);
  });
  return buckets;
}

// Operations of at least this latency.
inline int64_t CountAbove(const Histogram& latency, int64_t ns) {
  int64_t count = 0;
  latency.ForEachBucket([&](int64_t low, int64_t, uint64_t in_bucket) {
    if (low >= ns) count += static_cast<int64_t>(in_bucket);
  });
  return count;
}

}  // namespace opsbench::load_internal

#endif  // OPSBENCH_LOAD_INTERNAL_FAKE_WORKLOAD_H_
