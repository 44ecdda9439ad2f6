#ifndef OPSBENCH_TESTING_STATEMENT_PROXY_H_
#define OPSBENCH_TESTING_STATEMENT_PROXY_H_

// For tests of what happens around one statement: a proxy between clients and
// a real server that stops at it, before the server has it or before the client
// has the answer. What a network does by chance, a test does here at will: a
// COMMIT that is still under way when its client is dead, an answer that never
// comes.
//
// Thread safety: all functions may be called from any thread.

#include <atomic>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "opsbench/db/url.h"

namespace opsbench {

class StatementProxy {
 public:
  // Bytes of clients go to the server that `server` names.
  static absl::StatusOr<std::unique_ptr<StatementProxy>> Start(
      const Url& server);
  ~StatementProxy();
  StatementProxy(const StatementProxy&) = delete;
  StatementProxy& operator=(const StatementProxy&) = delete;

  // The server's, by way of the proxy.
  Url url() const;

  enum class Where {
    kRequest,  // The server has not got the statement.
    kReply,    // It has carried it out, and the client does not know.
  };
  // The next bytes of any client that hold `statement` are held, once.
  // REQUIRES: nothing is held.
  void HoldAt(const std::string& statement, Where where);
  bool held() const { return held_; }
  // What is held goes on its way, also when its client is dead.
  void Release();
  // The connection that is held ends on both sides.
  void Cut();

 private:
  struct Connection {
    int client = -1;
    int server = -1;
    std::thread thread;
  };

  explicit StatementProxy(Url server) : server_(std::move(server)) {}

  void Accept();
  void Pump(Connection* connection);
  // Whether the connection goes on after it was held.
  bool Hold();
  // What is to be done at these bytes; kNone is most common.
  enum class Stop { kNone, kRequest, kReply };
  Stop Match(const char* bytes, size_t size);
  void Resume(bool cut);

  const Url server_;
  int listener_ = -1;
  int port_ = 0;
  std::thread acceptor_;
  std::atomic<bool> held_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  bool armed_ = false;
  bool resumed_ = false;
  bool cut_ = false;
  Where where_ = Where::kRequest;
  std::string statement_;
  std::list<Connection> connections_;
};

}  // namespace opsbench

#endif  // OPSBENCH_TESTING_STATEMENT_PROXY_H_
