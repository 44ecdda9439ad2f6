#include "opsbench/results/atomic_file.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::results {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class AtomicFileTest : public ::testing::Test {
 protected:
  AtomicFileTest() {
    std::string pattern = (fs::temp_directory_path() / "opsbench-XXXXXX");
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    chmod(folder_.c_str(), 0755);
  }
  ~AtomicFileTest() override { fs::remove_all(folder_); }

  std::string File(const std::string& name) const {
    return folder_ + "/" + name;
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  std::string folder_;
};

// The status's code as seen by a child process that `prepare` has crippled; the
// limits and rights given up would otherwise stay with the test.
int CodeInChild(const std::function<bool()>& prepare, const std::string& path,
                const std::string& text) {
  constexpr int kNotPrepared = 100;
  const pid_t child = fork();
  if (child == 0) {
    if (!prepare()) _exit(kNotPrepared);
    _exit(static_cast<int>(WriteFileAtomically(path, text).code()));
  }
  int state = 0;
  EXPECT_EQ(waitpid(child, &state, 0), child);
  EXPECT_TRUE(WIFEXITED(state)) << "ended by signal " << WTERMSIG(state);
  EXPECT_NE(WEXITSTATUS(state), kNotPrepared);
  return WEXITSTATUS(state);
}

TEST_F(AtomicFileTest, WritesAndReplacesWholeFiles) {
  const std::string path = File("run.json");
  // Larger than a read's buffer, with every byte.
  std::string large;
  for (int i = 0; i < 300'000; ++i) large.push_back(static_cast<char>(i));
  for (const std::string& text : {large, std::string("short"), std::string()}) {
    const absl::Status written = WriteFileAtomically(path, text);
    ASSERT_TRUE(written.ok()) << written;
    const auto read = ReadWholeFile(path);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == text);
  }
  EXPECT_THAT(Names(), UnorderedElementsAre("run.json"));
}

TEST_F(AtomicFileTest, FollowsTheUmask) {
  const mode_t before = umask(027);
  const absl::Status written = WriteFileAtomically(File("a"), "x");
  umask(before);
  ASSERT_TRUE(written.ok()) << written;
  struct stat state;
  ASSERT_EQ(stat(File("a").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0640u);
}

TEST_F(AtomicFileTest, AFullDiskLeavesTheOldFile) {
  const std::string path = File("run.json");
  ASSERT_TRUE(WriteFileAtomically(path, "the old one").ok());
  // To write(), the limit of a file's size is a disk that fills up after 4096
  // bytes, for root as well.
  const auto fill_disk = [] {
    const rlimit limit = {4096, 4096};
    return signal(SIGXFSZ, SIG_IGN) != SIG_ERR &&
           setrlimit(RLIMIT_FSIZE, &limit) == 0;
  };
  EXPECT_EQ(CodeInChild(fill_disk, path, std::string(4096, 'x')),
            static_cast<int>(absl::StatusCode::kOk));
  ASSERT_TRUE(WriteFileAtomically(path, "the old one").ok());
  EXPECT_EQ(CodeInChild(fill_disk, path, std::string(4097, 'x')),
            static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(*ReadWholeFile(path), "the old one");
  EXPECT_THAT(Names(), UnorderedElementsAre("run.json"));
}

TEST_F(AtomicFileTest, AFolderThatMayNotBeWrittenIsPermissionDenied) {
  const std::string path = File("run.json");
  ASSERT_TRUE(WriteFileAtomically(path, "the old one").ok());
  // The file itself may be written: what counts is the folder.
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  ASSERT_EQ(chmod(folder_.c_str(), 0555), 0);
  const auto give_up_root = [] {
    constexpr uid_t kNobody = 65534;
    return geteuid() != 0 || (setgroups(0, nullptr) == 0 &&
                              setgid(kNobody) == 0 && setuid(kNobody) == 0);
  };
  EXPECT_EQ(CodeInChild(give_up_root, path, "the new one"),
            static_cast<int>(absl::StatusCode::kPermissionDenied));
  ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
  EXPECT_EQ(*ReadWholeFile(path), "the old one");
  EXPECT_THAT(Names(), UnorderedElementsAre("run.json"));
}

TEST_F(AtomicFileTest, SaysWhichFileIsMissing) {
  const absl::Status written = WriteFileAtomically(File("no/run.json"), "x");
  EXPECT_EQ(written.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(written.message()), HasSubstr(File("no/run.json")));
  const absl::Status read = ReadWholeFile(File("none")).status();
  EXPECT_EQ(read.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(read.message()), HasSubstr(File("none")));
  EXPECT_FALSE(ReadWholeFile(folder_).ok());
}

TEST_F(AtomicFileTest, AFolderInItsPlaceIsAnErrorThatLeavesNothing) {
  fs::create_directory(File("run.json"));
  EXPECT_FALSE(WriteFileAtomically(File("run.json"), "x").ok());
  EXPECT_THAT(Names(), UnorderedElementsAre("run.json"));
}

TEST_F(AtomicFileTest, FollowsLinksAndKeepsThem) {
  std::ofstream(File("old")) << "old";
  fs::create_symlink("old", File("link"));
  fs::create_symlink("new", File("dangling"));
  ASSERT_TRUE(WriteFileAtomically(File("link"), "text").ok());
  ASSERT_TRUE(WriteFileAtomically(File("dangling"), "text").ok());
  EXPECT_TRUE(fs::is_symlink(File("link")));
  EXPECT_TRUE(fs::is_symlink(File("dangling")));
  EXPECT_EQ(*ReadWholeFile(File("old")), "text");
  EXPECT_EQ(*ReadWholeFile(File("new")), "text");
  EXPECT_THAT(Names(), UnorderedElementsAre("old", "new", "link", "dangling"));
}

TEST_F(AtomicFileTest, KeepsModeAndOwner) {
  std::ofstream(File("old")) << "old";
  ASSERT_EQ(chmod(File("old").c_str(), 0604), 0);
  constexpr uid_t kOther = 12345;
  const uid_t owner = geteuid() == 0 ? kOther : geteuid();
  if (geteuid() == 0) {
    ASSERT_EQ(chown(File("old").c_str(), kOther, kOther), 0);
  }
  ASSERT_TRUE(WriteFileAtomically(File("old"), "text", 0600).ok());
  struct stat state;
  ASSERT_EQ(stat(File("old").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 07777, 0604u);
  EXPECT_EQ(state.st_uid, owner);
  ASSERT_TRUE(WriteFileAtomically(File("secret"), "text", 0600).ok());
  ASSERT_EQ(stat(File("secret").c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 07777, 0600u);
}

// A character device of the test's own, where it may make one.
TEST_F(AtomicFileTest, WritesToDevicesAndPipesAsTheyAre) {
  std::string device = File("null");
  constexpr dev_t kNull = 0x103;
  if (mknod(device.c_str(), S_IFCHR | 0666, kNull) != 0) device = "/dev/null";
  EXPECT_TRUE(WriteFileAtomically(device, "text").ok());
  struct stat state;
  ASSERT_EQ(lstat(device.c_str(), &state), 0);
  EXPECT_TRUE(S_ISCHR(state.st_mode));
  EXPECT_EQ(WriteFileAtomically("/dev/full", "text").code(),
            absl::StatusCode::kResourceExhausted);

  ASSERT_EQ(mkfifo(File("fifo").c_str(), 0600), 0);
  std::string read;
  // Larger than a pipe's buffer.
  const std::string text(1 << 20, 'x');
  std::thread reader(
      [&] { read = ReadWholeFile(File("fifo")).value_or("failed"); });
  EXPECT_TRUE(WriteFileAtomically(File("fifo"), text).ok());
  reader.join();
  EXPECT_EQ(read.size(), text.size());
  ASSERT_EQ(lstat(File("fifo").c_str(), &state), 0);
  EXPECT_TRUE(S_ISFIFO(state.st_mode));

  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const std::string end = absl::StrCat("/dev/fd/", ends[1]);
  EXPECT_TRUE(WriteFileAtomically(end, "text").ok());
  char buffer[8];
  EXPECT_EQ(::read(ends[0], buffer, sizeof(buffer)), 4);
  // A reader that has gone is an error, and ends no process.
  close(ends[0]);
  EXPECT_FALSE(WriteFileAtomically(end, "text").ok());
  close(ends[1]);
}

// A name for the temporary file that two threads share would mix or lose their
// texts; each reader would then find a file that is none of those written.
TEST_F(AtomicFileTest, WritersOfOneFileDoNotMix) {
  constexpr int kThreads = 4;
  const std::string path = File("run.json");
  ASSERT_TRUE(WriteFileAtomically(path, std::string(20'000, 'a')).ok());
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&path, t] {
      const std::string text(20'000, static_cast<char>('a' + t));
      for (int i = 0; i < 25; ++i) {
        const absl::Status written = WriteFileAtomically(path, text);
        EXPECT_TRUE(written.ok()) << written;
        const auto read = ReadWholeFile(path);
        ASSERT_TRUE(read.ok()) << read.status();
        ASSERT_EQ(read->size(), 20'000u);
        EXPECT_EQ(*read, std::string(20'000, read->front()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Names(), UnorderedElementsAre("run.json"));
}

}  // namespace
}  // namespace opsbench::results
