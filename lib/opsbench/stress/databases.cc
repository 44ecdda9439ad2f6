#include "opsbench/stress/databases.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/stress/internal/sql_files.h"

namespace opsbench::stress {
namespace {

namespace fs = std::filesystem;

absl::Status AlreadyExists(absl::string_view what) {
  return absl::AlreadyExistsError(
      absl::StrCat(what,
                   " exists already: add --fresh to replace what an "
                   "earlier run left"));
}

// Rows 0 to kSeedRows - 1.
class SeedRows : public RowIterator {
 public:
  explicit SeedRows(const Table& table) : table_(table) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (next_ == kSeedRows) return false;
    text_.clear();
    text_.reserve(RowMaker::MaxTextBytes(table_.size));
    values_.clear();
    RowMaker::Append(table_, next_++, &text_, &values_);
    std::copy(values_.begin(), values_.end(), row.begin());
    return true;
  }

 private:
  const Table& table_;
  int64_t next_ = 0;
  std::string text_;
  std::vector<Value> values_;
};

absl::StatusOr<int64_t> Run(Session& session, const SqlCatalog& sql,
                            absl::string_view section,
                            const std::map<std::string, std::string>& names) {
  OPSBENCH_ASSIGN_OR_RETURN(
      const CompiledSql compiled,
      sql.Compile(section, session.capabilities().engine, names));
  return session.Execute(compiled.sql);
}

absl::StatusOr<bool> Exists(Session& session, const SqlCatalog& sql,
                            const std::string& name) {
  OPSBENCH_ASSIGN_OR_RETURN(
      const CompiledSql compiled,
      sql.Compile("database_exists", session.capabilities().engine));
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Statement> statement,
                            session.Prepare(compiled.sql));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      statement->Execute({Value::Text(name)}, &rows).status());
  return rows.at(0, 0).int64() > 0;
}

absl::Status Fill(const Url& url, const SqlCatalog& sql,
                  const DatabaseSchema& schema) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                            Connect(url));
  for (const Table& table : schema.tables) {
    OPSBENCH_RETURN_IF_ERROR(
        Run(*session, sql, absl::StrCat("create_", TableSizeName(table.size)),
            {{"table", table.name}})
            .status());
    SeedRows rows(table);
    OPSBENCH_RETURN_IF_ERROR(
        session->BulkLoad(table.name, Columns(table.size), rows).status());
  }
  return absl::OkStatus();
}

absl::Status RemoveFile(const std::string& path) {
  std::error_code error;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    fs::remove(path + suffix, error);
    if (error) {
      return absl::ErrnoToStatus(error.value(),
                                 absl::StrCat("cannot remove ", path, suffix));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SqlCatalog> LoadWorkloadSql(Engine engine) {
  const std::string name = absl::StrCat(EngineName(engine), "/stress/workload");
  for (const SqlFile& file : internal::SqlFiles()) {
    if (file.name == name) return SqlCatalog::Parse(file.content);
  }
  return absl::UnimplementedError(
      absl::StrCat("stress runs on sqlite, mysql and postgres, not on ",
                   EngineName(engine)));
}

Databases Databases::Name(const Url& server, int count,
                          absl::string_view prefix) {
  Databases databases = {.server = server};
  for (int i = 0; i < count; ++i) {
    const std::string name = absl::StrCat(prefix, i);
    databases.urls.push_back(server.WithDatabase(
        server.engine == Engine::kSqlite
            ? absl::StrCat(server.database, "/", name, ".db")
            : name));
  }
  return databases;
}

std::vector<std::string> Databases::files() const {
  std::vector<std::string> files;
  if (server.engine != Engine::kSqlite) return files;
  for (const Url& url : urls) files.push_back(url.database);
  return files;
}

absl::Status Databases::Create(const Plan& plan, bool fresh) const {
  OPSBENCH_ASSIGN_OR_RETURN(const SqlCatalog sql,
                            LoadWorkloadSql(server.engine));
  if (fresh) OPSBENCH_RETURN_IF_ERROR(Drop());
  if (server.engine == Engine::kSqlite) {
    for (const Url& url : urls) {
      if (fs::exists(url.database)) return AlreadyExists(url.database);
    }
  } else {
    OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                              Connect(server));
    for (const Url& url : urls) {
      OPSBENCH_ASSIGN_OR_RETURN(const bool exists,
                                Exists(*session, sql, url.database));
      if (exists) {
        return AlreadyExists(absl::StrCat("the database ", url.database));
      }
    }
    for (const Url& url : urls) {
      OPSBENCH_RETURN_IF_ERROR(
          Run(*session, sql, "create_database", {{"database", url.database}})
              .status());
    }
  }
  for (size_t i = 0; i < urls.size(); ++i) {
    OPSBENCH_RETURN_IF_ERROR(Fill(urls[i], sql, plan.databases[i]));
  }
  return absl::OkStatus();
}

absl::Status Databases::Drop() const {
  if (server.engine == Engine::kSqlite) {
    for (const Url& url : urls) {
      OPSBENCH_RETURN_IF_ERROR(RemoveFile(url.database));
    }
    return absl::OkStatus();
  }
  OPSBENCH_ASSIGN_OR_RETURN(const SqlCatalog sql,
                            LoadWorkloadSql(server.engine));
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                            Connect(server));
  for (const Url& url : urls) {
    OPSBENCH_RETURN_IF_ERROR(
        Run(*session, sql, "drop_database", {{"database", url.database}})
            .status());
  }
  return absl::OkStatus();
}

}  // namespace opsbench::stress
