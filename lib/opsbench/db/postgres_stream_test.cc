// PostgreSQL's streams on a real server: what they hand out and take, and that
// a session is of use after each way in which one can end.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
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

class PostgresStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kPostgres);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto session = Connect(database_->url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    Run("CREATE TABLE t (id int PRIMARY KEY, note text)");
  }

  void Run(absl::string_view sql) {
    const absl::Status status = session_->Execute(sql).status();
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
  }

  int64_t Number(absl::string_view sql) {
    ResultSet rows;
    const absl::Status status = session_->Query(sql, &rows);
    EXPECT_TRUE(status.ok()) << sql << ": " << status;
    return status.ok() && rows.row_count() == 1 ? rows.at(0, 0).int64() : -1;
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

TEST_F(PostgresStreamTest, StreamHandsOutEachRow) {
  auto stream = session_->Stream(
      "SELECT i, CASE WHEN i % 3 > 0 THEN 'row ' || i END "
      "FROM generate_series(1, 1000) i");
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::vector<Value> row(2);
  for (int64_t i = 1; i <= 1000; ++i) {
    auto more = (*stream)->Next(absl::MakeSpan(row));
    ASSERT_TRUE(more.ok() && *more) << more.status();
    EXPECT_EQ(row[0], Value::Int64(i));
    const std::string note = absl::StrCat("row ", i);
    EXPECT_EQ(row[1], i % 3 > 0 ? Value::Text(note) : Value::Null());
  }
  EXPECT_FALSE((*stream)->Next(absl::MakeSpan(row)).value());
  EXPECT_FALSE((*stream)->Next(absl::MakeSpan(row)).value());
  EXPECT_EQ(Number("SELECT 7"), 7);
}

TEST_F(PostgresStreamTest, StreamReportsAnErrorOfALaterRow) {
  auto stream =
      session_->Stream("SELECT 10 / (500 - i) FROM generate_series(1, 1000) i");
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::vector<Value> row(1);
  int rows = 0;
  absl::StatusOr<bool> more = true;
  while ((more = (*stream)->Next(absl::MakeSpan(row))).ok() && *more) ++rows;
  EXPECT_EQ(more.status().code(), Code::kInvalidArgument) << more.status();
  EXPECT_EQ(rows, 499);
  EXPECT_EQ(Number("SELECT 7"), 7);
}

TEST_F(PostgresStreamTest, AStreamGivenUpLeavesTheSessionUsable) {
  {
    auto stream = session_->Stream("SELECT generate_series(1, 100000000)");
    ASSERT_TRUE(stream.ok()) << stream.status();
    std::vector<Value> row(1);
    EXPECT_TRUE((*stream)->Next(absl::MakeSpan(row)).value());
  }
  EXPECT_EQ(Number("SELECT 7"), 7);
}

TEST_F(PostgresStreamTest, CopyOutHandsOutWhatTheServerSends) {
  auto reader = session_->CopyOut(
      "COPY (SELECT i FROM generate_series(1, 5000) i) TO STDOUT");
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (int i = 1; i <= 5000; ++i) {
    auto message = (*reader)->Next();
    ASSERT_TRUE(message.ok()) << message.status();
    EXPECT_EQ(*message, absl::StrCat(i, "\n"));
  }
  EXPECT_EQ((*reader)->Next().value(), "");
  EXPECT_EQ((*reader)->Next().value(), "");
  reader->reset();
  EXPECT_EQ(Number("SELECT 7"), 7);
}

TEST_F(PostgresStreamTest, ACopyOutGivenUpLeavesTheSessionUsable) {
  {
    auto reader = session_->CopyOut(
        "COPY (SELECT generate_series(1, 100000000)) TO STDOUT");
    ASSERT_TRUE(reader.ok()) << reader.status();
    EXPECT_EQ((*reader)->Next().value(), "1\n");
  }
  EXPECT_EQ(Number("SELECT 7"), 7);
}

TEST_F(PostgresStreamTest, CopyOutReportsAnErrorOfALaterRow) {
  auto reader = session_->CopyOut(
      "COPY (SELECT 10 / (500 - i) FROM generate_series(1, 1000) i) TO STDOUT");
  ASSERT_TRUE(reader.ok()) << reader.status();
  absl::StatusOr<absl::string_view> message = absl::string_view();
  int messages = 0;
  while ((message = (*reader)->Next()).ok() && !message->empty()) ++messages;
  EXPECT_EQ(message.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(messages, 499);
  EXPECT_EQ(Number("SELECT 7"), 7);
}

TEST_F(PostgresStreamTest, WhatIsNoCopyIsRefused) {
  EXPECT_EQ(session_->CopyOut("SELECT 1").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(session_->CopyOut("COPY t FROM STDIN").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(session_->CopyIn("COPY t TO STDOUT").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(session_->CopyIn("COPY missing FROM STDIN").status().code(),
            Code::kNotFound);
  EXPECT_EQ(session_->QueryBinary("DELETE FROM t").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Number("SELECT 7"), 7);
}

TEST_F(PostgresStreamTest, CopyInTakesRowsInPiecesAndCountsThem) {
  auto writer = session_->CopyIn("COPY t FROM STDIN");
  ASSERT_TRUE(writer.ok()) << writer.status();
  std::string rows;
  for (int i = 0; i < 20'000; ++i) absl::StrAppend(&rows, i, "\trow ", i, "\n");
  for (absl::string_view rest = rows; !rest.empty();) {
    const absl::string_view piece = rest.substr(0, 777);
    ASSERT_TRUE((*writer)->Write(piece).ok());
    rest.remove_prefix(piece.size());
  }
  EXPECT_EQ((*writer)->Finish().value(), 20'000);
  EXPECT_EQ((*writer)->Finish().status().code(), Code::kFailedPrecondition);
  writer->reset();
  EXPECT_EQ(Number("SELECT count(*) FROM t WHERE note = 'row ' || id"), 20'000);
}

TEST_F(PostgresStreamTest, ACopyInGivenUpLeavesNothing) {
  {
    auto writer = session_->CopyIn("COPY t FROM STDIN");
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Write("1\tone\n").ok());
  }
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
}

TEST_F(PostgresStreamTest, AnErrorOfCopyInSaysWhereItIs) {
  auto writer = session_->CopyIn("COPY t FROM STDIN");
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Write("1\tone\n2\ttwo\nthree\tthree\n").ok());
  const absl::Status status = (*writer)->Finish().status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
  const auto context = status.GetPayload(kServerContextPayload);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(std::string(*context), "COPY t, line 3, column id: \"three\"");
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
}

// The server complains of the first row; a writer that looked at the end alone
// would send for ever.
TEST_F(PostgresStreamTest, AnErrorEndsACopyInThatHasManyRowsToCome) {
  auto writer = session_->CopyIn("COPY t FROM STDIN");
  ASSERT_TRUE(writer.ok()) << writer.status();
  std::string rows = "one\tone\n";
  for (int i = 0; i < 10'000; ++i) absl::StrAppend(&rows, i, "\trow\n");
  absl::Status status;
  for (int i = 0; i < 100'000 && status.ok(); ++i) {
    status = (*writer)->Write(rows);
  }
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
  EXPECT_EQ((*writer)->Write(rows).code(), Code::kFailedPrecondition);
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
}

TEST_F(PostgresStreamTest, InterruptEndsAStreamThatWaits) {
  auto reader = session_->CopyOut(
      "COPY (SELECT i, CASE WHEN i > 9999 THEN pg_sleep(600) END "
      "FROM generate_series(1, 10000) i) TO STDOUT");
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::atomic<bool> ended{false};
  // Repeated, because the server may not have begun to wait.
  std::thread interrupter([&] {
    while (!ended) session_->Interrupt();
  });
  absl::StatusOr<absl::string_view> message = absl::string_view();
  while ((message = (*reader)->Next()).ok() && !message->empty()) continue;
  ended = true;
  interrupter.join();
  EXPECT_EQ(message.status().code(), Code::kCancelled) << message.status();
}

TEST_F(PostgresStreamTest, BinaryRowsAreTheServersOwnBytes) {
  auto rows = session_->QueryBinary(
      "SELECT 258, NULL, 'text'::text FROM generate_series(1, 2)");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)->rows(), 2);
  EXPECT_EQ((*rows)->Field(1, 0), absl::string_view("\0\0\1\2", 4));
  EXPECT_TRUE((*rows)->IsNull(0, 1));
  EXPECT_FALSE((*rows)->IsNull(0, 2));
  EXPECT_EQ((*rows)->Field(0, 2), "text");
}

constexpr uint32_t kInt4 = 23;
constexpr uint32_t kText = 25;

std::string BigEndian(uint32_t value) {
  std::string out(4, '\0');
  for (int i = 0; i < 4; ++i) {
    out[i] = static_cast<char>(value >> (24 - 8 * i));
  }
  return out;
}

absl::Status Add(StatementQueue& queue, int id, absl::string_view note) {
  const std::string bytes = BigEndian(static_cast<uint32_t>(id));
  return queue.Add({{bytes.data(), 4}, {note.data(), note.size()}});
}

TEST_F(PostgresStreamTest, AQueueRunsEachStatementOnce) {
  auto queue = session_->Queue("INSERT INTO t VALUES ($1, $2)", {kInt4, kText});
  ASSERT_TRUE(queue.ok()) << queue.status();
  EXPECT_EQ((*queue)->Finish().value(), 0);
  // More answers than a socket holds: neither side may wait for the other.
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 20'000; ++i) {
      ASSERT_TRUE(Add(**queue, round * 20'000 + i, "x").ok());
    }
    EXPECT_EQ((*queue)->Finish().value(), 20'000);
    EXPECT_EQ((*queue)->failed(), -1);
  }
  ASSERT_TRUE((*queue)->Add({{BigEndian(77'777).data(), 4}, {}}).ok());
  EXPECT_EQ((*queue)->Finish().value(), 1);
  queue->reset();
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 40'001);
  EXPECT_EQ(Number("SELECT id FROM t WHERE note IS NULL"), 77'777);
}

TEST_F(PostgresStreamTest, AQueueTellsWhichStatementFailed) {
  ASSERT_TRUE(session_->Begin().ok());
  auto queue = session_->Queue("INSERT INTO t VALUES ($1, $2)", {kInt4, kText});
  ASSERT_TRUE(queue.ok()) << queue.status();
  for (const int id : {1, 2, 3, 2, 5}) {
    ASSERT_TRUE(Add(**queue, id, "x").ok());
  }
  EXPECT_EQ((*queue)->Finish().status().code(), Code::kAlreadyExists);
  EXPECT_EQ((*queue)->failed(), 3);
  queue->reset();
  ASSERT_TRUE(session_->Rollback().ok());
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
}

TEST_F(PostgresStreamTest, AServerThatDiesEndsEveryStream) {
  ServerOptions options;
  options.kind = ServerKind::kPostgres;
  options.cache_bytes = int64_t{16} << 20;
  auto server = PrivateServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const Url url = Url::Parse((*server)->url()).value();
  auto out = Connect(url), in = Connect(url), queued = Connect(url),
       streamed = Connect(url);
  ASSERT_TRUE(out.ok() && in.ok() && queued.ok() && streamed.ok());
  ASSERT_TRUE(
      (*in)->Execute("CREATE TABLE t (id int PRIMARY KEY, note text)").ok());
  auto reader =
      (*out)->CopyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT");
  auto writer = (*in)->CopyIn("COPY t FROM STDIN");
  auto queue =
      (*queued)->Queue("INSERT INTO t VALUES ($1, $2)", {kInt4, kText});
  auto stream = (*streamed)->Stream("SELECT generate_series(1, 100000000)");
  ASSERT_TRUE(reader.ok() && writer.ok() && queue.ok() && stream.ok());
  ASSERT_TRUE(Add(**queue, 1, "x").ok());
  ASSERT_TRUE((*writer)->Write("1\tone\n").ok());
  ASSERT_TRUE((*server)->Kill().ok());

  absl::StatusOr<absl::string_view> message = absl::string_view();
  while ((message = (*reader)->Next()).ok() && !message->empty()) continue;
  EXPECT_EQ(message.status().code(), Code::kUnavailable) << message.status();

  absl::Status written;
  const std::string rows(1 << 16, '\n');
  while (written.ok()) written = (*writer)->Write(rows);
  EXPECT_EQ(written.code(), Code::kUnavailable) << written;

  EXPECT_EQ((*queue)->Finish().status().code(), Code::kUnavailable);
  EXPECT_EQ((*queue)->failed(), -1);

  std::vector<Value> row(1);
  absl::StatusOr<bool> more = true;
  while ((more = (*stream)->Next(absl::MakeSpan(row))).ok() && *more) continue;
  EXPECT_EQ(more.status().code(), Code::kUnavailable) << more.status();
}

}  // namespace
}  // namespace opsbench
