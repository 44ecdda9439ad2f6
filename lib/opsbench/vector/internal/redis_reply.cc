#include "opsbench/vector/internal/redis_reply.h"

#include <bit>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/db/redis.h"

namespace opsbench::vector::internal {
namespace {

using Type = RedisReply::Type;

}  // namespace

static_assert(std::endian::native == std::endian::little,
              "engines take vectors in little-endian order");

absl::Status ReplyStatus(RedisReplyView reply) {
  if (reply.type() != Type::kError) return absl::OkStatus();
  return IndexErrorStatus(reply.text());
}

absl::Status IndexErrorStatus(absl::string_view error) {
  absl::Status status = RedisErrorStatus(error);
  // RediSearch's two, and valkey-search's.
  const std::string lower = absl::AsciiStrToLower(error);
  if (absl::StrContains(lower, "no such index") ||
      absl::StrContains(lower, "unknown index name") ||
      (absl::StartsWith(lower, "index") &&
       absl::StrContains(lower, "not found"))) {
    return absl::NotFoundError(status.message());
  }
  return status;
}

absl::Status CheckInserted(RedisReplyView reply) {
  if (reply.type() == Type::kInteger && reply.integer() > 0) {
    return absl::OkStatus();
  }
  return absl::AlreadyExistsError(
      "the row was there already: somebody else writes under this name");
}

absl::Status OtherRow(absl::string_view where) {
  return absl::InternalError(
      absl::StrCat(where, " does not hold the vector that was written"));
}

absl::Status UnexpectedReply(absl::string_view command,
                             absl::string_view what) {
  return absl::InternalError(
      absl::StrCat("Redis: the reply to ", command, ": ", what));
}

std::string DescribeReply(RedisReplyView reply) {
  switch (reply.type()) {
    case Type::kNil:
      return "nil";
    case Type::kInteger:
      return "an integer";
    case Type::kText:
      return "a text";
    case Type::kArray:
      return absl::StrCat("an array of ", reply.size());
    case Type::kError:
      return "an error";
  }
  return "";
}

absl::optional<absl::string_view> TextOf(RedisReplyView reply) {
  if (reply.type() != Type::kText) return absl::nullopt;
  return reply.text();
}

absl::optional<int64_t> IntegerOf(RedisReplyView reply) {
  if (reply.type() == Type::kInteger) return reply.integer();
  int64_t number = 0;
  if (reply.type() != Type::kText || !absl::SimpleAtoi(reply.text(), &number)) {
    return absl::nullopt;
  }
  return number;
}

absl::optional<double> NumberOf(RedisReplyView reply) {
  if (reply.type() == Type::kInteger) {
    return static_cast<double>(reply.integer());
  }
  double number = 0;
  if (reply.type() != Type::kText || !absl::SimpleAtod(reply.text(), &number)) {
    return absl::nullopt;
  }
  return number;
}

absl::optional<RedisReplyView> FieldOf(RedisReplyView array,
                                       absl::string_view name) {
  for (size_t i = 0; i + 1 < array.size(); i += 2) {
    if (TextOf(array[i]) == name) return array[i + 1];
  }
  return absl::nullopt;
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
