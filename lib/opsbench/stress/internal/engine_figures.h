#ifndef OPSBENCH_STRESS_INTERNAL_ENGINE_FIGURES_H_
#define OPSBENCH_STRESS_INTERNAL_ENGINE_FIGURES_H_

// An engine's own figures, asked for on a thread of its own through a session
// of its own: it may wait for a server that stands still, and nobody waits for
// it.
//
// Thread safety: Take() from one thread; the destructor ends the thread.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "opsbench/db/breaker.h"
#include "opsbench/db/session.h"
#include "opsbench/stress/monitor.h"

namespace opsbench::stress::internal {

// Whether there are figures for the engine.
bool HasEngineFigures(Engine engine);

// Asks the engine once. The prefix of the figures' names is the engine's.
absl::Status ReadEngineFigures(Session& session, Reading* reading);

class EngineFigures {
 public:
  // REQUIRES: HasEngineFigures().
  EngineFigures(const Url& url, absl::Duration poll);

  // Breaks the connection off. Returns at once, or when the attempt to connect
  // that goes on times out: after 2 s.
  ~EngineFigures();
  EngineFigures(const EngineFigures&) = delete;
  EngineFigures& operator=(const EngineFigures&) = delete;

  // Adds the newest figures unless they are too old, and what happened to the
  // connection since the last call.
  void Take(Reading* reading, std::vector<std::string>* events);

 private:
  void Run();
  // One round: connects if need be, and asks.
  absl::Status Ask(std::unique_ptr<Session>* session, Reading* reading);

  const Url url_;
  const absl::Duration poll_;
  ConnectionBreaker breaker_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // All of these under mutex_.
  bool stopping_ = false;
  Reading figures_;
  int64_t asked_ns_ = 0;  // When figures_ came; 0: there are none.
  std::vector<std::string> events_;
  std::thread thread_;
};

}  // namespace opsbench::stress::internal

#endif  // OPSBENCH_STRESS_INTERNAL_ENGINE_FIGURES_H_
