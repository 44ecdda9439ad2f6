#include "untouched/watched_server.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/server/private_server.h"
#include "untouched/watched_redis.h"

namespace opsbench {
namespace {

using Words = std::vector<absl::string_view>;

bool IsName(absl::string_view word) {
  return !word.empty() && !absl::ascii_isdigit(word[0]) &&
         word.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyz"
             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$") ==
             absl::string_view::npos;
}

// Without quotes and schema; empty: no name, or one of the server's own.
std::string BareName(absl::string_view word) {
  std::string name;
  for (const char c : word) {
    if (c != '`' && c != '"') name.push_back(c);
  }
  for (const char* system :
       {"pg_temp.", "information_schema.", "mysql.", "pg_catalog.", "temp."}) {
    if (absl::StartsWith(name, system)) return "";
  }
  name = name.substr(name.rfind('.') + 1);
  return IsName(name) ? name : "";
}

class Reader {
 public:
  explicit Reader(absl::string_view log)
      : words_(absl::StrSplit(log, absl::ByAnyChar(" \t\r\n(),;"),
                              absl::SkipEmpty())) {}

  std::set<TouchedName> Read() {
    for (at_ = 0; at_ < words_.size();) {
      const std::string word = Next();
      if (word == "CREATE" || word == "DROP" || word == "ALTER" ||
          word == "TRUNCATE" || word == "RENAME") {
        Definition(word);
      } else if (word == "INTO") {
        SkipAny({"TABLE"});
        Take(Plant::kTable);
      } else if (word == "UPDATE" && Upper(at_ + 1) == "SET") {
        Take(Plant::kTable);
      } else if (word == "DELETE" && Upper(at_) == "FROM") {
        ++at_;
        Take(Plant::kTable);
      } else if (word == "COPY" && Upper(at_) != "SELECT") {
        Take(Plant::kTable);
      }
    }
    return found_;
  }

 private:
  std::string Upper(size_t i) const {
    return i < words_.size() ? absl::AsciiStrToUpper(words_[i]) : "";
  }
  std::string Next() { return Upper(at_++); }

  void SkipAny(const std::set<std::string>& words) {
    while (words.count(Upper(at_)) > 0) ++at_;
  }

  void Take(Plant plant) {
    if (at_ >= words_.size()) return;
    const std::string name = BareName(words_[at_]);
    if (!name.empty()) found_.insert({plant, name});
  }

  // After its first word.
  void Definition(const std::string& verb) {
    SkipAny({"OR", "REPLACE", "UNLOGGED", "UNIQUE"});
    static const auto* const kinds = new std::map<std::string, Plant>{
        {"TABLE", Plant::kTable},       {"VIEW", Plant::kTable},
        {"INDEX", Plant::kTable},       {"SEQUENCE", Plant::kTable},
        {"DATABASE", Plant::kDatabase}, {"PROCEDURE", Plant::kRoutine},
        {"FUNCTION", Plant::kRoutine}};
    const auto kind = kinds->find(Upper(at_));
    if (kind == kinds->end()) {
      if (verb == "TRUNCATE") Take(Plant::kTable);
      if (verb == "RENAME" && Upper(at_) == "TO") {
        ++at_;
        Take(Plant::kTable);
      }
      return;
    }
    ++at_;
    SkipAny({"IF", "NOT", "EXISTS", "CONCURRENTLY", "ONLY"});
    Take(kind->second);
    if (verb == "RENAME" && Upper(at_ + 1) == "TO") {
      at_ += 2;
      Take(Plant::kTable);
    }
  }

  const Words words_;
  size_t at_ = 0;
  std::set<TouchedName> found_;
};

std::string TextAfter(const std::string& path, int64_t offset) {
  std::ifstream file(path);
  file.seekg(offset);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::unique_ptr<Session> Open(const Url& url) {
  auto session = Connect(url);
  EXPECT_TRUE(session.ok()) << session.status();
  return session.ok() ? *std::move(session) : nullptr;
}

// Each row as a line, its values with | between.
std::vector<std::vector<std::string>> Rows(Session& session,
                                           const std::string& sql) {
  ResultSet rows;
  const absl::Status status = session.Query(sql, &rows);
  EXPECT_TRUE(status.ok()) << status << ": " << sql;
  std::vector<std::vector<std::string>> texts;
  for (size_t i = 0; status.ok() && i < rows.row_count(); ++i) {
    texts.emplace_back();
    for (size_t j = 0; j < rows.column_count(); ++j) {
      texts.back().push_back(rows.at(i, j).ToString());
    }
  }
  return texts;
}

void Run(Session& session, const std::string& sql) {
  const auto done = session.Execute(sql);
  EXPECT_TRUE(done.ok()) << done.status() << ": " << sql;
}

// MySQL, MariaDB or PostgreSQL: all that the SQL servers share.
class WatchedSql : public WatchedServer {
 public:
  WatchedSql(std::unique_ptr<PrivateServer> server, std::string log_path)
      : server_(std::move(server)), log_path_(std::move(log_path)) {
    admin_url_ = *Url::Parse(server_->socket_url());
    url_ = admin_url_.WithDatabase("work");
  }

  void Reset() override {
    const auto admin = Open(admin_url_);
    for (const std::string& name : Databases(*admin)) Drop(*admin, name);
    Run(*admin, "CREATE DATABASE work");
  }

  void Forget() override {
    offset_ = static_cast<int64_t>(std::filesystem::file_size(log_path_));
  }

  std::set<TouchedName> Touched() override {
    std::set<TouchedName> names =
        NamesInStatements(TextAfter(log_path_, offset_));
    names.erase({Plant::kDatabase, "work"});
    return names;
  }

  std::vector<Plant> PlantsFor(const TouchedName& touched) const override {
    if (touched.plant != Plant::kTable) return {touched.plant};
    return {Plant::kTable, Plant::kView, Plant::kSequence};
  }

  void MakeForeign(const std::string& name, Plant plant) override {
    const auto session = Open(url_);
    switch (plant) {
      case Plant::kView:
        return Run(*session,
                   absl::StrCat("CREATE VIEW ", name, " AS SELECT 1 AS mine"));
      case Plant::kSequence:
        return Run(*session, absl::StrCat("CREATE SEQUENCE ", name));
      case Plant::kRoutine:
        return Run(*session, RoutineSql(name));
      case Plant::kDatabase: {
        Run(*session, absl::StrCat("CREATE DATABASE ", name));
        const auto inside = Open(url_.WithDatabase(name));
        return MakeTable(*inside, "ledger");
      }
      default:
        return MakeTable(*session, name);
    }
  }

  Fingerprint Look() override {
    const auto admin = Open(admin_url_);
    Fingerprint things;
    for (const std::string& name : Databases(*admin)) {
      LookInto(name, *Open(url_.WithDatabase(name)), &things);
    }
    return things;
  }

 protected:
  virtual std::vector<std::string> Databases(Session& admin) = 0;
  virtual void Drop(Session& admin, const std::string& database) = 0;
  virtual std::string RoutineSql(const std::string& name) const = 0;
  virtual void LookInto(const std::string& database, Session& session,
                        Fingerprint* things) = 0;

  void MakeTable(Session& session, const std::string& name) {
    Run(session, absl::StrCat("CREATE TABLE ", name,
                              " (mine INT PRIMARY KEY, words VARCHAR(40))"));
    Run(session, absl::StrCat("INSERT INTO ", name, " VALUES (1, 'a'), ",
                              "(2, 'precious'), (-3, 'ledger')"));
    Comment(session, name, "my ledger");
  }
  virtual void Comment(Session& session, const std::string& table,
                       const std::string& text) = 0;

  static std::vector<std::string> FirstColumn(Session& session,
                                              const std::string& sql) {
    std::vector<std::string> values;
    for (const auto& row : Rows(session, sql)) values.push_back(row[0]);
    return values;
  }

  const std::unique_ptr<PrivateServer> server_;
  const std::string log_path_;
  Url admin_url_;
  int64_t offset_ = 0;
};

class WatchedMysql final : public WatchedSql {
 public:
  using WatchedSql::WatchedSql;

  bool TakeMarksOff() override {
    const auto session = Open(url_);
    for (const std::string& table :
         FirstColumn(*session,
                     "SELECT table_name FROM information_schema.tables WHERE "
                     "table_schema = DATABASE() AND table_type = "
                     "'BASE TABLE'")) {
      Comment(*session, table, "mine");
    }
    return true;
  }

 private:
  std::vector<std::string> Databases(Session& admin) override {
    return FirstColumn(admin,
                       "SELECT schema_name FROM information_schema.schemata "
                       "WHERE schema_name NOT IN ('mysql', 'sys', 'opsbench', "
                       "'information_schema', 'performance_schema')");
  }
  void Drop(Session& admin, const std::string& database) override {
    Run(admin, absl::StrCat("DROP DATABASE `", database, "`"));
  }
  std::string RoutineSql(const std::string& name) const override {
    return absl::StrCat("CREATE PROCEDURE ", name, "() SELECT 1");
  }
  void Comment(Session& session, const std::string& table,
               const std::string& text) override {
    Run(session,
        absl::StrCat("ALTER TABLE `", table, "` COMMENT = '", text, "'"));
  }
  void LookInto(const std::string& database, Session& session,
                Fingerprint* things) override {
    (*things)["database " + database] = "there";
    for (const auto& row : Rows(session,
                                "SELECT table_name, table_type, table_comment, "
                                "create_time FROM information_schema.tables "
                                "WHERE table_schema = DATABASE()")) {
      std::string& seen = (*things)[absl::StrCat(database, ".", row[0])];
      seen = absl::StrJoin(row, "|");
      if (row[1] == "BASE TABLE") {
        absl::StrAppend(
            &seen, "|",
            Rows(session, absl::StrCat("CHECKSUM TABLE `", row[0], "`"))[0][1],
            "|",
            Rows(session,
                 absl::StrCat("SHOW CREATE TABLE `", row[0], "`"))[0][1]);
      }
    }
    for (const auto& row :
         Rows(session,
              "SELECT routine_name, routine_type, created, "
              "MD5(routine_definition) FROM "
              "information_schema.routines WHERE routine_schema = "
              "DATABASE()")) {
      (*things)[absl::StrCat("routine ", database, ".", row[0])] =
          absl::StrJoin(row, "|");
    }
  }
};

class WatchedPostgres final : public WatchedSql {
 public:
  using WatchedSql::WatchedSql;

  bool TakeMarksOff() override {
    const auto session = Open(url_);
    for (const std::string& table :
         FirstColumn(*session,
                     "SELECT tablename FROM pg_tables WHERE schemaname = "
                     "'public'")) {
      Comment(*session, table, "mine");
    }
    return true;
  }

 private:
  std::vector<std::string> Databases(Session& admin) override {
    return FirstColumn(admin,
                       "SELECT datname FROM pg_database WHERE datname NOT IN "
                       "('postgres', 'template0', 'template1', 'opsbench')");
  }
  void Drop(Session& admin, const std::string& database) override {
    Run(admin, absl::StrCat("DROP DATABASE \"", database, "\" WITH (FORCE)"));
  }
  std::string RoutineSql(const std::string& name) const override {
    return absl::StrCat("CREATE FUNCTION ", name,
                        "(mine INT) RETURNS INT LANGUAGE sql AS 'SELECT 1'");
  }
  void Comment(Session& session, const std::string& table,
               const std::string& text) override {
    Run(session,
        absl::StrCat("COMMENT ON TABLE \"", table, "\" IS '", text, "'"));
  }
  void LookInto(const std::string& database, Session& session,
                Fingerprint* things) override {
    (*things)["database " + database] =
        absl::StrJoin(Rows(session,
                           "SELECT oid::bigint FROM pg_database WHERE datname "
                           "= current_database()")[0],
                      "|");
    for (const auto& row :
         Rows(session,
              "SELECT n.nspname || '.' || c.relname, c.relkind::text, "
              "c.oid::bigint, c.relfilenode::bigint, "
              "coalesce(obj_description(c.oid, 'pg_class'), ''), "
              "CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END, "
              "(SELECT string_agg(a.attname || ' ' || a.atttypid, ',' ORDER BY "
              "a.attnum) FROM pg_attribute AS a WHERE a.attrelid = c.oid) "
              "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = "
              "c.relnamespace WHERE n.nspname NOT LIKE 'pg_%' AND n.nspname <> "
              "'information_schema'")) {
      std::string& seen = (*things)[absl::StrCat(database, ".", row[0])];
      seen = absl::StrJoin(row, "|");
      if (row[1] == "r") {
        absl::StrAppend(
            &seen, "|",
            absl::StrJoin(
                Rows(session,
                     absl::StrCat("SELECT count(*), coalesce(sum("
                                  "hashtextextended(t::text, 0)), 0)::text "
                                  "FROM ",
                                  row[0], " AS t"))[0],
                "|"));
      }
    }
    for (const auto& row :
         Rows(session,
              "SELECT proname, oid::bigint, md5(prosrc) FROM pg_proc "
              "WHERE pronamespace = 'public'::regnamespace")) {
      (*things)[absl::StrCat("routine ", database, ".", row[0])] =
          absl::StrJoin(row, "|");
    }
  }
};

// SQLite tells no statements: names are those that are there afterwards.
class WatchedSqlite final : public WatchedServer {
 public:
  WatchedSqlite() {
    std::string folder =
        (std::filesystem::temp_directory_path() / "opsbench-test-XXXXXX")
            .string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    url_.engine = Engine::kSqlite;
    url_.database = absl::StrCat(folder, "/work.db");
  }
  ~WatchedSqlite() override { std::filesystem::remove_all(folder_); }

  void Reset() override {
    for (const char* end : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(absl::StrCat(url_.database, end));
    }
  }
  void Forget() override { known_ = Names(); }
  std::set<TouchedName> Touched() override {
    std::set<TouchedName> names = Names();
    for (const TouchedName& known : known_) names.erase(known);
    return names;
  }
  std::vector<Plant> PlantsFor(const TouchedName& /*touched*/) const override {
    return {Plant::kTable, Plant::kView};
  }
  void MakeForeign(const std::string& name, Plant plant) override {
    const auto session = Open(url_);
    if (plant == Plant::kView) {
      return Run(*session,
                 absl::StrCat("CREATE VIEW ", name, " AS SELECT 1 AS mine"));
    }
    Run(*session, absl::StrCat("CREATE TABLE ", name,
                               " (mine INTEGER PRIMARY KEY, words TEXT)"));
    Run(*session, absl::StrCat("INSERT INTO ", name,
                               " VALUES (1, 'a'), (2, 'precious')"));
  }
  bool TakeMarksOff() override { return false; }
  Fingerprint Look() override {
    Fingerprint things;
    const auto session = Open(url_);
    for (const auto& row :
         Rows(*session,
              // Statistics are the whole database's.
              "SELECT name, type, coalesce(sql, '') FROM sqlite_schema "
              "WHERE name NOT LIKE 'sqlite_stat%'")) {
      std::string& seen = things[row[0]];
      seen = absl::StrJoin(row, "|");
      if (row[1] != "table") continue;
      for (const auto& values :
           Rows(*session, absl::StrCat("SELECT * FROM \"", row[0], "\""))) {
        absl::StrAppend(&seen, "\n", absl::StrJoin(values, "|"));
      }
    }
    return things;
  }

 private:
  std::set<TouchedName> Names() {
    std::set<TouchedName> names;
    const auto session = Open(url_);
    for (const auto& row : Rows(*session, "SELECT name FROM sqlite_schema")) {
      if (!absl::StartsWith(row[0], "sqlite_")) {
        names.insert({Plant::kTable, row[0]});
      }
    }
    return names;
  }

  std::filesystem::path folder_;
  std::set<TouchedName> known_;
};

}  // namespace

std::string PlantName(Plant plant) {
  switch (plant) {
    case Plant::kTable:
      return "table";
    case Plant::kView:
      return "view";
    case Plant::kSequence:
      return "sequence";
    case Plant::kRoutine:
      return "routine";
    case Plant::kDatabase:
      return "database";
    case Plant::kText:
      return "string";
    case Plant::kHash:
      return "hash";
  }
  return "";
}

std::set<TouchedName> NamesInStatements(absl::string_view log) {
  return Reader(log).Read();
}

std::string Changes(const Fingerprint& before, const Fingerprint& after) {
  std::string changes;
  for (const auto& [name, seen] : before) {
    const auto now = after.find(name);
    if (now == after.end()) {
      absl::StrAppend(&changes, name, " is gone\n");
    } else if (now->second != seen) {
      absl::StrAppend(&changes, name, " was\n  ", seen.substr(0, 400),
                      "\nand is\n  ", now->second.substr(0, 400), "\n");
    }
  }
  return changes;
}

std::unique_ptr<WatchedServer> WatchedServer::Start(Engine engine) {
  if (engine == Engine::kSqlite) return std::make_unique<WatchedSqlite>();
  ServerOptions options;
  options.cache_bytes = int64_t{128} << 20;
  switch (engine) {
    case Engine::kMysql:
      options.kind = ServerKind::kMysql;
      options.settings = {{"general_log", "1"},
                          {"general_log_file", "statements.log"}};
      break;
    case Engine::kPostgres:
      options.kind = ServerKind::kPostgres;
      options.settings = {{"log_statement", "all"}};
      break;
    default:
      options.kind = ServerKind::kRedis;
  }
  auto server = PrivateServer::Start(options);
  EXPECT_TRUE(server.ok()) << server.status();
  if (!server.ok()) return nullptr;
  if (engine == Engine::kRedis) return StartWatchedRedis(*std::move(server));
  if (engine == Engine::kMysql) {
    const std::string log = (*server)->data_folder() + "/statements.log";
    return std::make_unique<WatchedMysql>(*std::move(server), log);
  }
  const std::string log = (*server)->log_path();
  return std::make_unique<WatchedPostgres>(*std::move(server), log);
}

}  // namespace opsbench
