#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_OWNER_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_OWNER_H_

// Tells whose an index on a Redis server is, and removes it. What opsbench
// makes under a name has a mark, the string "opsbench:index:<name>", from
// before it is there until after it is gone; BACKENDS.md has the whole list.
// Rows are removed by their numbers, and only where they look like rows.
//
// Thread safety: for one thread.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/index_mark.h"
#include "opsbench/vector/internal/redis_nodes.h"

namespace opsbench::vector::internal {

inline constexpr char kVectorSetKind[] = "redis_vector_set";

class RedisOwner {
 public:
  // `kind` is that of the index to be made: it decides which names are used.
  static absl::StatusOr<std::unique_ptr<RedisOwner>> Connect(const Url& url,
                                                             std::string name,
                                                             std::string kind);

  struct Mark {
    absl::optional<IndexMark> ours;
    std::string foreign;  // Names a key of the mark's name that is no mark.
  };
  absl::StatusOr<Mark> ReadMark();

  absl::Status WriteMark(const IndexMark& mark);

  // Sends the command that makes a search index to each primary that has none;
  // a module may make it on all of them at the word of one. Empty: nothing.
  absl::Status Create(const std::vector<std::string>& command);

  // Names the first thing that is in the way and that `ours`, if there is one,
  // does not cover: "index products", "key products:1 (hash)". Empty: nothing.
  // An error when the user may not look.
  absl::StatusOr<std::string> FindForeign(
      const absl::optional<IndexMark>& ours);

  // Removes what the mark covers, and then the mark. FailedPrecondition: under
  // a name that it covers stands what opsbench does not make; nothing is
  // removed then.
  absl::Status RemoveOurs(IndexMark mark);

  // Removes all that FindForeign() would name, and the mark.
  absl::Status RemoveAll();

  // Of a row, or of any key's slot.
  absl::StatusOr<RedisReply> ExecuteForKey(
      absl::string_view key, const std::vector<std::string>& command) {
    return nodes_->ExecuteForKey(key, command);
  }

 private:
  RedisOwner(Url url, std::string name, std::string kind,
             std::unique_ptr<RedisNodes> nodes)
      : url_(std::move(url)),
        name_(std::move(name)),
        kind_(std::move(kind)),
        nodes_(std::move(nodes)) {}

  // kElsewhere: only another node takes commands about an index of this name.
  enum class Found { kAbsent, kOurs, kForeign, kElsewhere };

  std::string MarkKey() const;
  absl::StatusOr<std::string> TypeOf(const std::string& key);
  // The search index on a node: kOurs when it is over the rows alone.
  absl::StatusOr<Found> FindSearchIndex(size_t node);
  // The vector set: kOurs when it has the dimension and at most the rows.
  absl::StatusOr<Found> FindVectorSet(const IndexMark* mark);
  // A key "<name>:…" that is no row below `rows`.
  absl::StatusOr<std::string> FindForeignKey(int64_t rows);
  absl::Status DropSearchIndex(bool foreign);
  absl::Status Unlink(const std::string& key);

  const Url url_;
  const std::string name_;
  const std::string kind_;
  const std::unique_ptr<RedisNodes> nodes_;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_OWNER_H_
