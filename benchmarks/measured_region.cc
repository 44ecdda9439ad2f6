#include "measured_region.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace opsbench {
namespace {

constexpr int kAnswerTimeoutMs = 5000;

// perf at the other end of its two pipes.
class PerfControl {
 public:
  absl::Status Open(const std::string& pipes) {
    const size_t comma = pipes.find(',');
    if (comma == std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("--perf-control ", pipes, ": not two pipes, a,b"));
    }
    absl::MutexLock lock(&mutex_);
    // Open for both directions, so that perf's end is no broken pipe here.
    commands_ = open(pipes.substr(0, comma).c_str(), O_RDWR | O_CLOEXEC);
    answers_ = open(pipes.substr(comma + 1).c_str(), O_RDWR | O_CLOEXEC);
    if (commands_ >= 0 && answers_ >= 0) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, absl::StrCat("--perf-control ", pipes));
  }

  void Enter() {
    absl::MutexLock lock(&mutex_);
    if (depth_++ == 0) Say("enable\n");
  }
  void Leave() {
    absl::MutexLock lock(&mutex_);
    if (--depth_ == 0) Say("disable\n");
  }

 private:
  void Say(absl::string_view command) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (commands_ < 0 || answers_ < 0) return;
    const bool said = write(commands_, command.data(), command.size()) ==
                      static_cast<ssize_t>(command.size());
    if (!said || !Answered()) commands_ = -1;
  }

  // perf answers "ack\n", in some versions with a zero byte behind it.
  bool Answered() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (;;) {
      pollfd readable = {answers_, POLLIN, 0};
      const int ready = poll(&readable, 1, kAnswerTimeoutMs);
      if (ready < 0 && errno == EINTR) continue;
      char answer[64];
      if (ready != 1) return false;
      const ssize_t count = read(answers_, answer, sizeof answer);
      if (count <= 0) return false;
      if (absl::string_view(answer, static_cast<size_t>(count)).find('\n') !=
          absl::string_view::npos) {
        return true;
      }
    }
  }

  absl::Mutex mutex_;
  int commands_ ABSL_GUARDED_BY(mutex_) = -1;
  int answers_ ABSL_GUARDED_BY(mutex_) = -1;
  int depth_ ABSL_GUARDED_BY(mutex_) = 0;
};

PerfControl& Perf() {
  static auto* control = new PerfControl;
  return *control;
}

// Set before threads start; regions that began without it end without it.
std::atomic<bool> perf_listens{false};
std::atomic<int64_t> operations{0};

}  // namespace

absl::Status ControlPerf(const std::string& pipes) {
  const absl::Status status = Perf().Open(pipes);
  if (status.ok()) perf_listens.store(true, std::memory_order_relaxed);
  return status;
}

MeasuredRegion::MeasuredRegion() {
  if (perf_listens.load(std::memory_order_relaxed)) Perf().Enter();
}

MeasuredRegion::~MeasuredRegion() {
  if (perf_listens.load(std::memory_order_relaxed)) Perf().Leave();
}

void AddMeasuredOperations(int64_t count) {
  operations.fetch_add(count, std::memory_order_relaxed);
}

int64_t MeasuredOperations() {
  return operations.load(std::memory_order_relaxed);
}

}  // namespace opsbench
