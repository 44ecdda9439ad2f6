#ifndef OPSBENCH_DB_OWNERSHIP_H_
#define OPSBENCH_DB_OWNERSHIP_H_

// Tells whether a table was made by opsbench. Each table that opsbench makes
// carries a mark, "opsbench: <maker>", optionally followed by "; <detail>":
//   MySQL, MariaDB  in the table's COMMENT
//   PostgreSQL      in the table's COMMENT ON TABLE
//   SQLite          as a comment within CREATE TABLE, which sqlite_schema keeps
// What has no mark, or the mark of another maker, is never replaced, emptied,
// renamed or dropped unless the user asks for it.
//
// Makers are the purposes of tables: "sidetable seed", "sidetable bench",
// "pipeline seed". Two commands with one maker may replace each other's tables.
//
// Thread safety: that of the session.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/session.h"

namespace opsbench {

// A table by name, without quotes. An empty schema is the session's current
// one; in SQLite it must be empty.
struct TableId {
  std::string schema;
  std::string name;
};

enum class Ownership { kAbsent, kOurs, kForeign };

struct TableOwner {
  Ownership ownership = Ownership::kAbsent;
  std::string kind;    // "table", "view", "index", …; empty when absent.
  std::string maker;   // Of the mark; empty unless kOurs.
  std::string detail;  // Likewise; may be empty.
};

// Finds the relation of this name: whatever stands in the way of a table, be it
// a view, an index or a sequence. Names are compared as the engine does.
absl::StatusOr<TableOwner> FindTableOwner(Session& session,
                                          const TableId& table);

// Runs `create_sql`, a CREATE TABLE statement for `table` with a list of
// columns, so that the table has its mark from the start. `maker` and `detail`
// hold letters, digits, spaces and "_-.:=,+/" (InvalidArgument otherwise).
// AlreadyExists: there is one.
absl::Status CreateMarkedTable(Session& session, const TableId& table,
                               absl::string_view create_sql,
                               absl::string_view maker,
                               absl::string_view detail = "");

// Returns true when the table exists and was made by `maker`, false when there
// is none. FailedPrecondition when it was made by somebody else; the message
// names it and ends in `remedy`, such as "name another database".
absl::StatusOr<bool> RequireOurs(Session& session, const TableId& table,
                                 absl::string_view maker,
                                 absl::string_view remedy);

// Drops the table if `maker` made it. Errors as RequireOurs().
absl::Status DropOurTable(Session& session, const TableId& table,
                          absl::string_view maker, absl::string_view remedy);

// The mark's text, "opsbench: <maker>[; <detail>]".
std::string OwnershipMark(absl::string_view maker,
                          absl::string_view detail = "");

// Reads such a text: kOurs with its maker and detail, or kForeign.
TableOwner ParseOwnershipMark(absl::string_view text);

}  // namespace opsbench

#endif  // OPSBENCH_DB_OWNERSHIP_H_
