#ifndef OPSBENCH_TESTING_TEST_SERVERS_H_
#define OPSBENCH_TESTING_TEST_SERVERS_H_

// Real servers for tests: the one that OPSBENCH_<ENGINE>_URL names, else the
// one that ctest's fixture keeps up (its URLs are in the file that
// OPSBENCH_TEST_SERVERS names), else a private one for the life of the process.
// `.env` has no say: tests make and drop databases, and that file may name one
// that is dear to somebody.
//
// Thread safety: all functions may be called from any thread.

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "opsbench/db/url.h"

namespace opsbench {

// NotFound names the package when the server is not installed: a test fails
// then, it does not skip, because opsbench's own set-up installs the engines.
absl::StatusOr<Url> TestServerUrl(Engine engine);

// Whose defaults a database has.
enum class Defaults {
  kPlain,
  // Of an owner who has set whatever changes what statements mean or what
  // values look like, all of it at once: for the server (MySQL and MariaDB, on
  // one of the process's own), the role and the database (PostgreSQL), the file
  // (SQLite).
  kHostile,
};

// An empty database of the test's own on that server (for SQLite a file in a
// temporary folder), gone when the object is. Tests that run side by side do
// not meet.
class TestDatabase {
 public:
  static absl::StatusOr<std::unique_ptr<TestDatabase>> Create(
      Engine engine, Defaults defaults = Defaults::kPlain);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  const Url& url() const { return url_; }

 private:
  TestDatabase(Url server, Url url, std::string folder);

  Url server_;
  Url url_;
  std::string folder_;  // SQLite only.
};

}  // namespace opsbench

#endif  // OPSBENCH_TESTING_TEST_SERVERS_H_
