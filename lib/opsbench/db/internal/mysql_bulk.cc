#include "opsbench/db/internal/mysql_bulk.h"

#include <errmsg.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/mysql_errors.h"
#include "opsbench/db/internal/mysql_load_text.h"
#include "opsbench/db/internal/mysql_statement.h"
#include "opsbench/db/internal/mysql_time.h"

namespace opsbench::internal {
namespace {

// The name in LOAD DATA's INFILE: the server asks for it, and for nothing else.
constexpr char kRowsName[] = "opsbench rows";

// More at once leaves the processor's caches between formatting and sending.
constexpr size_t kMaxTextBytes = 64 << 10;

// A server's max_allowed_packet is rarely below.
constexpr size_t kMaxBatchBytes = 4 << 20;
constexpr size_t kMaxBatchRows = 20'000;

struct ResultDeleter {
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};
using Result = std::unique_ptr<MYSQL_RES, ResultDeleter>;

absl::Status Run(MYSQL* connection, absl::string_view sql) {
  if (mysql_real_query(connection, sql.data(), sql.size()) != 0) {
    return ErrorOf(connection);
  }
  return absl::OkStatus();
}

std::string Quoted(absl::string_view name) {
  return absl::StrCat("`", name, "`");
}

std::string QuotedList(absl::Span<const std::string> names) {
  return absl::StrJoin(names, ", ", [](std::string* out, const auto& name) {
    absl::StrAppend(out, Quoted(name));
  });
}

bool IsCancelled(const MysqlLoad& load) {
  return load.cancelled->load(std::memory_order_relaxed);
}

// What LOAD DATA reads instead of a file.
class LocalFile {
 public:
  virtual ~LocalFile() = default;
  // Whether the server may ask for it by this name.
  virtual bool IsNamed(absl::string_view name) const = 0;
  // Copies up to `size` bytes to `out`; 0 at the end, below 0 after an error.
  virtual int Read(char* out, size_t size) = 0;
};

class BytesFile : public LocalFile {
 public:
  BytesFile(absl::string_view bytes, const std::atomic<bool>* cancelled)
      : rest_(bytes), cancelled_(cancelled) {}

  // The statement is the caller's, and so is the name in it.
  bool IsNamed(absl::string_view /*name*/) const override { return true; }

  int Read(char* out, size_t size) override {
    if (cancelled_->load(std::memory_order_relaxed)) return -1;
    const size_t copied = std::min(size, rest_.size());
    if (copied > 0) std::memcpy(out, rest_.data(), copied);
    rest_.remove_prefix(copied);
    return static_cast<int>(copied);
  }

 private:
  absl::string_view rest_;
  const std::atomic<bool>* const cancelled_;
};

class RowsFile : public LocalFile {
 public:
  RowsFile(const MysqlLoad& load, RowIterator& rows)
      : load_(load),
        rows_(rows),
        row_(load.columns.size()),
        text_bytes_(std::clamp<size_t>(load.buffer_bytes, 1, kMaxTextBytes)) {}

  bool IsNamed(absl::string_view name) const override {
    return name == kRowsName;
  }

  int Read(char* out, size_t size) override {
    if (position_ == text_.text().size()) {
      status_ = Fill();
      if (!status_.ok()) return -1;
      if (text_.text().empty()) return 0;
    }
    const size_t copied = std::min(size, text_.text().size() - position_);
    std::memcpy(out, text_.text().data() + position_, copied);
    position_ += copied;
    return static_cast<int>(copied);
  }

  const absl::Status& status() const { return status_; }
  int64_t count() const { return count_; }

 private:
  absl::Status Fill() {
    text_.Clear();
    position_ = 0;
    if (IsCancelled(load_)) return absl::CancelledError("interrupted");
    while (!done_ && text_.text().size() < text_bytes_) {
      OPSBENCH_ASSIGN_OR_RETURN(const bool more,
                                rows_.Next(absl::MakeSpan(row_)));
      if (!more) {
        done_ = true;
      } else {
        OPSBENCH_RETURN_IF_ERROR(text_.AppendRow(row_));
        ++count_;
      }
    }
    return absl::OkStatus();
  }

  const MysqlLoad& load_;
  RowIterator& rows_;
  std::vector<Value> row_;
  const size_t text_bytes_;
  MysqlLoadText text_;
  size_t position_ = 0;
  bool done_ = false;
  absl::Status status_;
  int64_t count_ = 0;
};

// The four callbacks of mysql_set_local_infile_handler; `file` is the
// LocalFile under way, null when there is none.
int OpenRows(void** state, const char* name, void* file) {
  *state = file;
  return file == nullptr || !static_cast<LocalFile*>(file)->IsNamed(name);
}

int ReadRows(void* state, char* out, unsigned size) {
  return static_cast<LocalFile*>(state)->Read(out, size);
}

void CloseRows(void*) {}

int RowsError(void* state, char* out, unsigned size) {
  std::snprintf(out, size, "%s",
                state == nullptr ? "the server asked for a file of the client's"
                                 : "the source of rows failed");
  return CR_UNKNOWN_ERROR;
}

absl::Status RunWithFile(MYSQL* connection, absl::string_view sql,
                         LocalFile* file) {
  mysql_set_local_infile_handler(connection, OpenRows, ReadRows, CloseRows,
                                 RowsError, file);
  const absl::Status status = Run(connection, sql);
  RefuseLocalFiles(connection);
  return status;
}

absl::Status NoLoadData() {
  return absl::InvalidArgumentError(
      "MySQL: the statement is not a LOAD DATA LOCAL INFILE");
}

// A BIT column takes the bytes of its text as bits, where INSERT takes the
// number: such columns go through a variable. This also finds a table or column
// that does not exist before a row is sent.
absl::StatusOr<std::vector<bool>> BitColumns(MYSQL* connection,
                                             const MysqlLoad& load) {
  OPSBENCH_RETURN_IF_ERROR(
      Run(connection, absl::StrCat("SELECT ", QuotedList(load.columns),
                                   " FROM ", Quoted(load.table), " LIMIT 0")));
  const Result result(mysql_store_result(connection));
  if (result == nullptr) return ErrorOf(connection);
  std::vector<bool> bits;
  for (unsigned i = 0; i < mysql_num_fields(result.get()); ++i) {
    bits.push_back(mysql_fetch_field_direct(result.get(), i)->type ==
                   MYSQL_TYPE_BIT);
  }
  return bits;
}

std::string LoadDataSql(const MysqlLoad& load, const std::vector<bool>& bits) {
  std::vector<std::string> targets, assignments;
  for (size_t i = 0; i < load.columns.size(); ++i) {
    const std::string column = Quoted(load.columns[i]);
    if (bits[i]) {
      const std::string variable = absl::StrCat("@opsbench_", i);
      targets.push_back(variable);
      assignments.push_back(
          absl::StrCat(column, " = CAST(", variable, " AS UNSIGNED)"));
    } else {
      targets.push_back(column);
    }
  }
  return absl::StrCat("LOAD DATA LOCAL INFILE '", kRowsName, "' INTO TABLE ",
                      Quoted(load.table), " CHARACTER SET utf8mb4 (",
                      absl::StrJoin(targets, ", "), ")",
                      assignments.empty() ? "" : " SET ",
                      absl::StrJoin(assignments, ", "));
}

// The first warning of the last statement as a status.
absl::Status FirstWarning(MYSQL* connection) {
  OPSBENCH_RETURN_IF_ERROR(Run(connection, "SHOW WARNINGS LIMIT 1"));
  const Result result(mysql_store_result(connection));
  if (result == nullptr) return ErrorOf(connection);
  const MYSQL_ROW row = mysql_fetch_row(result.get());
  unsigned number = 0;
  if (row == nullptr || !absl::SimpleAtoi(row[1], &number)) {
    return absl::InternalError(
        "MySQL: LOAD DATA dropped rows and did not say why");
  }
  return StatusOfMysqlError(number, row[2]);
}

// Rows on their way into one execution of a prepared INSERT. The library pulls
// them one by one while it writes the packet.
class Batch {
 public:
  Batch(MYSQL* connection, const MysqlLoad& load)
      : load_(load),
        handle_(mysql_stmt_init(connection)),
        row_(load.columns.size()),
        binds_(load.columns.size()),
        types_(load.columns.size()),
        integers_(load.columns.size()),
        numbers_(load.columns.size()),
        times_(load.columns.size()),
        lengths_(load.columns.size()),
        indicators_(load.columns.size()) {}
  ~Batch() {
    if (handle_ != nullptr) mysql_stmt_close(handle_);
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  absl::Status Prepare() {
    if (handle_ == nullptr) {
      return absl::ResourceExhaustedError("MySQL: no memory for a statement");
    }
    const std::vector<absl::string_view> marks(load_.columns.size(), "?");
    const std::string sql = absl::StrCat(
        "INSERT INTO ", Quoted(load_.table), " (", QuotedList(load_.columns),
        ") VALUES (", absl::StrJoin(marks, ", "), ")");
    const auto* callback = reinterpret_cast<const void*>(&NextRow);
    if (mysql_stmt_prepare(handle_, sql.data(), sql.size()) != 0 ||
        mysql_stmt_attr_set(handle_, STMT_ATTR_CB_USER_DATA, this) != 0 ||
        mysql_stmt_attr_set(handle_, STMT_ATTR_CB_PARAM, callback) != 0) {
      return ErrorOf(handle_);
    }
    return absl::OkStatus();
  }

  // Gathers rows until they are enough or the source is dry, which it returns.
  absl::StatusOr<bool> Gather(RowIterator& rows) {
    const size_t enough =
        std::clamp<size_t>(load_.buffer_bytes, 1, kMaxBatchBytes);
    rows_.Clear();
    for (const std::string& column : load_.columns) rows_.AddColumn(column);
    size_t bytes = 0;
    while (bytes < enough && rows_.row_count() < kMaxBatchRows) {
      OPSBENCH_ASSIGN_OR_RETURN(const bool more,
                                rows.Next(absl::MakeSpan(row_)));
      if (!more) return false;
      for (const Value& value : row_) {
        OPSBENCH_RETURN_IF_ERROR(Append(value));
        bytes += 1 + (IsText(value) ? value.text().size() : 8);
      }
    }
    return true;
  }

  // Sends the rows that were gathered and returns how many. An execution has
  // one type for each column, so a change of type begins another.
  absl::StatusOr<int64_t> Send() {
    const size_t count = rows_.row_count();
    for (first_ = 0; first_ < count;) {
      const size_t end = TakeTypes(count);
      const auto size = static_cast<unsigned>(end - first_);
      if (mysql_stmt_attr_set(handle_, STMT_ATTR_ARRAY_SIZE, &size) != 0 ||
          mysql_stmt_bind_param(handle_, binds_.data()) != 0 ||
          mysql_stmt_execute(handle_) != 0) {
        return ErrorOf(handle_);
      }
      first_ = end;
    }
    return static_cast<int64_t>(count);
  }

 private:
  static bool IsText(const Value& value) {
    return value.type() == Value::Type::kText ||
           value.type() == Value::Type::kBytes;
  }

  absl::Status Append(const Value& value) {
    switch (value.type()) {
      case Value::Type::kNull:
        rows_.AppendNull();
        break;
      case Value::Type::kInt64:
        rows_.AppendInt64(value.int64());
        break;
      case Value::Type::kDouble:
        rows_.AppendDouble(value.float64());
        break;
      case Value::Type::kTimestamp:
        if (!FitsMysql(value.int64())) {
          return absl::InvalidArgumentError(
              absl::StrCat("MySQL: no DATETIME holds ", value.ToString()));
        }
        rows_.AppendTimestampUs(value.int64());
        break;
      case Value::Type::kText:
        rows_.AppendText(value.text());
        break;
      case Value::Type::kBytes:
        rows_.AppendBytes(value.text());
        break;
    }
    return absl::OkStatus();
  }

  // Binds the types of the rows from first_ on and returns where they end.
  size_t TakeTypes(size_t count) {
    std::fill(types_.begin(), types_.end(), Value::Type::kNull);
    size_t end = first_;
    for (; end < count; ++end) {
      bool same = true;
      for (size_t i = 0; i < types_.size(); ++i) {
        const Value::Type type = rows_.at(end, i).type();
        same &= type == Value::Type::kNull || types_[i] == type ||
                types_[i] == Value::Type::kNull;
      }
      if (!same) break;
      for (size_t i = 0; i < types_.size(); ++i) {
        const Value::Type type = rows_.at(end, i).type();
        if (type != Value::Type::kNull) types_[i] = type;
      }
    }
    for (size_t i = 0; i < binds_.size(); ++i) {
      binds_[i] = {};
      binds_[i].buffer_type = WireType(types_[i]);
      binds_[i].length = &lengths_[i];
      binds_[i].u.indicator = &indicators_[i];
    }
    return end;
  }

  static enum_field_types WireType(Value::Type type) {
    switch (type) {
      case Value::Type::kInt64:
        return MYSQL_TYPE_LONGLONG;
      case Value::Type::kDouble:
        return MYSQL_TYPE_DOUBLE;
      case Value::Type::kTimestamp:
        return MYSQL_TYPE_DATETIME;
      case Value::Type::kBytes:
        return MYSQL_TYPE_BLOB;
      default:
        return MYSQL_TYPE_STRING;
    }
  }

  // The library's callback for row `index` of an execution: points its bindings
  // at the row's values, which it copies before it asks for the next.
  static my_bool NextRow(void* batch, MYSQL_BIND* binds, unsigned index) {
    auto* self = static_cast<Batch*>(batch);
    for (size_t i = 0; i < self->row_.size(); ++i) {
      Value& value = self->row_[i];
      value = self->rows_.at(self->first_ + index, i);
      self->indicators_[i] =
          value.is_null() ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
      self->Point(i, &binds[i]);
    }
    return 0;
  }

  void Point(size_t i, MYSQL_BIND* bind) {
    const Value& value = row_[i];
    switch (value.type()) {
      case Value::Type::kNull:
        break;
      case Value::Type::kInt64:
        integers_[i] = value.int64();
        bind->buffer = &integers_[i];
        break;
      case Value::Type::kDouble:
        numbers_[i] = value.float64();
        bind->buffer = &numbers_[i];
        break;
      case Value::Type::kTimestamp:
        times_[i] = MysqlTimeOf(value.int64());
        bind->buffer = &times_[i];
        break;
      case Value::Type::kText:
      case Value::Type::kBytes:
        lengths_[i] = value.text().size();
        bind->buffer = const_cast<char*>(value.text().data());
        bind->buffer_length = lengths_[i];
        break;
    }
  }

  const MysqlLoad& load_;
  MYSQL_STMT* const handle_;
  ResultSet rows_;
  size_t first_ = 0;  // Of the rows in the execution under way.
  std::vector<Value> row_;
  // One for each column.
  std::vector<MYSQL_BIND> binds_;
  std::vector<Value::Type> types_;
  std::vector<int64_t> integers_;
  std::vector<double> numbers_;
  std::vector<MYSQL_TIME> times_;
  std::vector<unsigned long> lengths_;
  std::vector<char> indicators_;
};

}  // namespace

void RefuseLocalFiles(MYSQL* connection) {
  mysql_set_local_infile_handler(connection, OpenRows, ReadRows, CloseRows,
                                 RowsError, nullptr);
}

absl::StatusOr<int64_t> LoadRows(MYSQL* connection, const MysqlLoad& load,
                                 RowIterator& rows) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<bool> bits,
                            BitColumns(connection, load));
  RowsFile file(load, rows);
  const absl::Status loaded =
      RunWithFile(connection, LoadDataSql(load, bits), &file);
  OPSBENCH_RETURN_IF_ERROR(file.status());
  OPSBENCH_RETURN_IF_ERROR(loaded);
  const auto affected = static_cast<int64_t>(mysql_affected_rows(connection));
  if (mysql_warning_count(connection) > 0 || affected != file.count()) {
    return FirstWarning(connection);
  }
  return affected;
}

absl::StatusOr<int64_t> LoadBytes(MYSQL* connection, absl::string_view sql,
                                  absl::string_view bytes,
                                  const std::atomic<bool>* cancelled) {
  BytesFile file(bytes, cancelled);
  const absl::Status loaded = RunWithFile(connection, sql, &file);
  if (cancelled->load(std::memory_order_relaxed)) {
    return absl::CancelledError("MySQL: LOAD DATA was interrupted");
  }
  OPSBENCH_RETURN_IF_ERROR(loaded);
  if (mysql_field_count(connection) > 0) {
    Result(mysql_use_result(connection)).reset();
    return NoLoadData();
  }
  // "Records: 3  Deleted: 0  Skipped: 1  Warnings: 1". The rows affected would
  // count one twice that REPLACE put in the place of another.
  int64_t records = 0, deleted = 0, skipped = 0;
  const char* const info = mysql_info(connection);
  if (info == nullptr ||
      std::sscanf(info,
                  "Records: %" SCNd64 " Deleted: %" SCNd64 " Skipped: %" SCNd64,
                  &records, &deleted, &skipped) != 3) {
    return NoLoadData();
  }
  if (mysql_warning_count(connection) > 0 || skipped > 0) {
    return FirstWarning(connection);
  }
  return records;
}

absl::StatusOr<int64_t> InsertByArrays(MYSQL* connection, const MysqlLoad& load,
                                       RowIterator& rows) {
  Batch batch(connection, load);
  OPSBENCH_RETURN_IF_ERROR(batch.Prepare());
  int64_t total = 0;
  for (bool more = true; more;) {
    if (IsCancelled(load)) return absl::CancelledError("interrupted");
    OPSBENCH_ASSIGN_OR_RETURN(more, batch.Gather(rows));
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t sent, batch.Send());
    total += sent;
  }
  return total;
}

}  // namespace opsbench::internal
