// One contract, the same behaviour on all engines and through all client
// libraries: what session.h promises without naming an engine.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/testing/test_servers.h"
#include "opsbench/testing/vector_rows.h"

namespace opsbench {
namespace {

using Code = absl::StatusCode;
using Driver = ConnectOptions::Driver;
using Row = std::vector<Value>;

struct Backend {
  const char* name;
  Engine engine;
  Driver driver;
  // Column types that hold text and bytes of any length, and TimestampUs.
  const char* text_type;
  const char* bytes_type;
  const char* timestamp_type;
  Defaults defaults = Defaults::kPlain;
};

constexpr Backend kBackends[] = {
    {"Sqlite", Engine::kSqlite, Driver::kNative, "TEXT", "BLOB", "INTEGER"},
    {"MysqlNative", Engine::kMysql, Driver::kNative, "LONGTEXT", "LONGBLOB",
     "DATETIME(6)"},
    {"MysqlConnector", Engine::kMysql, Driver::kConnector, "LONGTEXT",
     "LONGBLOB", "DATETIME(6)"},
    {"Postgres", Engine::kPostgres, Driver::kNative, "TEXT", "BYTEA",
     "TIMESTAMP"},
    {"SqliteHostile", Engine::kSqlite, Driver::kNative, "TEXT", "BLOB",
     "INTEGER", Defaults::kHostile},
    {"MysqlNativeHostile", Engine::kMysql, Driver::kNative,
     "LONGTEXT CHARACTER SET utf8mb4", "LONGBLOB", "DATETIME(6)",
     Defaults::kHostile},
    {"MysqlConnectorHostile", Engine::kMysql, Driver::kConnector,
     "LONGTEXT CHARACTER SET utf8mb4", "LONGBLOB", "DATETIME(6)",
     Defaults::kHostile},
    {"PostgresHostile", Engine::kPostgres, Driver::kNative, "TEXT", "BYTEA",
     "TIMESTAMP", Defaults::kHostile},
};

class SessionConformanceTest : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    auto database =
        TestDatabase::Create(GetParam().engine, GetParam().defaults);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    session_ = Open();
    ASSERT_NE(session_, nullptr);
  }

  absl::StatusOr<std::unique_ptr<Session>> TryOpen(const Url& url) {
    ConnectOptions options;
    options.driver = GetParam().driver;
    return Connect(url, options);
  }

  std::unique_ptr<Session> Open() {
    auto session = TryOpen(database_->url());
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }

  int64_t Run(absl::string_view sql) {
    const auto affected = session_->Execute(sql);
    EXPECT_TRUE(affected.ok()) << sql << ": " << affected.status();
    return affected.value_or(-1);
  }

  // `sql` has ? for placeholders, which become the engine's own.
  std::string Placed(absl::string_view sql) {
    if (GetParam().engine != Engine::kPostgres) return std::string(sql);
    std::string placed;
    int parameter = 0;
    for (const char c : sql) {
      if (c == '?') {
        absl::StrAppend(&placed, "$", ++parameter);
      } else {
        placed.push_back(c);
      }
    }
    return placed;
  }

  std::unique_ptr<Statement> Prepare(absl::string_view sql) {
    auto statement = session_->Prepare(Placed(sql));
    EXPECT_TRUE(statement.ok()) << sql << ": " << statement.status();
    return statement.ok() ? *std::move(statement) : nullptr;
  }

  void CreateTableOfAllTypes() {
    const Backend& backend = GetParam();
    Run(
        absl::StrCat("CREATE TABLE t (id BIGINT NOT NULL PRIMARY KEY, "
                     "a BIGINT, b DOUBLE PRECISION, c ",
                     backend.timestamp_type, ", d ", backend.text_type, ", e ",
                     backend.bytes_type, ")"));
  }

  int64_t Count(Session& session) {
    ResultSet rows;
    const absl::Status status = session.Query("SELECT COUNT(*) FROM t", &rows);
    EXPECT_TRUE(status.ok()) << status;
    return status.ok() ? rows.at(0, 0).int64() : -1;
  }
  int64_t Count() { return Count(*session_); }

  // The table's rows are `expected`, by the text and by the binary protocol.
  void ExpectTableHolds(const std::vector<Row>& expected) {
    constexpr char kSql[] = "SELECT id, a, b, c, d, e FROM t ORDER BY id";
    ResultSet queried, prepared;
    const absl::Status status = session_->Query(kSql, &queried);
    ASSERT_TRUE(status.ok()) << status;
    const auto statement = Prepare(kSql);
    ASSERT_NE(statement, nullptr);
    const auto read = statement->Execute({}, &prepared);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, static_cast<int64_t>(expected.size()));
    for (const ResultSet* rows : {&queried, &prepared}) {
      ASSERT_EQ(rows->row_count(), expected.size());
      ASSERT_EQ(rows->column_count(), 6);
      EXPECT_EQ(rows->column_name(0), "id");
      EXPECT_EQ(rows->column_name(5), "e");
      for (size_t i = 0; i < expected.size(); ++i) {
        for (size_t j = 0; j < expected[i].size(); ++j) {
          ASSERT_TRUE(rows->at(i, j) == expected[i][j])
              << "row " << i << ", column " << j << ": "
              << rows->at(i, j).ToString().substr(0, 100) << ", not "
              << expected[i][j].ToString().substr(0, 100)
              << (rows == &queried ? ", by Query" : ", by a statement");
        }
      }
    }
  }

  // What the engine offers by its own word; the rest has to be Unimplemented.
  std::vector<BulkMethod> Methods() {
    std::vector<BulkMethod> methods = {BulkMethod::kBest,
                                       BulkMethod::kMultiRow};
    const Capabilities& capabilities = session_->capabilities();
    if (capabilities.load_data_local) methods.push_back(BulkMethod::kLoadData);
    if (capabilities.bulk_binding) methods.push_back(BulkMethod::kBulkBinding);
    if (capabilities.copy_binary) {
      methods.insert(methods.end(),
                     {BulkMethod::kCopyBinary, BulkMethod::kCopyText,
                      BulkMethod::kPipeline});
    }
    return methods;
  }

  absl::StatusOr<int64_t> Load(BulkMethod method,
                               const std::vector<std::string>& columns,
                               RowIterator& rows,
                               size_t buffer_bytes = size_t{1} << 20) {
    BulkOptions options;
    options.method = method;
    options.buffer_bytes = buffer_bytes;
    return session_->BulkLoad("t", columns, rows, options);
  }

  absl::StatusOr<int64_t> Load(BulkMethod method, std::vector<Row> rows) {
    VectorRows iterator(std::move(rows));
    return Load(method, {"id", "a"}, iterator);
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

INSTANTIATE_TEST_SUITE_P(Backends, SessionConformanceTest,
                         ::testing::ValuesIn(kBackends),
                         [](const auto& instance) {
                           return std::string(instance.param.name);
                         });

// In the place of the bytes of a parameter in a failure.
void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

// For values that live as long as the process: rows hold views.
std::vector<Row> RowsOfAllTypes() {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr double kHuge = std::numeric_limits<double>::max();
  static const auto* const all_bytes = [] {
    auto* const bytes = new std::string;
    for (int c = 0; c < 256; ++c) bytes->push_back(static_cast<char>(c));
    return bytes;
  }();
  static const auto* const big = new std::string(1'000'000, 'x');
  const Value null = Value::Null();
  const Row values[] = {
      {Value::Int64(0), Value::Double(0.1), Value::TimestampUs(0),
       Value::Text(""), Value::Bytes("")},
      {Value::Int64(-1), Value::Double(-1e-300), Value::TimestampUs(-1),
       Value::Text("tab\there\nand\\there\r\n'\"\\N"),
       Value::Bytes(*all_bytes)},
      {Value::Int64(kMin), Value::Double(kHuge),
       Value::TimestampUs(1'769'903'999'123'456),
       Value::Text("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"),
       Value::Bytes(absl::string_view("\0", 1))},
      {Value::Int64(kMax), Value::Double(-kHuge),
       Value::TimestampUs(253'402'300'799'999'999), Value::Text(*big),
       Value::Bytes(*big)},
      {Value::Int64(7), Value::Double(1.0 / 3),
       Value::TimestampUs(-30'610'224'000'000'000), Value::Text("NULL"),
       Value::Bytes("NULL")},
      {null, null, null, null, null},
      {Value::Int64(8), null, Value::TimestampUs(8), null, Value::Bytes("8")},
      {null, Value::Double(9), null, Value::Text("9"), null},
  };
  std::vector<Row> rows;
  for (const Row& row : values) {
    rows.push_back({Value::Int64(static_cast<int64_t>(rows.size()))});
    rows.back().insert(rows.back().end(), row.begin(), row.end());
  }
  return rows;
}

TEST_P(SessionConformanceTest, ValuesOfEveryTypeComeBackAsTheyWere) {
  CreateTableOfAllTypes();
  const auto insert =
      Prepare("INSERT INTO t (id, a, b, c, d, e) VALUES (?, ?, ?, ?, ?, ?)");
  ASSERT_NE(insert, nullptr);
  const std::vector<Row> rows = RowsOfAllTypes();
  for (const Row& row : rows) {
    const auto inserted = insert->Execute(row, nullptr);
    ASSERT_TRUE(inserted.ok()) << inserted.status();
    EXPECT_EQ(*inserted, 1);
  }
  ExpectTableHolds(rows);
}

TEST_P(SessionConformanceTest, StatementsAreReusedSideBySide) {
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY, a TEXT)");
  const auto insert = Prepare("INSERT INTO t VALUES (?, ?)");
  const auto select = Prepare("SELECT a, id FROM t WHERE id = ?");
  const auto update = Prepare("UPDATE t SET a = ? WHERE id >= ?");
  ASSERT_TRUE(insert != nullptr && select != nullptr && update != nullptr);
  ResultSet rows;
  for (int64_t id = 0; id < 200; ++id) {
    const std::string text(id % 50, 'x');
    ASSERT_TRUE(
        insert->Execute({Value::Int64(id), Value::Text(text)}, nullptr).ok());
    const auto read = select->Execute({Value::Int64(id)}, &rows);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(*read, 1);
    ASSERT_EQ(rows.row_count(), 1);
    EXPECT_EQ(rows.at(0, 0), Value::Text(text));
    EXPECT_EQ(rows.at(0, 1), Value::Int64(id));
  }
  EXPECT_EQ(update->Execute({Value::Text("y"), Value::Int64(150)}, nullptr)
                .value_or(-1),
            50);
  EXPECT_EQ(select->Execute({Value::Int64(150)}, nullptr).value_or(-1), 1);
  EXPECT_EQ(select->Execute({Value::Int64(200)}, &rows).value_or(-1), 0);
  EXPECT_EQ(rows.row_count(), 0);
  EXPECT_EQ(rows.column_count(), 2);
}

TEST_P(SessionConformanceTest, CountsTheRowsOfEachStatement) {
  EXPECT_EQ(Run("CREATE TABLE t (id BIGINT PRIMARY KEY, a BIGINT)"), 0);
  EXPECT_EQ(Run("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)"), 3);
  EXPECT_EQ(Run("CREATE TABLE u (id BIGINT)"), 0);
  EXPECT_EQ(Run("UPDATE t SET a = 5 WHERE id > 1"), 2);
  EXPECT_EQ(Run("UPDATE t SET a = 5 WHERE id > 1"), 2)
      << "matched, not changed";
  EXPECT_EQ(Run("UPDATE t SET a = 5 WHERE id > 3"), 0);
  EXPECT_EQ(Run("DELETE FROM t WHERE id < 3"), 2);
  EXPECT_EQ(Run("DELETE FROM t"), 1);
  EXPECT_EQ(Run("DROP TABLE u"), 0);
  // No row of an earlier result is left in what the caller passed.
  ResultSet rows;
  ASSERT_TRUE(session_->Query("SELECT 1, 2", &rows).ok());
  ASSERT_EQ(rows.row_count(), 1);
  ASSERT_TRUE(session_->Query("INSERT INTO t VALUES (9, 9)", &rows).ok());
  EXPECT_EQ(rows.row_count(), 0);
  ASSERT_TRUE(session_->Query("SELECT 1", &rows).ok());
  const auto insert = Prepare("INSERT INTO t VALUES (?, ?)");
  ASSERT_NE(insert, nullptr);
  EXPECT_EQ(
      insert->Execute({Value::Int64(8), Value::Null()}, &rows).value_or(-1), 1);
  EXPECT_EQ(rows.row_count(), 0);
}

TEST_P(SessionConformanceTest, ErrorsHaveTheSameCodesAndLeaveTheSessionUsable) {
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY, a BIGINT NOT NULL CHECK (a > "
      "0))");
  Run("INSERT INTO t VALUES (1, 1)");
  const std::pair<const char*, Code> cases[] = {
      {"INSERT INTO t VALUES (1, 1)", Code::kAlreadyExists},
      {"CREATE TABLE t (id BIGINT)", Code::kAlreadyExists},
      {"SELECT * FROM missing", Code::kNotFound},
      {"INSERT INTO missing VALUES (1)", Code::kNotFound},
      {"DROP TABLE missing", Code::kNotFound},
      {"SELECT missing FROM t", Code::kNotFound},
      {"INSERT INTO t (missing) VALUES (1)", Code::kNotFound},
      {"SELECT missing(1)", Code::kNotFound},
      {"INSERT INTO t VALUES (2, NULL)", Code::kInvalidArgument},
      {"INSERT INTO t VALUES (2, 0)", Code::kInvalidArgument},
      {"INSERT INTO t VALUES (2)", Code::kInvalidArgument},
      {"SELEKT 1", Code::kInvalidArgument},
      {"SELECT 'never ends", Code::kInvalidArgument},
  };
  ResultSet rows;
  for (const auto& [sql, code] : cases) {
    const absl::Status executed = session_->Execute(sql).status();
    EXPECT_EQ(executed.code(), code) << sql << ": " << executed;
    EXPECT_FALSE(executed.message().empty());
    EXPECT_EQ(session_->Query(sql, &rows).code(), code) << sql;
    auto statement = session_->Prepare(sql);
    const absl::Status prepared =
        statement.ok() ? (*statement)->Execute({}, &rows).status()
                       : statement.status();
    EXPECT_EQ(prepared.code(), code) << sql << ": " << prepared;
    EXPECT_TRUE(session_->Ping().ok());
  }
  EXPECT_EQ(Count(), 1);
}

TEST_P(SessionConformanceTest, AStatementIsUsableAfterAnErrorOfItsOwn) {
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY, a TEXT NOT NULL)");
  const auto insert = Prepare("INSERT INTO t VALUES (?, ?)");
  ASSERT_NE(insert, nullptr);
  const Value one = Value::Int64(1), text = Value::Text("x");
  EXPECT_EQ(insert->Execute({one, text}, nullptr).value_or(-1), 1);
  EXPECT_EQ(insert->Execute({one, text}, nullptr).status().code(),
            Code::kAlreadyExists);
  EXPECT_EQ(insert->Execute({one, Value::Null()}, nullptr).status().code(),
            Code::kInvalidArgument);
  for (const Row& wrong : {Row{}, Row{one}, Row{one, text, text}}) {
    EXPECT_EQ(insert->Execute(wrong, nullptr).status().code(),
              Code::kInvalidArgument)
        << wrong.size();
  }
  EXPECT_EQ(
      insert->Execute({Value::Int64(2), Value::Text("")}, nullptr).value_or(-1),
      1);
  EXPECT_EQ(Count(), 2);
}

TEST_P(SessionConformanceTest, TransactionsCommitAndRollBack) {
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY)");
  const auto insert = Prepare("INSERT INTO t VALUES (?)");
  ASSERT_NE(insert, nullptr);
  const auto other = Open();
  ASSERT_NE(other, nullptr);

  ASSERT_TRUE(session_->Begin().ok());
  Run("INSERT INTO t VALUES (1)");
  ASSERT_TRUE(insert->Execute({Value::Int64(2)}, nullptr).ok());
  EXPECT_EQ(Count(), 2);
  EXPECT_EQ(Count(*other), 0) << "not committed yet";
  ASSERT_TRUE(session_->Rollback().ok());
  EXPECT_EQ(Count(), 0);

  ASSERT_TRUE(session_->Begin().ok());
  ASSERT_TRUE(insert->Execute({Value::Int64(3)}, nullptr).ok());
  // It neither ends the first transaction nor spoils it.
  EXPECT_EQ(session_->Begin().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(session_->Commit().ok());
  EXPECT_EQ(Count(*other), 1);

  // Each statement is its own transaction again.
  Run("INSERT INTO t VALUES (4)");
  EXPECT_EQ(Count(*other), 2);
}

TEST_P(SessionConformanceTest, ASessionThatEndsRollsBack) {
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY)");
  {
    const auto other = Open();
    ASSERT_NE(other, nullptr);
    ASSERT_TRUE(other->Begin().ok());
    ASSERT_TRUE(other->Execute("INSERT INTO t VALUES (1)").ok());
    EXPECT_EQ(Count(*other), 1);
  }
  EXPECT_EQ(Count(), 0);
  // The key is free: nobody holds a lock on it for long.
  Run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(Count(), 1);
}

TEST_P(SessionConformanceTest, ParametersThatNobodyKnowsAreRefused) {
  Url url = database_->url();
  url.parameters["no_such_parameter"] = "1";
  const absl::Status status = TryOpen(url).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
}

TEST_P(SessionConformanceTest, BulkLoadsCarryValuesOfEveryType) {
  CreateTableOfAllTypes();
  const std::vector<Row> rows = RowsOfAllTypes();
  for (const BulkMethod method : Methods()) {
    SCOPED_TRACE(static_cast<int>(method));
    for (const size_t buffer_bytes : {size_t{0}, size_t{1} << 20}) {
      Run("DELETE FROM t");
      VectorRows iterator(rows);
      const auto loaded =
          Load(method, {"id", "a", "b", "c", "d", "e"}, iterator, buffer_bytes);
      ASSERT_TRUE(loaded.ok()) << loaded.status();
      EXPECT_EQ(*loaded, static_cast<int64_t>(rows.size()));
      ExpectTableHolds(rows);
    }
  }
}

// Each row is compared with its source: a count would miss a row that was
// loaded twice while another was lost.
TEST_P(SessionConformanceTest, BulkLoadsCarryManyRows) {
  constexpr int64_t kRows = 100'003;  // No multiple of any batch.
  CreateTableOfAllTypes();
  std::vector<std::string> texts;
  std::vector<Row> rows;
  for (int64_t i = 0; i < kRows; ++i) {
    texts.push_back(std::string(i % 37, static_cast<char>('a' + i % 26)));
  }
  for (int64_t i = 0; i < kRows; ++i) {
    const Value text = i % 11 == 0 ? Value::Null() : Value::Text(texts[i]);
    rows.push_back({Value::Int64(i), Value::Int64(i * i), Value::Double(i / 7.),
                    Value::TimestampUs(i * 1'000'003), text,
                    Value::Bytes(texts[i])});
  }
  for (const BulkMethod method : Methods()) {
    SCOPED_TRACE(static_cast<int>(method));
    Run("DELETE FROM t");
    VectorRows iterator(rows);
    const auto loaded = Load(method, {"id", "a", "b", "c", "d", "e"}, iterator);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(*loaded, kRows);
    ExpectTableHolds(rows);
  }
}

TEST_P(SessionConformanceTest, ABulkLoadThatFailsLeavesNothing) {
  constexpr size_t kRows = 30'000;
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY, a BIGINT NOT NULL)");
  std::vector<Row> rows;
  for (size_t i = 0; i < kRows; ++i) {
    rows.push_back({Value::Int64(static_cast<int64_t>(i)), Value::Int64(1)});
  }
  std::vector<Row> duplicate = rows, null = rows;
  duplicate.back()[0] = Value::Int64(5);
  null.back()[1] = Value::Null();
  for (const BulkMethod method : Methods()) {
    SCOPED_TRACE(static_cast<int>(method));
    for (const size_t fails_at : {size_t{0}, size_t{1}, kRows / 2, kRows}) {
      VectorRows iterator(rows, [&](size_t next) {
        return next == fails_at ? absl::DataLossError("the source is broken")
                                : absl::OkStatus();
      });
      const absl::Status status = Load(method, {"id", "a"}, iterator).status();
      EXPECT_EQ(status, absl::DataLossError("the source is broken"));
      EXPECT_EQ(Count(), 0);
    }
    EXPECT_EQ(Load(method, duplicate).status().code(), Code::kAlreadyExists);
    EXPECT_EQ(Count(), 0);
    EXPECT_EQ(Load(method, null).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(Count(), 0);
    // The session is as good as before, and in no transaction.
    EXPECT_EQ(Load(method, rows).value_or(-1), static_cast<int64_t>(kRows));
    EXPECT_EQ(Run("DELETE FROM t"), static_cast<int64_t>(kRows));
    ASSERT_TRUE(session_->Begin().ok());
    ASSERT_TRUE(session_->Rollback().ok());
  }
}

TEST_P(SessionConformanceTest, InTheCallersTransactionOnlyTheLoadIsUndone) {
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY, a BIGINT)");
  const Value one = Value::Int64(1);
  for (const BulkMethod method : Methods()) {
    SCOPED_TRACE(static_cast<int>(method));
    Run("DELETE FROM t");
    ASSERT_TRUE(session_->Begin().ok());
    Run("INSERT INTO t VALUES (1, 1)");
    for (int time = 0; time < 2; ++time) {
      EXPECT_EQ(
          Load(method, {{Value::Int64(2), one}, {one, one}}).status().code(),
          Code::kAlreadyExists);
      EXPECT_EQ(Count(), 1);
    }
    EXPECT_EQ(Load(method, {{Value::Int64(3), one}}).value_or(-1), 1);
    ASSERT_TRUE(session_->Commit().ok());
    EXPECT_EQ(Count(), 2);
    ASSERT_TRUE(session_->Begin().ok());
    EXPECT_EQ(Load(method, {{Value::Int64(4), one}}).value_or(-1), 1);
    EXPECT_EQ(Count(), 3);
    ASSERT_TRUE(session_->Rollback().ok());
    EXPECT_EQ(Count(), 2);
  }
}

TEST_P(SessionConformanceTest, BulkLoadsRefuseWhatIsNotThere) {
  const std::vector<Row> rows = {{Value::Int64(1), Value::Int64(1)}};
  for (const BulkMethod method : Methods()) {
    SCOPED_TRACE(static_cast<int>(method));
    EXPECT_EQ(Load(method, rows).status().code(), Code::kNotFound);
  }
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY, a BIGINT)");
  for (const BulkMethod method : Methods()) {
    SCOPED_TRACE(static_cast<int>(method));
    VectorRows iterator(rows), none({});
    EXPECT_EQ(Load(method, {"id", "missing"}, iterator).status().code(),
              Code::kNotFound);
    EXPECT_EQ(Load(method, {}, none).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(Load(method, std::vector<Row>()).value_or(-1), 0);
  }
  const std::vector<BulkMethod> offered = Methods();
  for (const BulkMethod method :
       {BulkMethod::kLoadData, BulkMethod::kBulkBinding,
        BulkMethod::kCopyBinary, BulkMethod::kCopyText,
        BulkMethod::kPipeline}) {
    if (std::count(offered.begin(), offered.end(), method) > 0) continue;
    EXPECT_EQ(Load(method, rows).status().code(), Code::kUnimplemented)
        << static_cast<int>(method);
  }
  EXPECT_EQ(Count(), 0);
}

// The source never ends: only the interruption can.
TEST_P(SessionConformanceTest, AnInterruptedBulkLoadLeavesNothing) {
  class Endless : public RowIterator {
   public:
    explicit Endless(Session* session) : session_(session) {}
    absl::StatusOr<bool> Next(absl::Span<Value> row) override {
      if (next_ == 5'000) {
        std::thread([&] { session_->Interrupt(); }).join();
      }
      row[0] = Value::Int64(next_++);
      return true;
    }

   private:
    Session* const session_;
    int64_t next_ = 0;
  };
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY)");
  for (const BulkMethod method : Methods()) {
    SCOPED_TRACE(static_cast<int>(method));
    Endless rows(session_.get());
    const absl::Status status = Load(method, {"id"}, rows).status();
    EXPECT_EQ(status.code(), Code::kCancelled) << status;
    EXPECT_EQ(Count(), 0);
    VectorRows one({{Value::Int64(1)}});
    EXPECT_EQ(Load(method, {"id"}, one).value_or(-1), 1);
    Run("DELETE FROM t");
  }
}

TEST_P(SessionConformanceTest, ThreadsWithSessionsOfTheirOwnDoNotMeet) {
  constexpr int kWorkers = 4, kRows = 50;
  Run("CREATE TABLE t (worker BIGINT, i BIGINT, PRIMARY KEY (worker, i))");
  std::vector<std::thread> workers;
  for (int worker = 0; worker < kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      const auto session = Open();
      ASSERT_NE(session, nullptr);
      auto insert = session->Prepare(Placed("INSERT INTO t VALUES (?, ?)"));
      ASSERT_TRUE(insert.ok()) << insert.status();
      for (int i = 0; i < kRows; ++i) {
        const auto inserted = (*insert)->Execute(
            {Value::Int64(worker), Value::Int64(i)}, nullptr);
        ASSERT_TRUE(inserted.ok()) << inserted.status();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(Count(), kWorkers * kRows);
}

}  // namespace
}  // namespace opsbench
