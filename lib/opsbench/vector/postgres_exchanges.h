#ifndef OPSBENCH_VECTOR_POSTGRES_EXCHANGES_H_
#define OPSBENCH_VECTOR_POSTGRES_EXCHANGES_H_

// For the tests of pgvector and for the recorder of fixtures/vector/replies: a
// stand-in for a PostgreSQL server, what is asked of it, and what a real one
// answered.
//
// A request is what a client sends before it waits; a reply what the server
// sends until it waits. A recording is a list of connections, in the order in
// which they were made. In its file each begins with a byte 'N'; each request
// is a byte 'F', its length in 4 bytes, the first one the highest, and its
// bytes; each reply the same with 'B'.
//
// Source: "Frontend/Backend Protocol" in PostgreSQL's manual.
//
// Thread safety: for one thread, which `Answer` is not called from.

#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

struct PostgresExchange {
  std::string request;
  std::string reply;
};
using PostgresRecording = std::vector<std::vector<PostgresExchange>>;

// NotFound, InvalidArgument: there is no such file, or it is none.
absl::StatusOr<PostgresRecording> ReadPostgresRecording(
    const std::string& path);
absl::Status WritePostgresRecording(const PostgresRecording& recording,
                                    const std::string& path);

// Listens on the loopback address, without TLS and without asking for a
// password.
class PostgresStandIn {
 public:
  // The reply to a request of a connection, counted from 0, whose first request
  // is its start-up; empty hangs up. Called from a thread of the connection.
  using Answer =
      std::function<std::string(size_t connection, const std::string& request)>;

  explicit PostgresStandIn(Answer answer);
  // Waits for the clients to hang up.
  ~PostgresStandIn();
  PostgresStandIn(const PostgresStandIn&) = delete;
  PostgresStandIn& operator=(const PostgresStandIn&) = delete;

  const Url& url() const { return url_; }

 private:
  void Accept();
  void Serve(size_t connection, int client);

  const Answer answer_;
  const int listener_;
  Url url_;
  std::thread acceptor_;
  std::list<std::thread> threads_;  // Of the acceptor, until it has ended.
};

// Connects to the server at `address`:`port`, and then sends requests to it.
class PostgresUpstream {
 public:
  explicit PostgresUpstream(const Url& url);
  ~PostgresUpstream();
  PostgresUpstream(const PostgresUpstream&) = delete;
  PostgresUpstream& operator=(const PostgresUpstream&) = delete;

  // Empty: the server hung up.
  std::string Ask(const std::string& request);

 private:
  const int socket_;
};

// Builds an index, searches in it with and without filters, and removes it.
// Internal: what was found is not what is right.
absl::Status RunPgvectorScript(const Url& url, Metric metric);

// Meets a table "recorded" that opsbench did not make: it has to be found, and
// neither removed nor built over.
absl::Status RunPgvectorForeignScript(const Url& url);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_POSTGRES_EXCHANGES_H_
