#include "opsbench/db/internal/mysql_bulk.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/mysql_errors.h"
#include "opsbench/db/internal/mysql_statement.h"
#include "opsbench/db/internal/mysql_time.h"

namespace opsbench::internal {
namespace {

constexpr unsigned kBinaryCharset = 63;
constexpr size_t kArrayRows = 2'000;

struct ResultDeleter {
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};
using Result = std::unique_ptr<MYSQL_RES, ResultDeleter>;

absl::Status Run(MYSQL* connection, const std::string& sql) {
  if (mysql_real_query(connection, sql.data(), sql.size()) != 0) {
    return MysqlErrorOf(connection);
  }
  return absl::OkStatus();
}

// Rows as LOAD DATA's text: tabs between fields, \N for NULL, and a backslash
// before what would end a field. Columns of bytes go as hexadecimal, because
// the text is read in a character set.
class LoadDataText {
 public:
  LoadDataText(RowIterator& rows, std::vector<bool> hexadecimal,
               size_t buffer_bytes)
      : rows_(rows),
        hexadecimal_(std::move(hexadecimal)),
        row_(hexadecimal_.size()),
        buffer_bytes_(buffer_bytes) {}

  // Copies up to `size` bytes to `out`; 0 at the end, below 0 after an error.
  int Read(char* out, unsigned size) {
    if (position_ == text_.size()) {
      text_.clear();
      position_ = 0;
      while (!done_ && text_.size() < buffer_bytes_) {
        status_ = AppendRow();
        if (!status_.ok()) return -1;
      }
    }
    const size_t copied = std::min<size_t>(size, text_.size() - position_);
    std::memcpy(out, text_.data() + position_, copied);
    position_ += copied;
    return static_cast<int>(copied);
  }

  const absl::Status& status() const { return status_; }
  int64_t count() const { return count_; }

 private:
  absl::Status AppendRow() {
    OPSBENCH_ASSIGN_OR_RETURN(const bool more,
                              rows_.Next(absl::MakeSpan(row_)));
    if (!more) {
      done_ = true;
      return absl::OkStatus();
    }
    for (size_t i = 0; i < row_.size(); ++i) {
      if (i > 0) text_.push_back('\t');
      AppendField(row_[i], hexadecimal_[i]);
    }
    text_.push_back('\n');
    ++count_;
    return absl::OkStatus();
  }

  void AppendField(const Value& value, bool hexadecimal) {
    char digits[32];
    switch (value.type()) {
      case Value::Type::kNull:
        text_.append("\\N");
        break;
      case Value::Type::kInt64: {
        const auto end =
            std::to_chars(digits, digits + sizeof(digits), value.int64());
        text_.append(digits, end.ptr);
        break;
      }
      case Value::Type::kDouble: {
        // The shortest form that reads back as the same number.
        const auto end =
            std::to_chars(digits, digits + sizeof(digits), value.float64());
        text_.append(digits, end.ptr);
        break;
      }
      case Value::Type::kTimestamp:
        WriteDatetime(value.int64(), digits);
        text_.append(digits, kDatetimeBytes);
        break;
      default:
        if (hexadecimal) {
          text_.append(absl::BytesToHexString(value.text()));
        } else {
          AppendEscaped(value.text());
        }
    }
  }

  static bool NeedsEscape(char c) {
    return c == '\t' || c == '\n' || c == '\\' || c == '\0' || c == '\r';
  }

  void AppendEscaped(absl::string_view text) {
    const char* begin = text.data();
    const char* const end = begin + text.size();
    while (true) {
      const char* stop = std::find_if(begin, end, NeedsEscape);
      text_.append(begin, stop);
      if (stop == end) return;
      text_.push_back('\\');
      text_.push_back(*stop == '\0' ? '0' : *stop);
      begin = stop + 1;
    }
  }

  RowIterator& rows_;
  const std::vector<bool> hexadecimal_;
  std::vector<Value> row_;
  const size_t buffer_bytes_;
  std::string text_;
  size_t position_ = 0;
  bool done_ = false;
  absl::Status status_;
  int64_t count_ = 0;
};

int InitRows(void** state, const char*, void* source) {
  *state = source;
  return source == nullptr;  // Refused: not asked for by us.
}

int ReadRows(void* state, char* out, unsigned size) {
  return static_cast<LoadDataText*>(state)->Read(out, size);
}

void EndRows(void*) {}

int RowsError(void* state, char* out, unsigned size) {
  std::snprintf(out, size, "%s",
                state == nullptr ? "opsbench sends no files"
                                 : "the source of rows failed");
  return 2;  // "Unknown error" of the client, whose text this is.
}

// Which columns hold bytes, and must go as hexadecimal.
absl::StatusOr<std::vector<bool>> BytesColumns(
    MYSQL* connection, absl::string_view table,
    absl::Span<const std::string> columns) {
  OPSBENCH_RETURN_IF_ERROR(
      Run(connection, absl::StrCat("SELECT ", absl::StrJoin(columns, ", "),
                                   " FROM ", table, " LIMIT 0")));
  const Result result(mysql_store_result(connection));
  if (result == nullptr) return MysqlErrorOf(connection);
  std::vector<bool> bytes;
  for (unsigned i = 0; i < mysql_num_fields(result.get()); ++i) {
    const MYSQL_FIELD* field = mysql_fetch_field_direct(result.get(), i);
    const bool text_or_bytes = field->type == MYSQL_TYPE_BLOB ||
                               field->type == MYSQL_TYPE_TINY_BLOB ||
                               field->type == MYSQL_TYPE_MEDIUM_BLOB ||
                               field->type == MYSQL_TYPE_LONG_BLOB ||
                               field->type == MYSQL_TYPE_STRING ||
                               field->type == MYSQL_TYPE_VAR_STRING;
    bytes.push_back(text_or_bytes && field->charsetnr == kBinaryCharset);
  }
  return bytes;
}

// The first warning of the last statement as a status.
absl::Status FirstWarning(MYSQL* connection) {
  OPSBENCH_RETURN_IF_ERROR(Run(connection, "SHOW WARNINGS LIMIT 1"));
  const Result result(mysql_store_result(connection));
  if (result == nullptr) return MysqlErrorOf(connection);
  const MYSQL_ROW row = mysql_fetch_row(result.get());
  unsigned number = 0;
  if (row == nullptr || !absl::SimpleAtoi(row[1], &number)) {
    return absl::InternalError(
        "MySQL: LOAD DATA skipped rows and said not why");
  }
  return StatusOfMysqlError(number, row[2]);
}

std::string LoadDataSql(absl::string_view table,
                        absl::Span<const std::string> columns,
                        const std::vector<bool>& bytes) {
  std::vector<std::string> targets, assignments;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (bytes[i]) {
      targets.push_back(absl::StrCat("@", columns[i]));
      assignments.push_back(
          absl::StrCat(columns[i], " = UNHEX(@", columns[i], ")"));
    } else {
      targets.push_back(columns[i]);
    }
  }
  return absl::StrCat("LOAD DATA LOCAL INFILE 'rows' INTO TABLE ", table,
                      " CHARACTER SET utf8mb4 (", absl::StrJoin(targets, ", "),
                      ")", assignments.empty() ? "" : " SET ",
                      absl::StrJoin(assignments, ", "));
}

// One column of a batch of rows, as the client wants to bind it.
struct ArrayColumn {
  std::vector<int64_t> integers;
  std::vector<double> numbers;
  std::vector<MYSQL_TIME> times;
  std::vector<size_t> offsets;  // Of text, in the batch's buffer.
  std::vector<const char*> texts;
  std::vector<unsigned long> lengths;
  std::vector<char> indicators;
  Value::Type type = Value::Type::kNull;

  void Clear() {
    integers.clear();
    numbers.clear();
    times.clear();
    offsets.clear();
    lengths.clear();
    indicators.clear();
  }

  absl::Status Add(const Value& value, std::string* buffer) {
    if (type == Value::Type::kNull) type = value.type();
    if (!value.is_null() && value.type() != type) {
      return absl::InvalidArgumentError(
          "a column's values must be of one type for bulk binding");
    }
    indicators.push_back(value.is_null() ? STMT_INDICATOR_NULL
                                         : STMT_INDICATOR_NONE);
    const bool null = value.is_null();
    const bool is_text = value.type() == Value::Type::kText ||
                         value.type() == Value::Type::kBytes;
    const bool is_integer = value.type() == Value::Type::kInt64;
    integers.push_back(is_integer ? value.int64() : 0);
    numbers.push_back(value.type() == Value::Type::kDouble ? value.float64()
                                                           : 0);
    times.push_back(!null && value.type() == Value::Type::kTimestamp
                        ? ToMysqlTime(value.int64())
                        : MYSQL_TIME{});
    offsets.push_back(buffer->size());
    lengths.push_back(is_text ? value.text().size() : 0);
    if (is_text) buffer->append(value.text().data(), value.text().size());
    return absl::OkStatus();
  }

  MYSQL_BIND Bind(const std::string& buffer) {
    MYSQL_BIND bind = {};
    bind.u.indicator = indicators.data();
    switch (type) {
      case Value::Type::kInt64:
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.buffer = integers.data();
        break;
      case Value::Type::kDouble:
        bind.buffer_type = MYSQL_TYPE_DOUBLE;
        bind.buffer = numbers.data();
        break;
      case Value::Type::kTimestamp:
        bind.buffer_type = MYSQL_TYPE_DATETIME;
        bind.buffer = times.data();
        break;
      default:
        texts.clear();
        for (const size_t offset : offsets) {
          texts.push_back(buffer.data() + offset);
        }
        bind.buffer_type =
            type == Value::Type::kBytes ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
        bind.buffer = texts.data();
        bind.length = lengths.data();
    }
    return bind;
  }
};

struct StatementDeleter {
  void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
};

}  // namespace

void RefuseLocalFiles(MYSQL* connection) {
  mysql_set_local_infile_handler(connection, InitRows, ReadRows, EndRows,
                                 RowsError, nullptr);
}

absl::StatusOr<int64_t> LoadData(MYSQL* connection, absl::string_view table,
                                 absl::Span<const std::string> columns,
                                 RowIterator& rows, size_t buffer_bytes) {
  OPSBENCH_ASSIGN_OR_RETURN(std::vector<bool> bytes,
                            BytesColumns(connection, table, columns));
  const std::string sql = LoadDataSql(table, columns, bytes);
  LoadDataText text(rows, std::move(bytes), buffer_bytes);
  mysql_set_local_infile_handler(connection, InitRows, ReadRows, EndRows,
                                 RowsError, &text);
  const absl::Status loaded = Run(connection, sql);
  RefuseLocalFiles(connection);
  OPSBENCH_RETURN_IF_ERROR(text.status());
  OPSBENCH_RETURN_IF_ERROR(loaded);
  const int64_t affected =
      static_cast<int64_t>(mysql_affected_rows(connection));
  if (mysql_warning_count(connection) > 0 || affected != text.count()) {
    return FirstWarning(connection);
  }
  return affected;
}

absl::StatusOr<int64_t> InsertByArrays(MYSQL* connection,
                                       absl::string_view table,
                                       absl::Span<const std::string> columns,
                                       RowIterator& rows) {
  const std::vector<absl::string_view> marks(columns.size(), "?");
  const std::string sql =
      absl::StrCat("INSERT INTO ", table, " (", absl::StrJoin(columns, ", "),
                   ") VALUES (", absl::StrJoin(marks, ", "), ")");
  const std::unique_ptr<MYSQL_STMT, StatementDeleter> statement(
      mysql_stmt_init(connection));
  if (statement == nullptr) return MysqlErrorOf(connection);
  if (mysql_stmt_prepare(statement.get(), sql.data(), sql.size()) != 0) {
    return MysqlErrorOf(statement.get());
  }
  std::vector<ArrayColumn> arrays(columns.size());
  std::vector<Value> row(columns.size());
  std::vector<MYSQL_BIND> binds(columns.size());
  std::string buffer;
  int64_t total = 0;
  for (bool more = true; more;) {
    buffer.clear();
    for (ArrayColumn& array : arrays) array.Clear();
    unsigned count = 0;
    while (count < kArrayRows) {
      OPSBENCH_ASSIGN_OR_RETURN(more, rows.Next(absl::MakeSpan(row)));
      if (!more) break;
      for (size_t i = 0; i < row.size(); ++i) {
        OPSBENCH_RETURN_IF_ERROR(arrays[i].Add(row[i], &buffer));
      }
      ++count;
    }
    if (count == 0) break;
    for (size_t i = 0; i < arrays.size(); ++i) {
      binds[i] = arrays[i].Bind(buffer);
    }
    mysql_stmt_attr_set(statement.get(), STMT_ATTR_ARRAY_SIZE, &count);
    if (mysql_stmt_bind_param(statement.get(), binds.data()) != 0 ||
        mysql_stmt_execute(statement.get()) != 0) {
      return MysqlErrorOf(statement.get());
    }
    total += count;
  }
  return total;
}

}  // namespace opsbench::internal
