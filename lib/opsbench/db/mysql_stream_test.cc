// Rows as they come from a server, and LOAD DATA out of memory: the values are
// those of Query(), and whatever ends a stream early leaves a session to use.

#include <cstdint>
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

std::unique_ptr<Session> Open(const Url& url) {
  auto session = Connect(url);
  EXPECT_TRUE(session.ok()) << session.status();
  return session.ok() ? *std::move(session) : nullptr;
}

class MysqlStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kMysql);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    session_ = Open(database_->url());
    ASSERT_NE(session_, nullptr);
  }

  void Run(absl::string_view sql) {
    const auto run = session_->Execute(sql);
    ASSERT_TRUE(run.ok()) << run.status() << ": " << sql;
  }

  std::vector<std::string> Select(absl::string_view sql) {
    ResultSet rows;
    const absl::Status status = session_->Query(sql, &rows);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<std::string> cells;
    for (size_t i = 0; i < rows.row_count(); ++i) {
      for (size_t j = 0; j < rows.column_count(); ++j) {
        cells.push_back(rows.at(i, j).ToString());
      }
    }
    return cells;
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

// A million rows of some bytes, more than any buffer on the way holds.
constexpr absl::string_view kManyRows =
    "SELECT seq, REPEAT('x', 200) FROM seq_1_to_1000000";

TEST_F(MysqlStreamTest, ValuesAreThoseOfAQuery) {
  Run("CREATE TABLE t (a BIGINT, b BIGINT UNSIGNED, c FLOAT, d DOUBLE, "
      "e DECIMAL(30, 10), f DATETIME(6), g DATE, h TIME(6), i BIT(64), "
      "j LONGTEXT, k LONGBLOB, l YEAR, m TINYINT, n ENUM('x', 'y'), "
      "o MEDIUMINT UNSIGNED, p SMALLINT)");
  Run("INSERT INTO t VALUES (-9223372036854775808, 18446744073709551615, "
      "16777217.0, 0.1, 12345678901234567890.0123456789, "
      "'9999-12-31 23:59:59.999999', '0001-01-01', '-838:59:59.000001', "
      "b'1111111111111111111111111111111111111111111111111111111111111111', "
      "'', X'00FF', 2155, -128, 'y', 16777215, -32768), "
      "(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
      "NULL, NULL, NULL, NULL, NULL), "
      "(9223372036854775807, 9223372036854775808, 3.4028234663852886e38, "
      "1.7976931348623157e308, -0.5, '1970-01-01', '2026-01-31', '00:00:00', "
      "b'0', REPEAT('ä', 40000), REPEAT(X'C3', 70000), 1901, 127, 'x', 0, 1)");
  ResultSet expected;
  const auto query = session_->Prepare("SELECT * FROM t");
  ASSERT_TRUE(query.ok() && (*query)->Execute({}, &expected).ok());
  auto stream = session_->Stream("SELECT * FROM t");
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::vector<Value> row(16);
  for (size_t i = 0; i < expected.row_count(); ++i) {
    const auto more = (*stream)->Next(absl::MakeSpan(row));
    ASSERT_TRUE(more.ok() && *more) << more.status();
    for (size_t j = 0; j < row.size(); ++j) {
      EXPECT_EQ(row[j], expected.at(i, j)) << "row " << i << ", column " << j;
    }
  }
  for (int i = 0; i < 2; ++i) {
    const auto more = (*stream)->Next(absl::MakeSpan(row));
    ASSERT_TRUE(more.ok() && !*more) << more.status();
  }
  stream->reset();
  EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), std::vector<std::string>{"3"});
}

TEST_F(MysqlStreamTest, RefusesWhatHasNoRows) {
  EXPECT_EQ(session_->Stream("DO 1").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(session_->Stream("SELECT ?").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(session_->Stream("SELECT * FROM missing").status().code(),
            Code::kNotFound);
  {
    auto stream = session_->Stream("SELECT 1, 2");
    ASSERT_TRUE(stream.ok()) << stream.status();
    std::vector<Value> row(1);
    EXPECT_EQ((*stream)->Next(absl::MakeSpan(row)).status().code(),
              Code::kInvalidArgument);
  }
  EXPECT_EQ(Select("SELECT 7"), std::vector<std::string>{"7"});
}

TEST_F(MysqlStreamTest, AnAbandonedStreamLeavesTheSessionInItsTransaction) {
  Run("CREATE TABLE t (a INT PRIMARY KEY)");
  ASSERT_TRUE(session_->Begin().ok());
  Run("INSERT INTO t VALUES (1)");
  for (const int read : {0, 1, 1000}) {
    auto stream = session_->Stream(kManyRows);
    ASSERT_TRUE(stream.ok()) << stream.status();
    std::vector<Value> row(2);
    for (int i = 0; i < read; ++i) {
      const auto more = (*stream)->Next(absl::MakeSpan(row));
      ASSERT_TRUE(more.ok() && *more) << more.status();
      ASSERT_EQ(row[0].int64(), i + 1);
    }
    stream->reset();
    EXPECT_EQ(Select("SELECT a FROM t"), std::vector<std::string>{"1"});
  }
  // All rows are read by then, but for the end.
  auto stream = session_->Stream("SELECT a FROM t");
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::vector<Value> row(1);
  ASSERT_TRUE((*stream)->Next(absl::MakeSpan(row)).value());
  stream->reset();
  ASSERT_TRUE(session_->Commit().ok());
  EXPECT_EQ(Select("SELECT a FROM t"), std::vector<std::string>{"1"});
}

TEST_F(MysqlStreamTest, InterruptEndsAStream) {
  auto stream = session_->Stream(kManyRows);
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::vector<Value> row(2);
  ASSERT_TRUE((*stream)->Next(absl::MakeSpan(row)).value());
  std::thread([&] { session_->Interrupt(); }).join();
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more) more = (*stream)->Next(absl::MakeSpan(row));
  EXPECT_EQ(more.status().code(), Code::kCancelled) << more.status();
  stream->reset();
  EXPECT_EQ(Select("SELECT 7"), std::vector<std::string>{"7"});
}

TEST_F(MysqlStreamTest, AServerThatDiesEndsAStream) {
  ServerOptions options;
  options.kind = ServerKind::kMysql;
  options.cache_bytes = int64_t{32} << 20;
  auto server = PrivateServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto url = Url::Parse((*server)->url());
  ASSERT_TRUE(url.ok());
  for (const bool read_on : {true, false}) {
    const auto session = Open(*url);
    ASSERT_NE(session, nullptr);
    auto stream = session->Stream(kManyRows);
    ASSERT_TRUE(stream.ok()) << stream.status();
    std::vector<Value> row(2);
    ASSERT_TRUE((*stream)->Next(absl::MakeSpan(row)).value());
    ASSERT_TRUE((*server)->Kill().ok());
    absl::StatusOr<bool> more = true;
    while (read_on && more.ok() && *more) {
      more = (*stream)->Next(absl::MakeSpan(row));
    }
    if (read_on) {
      EXPECT_EQ(more.status().code(), Code::kUnavailable) << more.status();
    }
    stream->reset();
    EXPECT_EQ(session->Ping().code(), Code::kUnavailable);
    ASSERT_TRUE((*server)->Restart().ok());
  }
}

TEST_F(MysqlStreamTest, AValueOf100MegabytesArrives) {
  constexpr size_t kSize = 100 << 20;
  Run("CREATE TABLE t (a INT, b LONGBLOB)");
  {
    std::string bytes = "1\t";
    bytes.append(kSize, 'x');
    bytes.append("\n");
    const auto loaded =
        session_->LoadData("LOAD DATA LOCAL INFILE 'f' INTO TABLE t", bytes);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(*loaded, 1);
  }
  auto stream = session_->Stream("SELECT b, a FROM t");
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::vector<Value> row(2);
  const auto more = (*stream)->Next(absl::MakeSpan(row));
  ASSERT_TRUE(more.ok() && *more) << more.status();
  EXPECT_EQ(row[0].text().size(), kSize);
  EXPECT_EQ(row[0].text().find_first_not_of('x'), absl::string_view::npos);
  EXPECT_EQ(row[1].int64(), 1);
}

TEST_F(MysqlStreamTest, LoadDataTakesItsFileFromMemory) {
  Run("CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(5), "
      "c VARBINARY(9) NOT NULL)");
  const char* const sql =
      "LOAD DATA LOCAL INFILE 'memory' INTO TABLE t CHARACTER SET utf8mb4";
  auto loaded = session_->LoadData(sql, "1\tä\tx\n2\t\\N\t\\\t\\\xff\n");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(*loaded, 2);
  EXPECT_EQ(Select("SELECT a, b, HEX(c) FROM t"),
            (std::vector<std::string>{"1", "ä", "78", "2", "NULL", "09FF"}));
  loaded = session_->LoadData(sql, "");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(*loaded, 0);
  loaded = session_->LoadData(
      "LOAD DATA LOCAL INFILE 'memory' REPLACE INTO TABLE t", "1\tz\tx\n");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(*loaded, 1);
}

TEST_F(MysqlStreamTest, WarningsOfLoadDataAreErrors) {
  Run("CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(5))");
  const char* const sql = "LOAD DATA LOCAL INFILE 'memory' INTO TABLE t";
  struct Case {
    const char* bytes;
    Code code;
    const char* message;
  };
  for (const Case& c : {
           Case{"1\tx\n1\ty\n", Code::kAlreadyExists, "Duplicate entry"},
           Case{"1\tx\n2\t123456\n", Code::kInvalidArgument, "row 2"},
           Case{"1\tx\nz\ty\n", Code::kInvalidArgument, "row 2"},
           Case{"1\tx\n2\n", Code::kInvalidArgument, "Row 2"},
           Case{"1\t\xff\n", Code::kInvalidArgument, ""},
       }) {
    ASSERT_TRUE(session_->Begin().ok());
    const auto loaded = session_->LoadData(sql, c.bytes);
    EXPECT_EQ(loaded.status().code(), c.code) << loaded.status();
    EXPECT_THAT(std::string(loaded.status().message()), HasSubstr(c.message));
    ASSERT_TRUE(session_->Rollback().ok());
  }
  EXPECT_EQ(session_->LoadData("DO 1", "").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(session_->LoadData("SELECT 1", "").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), std::vector<std::string>{"0"});
}

// Outside of LoadData() the client gives the server nothing.
TEST_F(MysqlStreamTest, AFileIsReadForLoadDataAlone) {
  Run("CREATE TABLE t (a VARCHAR(200))");
  EXPECT_FALSE(
      session_->Execute("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t")
          .ok());
  EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), std::vector<std::string>{"0"});
}

}  // namespace
}  // namespace opsbench
