#include "opsbench/server/process_sampling.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

constexpr size_t kShared = size_t{64} << 20;
constexpr size_t kPrivate = size_t{32} << 20;

// A child that touches memory shared with its own child, and memory of its
// own; both live until the test ends them.
class Family {
 public:
  Family() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    void* shared = mmap(nullptr, kShared, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    child_ = fork();
    if (child_ == 0) {
      grandchild_ = fork();
      if (grandchild_ != 0) {
        void* own = mmap(nullptr, kPrivate, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(own, 1, kPrivate);
      }
      memset(shared, 1, kShared);
      const pid_t self = getpid();
      if (write(ends[1], &self, sizeof(self)) < 0) _exit(1);
      for (;;) pause();
    }
    munmap(shared, kShared);
    close(ends[1]);
    for (int i = 0; i < 2; ++i) {
      pid_t pid = 0;
      EXPECT_EQ(read(ends[0], &pid, sizeof(pid)), ssize_t{sizeof(pid)});
      if (pid != child_) grandchild_ = pid;
    }
    close(ends[0]);
  }
  ~Family() {
    kill(grandchild_, SIGKILL);
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  pid_t child() const { return child_; }
  pid_t grandchild() const { return grandchild_; }

 private:
  pid_t child_ = 0;
  pid_t grandchild_ = 0;
};

TEST(ProcessSamplingTest, CountsSharedMemoryOnceAndPrivateMemoryOfAll) {
  const Family family;
  EXPECT_THAT(ProcessTree(family.child()),
              ::testing::ElementsAre(family.child(), family.grandchild()));
  auto sample = SampleProcesses(family.child());
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(sample->threads, 2);
  // The rest of a process is small; the shared part must not count twice.
  EXPECT_GE(sample->resident_bytes, int64_t{kShared + kPrivate});
  EXPECT_LT(sample->resident_bytes, int64_t{2 * kShared + kPrivate});
  // Touching 160 MiB page by page takes longer than the 10 ms of a tick.
  EXPECT_GT(sample->cpu_ns, 0);
}

TEST(ProcessSamplingTest, SaysWhenThereIsNoProcess) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(ProcessTree(child).empty());
  EXPECT_EQ(SampleProcesses(child).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ProcessStartTicks(child), 0);
}

TEST(ProcessSamplingTest, StartTicksTellProcessesApart) {
  const int64_t own = ProcessStartTicks(getpid());
  EXPECT_GT(own, ProcessStartTicks(1));
  EXPECT_EQ(own, ProcessStartTicks(getpid()));
}

TEST(ProcessSamplingTest, CountsTheBlocksOfAFolder) {
  namespace fs = std::filesystem;
  std::string folder =
      (fs::temp_directory_path() / "opsbench-test-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  EXPECT_EQ(DiskBytes(folder + "/none"), 0);
  fs::create_directories(folder + "/a/b");
  const int64_t before = DiskBytes(folder);
  std::ofstream(folder + "/a/b/file") << std::string(1 << 20, 'x');
  // A hole takes no blocks.
  std::ofstream(folder + "/hole").close();
  fs::resize_file(folder + "/hole", 1 << 30);
  const int64_t grown = DiskBytes(folder) - before;
  fs::remove_all(folder);
  EXPECT_GE(grown, 1 << 20);
  EXPECT_LT(grown, 2 << 20);
}

}  // namespace
}  // namespace opsbench
