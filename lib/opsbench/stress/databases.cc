#include "opsbench/stress/databases.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/stress/database_mark.h"
#include "opsbench/stress/internal/sql_files.h"

namespace opsbench::stress {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kSuffixes[] = {"", "-wal", "-shm", "-journal"};

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

absl::StatusOr<bool> ServerHas(Session& session, const SqlCatalog& sql,
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

bool FileExists(const std::string& path) {
  for (const absl::string_view suffix : kSuffixes) {
    std::error_code ignored;
    if (fs::exists(fs::symlink_status(absl::StrCat(path, suffix), ignored))) {
      return true;
    }
  }
  return false;
}

absl::Status RemoveFile(const std::string& path) {
  std::error_code error;
  for (const absl::string_view suffix : kSuffixes) {
    fs::remove(absl::StrCat(path, suffix), error);
    if (error) {
      return absl::ErrnoToStatus(error.value(),
                                 absl::StrCat("cannot remove ", path, suffix));
    }
  }
  return absl::OkStatus();
}

std::string NameOf(const Url& url) {
  return url.engine == Engine::kSqlite
             ? url.database
             : absl::StrCat("the database ", url.database);
}

// FailedPrecondition unless `maker` made the database that exists at `url`, and
// nobody added tables to it.
absl::Status CheckOurs(const Url& url, const SqlCatalog& sql,
                       absl::string_view maker) {
  const auto refuse = [&](absl::string_view what) {
    return absl::FailedPreconditionError(absl::StrCat(
        NameOf(url), " ", what,
        maker == kRunMaker
            ? ": move it away, or add --replace-foreign to replace it"
            : ": rename or drop it"));
  };
  const auto session = ConnectToRead(url);
  if (absl::IsUnavailable(session.status())) return session.status();
  if (!session.ok()) return refuse("exists, and opsbench did not make it");
  OPSBENCH_ASSIGN_OR_RETURN(const DatabaseMark mark, ReadMark(**session, sql));
  if (mark.maker.empty()) return refuse("exists, and opsbench did not make it");
  if (mark.maker != maker) {
    return refuse(
        absl::StrCat("exists, and was made by opsbench for ", mark.maker));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Definitions found,
                            ReadDefinitions(**session, sql));
  const std::vector<std::string> foreign = ForeignTables(found, mark.made);
  if (foreign.empty()) return absl::OkStatus();
  return refuse(absl::StrCat("holds what opsbench did not make: ",
                             absl::StrJoin(foreign, ", ")));
}

// Names the right that the user lacks.
absl::Status ExplainDenial(const absl::Status& status, const Url& url) {
  if (!absl::IsPermissionDenied(status)) return status;
  return absl::PermissionDeniedError(absl::StrCat(
      url.engine == Engine::kPostgres
          ? absl::StrCat("the role ", url.user, " lacks the right CREATEDB")
          : absl::StrCat("the user ", url.user,
                         " lacks the rights CREATE and DROP on databases"),
      ", which a stress run needs for ", url.database, ": ", status.message()));
}

// One server, or the folder of SQLite's files.
class Home {
 public:
  static absl::StatusOr<Home> Open(const Url& server) {
    Home home;
    OPSBENCH_ASSIGN_OR_RETURN(home.sql_, LoadWorkloadSql(server.engine));
    if (server.engine == Engine::kSqlite) return home;
    OPSBENCH_ASSIGN_OR_RETURN(home.session_, Connect(server));
    return home;
  }

  const SqlCatalog& sql() const { return sql_; }

  absl::StatusOr<bool> Has(const Url& url) {
    if (session_ == nullptr) return FileExists(url.database);
    return ServerHas(*session_, sql_, url.database);
  }

  absl::Status Create(const Url& url) {
    if (session_ == nullptr) return absl::OkStatus();  // Connect() will.
    return ExplainDenial(
        Run(*session_, sql_, "create_database", {{"database", url.database}})
            .status(),
        url);
  }

  absl::Status Drop(const Url& url) {
    if (session_ == nullptr) return RemoveFile(url.database);
    return ExplainDenial(
        Run(*session_, sql_, "drop_database", {{"database", url.database}})
            .status(),
        url);
  }

  // Drops all or none.
  absl::Status DropAll(const Databases& databases, Replace replace) {
    std::vector<const Url*> existing;
    for (const Url& url : databases.urls) {
      OPSBENCH_ASSIGN_OR_RETURN(const bool exists, Has(url));
      if (!exists) continue;
      existing.push_back(&url);
      if (replace == Replace::kForeign) continue;
      OPSBENCH_RETURN_IF_ERROR(CheckOurs(url, sql_, databases.maker));
      if (replace == Replace::kOurs) continue;
      return absl::AlreadyExistsError(
          absl::StrCat(NameOf(url),
                       " exists already: add --fresh to replace what an "
                       "earlier run left"));
    }
    for (const Url* url : existing) OPSBENCH_RETURN_IF_ERROR(Drop(*url));
    return absl::OkStatus();
  }

 private:
  Home() = default;

  SqlCatalog sql_;
  std::unique_ptr<Session> session_;  // Null for SQLite.
};

absl::Status Fill(const Url& url, const SqlCatalog& sql,
                  const DatabaseSchema& schema, absl::string_view maker) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                            Connect(url));
  std::vector<std::string> names;
  for (const Table& table : schema.tables) names.push_back(table.name);
  OPSBENCH_RETURN_IF_ERROR(MakeMark(*session, sql, maker, names));
  for (const Table& table : schema.tables) {
    OPSBENCH_RETURN_IF_ERROR(
        Run(*session, sql, absl::StrCat("create_", TableSizeName(table.size)),
            {{"table", table.name}})
            .status());
    SeedRows rows(table);
    OPSBENCH_RETURN_IF_ERROR(
        session->BulkLoad(table.name, Columns(table.size), rows).status());
  }
  return NoteDefinitions(*session, sql, names);
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

absl::StatusOr<std::unique_ptr<Session>> ConnectToRead(const Url& url) {
  ConnectOptions options;
  options.create_if_missing = false;
  options.read_only = true;
  return Connect(url, options);
}

std::vector<std::string> Databases::files() const {
  std::vector<std::string> files;
  if (server.engine != Engine::kSqlite) return files;
  for (const Url& url : urls) files.push_back(url.database);
  return files;
}

absl::Status Databases::Create(const Plan& plan, Replace replace) const {
  OPSBENCH_ASSIGN_OR_RETURN(Home home, Home::Open(server));
  OPSBENCH_RETURN_IF_ERROR(home.DropAll(*this, replace));
  absl::Status status;
  size_t made = 0;
  for (; status.ok() && made < urls.size(); ++made) {
    status = home.Create(urls[made]);
    if (!status.ok()) break;
    status = Fill(urls[made], home.sql(), plan.databases[made], maker);
  }
  if (status.ok()) return status;
  for (size_t i = 0; i < made; ++i) home.Drop(urls[i]).IgnoreError();
  return status;
}

absl::Status Databases::Drop(Replace replace) const {
  OPSBENCH_ASSIGN_OR_RETURN(Home home, Home::Open(server));
  return home.DropAll(*this, replace);
}

}  // namespace opsbench::stress
