#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_NODES_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_NODES_H_

// A blocking session to each primary of a cluster, or to the one server: for
// looking at what is there, and for commands outside of any measurement.
//
// Thread safety: for one thread.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/internal/slot_map.h"

namespace opsbench::vector::internal {

class RedisNodes {
 public:
  // Errors as ConnectRedis(); a primary that cannot be reached is one, too.
  static absl::StatusOr<std::unique_ptr<RedisNodes>> Connect(const Url& url);

  size_t size() const { return sessions_.size(); }

  // Sends a command to a node, or to the one that has the slot of `key`. An
  // error reply is a reply; errors are those of the connection.
  absl::StatusOr<RedisReply> Ask(size_t node,
                                 const std::vector<std::string>& command);
  absl::StatusOr<RedisReply> AskForKey(absl::string_view key,
                                       const std::vector<std::string>& command);

  // Likewise, and an error reply becomes its status, with the command's name.
  absl::StatusOr<RedisReply> Execute(size_t node,
                                     const std::vector<std::string>& command);
  absl::StatusOr<RedisReply> ExecuteForKey(
      absl::string_view key, const std::vector<std::string>& command);

  // Calls `visit` with the keys that match a glob pattern, page by page, of
  // every node. A key may come twice. Ends at the first error of `visit`.
  using Visit = std::function<absl::Status(
      size_t node, const std::vector<std::string>& keys)>;
  absl::Status Scan(absl::string_view pattern, const Visit& visit);

  // The types of keys of a node, in one round trip: "none", "string", ….
  absl::StatusOr<std::vector<std::string>> TypesOf(
      size_t node, const std::vector<std::string>& keys);

 private:
  RedisNodes(Url url, SlotMap slots)
      : url_(std::move(url)), slots_(std::move(slots)) {}

  absl::Status ConnectAll();

  const Url url_;
  SlotMap slots_;
  std::vector<std::unique_ptr<RedisSession>> sessions_;  // By node of slots_.
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_NODES_H_
