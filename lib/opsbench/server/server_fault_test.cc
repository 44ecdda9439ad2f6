// Servers that stand still and servers whose disk is slow. What these tests are
// afraid of: a process that escapes a pause, a paused server that nobody can
// end any more, and a delay that does not reach the server.

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "opsbench/db/session.h"
#include "opsbench/server/process_sampling.h"
#include "opsbench/server/testing_server.h"

namespace opsbench {
namespace {

std::unique_ptr<Session> MustConnect(const PrivateServer& server) {
  const auto url = Url::Parse(server.socket_url());
  EXPECT_TRUE(url.ok()) << url.status();
  auto session = Connect(*url);
  EXPECT_TRUE(session.ok()) << session.status();
  return session.ok() ? *std::move(session) : nullptr;
}

void MustRun(Session& session, absl::string_view sql) {
  const auto affected = session.Execute(sql);
  ASSERT_TRUE(affected.ok()) << sql << ": " << affected.status();
}

// The processes of the server that could run.
std::vector<pid_t> Moving(const PrivateServer& server) {
  std::vector<pid_t> moving;
  for (const pid_t pid : ProcessTree(server.pid())) {
    for (const auto& task : std::filesystem::directory_iterator(
             absl::StrCat("/proc/", pid, "/task"))) {
      const pid_t thread = std::stoi(task.path().filename());
      const std::string state = StatusField(thread, "State");
      if (!absl::StartsWith(state, "T")) moving.push_back(thread);
    }
  }
  return moving;
}

std::string KindName(const ::testing::TestParamInfo<ServerKind>& kind) {
  return std::string(ServerKindName(kind.param));
}

class PausedServerTest : public ::testing::TestWithParam<ServerKind> {
 protected:
  ServerOptions ParentedOptions() {
    ServerOptions options = Options(GetParam());
    options.parent_folder = parent_.path().string();
    return options;
  }

  TempFolder parent_{"data"};
};

INSTANTIATE_TEST_SUITE_P(Kinds, PausedServerTest,
                         ::testing::Values(ServerKind::kMysql,
                                           ServerKind::kPostgres,
                                           ServerKind::kRedis),
                         KindName);

TEST_P(PausedServerTest, StandsStillUntilItIsResumed) {
  auto server = MustStart(Options(GetParam()));
  ASSERT_NE(server, nullptr);
  EXPECT_FALSE(server->paused());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(server->Pause().ok());
    EXPECT_TRUE(server->Pause().ok());
    EXPECT_TRUE(server->paused());
    EXPECT_TRUE(server->running());
    EXPECT_THAT(Moving(*server), ::testing::IsEmpty());
    EXPECT_TRUE(server->Sample().ok());
    ASSERT_TRUE(server->Resume().ok());
    EXPECT_TRUE(server->Resume().ok());
    EXPECT_FALSE(server->paused());
    EXPECT_THAT(Moving(*server), ::testing::Not(::testing::IsEmpty()));
  }
}

TEST_P(PausedServerTest, CanBeStoppedKilledAndRestarted) {
  auto server = MustStart(ParentedOptions());
  ASSERT_NE(server, nullptr);
  ASSERT_TRUE(server->Pause().ok());
  EXPECT_FALSE(server->Restart().ok());
  const absl::Status stopped = server->Stop();
  EXPECT_TRUE(stopped.ok()) << stopped;
  EXPECT_FALSE(server->paused());
  EXPECT_FALSE(server->running());
  EXPECT_EQ(server->Pause().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(server->Resume().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(server->Restart().ok());
  ASSERT_TRUE(server->Pause().ok());
  EXPECT_TRUE(server->Kill().ok());
  EXPECT_FALSE(server->paused());
  EXPECT_FALSE(server->running());
  const absl::Status restarted = server->Restart();
  ASSERT_TRUE(restarted.ok()) << restarted;
  ASSERT_TRUE(server->Pause().ok());
  const pid_t pid = server->pid();
  std::vector<std::unique_ptr<Watched>> processes;
  for (const pid_t process : ProcessTree(pid)) {
    processes.push_back(std::make_unique<Watched>(process));
  }
  server.reset();
  for (const auto& process : processes) EXPECT_TRUE(process->Ends());
  EXPECT_TRUE(parent_.empty());
  EXPECT_FALSE(HasSharedMemory(pid));
}

// The child of the test that starts and pauses a server. Its supervisor and the
// server's main process go to `ends[1]`.
void PauseInAChild(const ServerOptions& options, int ends[2]) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // For a test that fails half-way.
  auto server = PrivateServer::Start(options);
  pid_t pids[2] = {-1, -1};
  if (server.ok() && (*server)->Pause().ok()) {
    pids[0] = (*server)->pid();
    pids[1] = (*server)->supervisor_pid();
  }
  if (write(ends[1], pids, sizeof(pids)) != sizeof(pids)) _exit(1);
  for (;;) pause();
}

TEST_P(PausedServerTest, EndsWithItsParent) {
  for (const bool supervisor_too : {false, true}) {
    SCOPED_TRACE(supervisor_too);
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) PauseInAChild(ParentedOptions(), ends);
    close(ends[1]);
    pid_t pids[2] = {-1, -1};
    ASSERT_EQ(read(ends[0], pids, sizeof(pids)), ssize_t{sizeof(pids)});
    close(ends[0]);
    ASSERT_GT(pids[0], 0) << "the child could not start and pause a server";
    std::vector<std::unique_ptr<Watched>> processes;
    for (const pid_t pid : ProcessTree(pids[0])) {
      processes.push_back(std::make_unique<Watched>(pid));
    }
    const Watched supervisor(pids[1]);
    ASSERT_TRUE(supervisor.valid());
    if (supervisor_too) {
      ASSERT_EQ(kill(pids[1], SIGKILL), 0);
    }
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    for (const auto& process : processes) EXPECT_TRUE(process->Ends());
    EXPECT_TRUE(supervisor.Ends());
    EXPECT_FALSE(HasSharedMemory(pids[0]));
    // Nobody is left who could remove the folder when both are killed.
    if (!supervisor_too) {
      EXPECT_TRUE(parent_.empty());
    }
  }
}

TEST_P(PausedServerTest, EndsWhenItsSupervisorIsKilled) {
  auto server = MustStart(ParentedOptions());
  ASSERT_NE(server, nullptr);
  ASSERT_TRUE(server->Pause().ok());
  const Watched process(server->pid());
  ASSERT_EQ(kill(server->supervisor_pid(), SIGKILL), 0);
  server.reset();
  EXPECT_TRUE(process.Ends());
  EXPECT_TRUE(parent_.empty());
}

// PostgreSQL forks a process for each connection: some are forked while the
// pause goes on, and the main process must not be among those that wait.
TEST(PausedPostgresTest, StopsTheProcessesThatAreForkedMeanwhile) {
  constexpr int kThreads = 3, kPauses = 10;
  auto server = MustStart(Options(ServerKind::kPostgres));
  ASSERT_NE(server, nullptr);
  std::atomic<bool> done{false};
  std::atomic<int> connections{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (!done) {
        if (MustConnect(*server) != nullptr) ++connections;
      }
    });
  }
  for (int i = 0; i < kPauses; ++i) {
    const int before = connections;
    while (connections == before) std::this_thread::yield();
    const absl::Status paused = server->Pause();
    EXPECT_TRUE(paused.ok()) << paused;
    EXPECT_THAT(Moving(*server), ::testing::IsEmpty());
    EXPECT_TRUE(server->Resume().ok());
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

class SlowDiskTest : public ::testing::TestWithParam<ServerKind> {
 protected:
  void SetUp() override {
    ServerOptions options = Options(GetParam());
    options.durable = true;
    options.delayable_disk = true;
    // A space ends a name in LD_PRELOAD. (So does a colon, which MariaDB does
    // not take in the path of its data.)
    options.parent_folder = parent_.path().string();
    server_ = MustStart(options);
    ASSERT_NE(server_, nullptr);
  }

  TempFolder parent_{"a folder with spaces"};
  std::unique_ptr<PrivateServer> server_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, SlowDiskTest,
                         ::testing::Values(ServerKind::kMysql,
                                           ServerKind::kPostgres),
                         KindName);

TEST_P(SlowDiskTest, CommitsTakeAtLeastTheDelayAndWithoutItNone) {
  constexpr absl::Duration kDelay = absl::Milliseconds(100);
  constexpr int kCommits = 3;
  const auto session = MustConnect(*server_);
  ASSERT_NE(session, nullptr);
  MustRun(*session, "CREATE TABLE t (id INT PRIMARY KEY)");
  EXPECT_EQ(server_->delayed_disk_calls(), 0);
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(server_->SetDiskDelay(kDelay).ok());
    const int64_t before = server_->delayed_disk_calls();
    const absl::Time start = absl::Now();
    for (int i = 0; i < kCommits; ++i) {
      MustRun(*session, absl::StrCat("INSERT INTO t VALUES (",
                                     round * kCommits + i, ")"));
    }
    EXPECT_GE(absl::Now() - start, kCommits * kDelay);
    EXPECT_GE(server_->delayed_disk_calls(), before + kCommits);
    ASSERT_TRUE(server_->SetDiskDelay(absl::ZeroDuration()).ok());
    // None begins to wait from here on.
    MustRun(*session, "DELETE FROM t WHERE id < 0");
    const int64_t after = server_->delayed_disk_calls();
    MustRun(*session, absl::StrCat("INSERT INTO t VALUES (", -1 - round, ")"));
    EXPECT_EQ(server_->delayed_disk_calls(), after);
  }
}

TEST_P(SlowDiskTest, AWaitThatHasBegunEndsWithTheDelay) {
  const auto session = MustConnect(*server_);
  ASSERT_NE(session, nullptr);
  MustRun(*session, "CREATE TABLE t (id INT PRIMARY KEY)");
  const int64_t before = server_->delayed_disk_calls();
  ASSERT_TRUE(server_->SetDiskDelay(absl::Hours(1)).ok());
  std::thread commit([&] { MustRun(*session, "INSERT INTO t VALUES (1)"); });
  while (server_->delayed_disk_calls() == before) std::this_thread::yield();
  ASSERT_TRUE(server_->SetDiskDelay(absl::ZeroDuration()).ok());
  commit.join();
  // An orderly end lifts it as well.
  ASSERT_TRUE(server_->SetDiskDelay(absl::Hours(1)).ok());
  const absl::Status stopped = server_->Stop();
  EXPECT_TRUE(stopped.ok()) << stopped;
}

TEST_P(SlowDiskTest, OutlivesAKillAndARestart) {
  constexpr absl::Duration kDelay = absl::Milliseconds(20);
  const std::map<std::string, std::string> settings = server_->settings();
  ASSERT_TRUE(server_->SetDiskDelay(kDelay).ok());
  ASSERT_TRUE(server_->Kill().ok());
  const absl::Status restarted = server_->Restart();
  ASSERT_TRUE(restarted.ok()) << restarted;
  EXPECT_EQ(server_->settings(), settings);
  const auto session = MustConnect(*server_);
  ASSERT_NE(session, nullptr);
  MustRun(*session, "CREATE TABLE t (id INT PRIMARY KEY)");
  const int64_t before = server_->delayed_disk_calls();
  const absl::Time start = absl::Now();
  MustRun(*session, "INSERT INTO t VALUES (1)");
  EXPECT_GE(absl::Now() - start, kDelay);
  EXPECT_GT(server_->delayed_disk_calls(), before);
}

// The programs that a server runs must not look for the library in folders of
// their own.
TEST_P(SlowDiskTest, LeavesNoTraceInTheEnvironmentOfTheServersChildren) {
  if (GetParam() != ServerKind::kPostgres) return;
  const auto session = MustConnect(*server_);
  ASSERT_NE(session, nullptr);
  MustRun(*session, "CREATE TABLE t (line TEXT)");
  MustRun(*session, "COPY t FROM PROGRAM 'env'");
  ResultSet rows;
  ASSERT_TRUE(session
                  ->Query("SELECT COUNT(*), SUM((line ~ 'PRELOAD|SLOW')::INT) "
                          "FROM t",
                          &rows)
                  .ok());
  EXPECT_GT(rows.at(0, 0).int64(), 0);
  EXPECT_EQ(rows.at(0, 1).int64(), 0);
}

TEST(SlowDiskOptionsTest, RefusesWhatCannotBe) {
  ServerOptions options = Options(ServerKind::kRedis);
  auto plain = MustStart(options);
  options.delayable_disk = true;
  auto slow = MustStart(options);
  ASSERT_NE(plain, nullptr);
  ASSERT_NE(slow, nullptr);
  EXPECT_EQ(plain->SetDiskDelay(absl::Seconds(1)).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(plain->delayed_disk_calls(), 0);
  for (const absl::Duration delay :
       {absl::Seconds(-1), absl::Hours(2), absl::InfiniteDuration()}) {
    EXPECT_EQ(slow->SetDiskDelay(delay).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(slow->SetDiskDelay(absl::Microseconds(1)).ok());
}

}  // namespace
}  // namespace opsbench
