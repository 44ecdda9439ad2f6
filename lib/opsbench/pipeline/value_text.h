#ifndef OPSBENCH_PIPELINE_VALUE_TEXT_H_
#define OPSBENCH_PIPELINE_VALUE_TEXT_H_

// Values of a column as text and back: the form in which PostgreSQL with
// ISO dates, MySQL and SQLite write and read them, so that a connector that
// speaks text needs no other.
//
//   bool t, f · integers 42 · floats the shortest text that reads back equal,
//   NaN, Infinity, -Infinity · decimal -12.50 with all digits of its scale ·
//   text and json as they are · bytes \x0a0b · date 2026-01-31 (years above
//   9999 and before 1 as PostgreSQL writes them: 12026-01-31, 0044-03-15 BC),
//   infinity, -infinity · time 23:59:59.123456, without trailing zeros of the
//   fraction · duration -838:59:59.000001 · timestamp 2026-01-31 23:59:59.5 ·
//   timestamp_tz the same in UTC with +00 · uuid in lower case with hyphens
//
// Thread safety: functions are pure.

#include <cstdint>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/batch.h"

namespace opsbench::pipeline {

// Appends the value of `row`. REQUIRES: it is not null.
void AppendValueText(const Column& column, int64_t row, std::string* out);

// Appends the value that `text` stands for to the column, or says why there is
// none (InvalidArgument, OutOfRange) and leaves the column as it was. Accepts
// what AppendValueText() writes, true, false, 1 and 0 for bool, uuids without
// hyphens, zones at the end of a timestamp_tz (none: UTC), and a T between date
// and time. `text` is not empty for other types than text, bytes and json, and
// UTF-8 for text and json; whether json is JSON is not looked at.
absl::Status AppendParsedValue(absl::string_view text, Column* column);

// The parts, for connectors that meet them elsewhere. Days and microseconds are
// those of types.h; `text` is the whole of the value.
void AppendDateText(int32_t days, std::string* out);
void AppendTimestampText(int64_t us, std::string* out);
void AppendTimestampTzText(int64_t us, std::string* out);
// Also of a duration, of any sign and size.
void AppendTimeText(int64_t us, std::string* out);
void AppendDecimalText(absl::int128 value, int scale, std::string* out);
absl::StatusOr<int32_t> ParseDate(absl::string_view text);
// The time may lack its seconds or be missing; a fraction finer than a
// microsecond is OutOfRange. A zone is refused by the first and taken off by
// the second.
absl::StatusOr<int64_t> ParseTimestamp(absl::string_view text);
absl::StatusOr<int64_t> ParseTimestampTz(absl::string_view text);
// From 00:00 to 24:00:00.
absl::StatusOr<int64_t> ParseTime(absl::string_view text);
absl::StatusOr<int64_t> ParseDuration(absl::string_view text);
// Sets the scale of the number to `scale`; digits that do not fit, but zeros,
// are OutOfRange, as are more than 38.
absl::StatusOr<absl::int128> ParseDecimal(absl::string_view text, int scale);
// A kNumeric's one form of a number in any decimal form, with exponent or not.
absl::StatusOr<std::string> CanonicalNumeric(absl::string_view text);
// Whether `text` is a kNumeric's value in that form; InvalidArgument otherwise.
absl::Status CheckNumeric(absl::string_view text);

// Whether `text` is UTF-8: no overlong forms, no surrogates.
bool IsUtf8(absl::string_view text);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_VALUE_TEXT_H_
