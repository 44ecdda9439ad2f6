#include "opsbench/vector/internal/redis_reader.h"

namespace opsbench::vector::internal {
namespace {

// Stands for any part of a reply of which no object is made. The parser takes
// null for "no memory".
char skipped;

}  // namespace

void* RedisReader::OnString(const redisReadTask* task, char* text,
                            size_t size) {
  // An error inside an array is part of an answer.
  if (task->type == REDIS_REPLY_ERROR && task->parent == nullptr) {
    auto* self = static_cast<RedisReader*>(task->privdata);
    self->is_error_ = true;
    self->error_.assign(text, size);
  }
  return &skipped;
}

redisReplyObjectFunctions RedisReader::skipping_functions_ = {
    RedisReader::OnString,
    [](const redisReadTask*, int) -> void* { return &skipped; },
    [](const redisReadTask*, long long) -> void* {  // NOLINT: hiredis's type.
      return &skipped;
    },
    [](const redisReadTask*) -> void* { return &skipped; }, [](void*) {}};

RedisReader::RedisReader()
    : reader_(redisReaderCreate()), object_functions_(reader_->fn) {
  reader_->privdata = this;
}

bool RedisReader::Feed(const char* data, size_t size) {
  return redisReaderFeed(reader_.get(), data, size) == REDIS_OK;
}

RedisReader::Outcome RedisReader::Next(bool objects) {
  object_.reset();
  if (reader_->ridx == -1) {
    // Between two replies: what is begun is finished by the same functions.
    reader_->fn = objects ? object_functions_ : &skipping_functions_;
    is_error_ = false;
  }
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
    return Outcome::kGarbage;
  }
  if (reply == nullptr) return Outcome::kNeedsMore;
  if (reader_->fn != &skipping_functions_) {
    object_.reset(static_cast<redisReply*>(reply));
    is_error_ = object_->type == REDIS_REPLY_ERROR;
    if (is_error_) error_.assign(object_->str, object_->len);
  }
  return Outcome::kReply;
}

}  // namespace opsbench::vector::internal
