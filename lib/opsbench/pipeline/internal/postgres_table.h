#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_TABLE_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_TABLE_H_

// Tables of PostgreSQL's as its catalogue has them, and the forms in which
// values of their types are on the wire.
//
// Thread safety: functions as the session, value types otherwise.
//
// Source: the send and recv functions of PostgreSQL's types (src/backend/utils/
// adt), pg_type.dat for the object ids.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline::postgres {

// The binary forms that are read and written here. Values of other types travel
// as their text.
enum class Form : uint8_t {
  kNone,
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kOid,
  kFloat4,
  kFloat8,
  kNumeric,
  kText,
  kBytea,
  kDate,
  kTime,
  kTimestamp,
  kTimestampTz,
  kInterval,
  kUuid,
  kJson,
  kJsonb,
};

Form FormOfType(uint32_t oid);
// The object id of a parameter in this form, and of an array of them. kNone is
// sent as text.
uint32_t ParameterType(Form form);
uint32_t ParameterArrayType(Form form);
// "int4", for casts of parameters.
absl::string_view FormName(Form form);

// Days and microseconds from 1970, where Arrow begins, to 2000, where
// PostgreSQL does.
inline constexpr int32_t kEpochDays = 10957;
inline constexpr int64_t kEpochUs = int64_t{kEpochDays} * 86'400'000'000;

struct PostgresColumn {
  std::string name;
  uint32_t type = 0;      // Object id; of the base of a domain.
  int typmod = -1;        // Likewise.
  std::string declared;   // "numeric(10,2)", "mood", "int4[]".
  std::string base_name;  // The base type's, without a modifier.
  char kind = 'b';        // pg_type.typtype of the base type.
  char element_kind = 0;  // Of an array's elements.
  bool not_null = false;
  bool generated = false;
  bool identity = false;
  bool portable = false;  // Its binary form may go to another server.

  Form form() const { return FormOfType(type); }
  // Of a numeric with a modifier; -1 without one.
  int precision() const;
  int scale() const;
  // Digits behind the second that a time or timestamp keeps.
  int fraction_digits() const;
};

struct PostgresTable {
  TableName name;  // With its schema.
  int64_t oid = 0;
  char kind = 'r';  // pg_class.relkind.
  int64_t pages = 0;
  std::vector<PostgresColumn> columns;
  std::vector<std::string> primary_key;

  const PostgresColumn* Find(absl::string_view column) const;
};

// nullopt: there is no such table.
absl::StatusOr<std::optional<PostgresTable>> ReadTable(Session& session,
                                                       const TableName& name);

// The statement of a section, in which {table} is `table`.
absl::StatusOr<CompiledSql> CompileSection(absl::string_view section,
                                           const std::string& table = "");

// Runs a section of sql/postgres/pipeline/ with text parameters; `table`, which
// is quoted, is what stands for {table}.
absl::Status RunSection(
    Session& session, absl::string_view section,
    const std::vector<std::pair<std::string, std::string>>& parameters,
    ResultSet* rows, const std::string& table = "");

// See Source::Identity(); empty of a table that is not there.
absl::StatusOr<std::string> IdentityOf(Session& session, const TableName& name);

// How the column is read. Unimplemented, with table, column and type: a type
// that has no form of its own (composite types, pseudo-types).
absl::StatusOr<Field> FieldOfColumn(const TableName& table,
                                    const PostgresColumn& column,
                                    bool decimals);

// The type of a new column for values of `field`, but for its `native`.
std::string ColumnTypeOf(const Type& type);

// Any name, any text.
std::string QuoteIdentifier(absl::string_view name);
std::string QuoteLiteral(absl::string_view text);
std::string QuoteTable(const TableName& name);
// "a", "b".
std::string QuoteColumns(const std::vector<std::string>& names);

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_TABLE_H_
