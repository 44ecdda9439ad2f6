#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_READER_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_READER_H_

// Replies out of bytes: hiredis's parser, with objects made only of replies
// that somebody wants to see.
//
// Thread safety: for one thread.

#include <hiredis.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace opsbench::vector::internal {

class RedisReader {
 public:
  enum class Outcome { kNeedsMore, kReply, kGarbage };

  RedisReader();

  // Not copied or moved: the parser points to it.
  RedisReader(const RedisReader&) = delete;
  RedisReader& operator=(const RedisReader&) = delete;

  // Adds bytes as they came. False: no memory.
  bool Feed(const char* data, size_t size);

  // The next reply. `objects` counts where a reply begins: whether object() is
  // to have it.
  Outcome Next(bool objects);

  // Of the last reply, until Next() is called again.
  bool is_error() const { return is_error_; }
  absl::string_view error() const { return error_; }
  const redisReply* object() const { return object_.get(); }

  // Why what came is no reply.
  absl::string_view garbage() const { return reader_->errstr; }

 private:
  struct ReaderDeleter {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };
  struct ReplyDeleter {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };

  // What the parser calls when no object is to be made.
  static void* OnString(const redisReadTask* task, char* text, size_t size);

  static redisReplyObjectFunctions skipping_functions_;

  std::unique_ptr<redisReader, ReaderDeleter> reader_;
  redisReplyObjectFunctions* object_functions_;
  std::unique_ptr<redisReply, ReplyDeleter> object_;
  bool is_error_ = false;
  std::string error_;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_READER_H_
