// What pipeline files call `source-sqlite` and `dest-sqlite`.

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/sqlite_destination.h"
#include "opsbench/pipeline/internal/sqlite_source.h"

namespace opsbench::pipeline {
namespace {

absl::StatusOr<Url> SqliteUrl(const ConnectorConfig& config) {
  OPSBENCH_ASSIGN_OR_RETURN(Url url, Url::Parse(config.url));
  if (url.engine != Engine::kSqlite) {
    return absl::InvalidArgumentError("the url is not one of SQLite's");
  }
  return url;
}

// A file is all that there is of a database.
std::vector<KeyRule> SqliteRules() {
  std::vector<KeyRule> rules = {{"resources.decode"}};
  for (const char* part :
       {"host", "port", "user", "password", "socket", "schema"}) {
    rules.push_back({absl::StrCat("config.", part)});
  }
  return rules;
}

}  // namespace

std::vector<ConnectorKind> SqliteConnectors() {
  std::vector<ConnectorKind> kinds(2);
  kinds[0].rules = kinds[1].rules = SqliteRules();
  // Readers never wait for a writer.
  kinds[1].rules.push_back({"destination.staged"});
  kinds[0].name = "source-sqlite";
  kinds[0].engine = "sqlite";
  kinds[0].make_source = [](const ConnectorConfig& config)
      -> absl::StatusOr<std::unique_ptr<Source>> {
    OPSBENCH_ASSIGN_OR_RETURN(Url url, SqliteUrl(config));
    return std::make_unique<internal::SqliteSource>(std::move(url));
  };
  kinds[1].name = "dest-sqlite";
  kinds[1].engine = "sqlite";
  kinds[1].settings = {{"load_method",
                        "insert",
                        {"insert"},
                        "insert: prepared INSERTs of many rows"}};
  kinds[1].make_destination = [](const ConnectorConfig& config)
      -> absl::StatusOr<std::unique_ptr<Destination>> {
    OPSBENCH_ASSIGN_OR_RETURN(Url url, SqliteUrl(config));
    return std::make_unique<internal::SqliteDestination>(std::move(url));
  };
  return kinds;
}

}  // namespace opsbench::pipeline
