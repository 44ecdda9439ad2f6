#ifndef OPSBENCH_PIPELINE_INTERNAL_SESSION_HOLDER_H_
#define OPSBENCH_PIPELINE_INTERNAL_SESSION_HOLDER_H_

// A connector's session, which its own thread makes and uses, and another may
// interrupt at any time, also before there is one; but for what has to run to
// its end.
//
// Thread safety: Interrupt() and interrupted() from any thread, the rest from
// the connector's.

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"

namespace opsbench::pipeline::internal {

class SessionHolder {
 public:
  absl::Status Connect(const Url& url, const ConnectOptions& options = {}) {
    OPSBENCH_RETURN_IF_ERROR(CheckInterrupted());
    OPSBENCH_ASSIGN_OR_RETURN(auto session, opsbench::Connect(url, options));
    Take(std::move(session));
    return absl::OkStatus();
  }
  void Take(std::unique_ptr<Session> session) {
    const std::lock_guard<std::mutex> lock(mutex_);
    session_ = std::move(session);
  }

  // REQUIRES: Connect() for the second.
  explicit operator bool() const { return session_ != nullptr; }
  Session& operator*() const { return *session_; }
  Session* operator->() const { return session_.get(); }

  void Interrupt() {
    interrupted_ = true;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (session_ != nullptr && interruptible_) session_->Interrupt();
  }

  // Nothing is interrupted until the other is called. Cancelled: something has
  // been, and may reach what runs next.
  absl::Status BeginUninterrupted() {
    const std::lock_guard<std::mutex> lock(mutex_);
    OPSBENCH_RETURN_IF_ERROR(CheckInterrupted());
    interruptible_ = false;
    return absl::OkStatus();
  }
  void EndUninterrupted() {
    const std::lock_guard<std::mutex> lock(mutex_);
    interruptible_ = true;
  }

  bool interrupted() const {
    return interrupted_.load(std::memory_order_relaxed);
  }
  // A statement that began after the interruption knows nothing of it.
  absl::Status CheckInterrupted() const {
    return interrupted() ? absl::CancelledError("interrupted")
                         : absl::OkStatus();
  }

 private:
  // Guards the pointer's change, not the session's use.
  std::mutex mutex_;
  bool interruptible_ = true;
  std::unique_ptr<Session> session_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_SESSION_HOLDER_H_
