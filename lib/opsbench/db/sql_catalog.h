#ifndef OPSBENCH_DB_SQL_CATALOG_H_
#define OPSBENCH_DB_SQL_CATALOG_H_

// Named statements out of the files in sql/, for every engine the same way.
//
// A file is a list of sections. A line `-- name: latest` opens one, which is a
// single statement up to the next such line; other lines that begin with `--`
// are comments. In a statement
//   :limit         is a parameter; it becomes ?, or $1 … on PostgreSQL,
//   {level}        is replaced by a text that the caller gives,
//   {(:a, :b)}     is repeated, with commas between, for as many rows as asked.
// `::type` casts and what is in quotes are left alone.
//
// Thread safety: immutable after construction.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"

namespace opsbench {

// A file as it is built into the program.
struct SqlFile {
  absl::string_view name;  // "mysql/sidetable/common".
  absl::string_view content;
};

// A statement whose parameters are known by name.
struct CompiledSql {
  std::string sql;
  // In the order of the placeholders, of one row. On MySQL and SQLite a name
  // that occurs twice is here twice.
  std::vector<std::string> parameters;
  // The same of the repeated part, for each row.
  std::vector<std::string> row_parameters;
  int rows = 1;
};

class SqlCatalog {
 public:
  // InvalidArgument: text before the first section, a section twice, an empty
  // one.
  static absl::StatusOr<SqlCatalog> Parse(absl::string_view text);

  bool Has(absl::string_view name) const;
  // Section names in the order of the file that begin with `prefix`.
  std::vector<std::string> NamesWithPrefix(absl::string_view prefix) const;

  // The statement for `engine`. NotFound: no such section. InvalidArgument: a
  // replacement is missing, or a repeated part beside other parameters.
  absl::StatusOr<CompiledSql> Compile(
      absl::string_view name, Engine engine,
      const std::map<std::string, std::string>& replacements = {},
      int rows = 1) const;

  // The statement with its parameters written out as literals, for EXPLAIN and
  // for people. Text parameters must be free of quotes and backslashes
  // (InvalidArgument otherwise), so that nothing needs escaping.
  absl::StatusOr<std::string> Render(
      absl::string_view name, Engine engine,
      const std::map<std::string, std::string>& replacements,
      const std::map<std::string, Value>& values) const;

 private:
  // In the order of the file.
  std::vector<std::pair<std::string, std::string>> sections_;
};

}  // namespace opsbench

#endif  // OPSBENCH_DB_SQL_CATALOG_H_
