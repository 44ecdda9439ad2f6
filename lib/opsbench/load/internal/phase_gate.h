#ifndef OPSBENCH_LOAD_INTERNAL_PHASE_GATE_H_
#define OPSBENCH_LOAD_INTERNAL_PHASE_GATE_H_

// Where the workers and the coordinator of a load meet between its phases.
//
// Thread safety: thread-safe. On std::mutex and not absl::Mutex, because
// ThreadSanitizer cannot see into a distribution's build of Abseil.

#include <array>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace opsbench::load_internal {

enum class Phase { kConnect, kWarmUp, kMeasure };

class PhaseGate {
 public:
  explicit PhaseGate(int workers) : workers_(workers) {}

  // Worker: has ended the phase, or will take no part in it.
  void Finish(Phase phase);

  // Worker: waits until the phase is opened and returns when it starts, which
  // may lie ahead or behind; nothing when the gate was closed instead.
  std::optional<int64_t> Await(Phase phase);

  // Coordinator: lets the workers into the phase.
  void Open(Phase phase, int64_t start_ns);

  // Coordinator: sends away all that wait or come later.
  void Close();

  // Coordinator: waits until every worker has finished the phase; false when
  // `deadline_ns` on the monotonic clock came first.
  bool AwaitFinished(Phase phase, int64_t deadline_ns);
  void AwaitFinished(Phase phase);

 private:
  static constexpr int kPhases = 3;

  bool AllFinished(Phase phase) const {
    return finished_[static_cast<size_t>(phase)] == workers_;
  }

  const int workers_;
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::array<int, kPhases> finished_{};
  std::array<std::optional<int64_t>, kPhases> start_ns_;
  bool closed_ = false;
};

}  // namespace opsbench::load_internal

#endif  // OPSBENCH_LOAD_INTERNAL_PHASE_GATE_H_
