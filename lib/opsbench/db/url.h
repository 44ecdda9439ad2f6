#ifndef OPSBENCH_DB_URL_H_
#define OPSBENCH_DB_URL_H_

// The name of an engine and of a database in it.
//
//   mysql://user:password@host:3306/database?socket=/run/mysqld.sock
//   postgres://user:password@host:5432/database   (postgresql:// too)
//   sqlite:relative/or/absolute/path.db           (sqlite::memory: too)
//   redis://:password@host:6379/0
//
// User, password, database and query values are percent-decoded; in a user
// or password a slash and a question mark have to be encoded. A `socket`
// parameter wins over host and port. Thread safety: a value type.

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench {

enum class Engine { kSqlite, kMysql, kPostgres, kRedis };

// "sqlite", "mysql", "postgres", "redis": the scheme of the engine's URLs.
absl::string_view EngineName(Engine engine);

// Accepts the names above and the usual others ("mariadb", "postgresql", "pg").
// InvalidArgument names what was given and lists what there is.
absl::StatusOr<Engine> ParseEngine(absl::string_view name);

struct Url {
  Engine engine = Engine::kSqlite;
  std::string host;  // Empty: 127.0.0.1.
  int port = 0;      // 0: the engine's usual port.
  std::string user;
  std::string password;
  std::string database;  // For SQLite, the path.
  std::string socket;    // Path of a Unix socket; empty: TCP.
  std::map<std::string, std::string> parameters;  // Without `socket`.

  // InvalidArgument says what is wrong and where, without the password.
  static absl::StatusOr<Url> Parse(absl::string_view text);

  // The port to connect to: `port`, or the engine's usual one.
  int EffectivePort() const;

  // The same server, another database.
  Url WithDatabase(absl::string_view name) const;

  // Parses back to an equal Url. Holds the password: for connecting and for
  // `export` lines only.
  std::string ToString() const;

  // For logs, results and errors: the password, and parameters that are one,
  // as "***".
  std::string Redacted() const;
};

}  // namespace opsbench

#endif  // OPSBENCH_DB_URL_H_
