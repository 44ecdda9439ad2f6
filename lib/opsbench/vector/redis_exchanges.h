#ifndef OPSBENCH_VECTOR_REDIS_EXCHANGES_H_
#define OPSBENCH_VECTOR_REDIS_EXCHANGES_H_

// For tests and for the recorder of fixtures/vector/replies: what is asked of a
// server, and what it answered.
//
// A recording is RESP alone: request, reply, request, reply, …, byte for byte.
//
// Thread safety: a RawRedisClient is for one thread; the rest are values.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/redis_reply.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/redis_index.h"

namespace opsbench::vector {

struct Exchange {
  std::string request;
  std::string reply;
};

// InvalidArgument: the file is no such recording. NotFound: there is none.
absl::StatusOr<std::vector<Exchange>> ReadExchanges(const std::string& path);

// The one reply that `bytes` are.
absl::StatusOr<RedisReplyPtr> ParseReply(absl::string_view bytes);

// A request of a script, and what its reply is to be.
struct ExchangeStep {
  enum class Kind {
    kGreeting,   // Of ConnectRedis() and DetectRedisFeatures().
    kDone,       // No error.
    kInserted,   // ParseInsert() gives OK.
    kRow,        // CheckRow() gives OK of `row`.
    kRemoved,    // No error.
    kCount,      // ParseCount() gives `count`.
    kNoCount,    // ParseCount() gives NotFound, or 0.
    kSearch,     // ParseSearch() gives the neighbours of `query`.
    kSearchIds,  // Likewise, by the index without distances.
    kBadSearch,  // ParseSearch() gives an error.
  };
  Kind kind = Kind::kDone;
  std::string request;
  int64_t count = 0;
  size_t query = 0;
  size_t row = 0;
  Filter filter;
};

// What a server is asked before it is known what it is.
std::vector<ExchangeStep> GreetingScript(bool with_modules);

// An index from its making to its end: rows, counts, searches with and without
// filters and distances, and bad requests. `ids` is the same index without
// distances. The rows of a search index are left.
std::vector<ExchangeStep> IndexScript(const RedisIndex& index,
                                      const RedisIndex& ids,
                                      const Dataset& data);

// Bytes out, replies in, over TCP.
class RawRedisClient {
 public:
  static absl::StatusOr<std::unique_ptr<RawRedisClient>> Connect(
      const Url& url);
  ~RawRedisClient();
  RawRedisClient(const RawRedisClient&) = delete;
  RawRedisClient& operator=(const RawRedisClient&) = delete;

  absl::Status Send(absl::string_view bytes);
  // The next reply; its bytes go to *raw unless that is null, which asks for
  // one reply at a time.
  absl::StatusOr<RedisReplyPtr> Read(std::string* raw = nullptr);

 private:
  explicit RawRedisClient(int socket) : socket_(socket) {}

  const int socket_;
  RedisReplyReader reader_;
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_REDIS_EXCHANGES_H_
