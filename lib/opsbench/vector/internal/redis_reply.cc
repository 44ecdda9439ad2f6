#include "opsbench/vector/internal/redis_reply.h"

#include <hiredis.h>

#include <bit>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/db/redis.h"

namespace opsbench::vector::internal {

static_assert(std::endian::native == std::endian::little,
              "engines take vectors in little-endian order");

absl::Status ReplyStatus(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ERROR) return absl::OkStatus();
  const absl::string_view text(reply.str, reply.len);
  absl::Status status = RedisErrorStatus(text);
  // RediSearch's two, and valkey-search's.
  const std::string lower = absl::AsciiStrToLower(text);
  if (absl::StrContains(lower, "no such index") ||
      absl::StrContains(lower, "unknown index name") ||
      (absl::StartsWith(lower, "index") &&
       absl::StrContains(lower, "not found"))) {
    return absl::NotFoundError(status.message());
  }
  return status;
}

absl::Status UnexpectedReply(absl::string_view command,
                             absl::string_view what) {
  return absl::InternalError(
      absl::StrCat("Redis: the reply to ", command, ": ", what));
}

std::string DescribeReply(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_STRING:
      return "a text";
    case REDIS_REPLY_INTEGER:
      return "an integer";
    case REDIS_REPLY_ARRAY:
      return absl::StrCat("an array of ", reply.elements);
    case REDIS_REPLY_NIL:
      return "nil";
    case REDIS_REPLY_ERROR:
      return "an error";
    default:
      return absl::StrCat("of hiredis's type ", reply.type);
  }
}

bool IsArray(const redisReply& reply) {
  return reply.type == REDIS_REPLY_ARRAY;
}

absl::optional<absl::string_view> TextOf(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_STRING && reply.type != REDIS_REPLY_STATUS) {
    return absl::nullopt;
  }
  return absl::string_view(reply.str, reply.len);
}

absl::optional<int64_t> IntegerOf(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return reply.integer;
  int64_t number = 0;
  const auto text = TextOf(reply);
  if (!text.has_value() || !absl::SimpleAtoi(*text, &number)) {
    return absl::nullopt;
  }
  return number;
}

absl::optional<double> NumberOf(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) {
    return static_cast<double>(reply.integer);
  }
  double number = 0;
  const auto text = TextOf(reply);
  if (!text.has_value() || !absl::SimpleAtod(*text, &number)) {
    return absl::nullopt;
  }
  return number;
}

const redisReply* FieldOf(const redisReply& array, absl::string_view name) {
  if (!IsArray(array)) return nullptr;
  for (size_t i = 0; i + 1 < array.elements; i += 2) {
    if (TextOf(*array.element[i]) == name) return array.element[i + 1];
  }
  return nullptr;
}

absl::string_view Blob(absl::Span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()),
          values.size() * sizeof(float)};
}

std::string DecimalText(double number) {
  std::string text = absl::StrFormat("%.20f", number);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace opsbench::vector::internal
