#ifndef OPSBENCH_PIPELINE_INTERNAL_MYSQL_CATALOG_H_
#define OPSBENCH_PIPELINE_INTERNAL_MYSQL_CATALOG_H_

// Tables of MySQL and MariaDB: what their catalogue says of them, and how its
// types and the pipeline's stand for each other.
//
//   MySQL                    pipeline         and back
//   tinyint(1)               bool             tinyint(1)
//   integers of any width    of that width    the same; mediumint as native
//   bit(n)                   uint64           bigint unsigned, or native
//   year                     uint16           smallint unsigned, or native
//   float, double            float32, 64      the same
//   decimal(p, s)            decimal, numeric above 38 digits
//   char, varchar, text      text             longtext
//   binary, varbinary, blob  bytes            longblob
//   date                     date             the same
//   time                     duration         time(6)
//   datetime                 timestamp        datetime(6)
//   timestamp                timestamp_tz     datetime(6), which ends later
//   json                     json             the same
//   enum, set, inet4, inet6  text             longtext, or native
//   uuid (MariaDB)           uuid             char(36), or native: MariaDB's
//                                             refuses some that others take
//   geometry and others      none: Unimplemented
//
// What MySQL has no type for is in a column whose comment is "opsbench:" and
// the name of the type: numeric as longtext, time as time(6), timestamp_tz as
// datetime(6), uuid as char(36), a decimal of a larger scale than the server's
// as longtext. A source believes it.
//
// A `native` begins with the server's flavour, "mysql:" or "mariadb:", and is
// what stands behind a column's name when it is made, as both have types and
// collations that the other has not. One that is no such type (a file may say
// anything) is as if there were none.
//
// Thread safety: pure functions, and a Session's.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline::internal {

// A column as information_schema has it. Types are in lower case.
struct MysqlColumnInfo {
  std::string name;
  std::string data_type;    // "bigint".
  std::string column_type;  // "bigint(20) unsigned".
  bool nullable = true;
  bool generated = false;
  bool is_json = false;  // Also where MariaDB has text and a check for it.
  int precision = 0;     // Of decimals.
  int scale = 0;
  int fraction_digits = 0;  // Of temporal types.
  int64_t max_chars = 0;    // Of text and bytes: characters, bytes.
  std::string charset;      // Empty but of text.
  std::string collation;
  std::string comment;

  bool is_unsigned() const;
};

struct MysqlKey {
  std::string name;
  std::vector<std::string> columns;
};

struct MysqlTable {
  TableName name;  // Both parts, as the server spells them.
  std::string engine;
  bool transactional = false;
  std::vector<MysqlColumnInfo> columns;
  std::vector<MysqlKey> unique_keys;  // The primary key is named PRIMARY.

  const MysqlColumnInfo* Find(absl::string_view column) const;
  std::vector<std::string> PrimaryKey() const;
};

// `identifier` in backticks.
std::string MysqlQuoted(absl::string_view identifier);
std::string MysqlQuoted(const TableName& table);
std::string MysqlQuotedList(absl::Span<const std::string> names);
// A text literal. Right for sessions of this library, whose sql_mode knows
// backslashes.
std::string MysqlLiteral(absl::string_view text);

// NotFound: there is no such table, or no database was named.
absl::StatusOr<MysqlTable> DescribeMysqlTable(Session& session,
                                              const TableName& table);

// What a swap of the table would lose: its foreign keys and triggers, and keys
// of other tables that refer to it, for people; empty when there are none.
absl::StatusOr<std::string> MysqlTies(Session& session, const TableName& table);

// What the server's own defaults must not change for a pipeline; PIPELINE.md
// has the list.
absl::Status SetUpMysqlSession(Session& session);

// The tables whose rows a DELETE of the table's would take along or change, for
// people; empty when there are none.
absl::StatusOr<std::string> MysqlDependents(Session& session,
                                            const TableName& table);

// See Source::Identity(); empty of a table that is not there.
absl::StatusOr<std::string> MysqlIdentity(Session& session,
                                          const TableName& table);

struct MysqlFieldOptions {
  absl::string_view flavour;  // Of Capabilities.
  bool tinyint1_is_bool = true;
  bool zero_dates_are_null = false;
};

// Unimplemented: the column's type has no mapping.
absl::StatusOr<Field> FieldOfMysqlColumn(const MysqlTable& table,
                                         const MysqlColumnInfo& column,
                                         const MysqlFieldOptions& options);

// CREATE TABLE for `schema`. Text in a primary key is varchar(255), bytes
// varbinary(255), fewer where the key has more than three such columns, because
// an index ends at 3072 bytes. Text compares by its bytes, as PostgreSQL's and
// SQLite's does, unless it has a native type.
std::string MysqlCreateTableSql(const TableName& table, const Schema& schema,
                                absl::Span<const std::string> primary_key,
                                const Capabilities& server);

// A statement of sql/mysql/pipeline: "catalog/tables". REQUIRES: it exists,
// with these replacements.
CompiledSql MysqlPipelineSql(absl::string_view file, absl::string_view name,
                             const std::string& table = "");

// Runs one of them with text parameters, by name.
absl::Status RunMysqlPipelineSql(
    Session& session, const CompiledSql& sql,
    const std::map<std::string, std::string>& parameters, ResultSet* rows);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_MYSQL_CATALOG_H_
