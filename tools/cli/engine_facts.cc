#include "engine_facts.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::cli {

absl::Span<const SqlFile> SqlFiles();  // Generated from sql/.

namespace {

absl::StatusOr<SqlCatalog> CatalogOf(Engine engine) {
  const std::string name = absl::StrCat(EngineName(engine), "/settings");
  for (const SqlFile& file : SqlFiles()) {
    if (file.name == name) return SqlCatalog::Parse(file.content);
  }
  return absl::NotFoundError(absl::StrCat("no sql/", name, ".sql"));
}

std::string TextOf(const Value& value) {
  return value.type() == Value::Type::kInt64 ? absl::StrCat(value.int64())
                                             : std::string(value.text());
}

// What decides how fast a Redis answers.
constexpr absl::string_view kRedisSettings[] = {
    "appendfsync", "appendonly",       "io-threads",
    "maxmemory",   "maxmemory-policy", "save"};

// The value of "key:value" in a reply of INFO.
std::string FieldOf(absl::string_view info, absl::string_view key) {
  for (const absl::string_view line : absl::StrSplit(info, "\r\n")) {
    if (absl::StartsWith(line, absl::StrCat(key, ":"))) {
      return std::string(line.substr(key.size() + 1));
    }
  }
  return "";
}

absl::StatusOr<results::EngineInfo> ReadRedisFacts(const Url& url) {
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, ConnectRedis(url));
  results::EngineInfo info;
  OPSBENCH_ASSIGN_OR_RETURN(const RedisReply server,
                            session->Execute({"INFO", "server"}));
  info.version = FieldOf(server.text, "valkey_version");
  info.name = info.version.empty() ? "redis" : "valkey";
  if (info.version.empty()) {
    info.version = FieldOf(server.text, "redis_version");
  }
  for (const absl::string_view setting : kRedisSettings) {
    // Where CONFIG is not allowed, the version is what there is.
    const auto reply = session->Execute({"CONFIG", "GET", setting});
    if (reply.ok() && reply->elements.size() == 2) {
      info.settings[std::string(setting)] = reply->elements[1].text;
    }
  }
  return info;
}

}  // namespace

absl::StatusOr<results::EngineInfo> ReadEngineFacts(const Url& url) {
  if (url.engine == Engine::kRedis) return ReadRedisFacts(url);
  OPSBENCH_ASSIGN_OR_RETURN(const SqlCatalog catalog, CatalogOf(url.engine));
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
  results::EngineInfo info;
  info.name = std::string(EngineName(url.engine));
  ResultSet rows;
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql version,
                            catalog.Compile("version", url.engine));
  OPSBENCH_RETURN_IF_ERROR(session->Query(version.sql, &rows));
  info.version = TextOf(rows.at(0, 0));
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql settings,
                            catalog.Compile("settings", url.engine));
  OPSBENCH_RETURN_IF_ERROR(session->Query(settings.sql, &rows));
  for (size_t row = 0; row < rows.row_count(); ++row) {
    info.settings[TextOf(rows.at(row, 0))] = TextOf(rows.at(row, 1));
  }
  return info;
}

}  // namespace opsbench::cli
