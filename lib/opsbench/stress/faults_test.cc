// Faults on real servers: each is seen by a user's session, and over when the
// injector says so. What hangs here runs into ctest's time limit.

#include "opsbench/stress/faults.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/server/private_server.h"

namespace opsbench::stress {
namespace {

using Code = absl::StatusCode;
using ::testing::HasSubstr;

PlannedFault Kill() { return {.kind = FaultKind::kKill}; }

PlannedFault Reset(uint64_t pick) {
  return {.kind = FaultKind::kReset, .pick = pick};
}

PlannedFault Pause(absl::Duration length) {
  return {.kind = FaultKind::kPause, .length = length};
}

// A delay that no commit of a test takes by itself.
constexpr absl::Duration kDiskDelay = absl::Milliseconds(500);

PlannedFault SlowDisk(absl::Duration length) {
  return {
      .kind = FaultKind::kSlowDisk, .length = length, .disk_delay = kDiskDelay};
}

class FaultInjectorTest : public ::testing::TestWithParam<ServerKind> {
 protected:
  static constexpr char kDatabase[] = "opsbench_stress_0";

  // One server of each kind for all tests that leave it alive.
  static std::map<ServerKind, std::unique_ptr<PrivateServer>>& Servers() {
    static auto* servers =
        new std::map<ServerKind, std::unique_ptr<PrivateServer>>;
    return *servers;
  }
  static void TearDownTestSuite() { Servers().clear(); }

  void SetUp() override {
    auto& server = Servers()[GetParam()];
    const bool is_new = server == nullptr;
    if (is_new) {
      auto started = PrivateServer::Start(ServerOptionsOf(GetParam()));
      ASSERT_TRUE(started.ok()) << started.status();
      server = *std::move(started);
    }
    server_ = server.get();
    auto url = Url::Parse(server_->socket_url());
    ASSERT_TRUE(url.ok()) << url.status();
    admin_ = *url;
    auto admin = MustConnect(admin_);
    if (is_new) {
      Execute(*admin, absl::StrCat("CREATE DATABASE ", kDatabase));
      Execute(*MustConnect(user_url()),
              "CREATE TABLE committed (id BIGINT PRIMARY KEY)");
    } else {
      Execute(*MustConnect(user_url()), "TRUNCATE TABLE committed");
    }
    // A server notices a moment later that its client has gone.
    while (QueryNumber(*admin, CountUsers(false)) > 0) {
    }
  }

  void TearDown() override {
    if (server_ != nullptr && !server_->running()) Servers().erase(GetParam());
  }

  static ServerOptions ServerOptionsOf(ServerKind kind) {
    ServerOptions options;
    options.kind = kind;
    options.cache_bytes = int64_t{32} << 20;
    options.durable = true;
    options.delayable_disk = true;
    if (kind == ServerKind::kPostgres) {
      // A restart need not sync each file of an empty database.
      options.settings["recovery_init_sync_method"] = "syncfs";
    }
    return options;
  }

  bool mysql() const { return GetParam() == ServerKind::kMysql; }
  Url user_url() const { return admin_.WithDatabase(kDatabase); }

  static std::unique_ptr<Session> MustConnect(const Url& url) {
    auto session = Connect(url);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }

  static void Execute(Session& session, const std::string& sql) {
    const auto executed = session.Execute(sql);
    EXPECT_TRUE(executed.ok()) << sql << ": " << executed.status();
  }

  static int64_t QueryNumber(Session& session, const std::string& sql) {
    ResultSet rows;
    const absl::Status status = session.Query(sql, &rows);
    EXPECT_TRUE(status.ok()) << sql << ": " << status;
    return status.ok() ? rows.at(0, 0).int64() : -1;
  }

  // Counts the users' connections; with `blocked` those alone whose update
  // waits for a lock (MySQL: or is about to).
  std::string CountUsers(bool blocked) const {
    if (mysql()) {
      return absl::StrCat(
          "SELECT COUNT(*) FROM information_schema.processlist WHERE db = '",
          kDatabase, "'", blocked ? " AND info LIKE 'UPDATE%'" : "");
    }
    return absl::StrCat(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '", kDatabase,
        "' AND backend_type = 'client backend'",
        blocked ? " AND wait_event_type = 'Lock'" : "");
  }

  // As events name it.
  std::string NameOf(Session& session) const {
    return absl::StrCat(
        "connection ",
        QueryNumber(session, mysql() ? "SELECT CONNECTION_ID()"
                                     : "SELECT pg_backend_pid()"),
        " of ", kDatabase);
  }

  FaultInjectorOptions Options(std::vector<PlannedFault> faults) const {
    return {.faults = std::move(faults), .server = server_, .admin = admin_};
  }

  static std::unique_ptr<FaultInjector> MustStart(
      const FaultInjectorOptions& options) {
    auto injector = FaultInjector::Start(options);
    EXPECT_TRUE(injector.ok()) << injector.status();
    return injector.ok() ? *std::move(injector) : nullptr;
  }

  // Returns when so many faults are over.
  static std::vector<FaultEvent> Await(const FaultInjector& injector,
                                       size_t count) {
    for (;;) {
      std::vector<FaultEvent> events = injector.events();
      if (events.size() >= count) return events;
      std::this_thread::yield();
    }
  }

  // Commits rows with ids from `*next` on until that fails.
  static absl::Status CommitUntilItFails(Session& session, int64_t* next) {
    for (;; ++*next) {
      absl::Status status =
          session
              .Execute(
                  absl::StrCat("INSERT INTO committed VALUES (", *next, ")"))
              .status();
      if (!status.ok()) return status;
    }
  }

  absl::Duration TimeCommit(Session& session) {
    const absl::Time begin = absl::Now();
    Execute(session,
            absl::StrCat("INSERT INTO committed VALUES (", ++last_id_, ")"));
    return absl::Now() - begin;
  }

  // What a commit takes at best.
  absl::Duration FastestCommit(Session& session) {
    absl::Duration fastest = absl::InfiniteDuration();
    for (int i = 0; i < 5; ++i) {
      fastest = std::min(fastest, TimeCommit(session));
    }
    return fastest;
  }

  PrivateServer* server_ = nullptr;
  Url admin_;
  int64_t last_id_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Kinds, FaultInjectorTest,
                         ::testing::Values(ServerKind::kMysql,
                                           ServerKind::kPostgres),
                         [](const auto& kind) {
                           return std::string(ServerKindName(kind.param));
                         });

TEST_P(FaultInjectorTest, AfterAKillUsersComeBackToWhatTheyCommitted) {
  auto session = MustConnect(user_url());
  const std::string process = absl::StrCat("process ", server_->pid());
  PlannedFault planned = Kill();
  planned.begin = absl::Milliseconds(300);
  auto injector = MustStart(Options({planned}));
  int64_t next = 0;
  const absl::Status lost = CommitUntilItFails(*session, &next);
  EXPECT_EQ(lost.code(), Code::kUnavailable) << lost;
  session = nullptr;
  while (session == nullptr) {
    auto connected = Connect(user_url());
    if (connected.ok()) {
      session = *std::move(connected);
    } else {
      ASSERT_EQ(connected.status().code(), Code::kUnavailable)
          << connected.status();
      absl::SleepFor(absl::Milliseconds(10));  // Backs off, as users do.
    }
  }
  // The row whose commit was not answered may be there as well.
  const std::string count = "SELECT COUNT(*) FROM committed WHERE id < ";
  EXPECT_EQ(QueryNumber(*session, absl::StrCat(count, next)), next);
  EXPECT_LE(QueryNumber(*session, "SELECT COUNT(*) FROM committed"), next + 1);

  const std::vector<FaultEvent> events = Await(*injector, 1);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, FaultKind::kKill);
  EXPECT_TRUE(events[0].status.ok()) << events[0].status;
  EXPECT_EQ(events[0].target, process);
  EXPECT_EQ(events[0].planned_seconds, 0.3);
  EXPECT_GE(events[0].begin_seconds, 0.3);
  EXPECT_GT(events[0].end_seconds, events[0].begin_seconds);
  EXPECT_FALSE(injector->server_lost());
}

TEST_P(FaultInjectorTest, StopInTheMiddleOfAKillLeavesTheServerRunning) {
  auto session = MustConnect(user_url());
  auto injector = MustStart(Options({Kill(), Kill()}));
  int64_t next = 0;
  EXPECT_EQ(CommitUntilItFails(*session, &next).code(), Code::kUnavailable);
  const std::vector<FaultEvent>& events = injector->Stop();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_TRUE(events[0].status.ok()) << events[0].status;
  EXPECT_EQ(events[1].status.code(), Code::kCancelled);
  EXPECT_FALSE(injector->server_lost());
  EXPECT_TRUE(server_->running());
  EXPECT_NE(MustConnect(user_url()), nullptr);
}

TEST_P(FaultInjectorTest, AResetHitsExactlyTheConnectionThatWasPicked) {
  std::vector<std::unique_ptr<Session>> users;
  users.reserve(6);
  for (int i = 0; i < 3; ++i) users.push_back(MustConnect(user_url()));
  // Ours, but not a user's; a user's, but not ours; made before and after.
  users.push_back(MustConnect(admin_));
  Execute(*users.back(), "CREATE DATABASE opsbench_stres");
  users.push_back(MustConnect(admin_.WithDatabase("opsbench_stres")));
  Url stranger = user_url();
  stranger.user = "stranger";
  stranger.password = "secret";
  if (mysql()) {
    Execute(*users[3], "CREATE USER stranger IDENTIFIED BY 'secret'");
    Execute(*users[3], "GRANT ALL ON opsbench_stress_0.* TO stranger");
  } else {
    Execute(*users[3], "CREATE USER stranger PASSWORD 'secret'");
  }
  users.push_back(MustConnect(stranger));
  const std::string name = NameOf(*users[1]);

  // 1 modulo 3, and not modulo 4 to 6: if others counted, it would hit another.
  auto injector = MustStart(Options({Reset(60'000'000'000'004)}));
  const std::vector<FaultEvent> events = Await(*injector, 1);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, FaultKind::kReset);
  ASSERT_TRUE(events[0].status.ok()) << events[0].status;
  ASSERT_EQ(events[0].target, name);

  // The server ends it a moment after it was told to.
  absl::Status lost;
  while (lost.ok()) lost = users[1]->Ping();
  EXPECT_EQ(lost.code(), Code::kUnavailable) << lost;
  injector->Stop();
  for (size_t i = 0; i < users.size(); ++i) {
    EXPECT_EQ(users[i]->Ping().ok(), i != 1) << i;
  }
  EXPECT_NE(MustConnect(user_url()), nullptr);
}

TEST_P(FaultInjectorTest, AResetEndsAStatementToo) {
  auto session = MustConnect(user_url());
  Execute(*session, "INSERT INTO committed VALUES (1)");
  auto blocked = MustConnect(user_url());
  Execute(*session, mysql() ? "START TRANSACTION" : "BEGIN");
  Execute(*session, "UPDATE committed SET id = 2");
  absl::Status status;
  std::thread waiting([&] {
    status = blocked->Execute("UPDATE committed SET id = 3").status();
  });
  auto admin = MustConnect(admin_);
  while (QueryNumber(*admin, CountUsers(true)) == 0) {
  }
  auto injector = MustStart(Options({Reset(1)}));
  waiting.join();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status;
  EXPECT_TRUE(session->Ping().ok());
}

// The resets' own session does not outlive a kill, and comes back.
TEST_P(FaultInjectorTest, AFaultThatFailsIsAnEventAndTheNextOneComes) {
  auto injector = MustStart(Options({Reset(0), Kill(), Reset(7)}));
  std::vector<FaultEvent> events = Await(*injector, 3);
  EXPECT_EQ(events[0].status.code(), Code::kNotFound) << events[0].status;
  EXPECT_THAT(std::string(events[0].status.message()),
              HasSubstr("opsbench_stress_"));
  EXPECT_EQ(events[0].target, "");
  EXPECT_TRUE(events[1].status.ok()) << events[1].status;
  EXPECT_EQ(events[2].status.code(), Code::kNotFound) << events[2].status;
  EXPECT_FALSE(injector->server_lost());
}

TEST_P(FaultInjectorTest, AStatementSpansAPause) {
  constexpr absl::Duration kLength = absl::Milliseconds(300);
  auto session = MustConnect(user_url());
  const absl::Time start = absl::Now();
  auto injector = MustStart(Options({Pause(kLength)}));
  while (!server_->paused()) std::this_thread::yield();
  const absl::Status status = session->Ping();
  const absl::Duration answered = absl::Now() - start;
  EXPECT_TRUE(status.ok()) << status;
  const std::vector<FaultEvent> events = Await(*injector, 1);
  EXPECT_EQ(events[0].kind, FaultKind::kPause);
  EXPECT_TRUE(events[0].status.ok()) << events[0].status;
  const absl::Duration resumed =
      absl::Seconds(events[0].begin_seconds) + kLength;
  EXPECT_GE(answered, resumed - absl::Microseconds(1));
  EXPECT_GE(absl::Seconds(events[0].end_seconds),
            resumed - absl::Microseconds(1));
  EXPECT_FALSE(server_->paused());
  EXPECT_TRUE(session->Ping().ok());
}

TEST_P(FaultInjectorTest, StopInTheMiddleOfAPauseResumes) {
  auto session = MustConnect(user_url());
  auto injector = MustStart(Options({Pause(absl::Hours(1))}));
  while (!server_->paused()) std::this_thread::yield();
  const std::vector<FaultEvent>& events = injector->Stop();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].status.ok()) << events[0].status;
  EXPECT_FALSE(server_->paused());
  EXPECT_TRUE(session->Ping().ok());
  EXPECT_EQ(&injector->Stop(), &events);
}

TEST_P(FaultInjectorTest, ASlowDiskMakesCommitsWaitAndEnds) {
  auto session = MustConnect(user_url());
  EXPECT_LT(FastestCommit(*session), kDiskDelay);
  auto injector = MustStart(Options({SlowDisk(2 * kDiskDelay)}));
  absl::Duration slowest;
  while (injector->events().empty()) {
    slowest = std::max(slowest, TimeCommit(*session));
  }
  EXPECT_GE(slowest, kDiskDelay);
  const std::vector<FaultEvent> events = injector->events();
  EXPECT_EQ(events[0].kind, FaultKind::kSlowDisk);
  EXPECT_TRUE(events[0].status.ok()) << events[0].status;
  EXPECT_EQ(events[0].target, "500ms each sync");
  EXPECT_LT(FastestCommit(*session), kDiskDelay);
}

TEST_P(FaultInjectorTest, StopInTheMiddleOfASlowDiskEndsTheDelay) {
  auto session = MustConnect(user_url());
  auto injector = MustStart(Options({SlowDisk(absl::Hours(1))}));
  while (TimeCommit(*session) < kDiskDelay) {
  }
  const std::vector<FaultEvent>& events = injector->Stop();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].status.ok()) << events[0].status;
  EXPECT_LT(FastestCommit(*session), kDiskDelay);
}

TEST_P(FaultInjectorTest, AServerThatDoesNotRestartIsLost) {
  auto injector = MustStart(Options({}));
  EXPECT_TRUE(injector->Stop().empty());
  std::filesystem::rename(server_->data_folder(),
                          server_->data_folder() + ".away");
  injector = MustStart(Options({Kill(), Pause(absl::Seconds(1))}));
  const std::vector<FaultEvent> events = Await(*injector, 2);
  EXPECT_EQ(events[0].status.code(), Code::kInternal) << events[0].status;
  EXPECT_EQ(events[1].status.code(), Code::kCancelled) << events[1].status;
  EXPECT_THAT(std::string(events[1].status.message()), HasSubstr("lost"));
  EXPECT_TRUE(injector->server_lost());
}

// A restart would hide a crash that nobody ordered.
TEST_P(FaultInjectorTest, AServerThatCrashedByItselfIsLost) {
  auto session = MustConnect(user_url());
  auto idle = MustStart(Options({}));
  ASSERT_EQ(kill(server_->pid(), SIGKILL), 0);
  while (session->Ping().ok()) {
  }
  while (server_->running()) std::this_thread::yield();
  auto injector = MustStart(Options({Kill()}));
  const std::vector<FaultEvent> events = Await(*injector, 1);
  EXPECT_EQ(events[0].status.code(), Code::kUnavailable) << events[0].status;
  EXPECT_TRUE(injector->server_lost());
  EXPECT_FALSE(idle->server_lost());
  idle->Stop();
  EXPECT_TRUE(idle->server_lost());
}

TEST_P(FaultInjectorTest, WhatTheRunDidNotReachIsCancelled) {
  std::atomic<bool> stop = true;
  FaultInjectorOptions options = Options({Kill(), Reset(0)});
  options.stop = &stop;
  auto injector = MustStart(options);
  for (const FaultEvent& event : Await(*injector, 2)) {
    EXPECT_EQ(event.status.code(), Code::kCancelled) << event.status;
  }
  PlannedFault late = Kill();
  late.begin = absl::Hours(1);
  injector = MustStart(Options({late}));
  const std::vector<FaultEvent>& events = injector->Stop();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].status.code(), Code::kCancelled) << events[0].status;
  EXPECT_EQ(events[0].planned_seconds, 3'600);
  EXPECT_LT(events[0].begin_seconds, 3'600);
  EXPECT_TRUE(server_->running());
}

TEST_P(FaultInjectorTest, AnothersServerIsForResetsAlone) {
  auto session = MustConnect(user_url());
  FaultInjectorOptions options = Options({Reset(0)});
  options.server = nullptr;
  auto injector = MustStart(options);
  EXPECT_TRUE(Await(*injector, 1)[0].status.ok());
  while (session->Ping().ok()) {
  }
  for (const PlannedFault& fault :
       {Kill(), Pause(absl::Seconds(1)), SlowDisk(absl::Seconds(1))}) {
    options.faults = {fault};
    EXPECT_EQ(FaultInjector::Start(options).status().code(),
              Code::kInvalidArgument);
  }
}

// Resets follow one another until the server, which is not the injector's to
// pause, stands still: in the middle of one, or, now and then, between two.
TEST_P(FaultInjectorTest, StopEndsAWaitForAServerThatDoesNotAnswer) {
  FaultInjectorOptions options =
      Options(std::vector<PlannedFault>(100'000, Reset(0)));
  options.server = nullptr;
  std::map<Code, size_t> statuses;
  while (statuses[Code::kUnavailable] == 0) {
    auto injector = MustStart(options);
    Await(*injector, 1);
    const absl::Status paused = server_->Pause();
    ASSERT_TRUE(paused.ok()) << paused;
    statuses.clear();
    for (const FaultEvent& event : injector->Stop()) {
      ++statuses[event.status.code()];
    }
    EXPECT_TRUE(server_->Resume().ok());
    ASSERT_GE(statuses[Code::kNotFound], 1U);
    ASSERT_GE(statuses[Code::kCancelled], 1U);
  }
  EXPECT_EQ(statuses.size(), 3U);
  EXPECT_EQ(statuses[Code::kUnavailable], 1U);
}

TEST_P(FaultInjectorTest, StartSaysWhatIsWrong) {
  FaultInjectorOptions options = Options({Reset(0)});
  options.admin.password = "wrong";
  const absl::Status status = FaultInjector::Start(options).status();
  EXPECT_EQ(status.code(), Code::kUnauthenticated) << status;

  PlannedFault late = Kill();
  late.begin = absl::Seconds(1);
  EXPECT_EQ(FaultInjector::Start(Options({late, Kill()})).status().code(),
            Code::kInvalidArgument);

  ServerOptions rigid = ServerOptionsOf(GetParam());
  rigid.delayable_disk = false;
  auto server = PrivateServer::Start(rigid);
  ASSERT_TRUE(server.ok()) << server.status();
  options = Options({SlowDisk(absl::Seconds(1))});
  options.server = server->get();
  EXPECT_EQ(FaultInjector::Start(options).status().code(),
            Code::kFailedPrecondition);
}

}  // namespace
}  // namespace opsbench::stress
