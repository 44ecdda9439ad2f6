// kill -9 again and again: what a durable server has acknowledged is there
// afterwards, and what private_server.h says of the others is true. A control
// that loses nothing could not tell whether the first test can fail.

#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "opsbench/db/session.h"
#include "opsbench/server/testing_server.h"

namespace opsbench {
namespace {

class ServerCrashTest : public ::testing::TestWithParam<ServerKind> {
 protected:
  void Start(const ServerOptions& options) {
    server_ = MustStart(options);
    ASSERT_NE(server_, nullptr);
    Open();
    Run("CREATE TABLE t (id BIGINT PRIMARY KEY)");
  }

  void Open() {
    const auto url = Url::Parse(server_->socket_url());
    ASSERT_TRUE(url.ok()) << url.status();
    auto session = Connect(*url);
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  void Run(absl::string_view sql) {
    const auto affected = session_->Execute(sql);
    ASSERT_TRUE(affected.ok()) << sql << ": " << affected.status();
  }

  // Each in a transaction of its own.
  void InsertRows(int count) {
    for (int i = 0; i < count; ++i) {
      Run(absl::StrCat("INSERT INTO t VALUES (", next_++, ")"));
    }
  }

  void CrashAndRecover() {
    session_.reset();
    ASSERT_TRUE(server_->Kill().ok());
    const absl::Status restarted = server_->Restart();
    ASSERT_TRUE(restarted.ok()) << restarted;
    Open();
  }

  // How many of the rows that were acknowledged are gone. Those that are there
  // are the first ones: a log loses its end.
  int64_t Lost() {
    ResultSet rows;
    const absl::Status status = session_->Query(
        "SELECT COUNT(*), COALESCE(MAX(id) + 1, 0) FROM t", &rows);
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) return -1;
    EXPECT_EQ(rows.at(0, 0).int64(), rows.at(0, 1).int64());
    return next_ - rows.at(0, 0).int64();
  }

  std::unique_ptr<PrivateServer> server_;
  std::unique_ptr<Session> session_;
  int64_t next_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Kinds, ServerCrashTest,
                         ::testing::Values(ServerKind::kMysql,
                                           ServerKind::kPostgres),
                         [](const auto& kind) {
                           return std::string(ServerKindName(kind.param));
                         });

TEST_P(ServerCrashTest, ADurableServerLosesNothingInTwentyCrashes) {
  constexpr int kCrashes = 20, kRows = 10;
  ServerOptions options = Options(GetParam());
  options.durable = true;
  Start(options);
  const std::map<std::string, std::string> settings = server_->settings();
  const int port = server_->port();
  for (int crash = 0; crash < kCrashes && !HasFailure(); ++crash) {
    SCOPED_TRACE(crash);
    InsertRows(kRows);
    // Some by a server that stands still, as the kernel may find it.
    if (crash % 4 == 3) {
      ASSERT_TRUE(server_->Pause().ok());
    }
    CrashAndRecover();
    EXPECT_EQ(Lost(), 0);
  }
  EXPECT_EQ(server_->settings(), settings);
  EXPECT_EQ(server_->port(), port);
}

// Few rows and many: of PostgreSQL's log the pages that are full are written
// meanwhile, and the last one is not.
TEST_P(ServerCrashTest, TheControlLosesWhatWasAcknowledged) {
  ServerOptions options = Options(GetParam());
  if (GetParam() == ServerKind::kMysql) {
    options.settings = {{"innodb_flush_log_at_trx_commit", "0"},
                        {"innodb_flush_log_at_timeout", "2700"}};
  } else {
    options.settings = {{"synchronous_commit", "off"},
                        {"wal_writer_delay", "10000ms"}};
  }
  Start(options);
  // So that the table is there afterwards.
  Run(GetParam() == ServerKind::kMysql ? "FLUSH LOGS" : "CHECKPOINT");
  for (const int rows : {10, 3'000}) {
    SCOPED_TRACE(rows);
    InsertRows(rows);
    CrashAndRecover();
    const int64_t lost = Lost();
    EXPECT_GT(lost, 0);
    RecordProperty(absl::StrCat("lost_of_", rows), static_cast<int>(lost));
    next_ -= lost;
  }
}

TEST_P(ServerCrashTest, WithoutDurabilityMysqlStillLosesNothing) {
  if (GetParam() != ServerKind::kMysql) return;
  Start(Options(GetParam()));
  for (int crash = 0; crash < 3 && !HasFailure(); ++crash) {
    InsertRows(200);
    CrashAndRecover();
    EXPECT_EQ(Lost(), 0);
  }
}

}  // namespace
}  // namespace opsbench
