// What is SQLite's own in a session. What all engines have in common is in
// session_conformance_test.cc.

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/testing/test_servers.h"
#include "opsbench/testing/vector_rows.h"

namespace opsbench {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

class SqliteSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kSqlite);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    session_ = Open({});
    ASSERT_NE(session_, nullptr);
  }

  std::unique_ptr<Session> Open(const ConnectOptions& options) {
    auto session = Connect(database_->url(), options);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }

  // A path beside the test's database, in a folder that goes with it.
  std::string PathBeside(absl::string_view name) const {
    return (std::filesystem::path(database_->url().database).parent_path() /
            std::string(name))
        .string();
  }

  absl::Status StatusOfOpening(const std::string& path,
                               const ConnectOptions& options = {}) const {
    return Connect(database_->url().WithDatabase(path), options).status();
  }

  void Run(absl::string_view sql) {
    const absl::Status status = session_->Execute(sql).status();
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
  }

  std::unique_ptr<Statement> Prepare(absl::string_view sql) {
    auto statement = session_->Prepare(sql);
    EXPECT_TRUE(statement.ok()) << sql << ": " << statement.status();
    return statement.ok() ? *std::move(statement) : nullptr;
  }

  Value Only(absl::string_view sql) {
    const absl::Status status = session_->Query(sql, &rows_);
    EXPECT_TRUE(status.ok()) << sql << ": " << status;
    if (!status.ok() || rows_.row_count() != 1) return Value::Text("no row");
    return rows_.at(0, 0);
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
  ResultSet rows_;
};

TEST_F(SqliteSessionTest, KnowsItself) {
  const Capabilities& capabilities = session_->capabilities();
  EXPECT_EQ(capabilities.engine, Engine::kSqlite);
  EXPECT_EQ(capabilities.flavour, "SQLite");
  EXPECT_EQ(Only("SELECT sqlite_version()").text(), capabilities.version);
  int major = 0, minor = 0, patch = 0;
  ASSERT_EQ(std::sscanf(capabilities.version.c_str(), "%d.%d.%d", &major,
                        &minor, &patch),
            3);
  EXPECT_EQ(capabilities.version_number, major * 10'000 + minor * 100 + patch);
  EXPECT_TRUE(capabilities.descending_index);
  EXPECT_FALSE(capabilities.load_data_local || capabilities.bulk_binding ||
               capabilities.copy_binary || capabilities.ltree);
}

TEST_F(SqliteSessionTest, RunsAsTheDesignWantsIt) {
  EXPECT_EQ(Only("PRAGMA journal_mode"), Value::Text("wal"));
  EXPECT_EQ(Only("PRAGMA synchronous"), Value::Int64(1));
  EXPECT_EQ(Only("PRAGMA foreign_keys"), Value::Int64(1));
  EXPECT_EQ(Only("PRAGMA busy_timeout"), Value::Int64(60'000));
}

TEST_F(SqliteSessionTest, KeepsAMemoryDatabaseToItself) {
  Url url = database_->url();
  url.database = ":memory:";
  auto one = Connect(url), other = Connect(url);
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_TRUE(other.ok()) << other.status();
  ASSERT_TRUE((*one)->Execute("CREATE TABLE t (a)").ok());
  EXPECT_EQ((*other)->Execute("SELECT * FROM t").status().code(),
            Code::kNotFound);
}

TEST_F(SqliteSessionTest, TakesAPathForWhatItIs) {
  // Neither a URI nor its query nor an escape.
  for (const char* name : {"file:a?mode=ro", "a b%20c", "gr\xc3\xbc\xc3\x9f"}) {
    const std::string path = PathBeside(name);
    ASSERT_TRUE(StatusOfOpening(path).ok()) << name;
    EXPECT_TRUE(std::filesystem::exists(path)) << name;
  }
}

TEST_F(SqliteSessionTest, WhatCannotBeOpenedSaysWhy) {
  const std::string missing = PathBeside("missing.db");
  ConnectOptions options;
  options.create_if_missing = false;
  absl::Status status = StatusOfOpening(missing, options);
  EXPECT_EQ(status.code(), Code::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(missing));
  EXPECT_FALSE(std::filesystem::exists(missing));
  EXPECT_TRUE(StatusOfOpening(missing).ok());
  EXPECT_TRUE(StatusOfOpening(missing, options).ok());

  status = StatusOfOpening(PathBeside("no/folder.db"));
  EXPECT_EQ(status.code(), Code::kNotFound) << status;

  status = StatusOfOpening(PathBeside(""));
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << "a folder: " << status;

  const std::string text = PathBeside("text.db");
  std::ofstream(text) << std::string(10'000, 'x');
  status = StatusOfOpening(text);
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(text));

  Url url = database_->url();
  url.socket = "/s";
  EXPECT_EQ(Connect(url).status().code(), Code::kInvalidArgument);
}

// Root may write anywhere, so that it has to be somebody else for a while.
class Unprivileged {
 public:
  Unprivileged() : was_root_(geteuid() == 0) {
    if (was_root_ && seteuid(65534) != 0) ADD_FAILURE() << "seteuid";
  }
  ~Unprivileged() {
    if (was_root_ && seteuid(0) != 0) ADD_FAILURE() << "seteuid";
  }

 private:
  const bool was_root_;
};

TEST_F(SqliteSessionTest, WhatMayNotBeTouchedIsPermissionDenied) {
  Run("CREATE TABLE t (a)");
  // The last session that closes leaves one file, without WAL.
  session_.reset();
  const std::string path = database_->url().database;
  const std::string folder = PathBeside("");
  ASSERT_EQ(chmod(folder.c_str(), 0555), 0);
  ASSERT_EQ(chmod(path.c_str(), 0444), 0);
  {
    const Unprivileged unprivileged;
    absl::Status status = StatusOfOpening(path);
    EXPECT_EQ(status.code(), Code::kPermissionDenied) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    status = StatusOfOpening(PathBeside("new.db"));
    EXPECT_EQ(status.code(), Code::kPermissionDenied) << status;
  }
  ASSERT_EQ(chmod(path.c_str(), 0000), 0);
  {
    const Unprivileged unprivileged;
    const absl::Status status = StatusOfOpening(path);
    EXPECT_EQ(status.code(), Code::kPermissionDenied) << status;
  }
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  ASSERT_EQ(chmod(folder.c_str(), 0755), 0);
  EXPECT_TRUE(StatusOfOpening(path).ok());
}

// What others have made, byte for byte, with what lies beside it.
class Snapshot {
 public:
  explicit Snapshot(const std::string& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::ifstream file(entry.path(), std::ios::binary);
      std::ostringstream text;
      text << file.rdbuf();
      files_[entry.path().filename().string()] = text.str();
    }
  }
  bool operator==(const Snapshot& other) const {
    return files_ == other.files_;
  }

 private:
  std::map<std::string, std::string> files_;
};

// A database of somebody else's, in a folder of its own.
std::string MakeForeign(const std::string& folder, const std::string& journal) {
  std::filesystem::create_directory(folder);
  const std::string path = folder + "/theirs.db";
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  for (const std::string& sql :
       {"PRAGMA journal_mode = " + journal, std::string("CREATE TABLE t (a)"),
        std::string("INSERT INTO t VALUES (1), (2)")}) {
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr),
              SQLITE_OK);
  }
  sqlite3_close(db);
  return path;
}

int64_t CountForeign(Session& session) {
  ResultSet rows;
  const absl::Status status = session.Query("SELECT count(*) FROM t", &rows);
  EXPECT_TRUE(status.ok()) << status;
  return status.ok() ? rows.at(0, 0).int64() : -1;
}

TEST_F(SqliteSessionTest, ReadingChangesNothing) {
  ConnectOptions options;
  options.read_only = true;
  for (const std::string journal : {"DELETE", "WAL", "TRUNCATE"}) {
    const std::string folder = PathBeside("of_" + journal);
    const std::string path = MakeForeign(folder, journal);
    const Snapshot before(folder);
    {
      const auto one = Connect(database_->url().WithDatabase(path), options);
      const auto two = Connect(database_->url().WithDatabase(path), options);
      ASSERT_TRUE(one.ok() && two.ok()) << one.status() << two.status();
      EXPECT_EQ(CountForeign(**one), 2);
      EXPECT_EQ(CountForeign(**two), 2);
      EXPECT_TRUE((*one)->Begin().ok());
      EXPECT_FALSE((*one)->Execute("INSERT INTO t VALUES (3)").ok());
      EXPECT_TRUE((*one)->Rollback().ok());
    }
    EXPECT_TRUE(Snapshot(folder) == before) << journal;
  }
}

// What a writer has put into a log, and not yet into the file, is read too.
TEST_F(SqliteSessionTest, ReadsBesideAWriter) {
  ConnectOptions options;
  options.read_only = true;
  Run("CREATE TABLE t (a)");
  Run("INSERT INTO t VALUES (1)");
  const auto reader = Open(options);
  EXPECT_EQ(CountForeign(*reader), 1);
  Run("INSERT INTO t VALUES (2)");
  EXPECT_EQ(CountForeign(*reader), 2);
}

TEST_F(SqliteSessionTest, ReadsWhereNothingCanBeWritten) {
  ConnectOptions options;
  options.read_only = true;
  // Others have to pass through.
  ASSERT_EQ(chmod(PathBeside("").c_str(), 0755), 0);
  const std::string log = PathBeside("log");
  const std::string with_log = MakeForeign(log, "WAL");
  std::ofstream(with_log + "-wal") << std::string(5000, 'x');
  ASSERT_EQ(chmod(log.c_str(), 0555), 0);
  for (const std::string journal : {"DELETE", "WAL"}) {
    const std::string folder = PathBeside("fixed ?#%20" + journal);
    const std::string path = MakeForeign(folder, journal);
    ASSERT_EQ(chmod(path.c_str(), 0444), 0);
    ASSERT_EQ(chmod(folder.c_str(), 0555), 0);
    {
      const Unprivileged unprivileged;
      const auto session =
          Connect(database_->url().WithDatabase(path), options);
      ASSERT_TRUE(session.ok()) << journal << ": " << session.status();
      EXPECT_EQ(CountForeign(**session), 2);
      EXPECT_FALSE(StatusOfOpening(with_log, options).ok());
    }
    ASSERT_EQ(chmod(folder.c_str(), 0755), 0);
  }
  ASSERT_EQ(chmod(log.c_str(), 0755), 0);
  EXPECT_EQ(StatusOfOpening(PathBeside("none.db"), options).code(),
            Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(PathBeside("none.db")));
}

TEST_F(SqliteSessionTest, ADatabaseOfOthersKeepsItsJournalMode) {
  const std::string path = MakeForeign(PathBeside("theirs"), "DELETE");
  {
    const auto session = Connect(database_->url().WithDatabase(path));
    ASSERT_TRUE(session.ok()) << session.status();
    ASSERT_TRUE((*session)->Execute("INSERT INTO t VALUES (3)").ok());
    ResultSet rows;
    ASSERT_TRUE((*session)->Query("PRAGMA journal_mode", &rows).ok());
    EXPECT_EQ(rows.at(0, 0), Value::Text("delete"));
  }
}

TEST_F(SqliteSessionTest, StoresWhatItIsGiven) {
  const auto echo = Prepare("SELECT ?, typeof(?1)");
  ASSERT_NE(echo, nullptr);
  const absl::string_view nul("a\0b", 3);
  const double infinity = std::numeric_limits<double>::infinity();
  const std::pair<Value, const char*> cases[] = {
      {Value::Null(), "null"},
      {Value::Int64(std::numeric_limits<int64_t>::min()), "integer"},
      {Value::TimestampUs(std::numeric_limits<int64_t>::max()), "integer"},
      {Value::Double(5), "real"},
      {Value::Double(-infinity), "real"},
      {Value::Text(""), "text"},
      {Value::Text({}), "text"},
      {Value::Text(nul), "text"},
      {Value::Text("\xff not UTF-8"), "text"},
      {Value::Bytes(""), "blob"},
      {Value::Bytes({}), "blob"},
      {Value::Bytes(nul), "blob"},
  };
  for (const auto& [value, type] : cases) {
    const auto read = echo->Execute({value}, &rows_);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(rows_.at(0, 0), value);
    EXPECT_EQ(rows_.at(0, 1), Value::Text(type)) << value.ToString();
  }
  // SQLite would make it NULL.
  EXPECT_EQ(
      echo->Execute({Value::Double(std::nan(""))}, &rows_).status().code(),
      Code::kInvalidArgument);
  EXPECT_TRUE(echo->Execute({Value::Int64(1)}, &rows_).ok());
}

TEST_F(SqliteSessionTest, TakesOneStatementAtATime) {
  for (const char* sql :
       {"", " ; ", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; x"}) {
    EXPECT_EQ(session_->Execute(sql).status().code(), Code::kInvalidArgument)
        << sql;
    EXPECT_EQ(session_->Prepare(sql).status().code(), Code::kInvalidArgument)
        << sql;
  }
  EXPECT_TRUE(session_->Execute("SELECT 1 ; \n").ok());
}

TEST_F(SqliteSessionTest, AStatementSeesTheColumnsOfTheDay) {
  Run("CREATE TABLE t (a)");
  Run("INSERT INTO t VALUES (1)");
  const auto select = Prepare("SELECT * FROM t");
  ASSERT_NE(select, nullptr);
  ASSERT_TRUE(select->Execute({}, &rows_).ok());
  EXPECT_EQ(rows_.column_count(), 1);
  Run("ALTER TABLE t ADD COLUMN b DEFAULT 2");
  ASSERT_TRUE(select->Execute({}, &rows_).ok());
  ASSERT_EQ(rows_.column_count(), 2);
  EXPECT_EQ(rows_.column_name(1), "b");
  EXPECT_EQ(rows_.at(0, 1), Value::Int64(2));
  Run("ALTER TABLE t DROP COLUMN a");
  ASSERT_TRUE(select->Execute({}, &rows_).ok());
  ASSERT_EQ(rows_.column_count(), 1);
  EXPECT_EQ(rows_.at(0, 0), Value::Int64(2));
  Run("DROP TABLE t");
  EXPECT_EQ(select->Execute({}, &rows_).status().code(), Code::kNotFound);
}

TEST_F(SqliteSessionTest, TellsTheIdThatAnInsertMade) {
  Run("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
  Run("INSERT INTO t (a) VALUES ('x'), ('y')");
  EXPECT_EQ(session_->LastInsertId().value(), 2);
  const auto insert = Prepare("INSERT INTO t (a) VALUES (?) RETURNING id");
  ASSERT_NE(insert, nullptr);
  EXPECT_EQ(insert->Execute({Value::Text("z")}, &rows_).value_or(-1), 1);
  EXPECT_EQ(rows_.at(0, 0), Value::Int64(3));
  EXPECT_EQ(session_->LastInsertId().value(), 3);
}

TEST_F(SqliteSessionTest, ErrorsHaveTheCodesOfTheContract) {
  Run("CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b TEXT CHECK "
      "(b <> 'no'))");
  Run("CREATE TABLE child (t REFERENCES t)");
  Run("INSERT INTO t VALUES (1, 1, 'yes')");
  const std::pair<const char*, Code> cases[] = {
      {"INSERT INTO t VALUES (1, 2, 'yes')", Code::kAlreadyExists},
      {"INSERT INTO t VALUES (2, 1, 'yes')", Code::kAlreadyExists},
      {"CREATE INDEX t ON t (a)", Code::kAlreadyExists},
      {"ALTER TABLE t ADD a", Code::kAlreadyExists},
      {"INSERT INTO t VALUES ('x', 2, 'yes')", Code::kInvalidArgument},
      {"INSERT INTO t VALUES (2, 2, 'no')", Code::kInvalidArgument},
      {"INSERT INTO child VALUES (9)", Code::kInvalidArgument},
      {"DROP INDEX missing", Code::kNotFound},
      {"ALTER TABLE missing ADD a", Code::kNotFound},
      {"SELECT zeroblob(2000000000)", Code::kResourceExhausted},
  };
  for (const auto& [sql, code] : cases) {
    const absl::Status status = session_->Execute(sql).status();
    EXPECT_EQ(status.code(), code) << sql << ": " << status;
  }
  EXPECT_TRUE(session_->Rollback().ok()) << "there is none";
  EXPECT_FALSE(session_->Commit().ok()) << "there is none";
}

// SQLite itself may end a transaction on a full disk, or leave that to us.
TEST_F(SqliteSessionTest, AFullDiskIsResourceExhausted) {
  Run("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)");
  Run("PRAGMA max_page_count = 50");
  const std::string text(1'000, 'x');
  std::vector<std::vector<Value>> rows;
  for (int64_t i = 0; i < 1'000; ++i) {
    rows.push_back({Value::Int64(i), Value::Text(text)});
  }
  const std::vector<std::string> columns = {"id", "a"};
  for (const bool in_transaction : {false, true}) {
    if (in_transaction) {
      ASSERT_TRUE(session_->Begin().ok());
      Run("INSERT INTO t VALUES (-1, 'x')");
    }
    VectorRows source(rows);
    const absl::Status status =
        session_->BulkLoad("t", columns, source).status();
    EXPECT_EQ(status.code(), Code::kResourceExhausted) << status;
    if (in_transaction) {
      EXPECT_TRUE(session_->Rollback().ok());
    }
    EXPECT_EQ(Only("SELECT COUNT(*) FROM t"), Value::Int64(0));
  }
  const auto insert = Prepare("INSERT INTO t (a) VALUES (?)");
  ASSERT_NE(insert, nullptr);
  absl::Status status;
  while (status.ok()) {
    status = insert->Execute({Value::Text(text)}, nullptr).status();
  }
  EXPECT_EQ(status.code(), Code::kResourceExhausted) << status;
  // With room again, the session goes on.
  Run("PRAGMA max_page_count = 100000");
  Run("DELETE FROM t");
  VectorRows source(rows);
  EXPECT_EQ(session_->BulkLoad("t", columns, source).value_or(-1), 1'000);
  EXPECT_EQ(Only("SELECT SUM(id) + SUM(length(a)) FROM t"),
            Value::Int64(999 * 500 + 1'000'000));
}

TEST_F(SqliteSessionTest, ALockThatIsNotHadIsDeadlineExceeded) {
  Run("CREATE TABLE t (a)");
  ConnectOptions options;
  options.busy_timeout_ms = 20;
  const auto other = Open(options);
  ASSERT_NE(other, nullptr);
  ASSERT_TRUE(session_->Begin().ok());
  EXPECT_EQ(other->Begin().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(other->Execute("INSERT INTO t VALUES (1)").status().code(),
            Code::kDeadlineExceeded);
  VectorRows one({{Value::Int64(1)}});
  const std::string column = "a";
  EXPECT_EQ(other->BulkLoad("t", {&column, 1}, one).status().code(),
            Code::kDeadlineExceeded);
  // Readers do not wait for the writer.
  EXPECT_TRUE(other->Query("SELECT * FROM t", &rows_).ok());
  ASSERT_TRUE(session_->Commit().ok());
  EXPECT_TRUE(other->Execute("INSERT INTO t VALUES (1)").ok());
}

// Who has read before another wrote cannot write on what it saw.
TEST_F(SqliteSessionTest, AWriteOnAnOldSnapshotIsAborted) {
  Run("CREATE TABLE t (a)");
  const auto other = Open({});
  ASSERT_NE(other, nullptr);
  Run("BEGIN");
  EXPECT_EQ(Only("SELECT COUNT(*) FROM t"), Value::Int64(0));
  ASSERT_TRUE(other->Execute("INSERT INTO t VALUES (1)").ok());
  EXPECT_EQ(session_->Execute("INSERT INTO t VALUES (2)").status().code(),
            Code::kAborted);
  EXPECT_TRUE(session_->Rollback().ok());
  EXPECT_EQ(Only("SELECT SUM(a) FROM t"), Value::Int64(1));
}

// Transactions that read and then write queue up. Were their locks taken at the
// first write only, most of these would fail.
TEST_F(SqliteSessionTest, WritersQueueForTheirTurn) {
  constexpr int kWorkers = 4, kTurns = 50;
  Run("CREATE TABLE t (a)");
  Run("INSERT INTO t VALUES (0)");
  std::vector<std::thread> workers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&] {
      ConnectOptions options;
      options.busy_timeout_ms = 60'000;
      const auto session = Open(options);
      ASSERT_NE(session, nullptr);
      ResultSet rows;
      for (int i = 0; i < kTurns; ++i) {
        ASSERT_TRUE(session->Begin().ok());
        ASSERT_TRUE(session->Query("SELECT a FROM t", &rows).ok());
        const int64_t next = rows.at(0, 0).int64() + 1;
        const absl::Status updated =
            session->Execute(absl::StrCat("UPDATE t SET a = ", next)).status();
        ASSERT_TRUE(updated.ok()) << updated;
        ASSERT_TRUE(session->Commit().ok());
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(Only("SELECT a FROM t"), Value::Int64(kWorkers * kTurns));
}

// The statement never ends by itself. An interruption before its first step is
// lost, so there are many.
TEST_F(SqliteSessionTest, InterruptEndsARunningStatement) {
  std::atomic<bool> ended{false};
  absl::Status status;
  std::thread victim([&] {
    status = session_
                 ->Execute(
                     "WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL "
                     "SELECT n FROM s) SELECT COUNT(*) FROM s")
                 .status();
    ended = true;
  });
  while (!ended) {
    session_->Interrupt();
    std::this_thread::yield();
  }
  victim.join();
  EXPECT_EQ(status.code(), Code::kCancelled) << status;
  EXPECT_TRUE(session_->Ping().ok());
}

TEST_F(SqliteSessionTest, AStreamGivesValuesByTheirStorageClass) {
  Run("CREATE TABLE t (a, b, c, d, e)");
  Run("INSERT INTO t VALUES (-9223372036854775807 - 1, 0.1, 'tä', x'00ff', "
      "NULL), ('', x'', 9007199254740993, 'x', 2.0)");
  auto stream = session_->Stream("SELECT * FROM t ORDER BY rowid");
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::vector<Value> row(5);
  ASSERT_TRUE((*stream)->Next(absl::MakeSpan(row)).value());
  EXPECT_EQ(row,
            (std::vector<Value>{
                Value::Int64(std::numeric_limits<int64_t>::min()),
                Value::Double(0.1), Value::Text("tä"),
                Value::Bytes(absl::string_view("\0\xff", 2)), Value::Null()}));
  ASSERT_TRUE((*stream)->Next(absl::MakeSpan(row)).value());
  EXPECT_EQ(row, (std::vector<Value>{Value::Text(""), Value::Bytes(""),
                                     Value::Int64(9007199254740993),
                                     Value::Text("x"), Value::Double(2)}));
  EXPECT_FALSE((*stream)->Next(absl::MakeSpan(row)).value());
  EXPECT_FALSE((*stream)->Next(absl::MakeSpan(row)).value());
}

TEST_F(SqliteSessionTest, AStreamThatIsLeftOrInterruptedEnds) {
  const char* const endless =
      "WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s) "
      "SELECT n FROM s";
  std::vector<Value> row(1);
  {
    auto stream = session_->Stream(endless);
    ASSERT_TRUE(stream.ok()) << stream.status();
    ASSERT_TRUE((*stream)->Next(absl::MakeSpan(row)).value());
  }
  Run("CREATE TABLE t (a)");
  auto stream = session_->Stream(endless);
  ASSERT_TRUE(stream.ok()) << stream.status();
  ASSERT_TRUE((*stream)->Next(absl::MakeSpan(row)).value());
  std::thread([&] { session_->Interrupt(); }).join();
  EXPECT_EQ((*stream)->Next(absl::MakeSpan(row)).status().code(),
            absl::StatusCode::kCancelled);
  stream->reset();
  Run("DROP TABLE t");
}

TEST_F(SqliteSessionTest, AStreamNeedsAQuery) {
  EXPECT_EQ(session_->Stream("CREATE TABLE t (a)").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(session_->Stream("SELECT ?").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(session_->Stream("SELECT * FROM missing").status().code(),
            absl::StatusCode::kNotFound);
  auto stream = session_->Stream("SELECT 1, 2");
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::vector<Value> row(3);
  EXPECT_EQ((*stream)->Next(absl::MakeSpan(row)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace opsbench
