#ifndef OPSBENCH_STRESS_DATABASES_H_
#define OPSBENCH_STRESS_DATABASES_H_

// The databases of a run on one server, or SQLite's files in one folder: made,
// filled with the rows that are there from the start, and dropped.
//
// Thread safety: a value type; Create() and Drop() connect on their own.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/db/url.h"
#include "opsbench/stress/plan.h"

namespace opsbench::stress {

// The statements of sql/<engine>/stress/workload.sql.
absl::StatusOr<SqlCatalog> LoadWorkloadSql(Engine engine);

// Who makes databases: they replace none of each other's.
inline constexpr absl::string_view kRunMaker = "stress run";
inline constexpr absl::string_view kBenchMaker = "stress bench";

// What Create() and Drop() may drop.
enum class Replace {
  kNothing,
  kOurs,     // What the same maker made, as long as nothing was added to it.
  kForeign,  // Whatever has the name.
};

// Connects to a database without making or changing anything: of SQLite not
// even the file beside it. NotFound: there is no such database.
absl::StatusOr<std::unique_ptr<Session>> ConnectToRead(const Url& url);

struct Databases {
  Url server;
  std::vector<Url> urls;  // By database: "opsbench_stress_0", ….
  absl::string_view maker = kRunMaker;

  // Names them, `prefix` before each one's number; sends nothing. `server`: any
  // database of the server, which is only connected to; for SQLite the folder
  // that the files are in.
  static Databases Name(const Url& server, int count,
                        absl::string_view prefix = "opsbench_stress_");

  // Creates them with their marks (database_mark.h), tables and rows of the
  // start. Those that exist are dropped first as `replace` allows.
  // AlreadyExists and FailedPrecondition name one that must stay and say what
  // to do, PermissionDenied names the right that is missing; then nothing was
  // dropped, and what was created is gone again.
  absl::Status Create(const Plan& plan, Replace replace) const;

  // Drops those that exist, all or, with an error as above, none.
  absl::Status Drop(Replace replace = Replace::kOurs) const;

  // The files that they are in; none for a server.
  std::vector<std::string> files() const;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_DATABASES_H_
