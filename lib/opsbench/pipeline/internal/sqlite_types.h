#ifndef OPSBENCH_PIPELINE_INTERNAL_SQLITE_TYPES_H_
#define OPSBENCH_PIPELINE_INTERNAL_SQLITE_TYPES_H_

// SQLite's columns have a declared type that is a word, and its values a
// storage class of their own. A source goes by the word; a destination declares
// each type by one that gives the column an affinity (what SQLite makes of
// values) that changes none, and that is read as the same type:
//
//   type            declared             stored as
//   bool            BOOLEAN              INTEGER
//   int8 to int32   INTEGER_8 to _32     INTEGER
//   int64           INTEGER              INTEGER
//   uint8 to 32     UINTEGER_8 to _32    INTEGER
//   uint64          TEXT_U64             TEXT: above 2^63 - 1 is no INTEGER
//   float32, 64     FLOAT_32, DOUBLE     REAL; NaN as TEXT, as SQLite has none
//   decimal(p, s)   TEXT_DECIMAL(p,s)    TEXT
//   numeric         TEXT_NUMERIC         TEXT
//   text, bytes     TEXT, BLOB           TEXT, BLOB
//   json            TEXT_JSON            TEXT
//   the rest        DATE, TIME, DURATION, TIMESTAMP, TIMESTAMP_TZ, UUID: TEXT
//
// Of other people's words: INT in any word is int64; CHAR, CLOB and TEXT are
// text; BLOB is bytes; REAL, FLOA and DOUB are float64; BOOL, DATETIME,
// TIMESTAMPTZ, JSON, DECIMAL(p,s) and NUMERIC(p,s) are what they say, without
// (p,s) numeric; a column of no type is text. SQLite has no -0.0: it stores 0.
//
// Thread safety: pure functions, and a Session's.

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/connector.h"

namespace opsbench::pipeline::internal {

// "Determination Of Column Affinity" in SQLite's documentation.
enum class SqliteAffinity { kInteger, kText, kBlob, kReal, kNumeric };
SqliteAffinity SqliteAffinityOf(absl::string_view declared);

struct SqliteColumnInfo {
  std::string name;
  std::string declared;  // As it was written.
  bool nullable = true;
  bool generated = false;
  int key = 0;  // Its place in the primary key, from 1; 0: none.
};

struct SqliteTable {
  std::string name;  // As it was written.
  std::vector<SqliteColumnInfo> columns;
  bool has_indexes = false;  // Beside the table's own order.

  const SqliteColumnInfo* Find(absl::string_view column) const;
  std::vector<std::string> PrimaryKey() const;
};

std::string SqliteQuoted(absl::string_view identifier);
std::string SqliteQuotedList(absl::Span<const std::string> names);
// A text literal of any bytes.
std::string SqliteLiteral(absl::string_view text);

// NotFound: there is no such table or view. InvalidArgument: it has a schema.
absl::StatusOr<SqliteTable> DescribeSqliteTable(Session& session,
                                                const TableName& table);

// See Source::Identity(): of the file, by whatever path it was opened. Empty of
// a table that is not there, and of a database in memory.
absl::StatusOr<std::string> SqliteIdentity(Session& session,
                                           const TableName& table);

// A statement of sql/sqlite/pipeline. REQUIRES: it exists.
CompiledSql SqlitePipelineSql(absl::string_view name);

// Runs one of them with text parameters, by name.
absl::Status RunSqlitePipelineSql(
    Session& session, absl::string_view name,
    const std::map<std::string, std::string>& parameters, ResultSet* rows);

// Unimplemented: the declared type has no mapping.
absl::StatusOr<Field> FieldOfSqliteColumn(const SqliteTable& table,
                                          const SqliteColumnInfo& column);

// Whether a column of this affinity keeps every value of the type.
bool SqliteCanHold(SqliteAffinity affinity, const Type& type);
std::string SqliteCreateTableSql(absl::string_view table, const Schema& schema,
                                 absl::Span<const std::string> primary_key);

// Appends what SQLite stored, which is not NULL. Of another storage class than
// the type's, a value is converted where nothing is lost, and is OutOfRange or
// InvalidArgument otherwise.
absl::Status AppendSqliteValue(const Value& value, Column* column);

// The value to bind for a column of that affinity; text is in the column or in
// `scratch`. REQUIRES: it is not null. OutOfRange: SQLite would change it.
absl::StatusOr<Value> SqliteValueOf(const Column& column, int64_t row,
                                    SqliteAffinity affinity,
                                    std::string* scratch);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_SQLITE_TYPES_H_
