// What these tests are afraid of: a device, a pipe or a link that is taken for
// a file and replaced, and a place that turns out to be none when the work is
// done.

#include "opsbench/base/output_target.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using Kind = OutputTarget::Kind;
using ::testing::HasSubstr;

class OutputTargetTest : public ::testing::Test {
 protected:
  OutputTargetTest() {
    std::string pattern = fs::temp_directory_path() / "opsbench-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = fs::canonical(pattern).string();
  }
  ~OutputTargetTest() override { fs::remove_all(folder_); }

  std::string At(const std::string& name) const {
    return absl::StrCat(folder_, "/", name);
  }
  // What the folder holds; a check must not change it.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  std::string folder_;
};

TEST_F(OutputTargetTest, FindsFilesAndLinksToThem) {
  std::ofstream(At("old")) << "old";
  fs::create_symlink("old", At("link"));
  fs::create_symlink(At("link"), At("chain"));
  fs::create_directory(At("folder"));
  fs::create_symlink("../new", At("folder/dangling"));
  struct Case {
    std::string path;
    Kind kind;
    std::string target;
  };
  for (const Case& test :
       {Case{"old", Kind::kFile, "old"}, Case{"none", Kind::kNew, "none"},
        Case{"link", Kind::kFile, "old"}, Case{"chain", Kind::kFile, "old"},
        Case{"folder/dangling", Kind::kNew, "new"},
        Case{"folder/../none", Kind::kNew, "none"}}) {
    const auto target = ResolveOutput(At(test.path));
    ASSERT_TRUE(target.ok()) << test.path << ": " << target.status();
    EXPECT_EQ(target->kind, test.kind) << test.path;
    EXPECT_EQ(target->path, At(test.target)) << test.path;
    EXPECT_TRUE(ResolveOutputFile(At(test.path)).ok());
  }
  EXPECT_EQ(Names().size(), 4) << "a check has left something";
}

TEST_F(OutputTargetTest, FindsWhatIsWrittenTo) {
  ASSERT_EQ(mkfifo(At("fifo").c_str(), 0600), 0);
  fs::create_symlink("/dev/full", At("full"));
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const auto descriptor = ResolveOutput(absl::StrCat("/dev/fd/", ends[1]));
  ASSERT_TRUE(descriptor.ok()) << descriptor.status();
  EXPECT_EQ(descriptor->kind, Kind::kDescriptor);
  EXPECT_EQ(descriptor->descriptor, ends[1]);
  EXPECT_EQ(
      ResolveOutput(absl::StrCat("/proc/self/fd/", ends[0])).status().message(),
      "it is open for reading only");
  EXPECT_EQ(ResolveOutput("/dev/stdout")->kind, Kind::kDescriptor);
  for (const std::string& path :
       {At("fifo"), At("full"), std::string("/dev/null")}) {
    const auto target = ResolveOutput(path);
    ASSERT_TRUE(target.ok()) << path << ": " << target.status();
    EXPECT_EQ(target->kind, Kind::kStream) << path;
    EXPECT_FALSE(target->is_replaced());
    EXPECT_TRUE(absl::IsInvalidArgument(ResolveOutputFile(path).status()));
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_F(OutputTargetTest, RefusesWhatCannotBeWritten) {
  fs::create_directory(At("folder"));
  std::ofstream(At("file")) << "a file";
  fs::create_symlink("loop", At("loop"));
  fs::create_symlink("folder", At("to_folder"));
  fs::create_symlink("none/x", At("to_no_folder"));
  sockaddr_un address = {.sun_family = AF_UNIX};
  ASSERT_LT(At("socket").size(), sizeof(address.sun_path));
  std::strncpy(address.sun_path, At("socket").c_str(),
               sizeof(address.sun_path) - 1);
  const int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(
      bind(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
      0);
  close(socket_fd);
  const size_t names = Names().size();
  struct Case {
    std::string path;
    absl::StatusCode code;
    std::string message;
  };
  const Case cases[] = {
      {"", absl::StatusCode::kInvalidArgument, "names no file"},
      {At("folder"), absl::StatusCode::kInvalidArgument, "is a folder"},
      {At("folder/"), absl::StatusCode::kInvalidArgument, "a folder"},
      {At("to_folder"), absl::StatusCode::kInvalidArgument, "is a folder"},
      {At("."), absl::StatusCode::kInvalidArgument, "a folder"},
      {At("none/x"), absl::StatusCode::kNotFound, "no folder " + At("none")},
      {At("to_no_folder"), absl::StatusCode::kNotFound, "no folder"},
      {At("file/x"), absl::StatusCode::kFailedPrecondition, "Not a directory"},
      {At("loop"), absl::StatusCode::kInvalidArgument, "no end"},
      {At("socket"), absl::StatusCode::kInvalidArgument, "is a socket"},
      {At(std::string(300, 'x')), absl::StatusCode::kInvalidArgument,
       "too long"},
      {"/proc/none", absl::StatusCode::kNotFound, "cannot write in /proc"},
      {"/dev/fd/987654", absl::StatusCode::kInvalidArgument, "is not open"}};
  for (const Case& test : cases) {
    const absl::Status status = ResolveOutput(test.path).status();
    EXPECT_FALSE(status.ok()) << test.path;
    EXPECT_THAT(std::string(status.message()), HasSubstr(test.message))
        << test.path;
  }
  EXPECT_EQ(Names().size(), names);
}

// Root writes everywhere; an unprivileged user finds out before the work.
TEST_F(OutputTargetTest, RefusesAFolderThatMayNotBeWritten) {
  if (getuid() == 0) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  const auto in_root = ResolveOutput("/opsbench-test-output");
  const auto at_secret = ResolveOutput("/etc/passwd");
  if (getuid() == 0) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_TRUE(absl::IsPermissionDenied(in_root.status())) << in_root.status();
  EXPECT_TRUE(absl::IsPermissionDenied(at_secret.status()))
      << at_secret.status();
}

}  // namespace
}  // namespace opsbench
