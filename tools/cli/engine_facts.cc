#include "engine_facts.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "opsbench/base/status_macros.h"
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

}  // namespace

absl::StatusOr<results::EngineInfo> ReadEngineFacts(const Url& url) {
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
