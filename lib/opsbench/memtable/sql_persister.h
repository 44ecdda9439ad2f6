#ifndef OPSBENCH_MEMTABLE_SQL_PERSISTER_H_
#define OPSBENCH_MEMTABLE_SQL_PERSISTER_H_

// Writes a memtable's rows to a table in SQLite, MySQL, MariaDB or PostgreSQL.
//
// The table is the caller's. It has a column for each field of the schema, by
// the field's name; what other columns it has must have defaults. The key's
// column is its primary key. On MySQL it must have no other unique index, or an
// upsert may replace a row of another key; and a text key needs a binary
// collation (utf8mb4_bin), or keys that differ in case are one row.
//
// A field goes into its column as: an integer, enum or bool as a 64-bit integer
// (0 or 1 of a bool), floating point as a double, a string as text, which is
// UTF-8 where the engine asks for it.
//
// Each batch is one transaction, of upserts and deletes by key: a batch that
// comes again changes nothing. After an error it is rolled back, and the next
// call begins afresh, over a new connection when the old one was lost.
//
// Thread safety: for one thread at a time, as a memtable calls it.

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/memtable/internal/sql_writer.h"
#include "opsbench/memtable/persister.h"

namespace opsbench::memtable {

template <typename SchemaType>
class SqlPersister : public Persister<typename SchemaType::Row> {
 public:
  using Schema = SchemaType;
  using Row = typename Schema::Row;

  // Connects to `url`; each session's errors as session.h has them. NotFound:
  // no such table or column. InvalidArgument: the name of the table or of a
  // field is not [a-z0-9_]+. Unimplemented: Redis, see redis_persister.h.
  static absl::StatusOr<std::unique_ptr<SqlPersister>> Open(
      const Url& url, std::string_view table,
      const ConnectOptions& options = {}) {
    internal::SqlWriter::Target target;
    target.url = url;
    target.options = options;
    target.table = table;
    Schema::ForEachField(
        [&target]<typename F>(F*) { target.columns.emplace_back(F::kName); });
    OPSBENCH_ASSIGN_OR_RETURN(auto writer,
                              internal::SqlWriter::Open(std::move(target)));
    return std::unique_ptr<SqlPersister>(new SqlPersister(std::move(writer)));
  }

  // The engine's error, as session.h has it. InvalidArgument as well: an
  // unsigned number of 2^63 or more.
  absl::Status Persist(absl::Span<const Change<Row>> changes) override {
    upserts_.clear();
    keys_.clear();
    absl::Status status;
    for (const Change<Row>& change : changes) {
      if (change.removed) {
        Append<typename Schema::PrimaryKey>(*change.row, &keys_, &status);
        continue;
      }
      Schema::ForEachField(
          [&]<typename F>(F*) { Append<F>(*change.row, &upserts_, &status); });
    }
    OPSBENCH_RETURN_IF_ERROR(status);
    return writer_->Write(upserts_, keys_);
  }

 private:
  explicit SqlPersister(std::unique_ptr<internal::SqlWriter> writer)
      : writer_(std::move(writer)) {}

  template <typename F>
  static void Append(const Row& row, std::vector<Value>* values,
                     absl::Status* status) {
    const auto& field = row.*F::kMember;
    using FieldType = typename F::Value;
    if constexpr (F::kIsString) {
      values->push_back(Value::Text({field.data(), field.size()}));
    } else if constexpr (std::is_floating_point_v<FieldType>) {
      values->push_back(Value::Double(static_cast<double>(field)));
    } else {
      const int64_t number = static_cast<int64_t>(field);
      if (number < 0 && !IsSigned<FieldType>()) {
        *status = absl::InvalidArgumentError(absl::StrCat(
            "field ", absl::string_view(F::kName.data(), F::kName.size()),
            " is ", static_cast<uint64_t>(field),
            ": a database takes less than 2^63"));
      }
      values->push_back(Value::Int64(number));
    }
  }

  template <typename Integer>
  static constexpr bool IsSigned() {
    if constexpr (std::is_enum_v<Integer>) {
      return std::is_signed_v<std::underlying_type_t<Integer>>;
    } else {
      return std::is_signed_v<Integer>;
    }
  }

  const std::unique_ptr<internal::SqlWriter> writer_;
  // Of one batch; their memory is kept.
  std::vector<Value> upserts_;
  std::vector<Value> keys_;
};

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_SQL_PERSISTER_H_
