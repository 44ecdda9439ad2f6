#ifndef OPSBENCH_TOOLS_CLI_UNTOUCHED_WATCHED_SERVER_H_
#define OPSBENCH_TOOLS_CLI_UNTOUCHED_WATCHED_SERVER_H_

// A server, or an SQLite file, of a test's own that tells which names a program
// has written to, and whether anything that stood there has changed.
//
// Thread safety: not thread-safe.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "opsbench/db/url.h"

namespace opsbench {

// What stands under a name. Engines have those that share a namespace with what
// opsbench makes there.
enum class Plant {
  kTable,
  kView,
  kSequence,
  kRoutine,
  kDatabase,
  kText,  // Redis: a string with an end.
  kHash,
};

std::string PlantName(Plant plant);

// A name that statements have made, dropped, changed or written to.
struct TouchedName {
  Plant plant = Plant::kTable;  // kRoutine, kDatabase, else kTable or kText.
  std::string name;

  friend auto operator<=>(const TouchedName&, const TouchedName&) = default;
};

// Each thing on the server by a name of its own, with all that must not change:
// definition, comment, identity and rows.
using Fingerprint = std::map<std::string, std::string>;

class WatchedServer {
 public:
  // Fails the test when there is none.
  static std::unique_ptr<WatchedServer> Start(Engine engine);
  virtual ~WatchedServer() = default;

  // Where programs work: a database that Reset() makes anew.
  const Url& url() const { return url_; }

  // Removes everything but what the server itself has.
  virtual void Reset() = 0;

  // Forgets the names so far.
  virtual void Forget() = 0;

  // Names since Forget().
  virtual std::set<TouchedName> Touched() = 0;

  // The kinds that can stand in the way of such a name, the first one first.
  virtual std::vector<Plant> PlantsFor(const TouchedName& touched) const = 0;

  // Makes something foreign. Fails the test when it cannot.
  virtual void MakeForeign(const std::string& name, Plant plant) = 0;

  // Takes the marks off what there is, as if somebody had made the same; false
  // where marks are no comments.
  virtual bool TakeMarksOff() = 0;

  virtual Fingerprint Look() = 0;

 protected:
  Url url_;
};

// The names in SQL statements, in any order and with anything between them.
std::set<TouchedName> NamesInStatements(absl::string_view log);

// A line for each thing of `before` that is gone or another; empty: none.
std::string Changes(const Fingerprint& before, const Fingerprint& after);

}  // namespace opsbench

#endif  // OPSBENCH_TOOLS_CLI_UNTOUCHED_WATCHED_SERVER_H_
