#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_REPLY_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_REPLY_H_

// Reading replies whose shape the server decides, and writing what search
// commands are made of.
//
// Thread safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "opsbench/db/redis_reply.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector::internal {

// OK unless it is an error reply. NotFound: the index is not there; otherwise
// the codes of db/redis.h.
absl::Status ReplyStatus(RedisReplyView reply);
// Of the text of an error reply.
absl::Status IndexErrorStatus(absl::string_view error);

// AlreadyExists when an insert added nothing, by the number that it replies.
absl::Status CheckInserted(RedisReplyView reply);
// Internal: what is read back there is not what was written.
absl::Status OtherRow(absl::string_view where);

// Internal: "Redis: the reply to FT.SEARCH: element 3 is an integer, not a
// text".
absl::Status UnexpectedReply(absl::string_view command, absl::string_view what);
// "an integer", "an array of 3", ….
std::string DescribeReply(RedisReplyView reply);

// Empty when the reply is no text.
absl::optional<absl::string_view> TextOf(RedisReplyView reply);
// Of an integer, or of a text of digits.
absl::optional<int64_t> IntegerOf(RedisReplyView reply);
// Of a double, or of a text that is one; "nan" and "inf" are numbers.
absl::optional<double> NumberOf(RedisReplyView reply);

// The value beside `name` in an array of names and values, if any.
absl::optional<RedisReplyView> FieldOf(RedisReplyView array,
                                       absl::string_view name);

// The floats as the engines take them: little-endian, without a length.
absl::string_view Blob(absl::Span<const float> values);

// A number in plain decimal notation: the filters of vector sets take no
// exponent. The same number when it is parsed, down to 1e-4; below that it is
// off by 5e-21 at most.
std::string DecimalText(double number);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_REPLY_H_
