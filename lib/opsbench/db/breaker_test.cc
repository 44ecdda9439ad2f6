// A server that is stopped takes connections and answers nobody: only the
// breaker ends the wait. What hangs here runs into ctest's time limit.

#include "opsbench/db/breaker.h"

#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/server/private_server.h"

namespace opsbench {
namespace {

using Code = absl::StatusCode;

class BreakerTest : public ::testing::TestWithParam<ServerKind> {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.kind = GetParam();
    options.cache_bytes = int64_t{32} << 20;
    auto server = PrivateServer::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  absl::StatusOr<std::unique_ptr<Session>> Open(ConnectionBreaker* breaker,
                                                int timeout_ms = 10'000) {
    ConnectOptions options;
    options.breaker = breaker;
    options.connect_timeout_ms = timeout_ms;
    auto url = Url::Parse(server_->socket_url());
    EXPECT_TRUE(url.ok()) << url.status();
    return Connect(*url, options);
  }

  std::unique_ptr<PrivateServer> server_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, BreakerTest,
                         ::testing::Values(ServerKind::kMysql,
                                           ServerKind::kPostgres),
                         [](const auto& kind) {
                           return std::string(ServerKindName(kind.param));
                         });

TEST_P(BreakerTest, EndsAWaitForAServerThatStandsStill) {
  ConnectionBreaker breaker;
  auto session = Open(&breaker);
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE((*session)->Ping().ok());
  ASSERT_TRUE(server_->Pause().ok());
  absl::Status waited;
  std::thread waiting([&] { waited = (*session)->Ping(); });
  breaker.Break();
  waiting.join();
  EXPECT_EQ(waited.code(), Code::kUnavailable) << waited;
  EXPECT_EQ((*session)->Ping().code(), Code::kUnavailable);
  session->reset();
  // A broken breaker lets no later connection through either.
  ASSERT_TRUE(server_->Resume().ok());
  EXPECT_EQ(Open(&breaker).status().code(), Code::kUnavailable);
  EXPECT_TRUE(Open(nullptr).ok());
}

// Here the connection itself is what waits, and its own time-out ends that.
TEST_P(BreakerTest, ConnectingToAServerThatStandsStillTimesOut) {
  ConnectionBreaker breaker;
  ASSERT_TRUE(server_->Pause().ok());
  const absl::Status status = Open(&breaker, 2'000).status();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status;
}

}  // namespace
}  // namespace opsbench
