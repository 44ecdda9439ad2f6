#ifndef OPSBENCH_DB_INTERNAL_MYSQL_LOAD_TEXT_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_LOAD_TEXT_H_

// Rows as the text that LOAD DATA reads by default: a tab between fields, a
// line feed after each row, \N for NULL, and a backslash before what would end
// a field. In bytes, those above 127 get one as well: MySQL reads an escaped
// byte as it is, but refuses one that is not of the text's character set.
//
// It stands on the path of every row of a bulk load, so it looks at eight bytes
// at a time and writes into one buffer.
//
// Thread safety: not thread-safe.
//
// Source: "LOAD DATA Statement", "Field and Line Handling", in MySQL's manual.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/internal/mysql_time.h"
#include "opsbench/db/value.h"

namespace opsbench::internal {

class MysqlLoadText {
 public:
  // Appends one row, as many values as there are columns.
  //
  // InvalidArgument, and nothing appended: a number that is not finite, or a
  // timestamp outside the years 0 to 9999.
  absl::Status AppendRow(absl::Span<const Value> row);

  // The rows since Clear(), until the next call. The buffer keeps its size,
  // which is at most twice that of the largest text with its last row.
  absl::string_view text() const { return {buffer_.get(), size_}; }
  void Clear() { size_ = 0; }

 private:
  // Makes room for `bytes` more.
  void Reserve(size_t bytes);
  absl::Status AppendField(const Value& value);
  template <bool kBytes>
  void AppendEscaped(absl::string_view text);

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t size_ = 0;
  TimestampFormatter timestamps_;
};

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_LOAD_TEXT_H_
