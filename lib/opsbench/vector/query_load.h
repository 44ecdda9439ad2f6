#ifndef OPSBENCH_VECTOR_QUERY_LOAD_H_
#define OPSBENCH_VECTOR_QUERY_LOAD_H_

// Requests at full speed or at a rate, and what came of them: the same options
// and the same result whether an index of this process is asked or a server.
//
// Latency is from when a request was due to when its reply was there: scheduled
// in an open loop, when its slot became free in a closed one. So time spent
// waiting counts (no coordinated omission).
//
// Thread safety: plain values.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "opsbench/base/histogram.h"
#include "opsbench/vector/recall.h"

namespace opsbench::vector {

struct QueryLoadProgress {
  absl::Duration elapsed;
  bool warming_up = false;
  int64_t requests = 0;  // Answered so far; in the warm-up, its own.
  int64_t errors = 0;
  double qps = 0;  // Since the last call.
};

struct QueryLoadOptions {
  // Callers, each with a connection to a server, and the threads that they are
  // spread over. In process, a caller is a thread and `threads` is not looked
  // at.
  int clients = 10;
  int threads = 1;
  // Requests of one client that may be under way at once. 1 in process.
  int pipeline = 1;

  // Whichever is above 0: exactly that many requests, or for that long.
  int64_t requests = 0;
  absl::Duration duration = absl::Seconds(2);
  // The same load before the clock starts.
  absl::Duration warmup = absl::Milliseconds(200);

  // Above 0: an open loop, this many requests a second of all clients together.
  double rate_per_second = 0;

  // Of the signal (base/stage.h) around the measured part; that around the
  // warm-up is "warmup". Empty: none.
  std::string stage_name;
  std::string stage_tag;
  // Called with true right before the measured part and with false right after
  // it, from one thread at a time.
  std::function<void(bool begins)> on_measured;

  const std::atomic<bool>* stop = nullptr;
  // About once a second.
  std::function<void(const QueryLoadProgress&)> on_progress;
};

struct QueryLoadResult {
  int64_t requests = 0;  // Answered without an error.
  // Error replies, lost connections, replies that make no sense; by kind: the
  // first word of the reply, or the status code's name.
  int64_t errors = 0;
  std::map<std::string, int64_t> errors_by_kind;
  std::string first_error;
  // Plain commands: nil replies and arrays without elements; requests all the
  // same.
  int64_t empty_replies = 0;
  // Every request with an index below this was sent (servers of Redis's
  // protocol).
  int64_t all_sent_below = 0;
  int64_t redirects = 0;   // MOVED and ASK that were followed.
  int64_t reconnects = 0;  // Connections made again after a loss.

  Histogram latency;  // Of the requests without an error.
  Recall recall;      // Of all requests; an error's is 0. Empty: not measured.
  absl::Duration elapsed;
  // Open loop: whether client and server kept up with the rate.
  bool rate_met = true;
  bool interrupted = false;

  double qps() const {
    const double seconds = absl::ToDoubleSeconds(elapsed);
    return seconds > 0 ? static_cast<double>(requests) / seconds : 0;
  }
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_QUERY_LOAD_H_
