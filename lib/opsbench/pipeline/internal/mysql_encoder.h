#ifndef OPSBENCH_PIPELINE_INTERNAL_MYSQL_ENCODER_H_
#define OPSBENCH_PIPELINE_INTERNAL_MYSQL_ENCODER_H_

// Rows of a batch in the three forms in which MySQL takes them: literals of an
// INSERT, lines of LOAD DATA, and Values to bind.
//
// MySQL changes values without an error even in its strict mode: it rounds
// decimals and fractions of seconds, cuts spaces from the end of text that is
// too long, pads BINARY, reads 70 as the year 1970, takes '1' for the first
// value of an ENUM, makes a number of a NULL in an AUTO_INCREMENT column. So
// the encoder looks for such values itself; what the server does refuse is left
// to it. What is lost is by MySQL's own sense of a type: CHAR ends without
// spaces, and MariaDB has no -0.0.
//
// Thread safety: for one thread at a time.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/db/value.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/internal/mysql_catalog.h"

namespace opsbench::pipeline::internal {

class MysqlEncoder {
 public:
  // How columns of `schema` go into those of `table` of the same name.
  //
  // NotFound: the table lacks one. InvalidArgument: its type cannot hold all
  // values of the source's, or it is generated.
  static absl::StatusOr<MysqlEncoder> Make(const MysqlTable& table,
                                           const Schema& schema);

  // Each appends row `row` of `batch`, whose number for messages is `number`.
  // OutOfRange, InvalidArgument: MySQL has no such value; what was appended is
  // of no use then.

  // "(1, 'text', NULL)".
  absl::Status AppendTuple(const Batch& batch, int64_t row, int64_t number,
                           std::string* out) const;
  // A line of LOAD DATA with the default FIELDS and LINES in utf8mb4.
  absl::Status AppendLine(const Batch& batch, int64_t row, int64_t number,
                          std::string* out) const;
  // Values, whose text lies in the batch or in `scratch`, one for each column.
  absl::Status FillValues(const Batch& batch, int64_t row, int64_t number,
                          std::vector<std::string>* scratch,
                          absl::Span<Value> values) const;

  // The error of a row that no packet holds.
  absl::Status TooLong(int64_t number, size_t bytes, size_t max_bytes) const;

  // "(`a`, @opsbench_1) SET `b` = CAST(@opsbench_1 AS UNSIGNED)": what LOAD
  // DATA says of its fields. It takes the bytes of a BIT column's text for
  // bits, where INSERT takes the number.
  std::string LoadColumns() const;

 private:
  enum class Kind : uint8_t {
    kInteger,
    kYear,
    kBit,
    kFloat,
    kDouble,
    kDecimal,
    kText,
    kEnum,
    kSet,
    kJson,
    kUuid,
    kBytes,
    kFixedBytes,
    kDate,
    kTime,
    kDatetime,
  };

  struct Target {
    std::string name;
    Type source;
    Kind kind = Kind::kText;
    bool quoted = false;  // The literal of an INSERT is in quotes.
    bool nullable = true;
    bool chars = false;  // max_size is of characters, not bytes.
    int64_t max_size = 0;
    int scale = 0;             // kDecimal; 0 of integers.
    int64_t us_per_digit = 1;  // Of the last digit of a fraction.
    std::vector<std::string> members;
  };

  static bool KindOf(const MysqlColumnInfo& column, Kind* kind);
  static bool CanHold(const Target& target, const MysqlColumnInfo& column);

  absl::Status Refuse(const absl::Status& status, size_t column,
                      int64_t number) const;
  // Whether MySQL would take the value for another.
  static absl::Status Check(const Target& target, const Column& column,
                            int64_t row);
  static absl::Status CheckText(const Target& target, absl::string_view text);
  static absl::Status CheckMembers(const Target& target,
                                   absl::string_view text);
  static absl::Status CheckDecimal(const Target& target, const Column& column,
                                   int64_t row);
  static absl::Status CheckTime(const Target& target, const Column& column,
                                int64_t row);
  template <bool kSql>
  absl::Status AppendRow(const Batch& batch, int64_t row, int64_t number,
                         std::string* out) const;

  TableName table_;
  std::vector<Target> targets_;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_MYSQL_ENCODER_H_
