#include "opsbench/server/process_sampling.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

constexpr size_t kShared = size_t{64} << 20;
constexpr size_t kPrivate = size_t{32} << 20;

// Has the kernel fill `bytes` of memory. Written to by the program, it would
// take as much again of a sanitizer's memory.
void Populate(void* memory, size_t bytes) {
  if (bytes > 0 && madvise(memory, bytes, MADV_POPULATE_WRITE) != 0) _exit(1);
}

void* Map(size_t bytes, int flags) {
  return mmap(nullptr, std::max<size_t>(bytes, 1), PROT_READ | PROT_WRITE,
              flags | MAP_ANONYMOUS, -1, 0);
}

// A child that has memory in common with its own child, and memory of its own;
// both live until the test ends them.
class Family {
 public:
  Family(size_t shared_bytes, size_t private_bytes) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    child_ = fork();
    if (child_ == 0) {
      void* shared = Map(shared_bytes, MAP_SHARED);
      if (fork() != 0) Populate(Map(private_bytes, MAP_PRIVATE), private_bytes);
      Populate(shared, shared_bytes);
      const pid_t self = getpid();
      if (write(ends[1], &self, sizeof(self)) < 0) _exit(1);
      for (;;) pause();
    }
    close(ends[1]);
    for (int i = 0; i < 2; ++i) {
      pid_t pid = 0;
      EXPECT_EQ(read(ends[0], &pid, sizeof(pid)), ssize_t{sizeof(pid)});
      if (pid != child_) grandchild_ = pid;
    }
    close(ends[0]);
  }
  ~Family() {
    if (grandchild_ > 0) kill(grandchild_, SIGKILL);
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  pid_t child() const { return child_; }
  pid_t grandchild() const { return grandchild_; }

 private:
  pid_t child_ = 0;
  pid_t grandchild_ = 0;
};

int ThreadsOf(pid_t pid) {
  const std::filesystem::directory_iterator tasks(
      "/proc/" + std::to_string(pid) + "/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

// Against a family without the memory, so that what a process takes anyway, or
// a sanitizer for it, is left out.
TEST(ProcessSamplingTest, CountsSharedMemoryOnceAndPrivateMemoryOfAll) {
  const Family small(0, 0);
  const Family large(kShared, kPrivate);
  EXPECT_THAT(ProcessTree(large.child()),
              ::testing::ElementsAre(large.child(), large.grandchild()));
  const auto before = SampleProcesses(small.child());
  const auto sample = SampleProcesses(large.child());
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(sample->threads,
            ThreadsOf(large.child()) + ThreadsOf(large.grandchild()));
  constexpr int64_t kSlack = int64_t{16} << 20;
  constexpr int64_t kExpected = int64_t{kShared + kPrivate};
  EXPECT_NEAR(sample->resident_bytes - before->resident_bytes, kExpected,
              kSlack);
  // Zeroing 160 MiB takes longer than the 10 ms of a tick.
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
