#ifndef OPSBENCH_DB_BREAKER_H_
#define OPSBENCH_DB_BREAKER_H_

// Ends a wait for a server that does not answer, a paused one for instance:
// Session::Interrupt() asks the server, which takes a server that listens.
//
// Thread safety: all functions may be called from any thread.

#include <mutex>

namespace opsbench {

class ConnectionBreaker {
 public:
  ConnectionBreaker() = default;
  ~ConnectionBreaker();
  ConnectionBreaker(const ConnectionBreaker&) = delete;
  ConnectionBreaker& operator=(const ConnectionBreaker&) = delete;

  // Shuts the connection's socket down: what waits for an answer, and all that
  // is asked from then on, fails with Unavailable at once. A connection that is
  // being made fails when it is there, which ConnectOptions::connect_timeout_ms
  // bounds; so do later ones.
  void Break();

  // For adapters: `socket` is the connection from now on, in place of one
  // before it. It is duplicated, so that closing it needs no word here.
  void Watch(int socket);

 private:
  std::mutex mutex_;
  int socket_ = -1;  // Both under mutex_.
  bool broken_ = false;
};

}  // namespace opsbench

#endif  // OPSBENCH_DB_BREAKER_H_
