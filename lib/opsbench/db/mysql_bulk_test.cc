// Bulk loads into MySQL by each of its methods: the same rows arrive, and an
// error of any kind leaves nothing behind.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;
using Driver = ConnectOptions::Driver;
using Row = std::vector<Value>;

// Rows out of a vector; before each, `before` may fail.
class VectorRows : public RowIterator {
 public:
  explicit VectorRows(std::vector<Row> rows,
                      std::function<absl::Status(size_t)> before = nullptr)
      : rows_(std::move(rows)), before_(std::move(before)) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (before_) {
      const absl::Status status = before_(next_);
      if (!status.ok()) return status;
    }
    if (next_ == rows_.size()) return false;
    // Text is valid until the next call only, so the last one's goes.
    texts_.clear();
    texts_.reserve(row.size());
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = rows_[next_][i];
      const Value::Type type = row[i].type();
      if (type != Value::Type::kText && type != Value::Type::kBytes) continue;
      texts_.emplace_back(row[i].text());
      row[i] = type == Value::Type::kText ? Value::Text(texts_.back())
                                          : Value::Bytes(texts_.back());
    }
    ++next_;
    return true;
  }

 private:
  const std::vector<Row> rows_;
  const std::function<absl::Status(size_t)> before_;
  size_t next_ = 0;
  std::vector<std::string> texts_;
};

struct Case {
  const char* name;
  Driver driver;
  BulkMethod method;
};

class MysqlBulkTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kMysql);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    ConnectOptions options;
    options.driver = GetParam().driver;
    auto session = Connect(database_->url(), options);
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  void Run(absl::string_view sql) {
    const absl::Status status = session_->Execute(sql).status();
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
  }

  absl::StatusOr<int64_t> Load(const std::vector<std::string>& columns,
                               RowIterator& rows,
                               size_t buffer_bytes = size_t{1} << 20) {
    BulkOptions options;
    options.method = GetParam().method;
    options.buffer_bytes = buffer_bytes;
    return session_->BulkLoad("t", columns, rows, options);
  }

  absl::StatusOr<int64_t> Load(const std::vector<std::string>& columns,
                               std::vector<Row> rows) {
    VectorRows iterator(std::move(rows));
    return Load(columns, iterator);
  }

  int64_t Count() {
    ResultSet rows;
    const absl::Status status =
        session_->Query("SELECT COUNT(*) FROM t", &rows);
    EXPECT_TRUE(status.ok()) << status;
    return status.ok() ? rows.at(0, 0).int64() : -1;
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

INSTANTIATE_TEST_SUITE_P(
    Methods, MysqlBulkTest,
    ::testing::Values(
        Case{"LoadData", Driver::kNative, BulkMethod::kLoadData},
        Case{"BulkBinding", Driver::kNative, BulkMethod::kBulkBinding},
        Case{"MultiRow", Driver::kNative, BulkMethod::kMultiRow},
        Case{"Best", Driver::kNative, BulkMethod::kBest},
        Case{"ConnectorBest", Driver::kConnector, BulkMethod::kBest}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(MysqlBulkTest, ValuesOfEveryTypeArriveAsTheyWere) {
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY, a BIGINT, b DOUBLE, "
      "c DATETIME(6), d TEXT, e BLOB)");
  const int64_t numbers[] = {0, -1, std::numeric_limits<int64_t>::min(),
                             std::numeric_limits<int64_t>::max()};
  const double doubles[] = {0.1, -1e-300, 1.7976931348623157e308, 1.0 / 3};
  const int64_t times[] = {0, -1, 1'769'903'999'123'456,
                           253'402'300'799'999'999};
  const absl::string_view texts[] = {"", "\\N", "tab\there\nand\\there\r\n'\"",
                                     "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"};
  const absl::string_view bytes[] = {absl::string_view("\0\\N\t\n", 5),
                                     "\xff\xfe\xc3\x28", "", "NULL"};
  std::vector<Row> rows;
  for (int i = 0; i < 4; ++i) {
    rows.push_back({Value::Int64(i), Value::Int64(numbers[i]),
                    Value::Double(doubles[i]), Value::TimestampUs(times[i]),
                    Value::Text(texts[i]), Value::Bytes(bytes[i])});
  }
  rows.push_back({Value::Int64(4), Value::Null(), Value::Null(), Value::Null(),
                  Value::Null(), Value::Null()});
  const auto loaded = Load({"id", "a", "b", "c", "d", "e"}, rows);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(*loaded, 5);
  ResultSet result;
  ASSERT_TRUE(session_->Query("SELECT * FROM t ORDER BY id", &result).ok());
  ASSERT_EQ(result.row_count(), rows.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t column = 0; column < rows[row].size(); ++column) {
      EXPECT_EQ(result.at(row, column), rows[row][column])
          << row << ", " << column << ": " << result.at(row, column).ToString();
    }
  }
}

TEST_P(MysqlBulkTest, EveryByteArrives) {
  Run("CREATE TABLE t (id INT PRIMARY KEY, a VARBINARY(9), b BLOB)");
  std::vector<std::string> values;
  for (int c = 0; c < 256; ++c) {
    values.push_back(
        absl::StrCat("abc", std::string(1, static_cast<char>(c)), "\xc3"));
  }
  std::vector<Row> rows;
  for (int c = 0; c < 256; ++c) {
    rows.push_back({Value::Int64(c), Value::Bytes(values[c]),
                    Value::Bytes(absl::string_view(values[c]).substr(3, 1))});
  }
  const auto loaded = Load({"id", "a", "b"}, rows);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ResultSet result;
  ASSERT_TRUE(session_->Query("SELECT * FROM t ORDER BY id", &result).ok());
  ASSERT_EQ(result.row_count(), 256);
  for (size_t c = 0; c < 256; ++c) {
    EXPECT_EQ(result.at(c, 1), rows[c][1]) << c;
    EXPECT_EQ(result.at(c, 2), rows[c][2]) << c;
  }
}

// Text goes by its characters into a column of another character set, and a
// number into a column of bits.
TEST_P(MysqlBulkTest, ColumnsConvertAsTheyDoForInsert) {
  Run("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET latin1, "
      "b BIT(8), c DECIMAL(5, 2), d ENUM('x', 'y'), e FLOAT)");
  const auto loaded = Load(
      {"id", "a", "b", "c", "d", "e"},
      {{Value::Int64(1), Value::Text("gr\xc3\xbc\xc3\x9f"), Value::Int64(5),
        Value::Double(1.234), Value::Text("y"), Value::Double(0.5)},
       {Value::Int64(2), Value::Null(), Value::Null(), Value::Null(),
        Value::Null(), Value::Null()}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ResultSet rows;
  ASSERT_TRUE(
      session_
          ->Query("SELECT HEX(a), a, b, c, d, e, b IS NULL FROM t ORDER BY id",
                  &rows)
          .ok());
  ASSERT_EQ(rows.row_count(), 2);
  EXPECT_EQ(rows.at(0, 0), Value::Text("6772FCDF"));
  EXPECT_EQ(rows.at(0, 1), Value::Text("gr\xc3\xbc\xc3\x9f"));
  EXPECT_EQ(rows.at(0, 2), Value::Int64(5));
  EXPECT_EQ(rows.at(0, 3), Value::Text("1.23"));
  EXPECT_EQ(rows.at(0, 4), Value::Text("y"));
  EXPECT_EQ(rows.at(0, 5), Value::Double(0.5));
  EXPECT_EQ(rows.at(1, 6), Value::Int64(1));
}

// A method that gathers rows must keep their text, whatever its buffer.
TEST_P(MysqlBulkTest, BuffersOfAnySizeCarryAllRows) {
  Run("CREATE TABLE t (id INT PRIMARY KEY, a LONGTEXT)");
  int64_t bytes = 0;
  std::vector<std::string> texts;
  for (int i = 0; i < 3'000; ++i) {
    texts.emplace_back(i % 1'000 == 999 ? 200'000 : i % 7,
                       static_cast<char>('a' + i % 26));
    bytes += static_cast<int64_t>(texts.back().size());
  }
  std::vector<Row> rows;
  for (int i = 0; i < 3'000; ++i) {
    rows.push_back({Value::Int64(i), Value::Text(texts[i])});
  }
  for (const size_t buffer_bytes :
       {size_t{0}, size_t{1}, size_t{1'000}, size_t{1} << 30}) {
    Run("DELETE FROM t");
    VectorRows iterator(rows);
    const auto loaded = Load({"id", "a"}, iterator, buffer_bytes);
    ASSERT_TRUE(loaded.ok()) << buffer_bytes << ": " << loaded.status();
    EXPECT_EQ(*loaded, 3'000);
    ResultSet result;
    ASSERT_TRUE(session_
                    ->Query("SELECT COUNT(*), CAST(SUM(LENGTH(a)) AS SIGNED), "
                            "CAST(SUM(a = REPEAT(CHAR(97 + id % 26), "
                            "LENGTH(a))) AS SIGNED) FROM t",
                            &result)
                    .ok());
    EXPECT_EQ(result.at(0, 0).int64(), 3'000);
    EXPECT_EQ(result.at(0, 1).int64(), bytes);
    EXPECT_EQ(result.at(0, 2).int64(), 3'000);
  }
}

TEST_P(MysqlBulkTest, AColumnMayChangeItsTypeFromRowToRow) {
  Run("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(30))");
  const auto loaded = Load({"id", "a"}, {{Value::Int64(0), Value::Null()},
                                         {Value::Int64(1), Value::Text("one")},
                                         {Value::Int64(2), Value::Int64(2)},
                                         {Value::Int64(3), Value::Null()},
                                         {Value::Int64(4), Value::Int64(4)},
                                         {Value::Int64(5), Value::Double(0.5)},
                                         {Value::Int64(6), Value::Text("")}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(*loaded, 7);
  ResultSet rows;
  ASSERT_TRUE(session_->Query("SELECT a FROM t ORDER BY id", &rows).ok());
  const std::vector<std::string> expected = {"NULL", "one", "2", "NULL",
                                             "4",    "0.5", ""};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(rows.at(i, 0).ToString(), expected[i]) << i;
  }
}

TEST_P(MysqlBulkTest, NoRowsAreNoError) {
  Run("CREATE TABLE t (id INT PRIMARY KEY)");
  const auto loaded = Load({"id"}, std::vector<Row>());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(*loaded, 0);
}

TEST_P(MysqlBulkTest, OneEmptyTextIsARow) {
  Run("CREATE TABLE t (a VARCHAR(9) NOT NULL)");
  const auto loaded =
      Load({"a"}, std::vector<Row>{{Value::Text("")}, {Value::Text("")}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(*loaded, 2);
  EXPECT_EQ(Count(), 2);
}

// LOAD DATA LOCAL drops duplicates and changes values to fit, with a warning.
TEST_P(MysqlBulkTest, WhatTheTableRefusesIsAnErrorAndNothingIsKept) {
  Run("CREATE TABLE t (id INT PRIMARY KEY, a TINYINT NOT NULL DEFAULT 1, "
      "b VARCHAR(3), c DATE, d INT NOT NULL CHECK (d > 0))");
  const Value id = Value::Int64(7), one = Value::Int64(1);
  const Value text = Value::Text("x"), null = Value::Null();
  const struct {
    Row row;
    Code code;
  } cases[] = {
      {{Value::Int64(3), one, text, null, one}, Code::kAlreadyExists},
      {{id, Value::Int64(300), text, null, one}, Code::kInvalidArgument},
      {{id, null, text, null, one}, Code::kInvalidArgument},
      {{id, Value::Text("abc"), text, null, one}, Code::kInvalidArgument},
      {{id, one, Value::Text("long"), null, one}, Code::kInvalidArgument},
      {{id, one, Value::Text("\xff"), null, one}, Code::kInvalidArgument},
      {{id, one, text, Value::Text("2026-02-30"), one}, Code::kInvalidArgument},
      {{id, one, text, null, Value::Int64(0)}, Code::kInvalidArgument},
      {{id, one, text, null, Value::Double(std::nan(""))},
       Code::kInvalidArgument},
  };
  for (const auto& refused : cases) {
    std::vector<Row> rows;
    for (int i = 0; i < 5; ++i) {
      rows.push_back({Value::Int64(i), one, text, null, one});
    }
    rows.push_back(refused.row);
    rows.push_back({Value::Int64(8), one, text, null, one});
    const auto loaded = Load({"id", "a", "b", "c", "d"}, rows);
    EXPECT_EQ(loaded.status().code(), refused.code)
        << loaded.status() << " for " << refused.row[0].ToString();
    EXPECT_EQ(Count(), 0) << loaded.status();
  }
  // The session is as good as before.
  EXPECT_EQ(Load({"id", "d"}, std::vector<Row>{{id, one}}).value_or(-1), 1);
}

TEST_P(MysqlBulkTest, InTheCallersTransactionOnlyTheLoadIsUndone) {
  Run("CREATE TABLE t (id INT PRIMARY KEY)");
  ASSERT_TRUE(session_->Begin().ok());
  Run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(Load({"id"}, std::vector<Row>{{Value::Int64(2)}, {Value::Int64(1)}})
                .status()
                .code(),
            Code::kAlreadyExists);
  EXPECT_EQ(Load({"id"}, std::vector<Row>{{Value::Int64(3)}}).value_or(-1), 1);
  ASSERT_TRUE(session_->Commit().ok());
  EXPECT_EQ(Count(), 2);
  ASSERT_TRUE(session_->Begin().ok());
  EXPECT_EQ(Load({"id"}, std::vector<Row>{{Value::Int64(4)}}).value_or(-1), 1);
  ASSERT_TRUE(session_->Rollback().ok());
  EXPECT_EQ(Count(), 2);
}

TEST_P(MysqlBulkTest, AFailingSourceLeavesNothing) {
  Run("CREATE TABLE t (id INT PRIMARY KEY)");
  std::vector<Row> rows;
  for (int i = 0; i < 50'000; ++i) rows.push_back({Value::Int64(i)});
  for (const size_t fails_at : {size_t{0}, size_t{1}, size_t{49'999}}) {
    VectorRows iterator(rows, [&](size_t next) {
      return next == fails_at ? absl::DataLossError("the source is broken")
                              : absl::OkStatus();
    });
    const auto loaded = Load({"id"}, iterator);
    EXPECT_EQ(loaded.status(), absl::DataLossError("the source is broken"));
    EXPECT_EQ(Count(), 0);
  }
}

TEST_P(MysqlBulkTest, WhatDoesNotExistIsNotFound) {
  EXPECT_EQ(Load({"id"}, std::vector<Row>{{Value::Int64(1)}}).status().code(),
            Code::kNotFound);
  Run("CREATE TABLE t (id INT PRIMARY KEY)");
  EXPECT_EQ(
      Load({"missing"}, std::vector<Row>{{Value::Int64(1)}}).status().code(),
      Code::kNotFound);
  EXPECT_EQ(Load({}, std::vector<Row>()).status().code(),
            Code::kInvalidArgument);
}

TEST_P(MysqlBulkTest, MethodsOfOtherEnginesAreUnimplemented) {
  Run("CREATE TABLE t (id INT PRIMARY KEY)");
  BulkOptions options;
  options.method = BulkMethod::kCopyBinary;
  VectorRows none({});
  const std::string id = "id";
  EXPECT_EQ(session_->BulkLoad("t", {&id, 1}, none, options).status().code(),
            Code::kUnimplemented);
  if (GetParam().driver == Driver::kNative) return;
  for (const BulkMethod method :
       {BulkMethod::kLoadData, BulkMethod::kBulkBinding}) {
    options.method = method;
    EXPECT_EQ(session_->BulkLoad("t", {&id, 1}, none, options).status().code(),
              Code::kUnimplemented);
  }
}

// The source never ends: only the interruption can.
TEST(MysqlBulkInterruptTest, ALoadEndsAndLeavesNothing) {
  class Endless : public RowIterator {
   public:
    explicit Endless(Session* session) : session_(session) {}
    absl::StatusOr<bool> Next(absl::Span<Value> row) override {
      if (next_ == 30'000) {
        std::thread([&] { session_->Interrupt(); }).join();
      }
      row[0] = Value::Int64(next_++);
      return true;
    }

   private:
    Session* const session_;
    int64_t next_ = 0;
  };
  auto database = TestDatabase::Create(Engine::kMysql);
  ASSERT_TRUE(database.ok()) << database.status();
  auto session = Connect((*database)->url());
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE((*session)->Execute("CREATE TABLE t (id INT PRIMARY KEY)").ok());
  const std::string id = "id";
  for (const BulkMethod method :
       {BulkMethod::kLoadData, BulkMethod::kBulkBinding}) {
    Endless rows(session->get());
    BulkOptions options;
    options.method = method;
    const auto loaded = (*session)->BulkLoad("t", {&id, 1}, rows, options);
    EXPECT_EQ(loaded.status().code(), Code::kCancelled) << loaded.status();
    ResultSet result;
    ASSERT_TRUE((*session)->Query("SELECT COUNT(*) FROM t", &result).ok());
    EXPECT_EQ(result.at(0, 0).int64(), 0);
  }
}

// A hostile server could ask for any file of the client's.
TEST(MysqlLocalFileTest, NoFileIsSentThatNoLoadAskedFor) {
  auto database = TestDatabase::Create(Engine::kMysql);
  ASSERT_TRUE(database.ok()) << database.status();
  auto session = Connect((*database)->url());
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE((*session)->Execute("CREATE TABLE t (a TEXT)").ok());
  for (const char* file : {"/etc/passwd", "opsbench rows"}) {
    const absl::Status status =
        (*session)
            ->Execute(absl::StrCat("LOAD DATA LOCAL INFILE '", file,
                                   "' INTO TABLE t"))
            .status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), HasSubstr("asked for a file"));
  }
  ResultSet result;
  ASSERT_TRUE((*session)->Query("SELECT COUNT(*) FROM t", &result).ok());
  EXPECT_EQ(result.at(0, 0).int64(), 0);
}

TEST(MysqlLocalFileTest, WithoutLocalInfileOtherMethodsLoad) {
  ServerOptions options;
  options.kind = ServerKind::kMysql;
  options.cache_bytes = int64_t{32} << 20;
  options.settings["local_infile"] = "0";
  auto server = PrivateServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto url = Url::Parse((*server)->socket_url());
  ASSERT_TRUE(url.ok()) << url.status();
  auto session = Connect(*url);
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_FALSE((*session)->capabilities().load_data_local);
  ASSERT_TRUE((*session)->Execute("CREATE TABLE t (id INT PRIMARY KEY)").ok());
  const std::string id = "id";
  BulkOptions bulk;
  bulk.method = BulkMethod::kLoadData;
  VectorRows rows({{Value::Int64(1)}, {Value::Int64(2)}});
  const absl::Status refused =
      (*session)->BulkLoad("t", {&id, 1}, rows, bulk).status();
  EXPECT_EQ(refused.code(), Code::kUnimplemented);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("local_infile"));
  bulk.method = BulkMethod::kBest;
  EXPECT_EQ((*session)->BulkLoad("t", {&id, 1}, rows, bulk).value_or(-1), 2);
}

}  // namespace
}  // namespace opsbench
