#include "opsbench/load/internal/phase_gate.h"

#include <chrono>

namespace opsbench::load_internal {

void PhaseGate::Finish(Phase phase) {
  const std::lock_guard lock(mutex_);
  ++finished_[static_cast<size_t>(phase)];
  if (AllFinished(phase)) changed_.notify_all();
}

std::optional<int64_t> PhaseGate::Await(Phase phase) {
  const std::optional<int64_t>& start = start_ns_[static_cast<size_t>(phase)];
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || start.has_value(); });
  return closed_ ? std::nullopt : start;
}

void PhaseGate::Open(Phase phase, int64_t start_ns) {
  const std::lock_guard lock(mutex_);
  start_ns_[static_cast<size_t>(phase)] = start_ns;
  changed_.notify_all();
}

void PhaseGate::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool PhaseGate::AwaitFinished(Phase phase, int64_t deadline_ns) {
  // The steady clock of libstdc++ is CLOCK_MONOTONIC.
  const std::chrono::steady_clock::time_point deadline{
      std::chrono::nanoseconds(deadline_ns)};
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline,
                             [&] { return AllFinished(phase); });
}

void PhaseGate::AwaitFinished(Phase phase) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return AllFinished(phase); });
}

}  // namespace opsbench::load_internal
