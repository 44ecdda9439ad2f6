#ifndef OPSBENCH_ENGINES_ENGINES_H_
#define OPSBENCH_ENGINES_ENGINES_H_

// Where a command's or a benchmark's engine comes from: an outside one that the
// environment or .env names, else a private server for the life of the handle.
//
// In order: OPSBENCH_MYSQL_URL, OPSBENCH_POSTGRES_URL, OPSBENCH_REDIS_URL,
// OPSBENCH_SQLITE_URL in the environment; the same in `.env`; for MySQL,
// DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_NAME (environment, then .env;
// the database is "opsbench" unless named) when DB_HOST is set; else a private
// server. SQLite is a file in a temporary folder unless named.
//
// Thread safety: AcquireEngine may be called from several threads at once; a
// handle is used by one thread at a time.

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/db/url.h"
#include "opsbench/server/private_server.h"

namespace opsbench {

// The process's environment over the variables of a `.env` file.
class Environment {
 public:
  // Reads `path` when it exists: KEY=value lines, `#` comments, an optional
  // `export`, single or double quotes. InvalidArgument names file and line.
  static absl::StatusOr<Environment> Load(const std::string& path = ".env");

  // The process's own variable wins; an empty one counts as unset.
  absl::optional<std::string> Get(absl::string_view name) const;

  // As Get, as a number in [low, high]. InvalidArgument names the variable.
  absl::StatusOr<absl::optional<int64_t>> GetInt(absl::string_view name,
                                                 int64_t low,
                                                 int64_t high) const;

  // The outside engine that the environment names, if any.
  absl::StatusOr<absl::optional<Url>> EngineUrl(Engine engine) const;

 private:
  std::map<std::string, std::string> file_;
};

class EngineHandle {
 public:
  ~EngineHandle();
  EngineHandle(const EngineHandle&) = delete;
  EngineHandle& operator=(const EngineHandle&) = delete;

  Engine engine() const { return url_.engine; }
  const Url& url() const { return url_; }
  // Null for an outside engine and for SQLite.
  PrivateServer* server() const { return server_.get(); }
  // Whether it ends with this handle.
  bool is_private() const { return server_ != nullptr || !folder_.empty(); }

 private:
  friend absl::StatusOr<std::unique_ptr<EngineHandle>> AcquireEngine(
      Engine engine, const Environment& environment,
      const ServerOptions& options);
  EngineHandle();

  Url url_;
  std::unique_ptr<PrivateServer> server_;
  std::string folder_;  // SQLite's temporary folder, removed at the end.
};

// `options.kind` is overwritten by `engine`. A private server's URL is that of
// its Unix socket.
absl::StatusOr<std::unique_ptr<EngineHandle>> AcquireEngine(
    Engine engine, const Environment& environment,
    const ServerOptions& options = {});

}  // namespace opsbench

#endif  // OPSBENCH_ENGINES_ENGINES_H_
