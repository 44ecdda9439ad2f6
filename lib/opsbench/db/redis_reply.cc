#include "opsbench/db/redis_reply.h"

#include <hiredis.h>

#include "absl/strings/str_cat.h"

namespace opsbench {

RedisReply::Type RedisReplyView::type() const {
  switch (reply_->type) {
    case REDIS_REPLY_INTEGER:
      return RedisReply::Type::kInteger;
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_STRING:
      return RedisReply::Type::kText;
    case REDIS_REPLY_ERROR:
      return RedisReply::Type::kError;
    case REDIS_REPLY_ARRAY:
      return RedisReply::Type::kArray;
    default:
      return RedisReply::Type::kNil;
  }
}

int64_t RedisReplyView::integer() const {
  return reply_->type == REDIS_REPLY_INTEGER ? reply_->integer : 0;
}

absl::string_view RedisReplyView::text() const {
  const RedisReply::Type is = type();
  if (is != RedisReply::Type::kText && is != RedisReply::Type::kError) {
    return "";
  }
  return {reply_->str, reply_->len};
}

size_t RedisReplyView::size() const {
  return reply_->type == REDIS_REPLY_ARRAY ? reply_->elements : 0;
}

RedisReplyView RedisReplyView::operator[](size_t i) const {
  return *reply_->element[i];
}

void RedisReplyDeleter::operator()(redisReply* reply) const {
  freeReplyObject(reply);
}

struct RedisReplyReader::Impl {
  struct Deleter {
    void operator()(redisReader* made) const { redisReaderFree(made); }
  };
  std::unique_ptr<redisReader, Deleter> reader{redisReaderCreate()};
};

RedisReplyReader::RedisReplyReader() : impl_(std::make_unique<Impl>()) {}
RedisReplyReader::~RedisReplyReader() = default;

void RedisReplyReader::Feed(absl::string_view bytes) {
  // A failure is kept, and told by Next().
  redisReaderFeed(impl_->reader.get(), bytes.data(), bytes.size());
}

absl::StatusOr<RedisReplyPtr> RedisReplyReader::Next() {
  void* reply = nullptr;
  if (redisReaderGetReply(impl_->reader.get(), &reply) != REDIS_OK) {
    return absl::InternalError(absl::StrCat("Redis: ", impl_->reader->errstr));
  }
  return RedisReplyPtr(static_cast<redisReply*>(reply));
}

}  // namespace opsbench
