#include "opsbench/stress/user_log.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::stress {
namespace {

using ::testing::HasSubstr;

const User kUser = {
    .id = 5, .user_class = UserClass::kMixed, .seed = 99, .database = 2};

Operation Write(int64_t rows, uint8_t table = 1) {
  return {.kind = OperationKind::kBulkInsert, .table = table, .rows = rows};
}
Operation Read() {
  return {.kind = OperationKind::kSimpleSelect, .table = 1, .rows = 10};
}

class UserLogTest : public ::testing::Test {
 protected:
  UserLogTest() {
    std::string folder = ::testing::TempDir() + "/user_log.XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = folder_ + "/user.log";
  }
  ~UserLogTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::string path_;
};

TEST_F(UserLogTest, KeepsWhatHappened) {
  auto log = *UserLog::Create(path_, kUser);
  uint64_t hash = 0;
  const std::pair<Operation, Outcome> steps[] = {
      {Write(10), Outcome::kDone},       {Read(), Outcome::kDone},
      {Write(20, 3), Outcome::kUnknown}, {Write(30), Outcome::kSkipped},
      {Read(), Outcome::kFailed},        {Write(40), Outcome::kDone},
      {Write(50, 4), Outcome::kFailed},
  };
  int64_t index = 0;
  for (const auto& [operation, outcome] : steps) {
    log->Begin(index, operation);
    EXPECT_EQ(log->begun(), index + 1);
    EXPECT_EQ(log->ended(), index);
    ASSERT_TRUE(
        log->End(operation, outcome, operation.rows, 2 * operation.rows).ok());
    hash = HashOperation(hash, index, operation);
    EXPECT_EQ(log->ended(), ++index);
  }
  log.reset();

  log = *UserLog::Read(path_);
  EXPECT_EQ(log->hash(), hash);
  EXPECT_EQ(log->begun(), 7);
  EXPECT_EQ(log->ended(), 7);
  EXPECT_EQ(log->user().id, 5);
  EXPECT_EQ(log->user().user_class, UserClass::kMixed);
  EXPECT_EQ(log->user().seed, 99u);
  EXPECT_EQ(log->user().database, 2);
  EXPECT_EQ(log->acknowledged(1).operations, 2);
  EXPECT_EQ(log->acknowledged(1).rows, 50);
  EXPECT_EQ(log->acknowledged(1).quarters, 100);
  EXPECT_EQ(log->acknowledged(1).last_index, 5);
  EXPECT_EQ(log->acknowledged(3).operations, 0);
  EXPECT_EQ(log->acknowledged(3).last_index, -1);
  ASSERT_EQ(log->exceptions().size(), 3u);
  EXPECT_EQ(log->exceptions_seen(), 3);
  EXPECT_EQ(log->exceptions()[0].index, 2);
  EXPECT_EQ(log->exceptions()[0].table, 3);
  EXPECT_EQ(log->exceptions()[0].rows, 20u);
  EXPECT_EQ(log->exceptions()[0].outcome, Outcome::kUnknown);
  EXPECT_EQ(log->exceptions()[1].outcome, Outcome::kSkipped);
  EXPECT_EQ(log->exceptions()[2].outcome, Outcome::kFailed);
  ASSERT_EQ(log->breadcrumbs().size(), 7u);
  EXPECT_EQ(log->breadcrumbs()[4].outcome, Outcome::kFailed);
  EXPECT_GT(log->breadcrumbs()[4].end_ns, 0);
}

TEST_F(UserLogTest, KeepsTheLastBreadcrumbs) {
  auto log = *UserLog::Create(path_, kUser);
  for (int64_t i = 0; i < 1'000; ++i) {
    log->Begin(i, Read());
    ASSERT_TRUE(log->End(Read(), Outcome::kDone, 1, 0).ok());
  }
  const std::vector<Breadcrumb> crumbs = log->breadcrumbs();
  ASSERT_EQ(crumbs.size(), size_t{UserLog::kBreadcrumbs});
  EXPECT_EQ(crumbs.front().index, 1'000 - UserLog::kBreadcrumbs);
  EXPECT_EQ(crumbs.back().index, 999);
}

// The child is killed in the middle of an operation: what it had begun and what
// had ended must be there.
TEST_F(UserLogTest, OutlivesItsProcess) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto log = *UserLog::Create(path_, kUser);
    log->Begin(0, Write(10));
    (void)log->End(Write(10), Outcome::kDone, 10, 20);
    log->Begin(1, Write(30));
    if (write(pipe_ends[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char ready = 0;
  ASSERT_EQ(read(pipe_ends[0], &ready, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  const auto log = *UserLog::Read(path_);
  EXPECT_EQ(log->begun(), 2);
  EXPECT_EQ(log->ended(), 1);
  EXPECT_EQ(log->acknowledged(1).rows, 10);
  EXPECT_EQ(log->breadcrumbs().back().outcome, Outcome::kRunning);
  EXPECT_EQ(log->breadcrumbs().back().rows, 30);
}

TEST_F(UserLogTest, ACutRowAtTheEndIsLeftOut) {
  {
    auto log = *UserLog::Create(path_, kUser);
    log->Begin(0, Write(10));
    ASSERT_TRUE(log->End(Write(10), Outcome::kUnknown, 10, 0).ok());
  }
  std::ofstream(path_, std::ios::app) << "half a row";
  EXPECT_EQ((*UserLog::Read(path_))->exceptions().size(), 1u);
}

TEST_F(UserLogTest, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(UserLog::Read(path_).status().code(), absl::StatusCode::kNotFound);
  std::ofstream(path_) << "short";
  EXPECT_THAT(UserLog::Read(path_).status().message(), HasSubstr("truncated"));
  std::ofstream(path_) << std::string(8'192, 'x');
  EXPECT_THAT(UserLog::Read(path_).status().message(),
              HasSubstr("no user's log"));
  EXPECT_EQ(UserLog::Create(folder_ + "/none/user.log", kUser).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace opsbench::stress
