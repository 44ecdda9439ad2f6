#ifndef OPSBENCH_STRESS_DATABASES_H_
#define OPSBENCH_STRESS_DATABASES_H_

// The databases of a run on one server, or SQLite's files in one folder: made,
// filled with the rows that are there from the start, and dropped.
//
// Thread safety: a value type; Create() and Drop() connect on their own.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/db/url.h"
#include "opsbench/stress/plan.h"

namespace opsbench::stress {

// The statements of sql/<engine>/stress/workload.sql.
absl::StatusOr<SqlCatalog> LoadWorkloadSql(Engine engine);

struct Databases {
  Url server;
  std::vector<Url> urls;  // By database: "opsbench_stress_0", ….

  // Names them, `prefix` before each one's number; sends nothing. `server`: any
  // database of the server; for SQLite the folder that the files are in.
  static Databases Name(const Url& server, int count,
                        absl::string_view prefix = "opsbench_stress_");

  // Creates them with their tables and seed rows. With `fresh` those that exist
  // are dropped first. AlreadyExists names one that exists otherwise, and says
  // what to do; then nothing was created.
  absl::Status Create(const Plan& plan, bool fresh) const;

  // Drops those that exist.
  absl::Status Drop() const;

  // The files that they are in; none for a server.
  std::vector<std::string> files() const;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_DATABASES_H_
