#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_WORKER_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_WORKER_H_

// The clients of one thread of a Redis load, and the loop that serves them.
//
// Thread safety: for one thread, but for answered() and errors(), which any
// may read.

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/circular_buffer.hpp"
#include "opsbench/vector/internal/redis_connection.h"
#include "opsbench/vector/internal/slot_map.h"
#include "opsbench/vector/query_load.h"
#include "opsbench/vector/redis_load.h"

namespace opsbench::vector::internal {

// Which requests of a part of the run are whose: first, first + stride, ….
struct RequestPlan {
  int64_t first = 0;
  int64_t stride = 1;
  int64_t count = 0;  // Of this thread.
  // Added to what the traffic is asked for: the warm-up's are not the run's.
  int64_t base = 0;
  int64_t start_ns = 0;
  int64_t end_ns = 0;          // No request is due from then on.
  double rate_per_second = 0;  // Of all threads together; 0: closed loop.
  bool measured = false;
};

class RedisWorker {
 public:
  RedisWorker(SlotMap slots, int clients, int pipeline,
              std::unique_ptr<RedisTraffic> traffic,
              const RedisLoadOptions& redis, const std::atomic<bool>* stop);
  ~RedisWorker();

  // Opens every connection.
  absl::Status Connect();

  // Sends the requests of the plan and waits for their replies. Unavailable:
  // the server was gone for longer than RedisLoadOptions::patience.
  absl::Status Run(const RequestPlan& plan);

  // Of the measured part.
  const QueryLoadResult& result() const { return result_; }
  const RedisTraffic& traffic() const { return *traffic_; }
  // When the last reply of the last Run() was there.
  int64_t last_reply_ns() const { return last_reply_ns_; }
  // Open loop: requests of the last Run() that were due and not begun when its
  // schedule was over; some may have been answered later.
  int64_t overdue() const { return overdue_; }
  // Requests of the last Run() that were sent: the first of its plan.
  int64_t begun() const { return begun_; }

  int64_t answered() const { return answered_.load(std::memory_order_relaxed); }
  int64_t errors() const { return errors_.load(std::memory_order_relaxed); }

 private:
  struct Request {
    int64_t index = 0;
    int64_t due_ns = 0;
    int client = 0;
    int tries = 0;
  };

  // A client's connection to a node.
  struct Link {
    std::unique_ptr<RedisConnection> connection;  // Null: broken.
    int client = 0;
    int node = 0;
    // In the order of their replies; the replies to ASKING come between.
    struct Expected {
      Request request;
      bool asking = false;
    };
    boost::circular_buffer<Expected> expected;
    // When something came last, or the first of those was sent.
    int64_t progress_ns = 0;
    bool dirty = false;          // To be flushed.
    bool watches_write = false;  // As epoll was told.
    int64_t retry_at_ns = 0;     // Of the next attempt to connect.
    int64_t pause_ns = 0;        // Before it.
    int64_t broken_since_ns = 0;
  };

  struct Client {
    int under_way = 0;
    std::vector<Link*> links;  // By node; null: none yet.
  };

  struct Retry {
    int64_t at_ns = 0;
    Request request;
  };

  absl::Status OpenLink(int client, int node);
  absl::Status Watch(Link& link, bool add);

  void IssueDue(int64_t now_ns);
  // One more of this client, if it may have one.
  bool IssueNext(int client, int64_t due_ns);
  // Closed loop: as many as the client may have.
  void Refill(int client, int64_t now_ns);
  // Whether there is a further request to begin now.
  bool MayIssue(int64_t now_ns) const;
  bool CanSend(const Client& client) const;
  // Onto the link of its slot, or to be tried again when that is broken.
  void Send(const Request& request, int64_t now_ns);
  // After its command was appended to what the link sends. `asking`: after
  // ASKING was.
  void Expect(Link& link, const Request& request, bool asking = false);
  Link* LinkTo(int client, int node);

  // Internal: what came is not the protocol.
  absl::Status OnReadable(Link& link);
  void OnReply(Link& link, int64_t now_ns);
  // Whether the error means "send it again", and it will be.
  bool SentAgain(absl::string_view error, Request request, int64_t now_ns);
  void Finish(const Request& request, const redisReply* reply,
              const absl::Status& error, absl::string_view kind,
              int64_t now_ns);
  void Break(Link& link, const absl::Status& why, int64_t now_ns);
  absl::Status Mend(int64_t now_ns);
  // Breaks links on which replies are overdue.
  void BreakSilent(int64_t now_ns);
  void RefreshSlots();
  void SendRetries(int64_t now_ns);
  void FlushDirty(int64_t now_ns);
  // How long nothing but a socket can happen.
  int64_t WaitNs(int64_t now_ns) const;
  int Poll(int64_t until_ns, epoll_event* events);
  absl::Status Wait(int64_t now_ns);
  int64_t Overdue() const;
  bool Stopped() const {
    return stop_ != nullptr && stop_->load(std::memory_order_relaxed);
  }

  SlotMap slots_;
  const int pipeline_;
  const std::unique_ptr<RedisTraffic> traffic_;
  const bool wants_replies_;
  const RedisLoadOptions redis_;
  const std::atomic<bool>* const stop_;
  int epoll_ = -1;

  std::vector<Client> clients_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<Link*> dirty_;
  int broken_ = 0;  // Links without a connection.
  std::vector<Retry> retries_;
  int64_t next_silence_check_ns_ = 0;
  int64_t refreshed_ns_ = 0;
  std::string command_;

  RequestPlan plan_;
  int64_t begun_ = 0;      // Requests of the plan.
  bool fill_ = false;      // A client may have nothing under way.
  int64_t under_way_ = 0;  // Waiting for a reply or another try.
  int polls_in_vain_ = 0;  // In a row.
  int polls_to_skip_ = 0;
  int next_client_ = 0;  // Open loop: whose turn it is.
  int64_t last_reply_ns_ = 0;
  int64_t overdue_ = 0;
  QueryLoadResult result_;
  std::atomic<int64_t> answered_{0};
  std::atomic<int64_t> errors_{0};
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_WORKER_H_
