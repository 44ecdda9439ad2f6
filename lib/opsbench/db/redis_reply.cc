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
  redisReplyObjectFunctions* const making = reader->fn;
};

namespace {

// Stands for any part of a reply of which no object is made: to the parser,
// null is "no memory".
char skipped_part;
char skipped_empty;
char skipped_error;

// An empty part of an answer is no empty answer.
void* Empty(const redisReadTask* task) {
  return task->parent == nullptr ? &skipped_empty : &skipped_part;
}

// `privdata` is where the text of an error goes. One inside an array is a part
// of an answer.
void* SkipText(const redisReadTask* task, char* text, size_t size) {
  if (task->type != REDIS_REPLY_ERROR || task->parent != nullptr) {
    return &skipped_part;
  }
  static_cast<std::string*>(task->privdata)->assign(text, size);
  return &skipped_error;
}

redisReplyObjectFunctions skipping = {
    SkipText,
    [](const redisReadTask* task, int elements) -> void* {
      return elements == 0 ? Empty(task) : &skipped_part;
    },
    [](const redisReadTask*, long long) -> void* {  // NOLINT: hiredis's type.
      return &skipped_part;
    },
    [](const redisReadTask* task) -> void* { return Empty(task); },
    [](void*) {}};

// Between two replies the parser may be told what to make of the next.
void MakeWith(redisReplyObjectFunctions* functions, void* data,
              redisReader* reader) {
  if (reader->ridx != -1) return;
  reader->fn = functions;
  reader->privdata = data;
}

absl::Status NoProtocol(const redisReader& reader) {
  return absl::InternalError(absl::StrCat("Redis: ", reader.errstr));
}

}  // namespace

RedisReplyReader::RedisReplyReader() : impl_(std::make_unique<Impl>()) {}
RedisReplyReader::~RedisReplyReader() = default;

void RedisReplyReader::Feed(absl::string_view bytes) {
  // A failure is kept, and told by Next().
  redisReaderFeed(impl_->reader.get(), bytes.data(), bytes.size());
}

absl::StatusOr<RedisReplyPtr> RedisReplyReader::Next() {
  MakeWith(impl_->making, nullptr, impl_->reader.get());
  void* reply = nullptr;
  if (redisReaderGetReply(impl_->reader.get(), &reply) != REDIS_OK) {
    return NoProtocol(*impl_->reader);
  }
  return RedisReplyPtr(static_cast<redisReply*>(reply));
}

absl::StatusOr<RedisReplyReader::Skipped> RedisReplyReader::Skip(
    std::string* error) {
  MakeWith(&skipping, error, impl_->reader.get());
  void* reply = nullptr;
  if (redisReaderGetReply(impl_->reader.get(), &reply) != REDIS_OK) {
    return NoProtocol(*impl_->reader);
  }
  if (reply == nullptr) return Skipped::kNothing;
  if (reply == &skipped_error) return Skipped::kError;
  return reply == &skipped_empty ? Skipped::kEmpty : Skipped::kAnswer;
}

}  // namespace opsbench
