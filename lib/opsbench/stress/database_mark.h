#ifndef OPSBENCH_STRESS_DATABASE_MARK_H_
#define OPSBENCH_STRESS_DATABASE_MARK_H_

// The mark in each database that opsbench makes: the table opsbench_mark, which
// has the mark of ownership.h and lists what opsbench made in the database. So
// a database that was made by somebody else is told apart, and so are tables
// that somebody added to one of ours or altered in it.
//
// Thread safety: that of the session.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::stress {

inline constexpr char kMarkTable[] = "opsbench_mark";

// The columns of each table and view of a database in their order, with their
// types as the engine writes them. A table of another schema than the usual one
// is "schema.table".
using Definitions =
    std::map<std::string, std::vector<std::pair<std::string, std::string>>>;

absl::StatusOr<Definitions> ReadDefinitions(Session& session,
                                            const SqlCatalog& sql);

// Makes the mark before anything else is made in the database: these `tables`
// are opsbench's.
absl::Status MakeMark(Session& session, const SqlCatalog& sql,
                      absl::string_view maker,
                      const std::vector<std::string>& tables);
// Notes the definitions of these tables, which have been made.
absl::Status NoteDefinitions(Session& session, const SqlCatalog& sql,
                             const std::vector<std::string>& tables);

struct DatabaseMark {
  std::string maker;  // Empty: no mark, so the database is somebody else's.
  // What opsbench made, itself included; without columns when the maker was
  // interrupted.
  Definitions made;
};

absl::StatusOr<DatabaseMark> ReadMark(Session& session, const SqlCatalog& sql);

// The tables and views of `found` that are not in `made`, by name.
std::vector<std::string> ForeignTables(const Definitions& found,
                                       const Definitions& made);

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_DATABASE_MARK_H_
