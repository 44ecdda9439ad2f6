#ifndef OPSBENCH_DB_REDIS_REPLY_H_
#define OPSBENCH_DB_REDIS_REPLY_H_

// Replies of a Redis server as hiredis has parsed them, read in place: for who
// reads many of them a second, where a copy into a RedisReply costs too much.
//
// Thread safety: a reply may be read by several threads at once; a
// RedisReplyReader is for one thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/redis.h"

struct redisReply;

namespace opsbench {

// Valid as long as the reply is.
class RedisReplyView {
 public:
  // Implicit: it is a reply seen from outside of hiredis.
  // NOLINTNEXTLINE(google-explicit-constructor)
  RedisReplyView(const redisReply& reply) : reply_(&reply) {}

  // Kinds of RESP 3 that RESP 2 lacks are kNil.
  RedisReply::Type type() const;
  // 0 unless it is an integer.
  int64_t integer() const;
  // Of a text or an error; empty otherwise.
  absl::string_view text() const;
  // Elements of an array; 0 otherwise.
  size_t size() const;
  // REQUIRES: i < size().
  RedisReplyView operator[](size_t i) const;

 private:
  const redisReply* reply_;
};

struct RedisReplyDeleter {
  void operator()(redisReply* reply) const;
};
using RedisReplyPtr = std::unique_ptr<redisReply, RedisReplyDeleter>;

// Replies out of a stream of bytes, which may end anywhere.
class RedisReplyReader {
 public:
  RedisReplyReader();
  ~RedisReplyReader();
  RedisReplyReader(const RedisReplyReader&) = delete;
  RedisReplyReader& operator=(const RedisReplyReader&) = delete;

  void Feed(absl::string_view bytes);

  // The next reply; nullptr: more bytes are needed. Internal: the bytes are no
  // RESP, now and from then on.
  absl::StatusOr<RedisReplyPtr> Next();

  // kEmpty: nil, or an array without elements.
  enum class Skipped { kNothing, kAnswer, kEmpty, kError };
  // As Next(), for callers that only ask whether the reply is empty or an error
  // (its text goes to *error): no objects are made, which are most of a small
  // reply's cost. A reply of which a part is there already is ended by the
  // function that was called for it first, with the same `error`.
  absl::StatusOr<Skipped> Skip(std::string* error);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace opsbench

#endif  // OPSBENCH_DB_REDIS_REPLY_H_
