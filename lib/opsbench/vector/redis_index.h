#ifndef OPSBENCH_VECTOR_REDIS_INDEX_H_
#define OPSBENCH_VECTOR_REDIS_INDEX_H_

// How one kind of engine behind Redis's protocol is spoken to: commands out,
// replies in. It opens no connection: who sends is redis_load.h and the
// backend.
//
// Thread safety: the const functions may be called from several
// threads at once.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/dataset.h"

struct redisReply;

namespace opsbench {
struct RedisReply;
}  // namespace opsbench

namespace opsbench::vector {

// Where a command may go in a cluster: the slot of its key, or any node.
inline constexpr int kAnyNode = -1;

class RedisIndex {
 public:
  virtual ~RedisIndex() = default;

  virtual const BackendInfo& info() const = 0;

  // What makes a difference to the index: "m:16,ef_construction:200".
  virtual std::string OptionsText(const BuildOptions& options) const = 0;

  // The command (name and arguments) that makes an empty index, where there is
  // none; in a cluster each primary that has none is sent it. Empty: the first
  // row makes the index.
  virtual std::vector<std::string> CreateCommand(
      const Dataset& data, const BuildOptions& options) const = 0;

  // Appends, as RESP, the command that adds a base vector with its attributes,
  // or that searches. Returns the key's slot or kAnyNode.
  virtual int AppendInsert(const Dataset& data, size_t row,
                           std::string* out) const = 0;
  // AlreadyExists: there was such a row.
  virtual absl::Status ParseInsert(const redisReply& reply) const = 0;

  // The command that reads a row's vector, and the key that it is about.
  // Internal: what was read is not the base vector.
  virtual std::vector<std::string> ReadCommand(size_t row) const = 0;
  virtual std::string KeyOf(size_t row) const = 0;
  virtual absl::Status CheckRow(const Dataset& data, size_t row,
                                const RedisReply& reply) const = 0;

  virtual int AppendSearch(const SearchRequest& request,
                           std::string* out) const = 0;

  // The neighbours of a search's reply, nearest first. An error reply becomes
  // its status; Internal: a reply of an unexpected shape, which is named.
  virtual absl::Status ParseSearch(const redisReply& reply,
                                   std::vector<Neighbor>* found) const = 0;

  // The command whose reply says how many vectors can be searched; what of it.
  virtual std::vector<std::string> CountCommand() const = 0;
  virtual absl::StatusOr<int64_t> ParseCount(const redisReply& reply) const = 0;
};

// CRC16 of the key, or of what stands in its first braces, modulo 16384:
// https://redis.io/docs/reference/cluster-spec
int ClusterSlot(absl::string_view key);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_REDIS_INDEX_H_
