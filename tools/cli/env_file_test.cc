// What these tests are afraid of: a byte of the user's own file that is not as
// it was, and a setting of theirs that another one overrides.

#include "env_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

const EnvBlock& Block() {
  static const auto* const block =
      new EnvBlock{"/none/servers.json",
                   {{"OPSBENCH_MYSQL_URL", "mysql://a:b@/c?socket=s"},
                    {"OPSBENCH_REDIS_URL", "redis://:x@127.0.0.1:1/"}}};
  return *block;
}

// Whatever the file is like, what was added is taken away and nothing else.
TEST(EnvBlockTest, AddedAndTakenAwayIsAsItWas) {
  for (const std::string text :
       {"", "A=1\n", "A=1", "A=1\r\nB=2\r\n", "A=1\r\nB=2", "A=1\r", "\n\n",
        "\n", "\r\n", "# opsbench\n", "A='a b'\n\n# end",
        "OPSBENCH_MYSQL_URL=\n", "\xff\xfe not text",
        "A=1\n# opsbench servers up: end\n"}) {
    const std::string with = WithEnvBlock(text, Block());
    EXPECT_THAT(with,
                HasSubstr("OPSBENCH_MYSQL_URL=mysql://a:b@/c?socket=s\n"));
    EXPECT_EQ(WithoutEnvBlock(with, Block()), text);
    // Twice is once.
    EXPECT_EQ(WithEnvBlock(with, Block()), with);
    // When a crash has lost what the lines were.
    EXPECT_EQ(WithoutEnvBlock(with, {Block().state_file, {}}), text);
  }
  const std::string made = WithEnvBlock(absl::nullopt, Block());
  EXPECT_EQ(WithoutEnvBlock(made, Block()), absl::nullopt);
  EXPECT_EQ(WithEnvBlock(made, Block()), made);
}

TEST(EnvBlockTest, WhatTheUserAddsMeanwhileStays) {
  for (const std::string text : {"A=1", "A=1\n", ""}) {
    const std::string with = WithEnvBlock(text, Block());
    const std::string ended = text.empty() ? "" : "A=1\n";
    EXPECT_EQ(WithoutEnvBlock(with + "B=2", Block()), ended + "B=2");
    EXPECT_EQ(WithoutEnvBlock("C=3\n" + with, Block()), "C=3\n" + text);
    // Between the lines of the block, or instead of one of them.
    std::string edited = with;
    edited.insert(edited.find("OPSBENCH_REDIS_URL"), "D=4\n");
    EXPECT_EQ(WithoutEnvBlock(edited, Block()), ended + "D=4\n");
    edited = with;
    edited.replace(edited.find("redis://"), 8, "redis://mine");
    EXPECT_THAT(*WithoutEnvBlock(edited, Block()), HasSubstr("redis://mine"));
    // Without its end, or with other line ends.
    edited = with.substr(0, with.rfind("# opsbench")) + "B=2\n";
    EXPECT_EQ(WithoutEnvBlock(edited, Block()), ended + "B=2\n");
  }
  const std::string made = WithEnvBlock(absl::nullopt, Block());
  EXPECT_EQ(WithoutEnvBlock(made + "B=2\n", Block()), "B=2\n");
}

class EnvFileTest : public ::testing::Test {
 protected:
  void Write(const std::string& text) { std::ofstream(path_) << text; }

  const TestFolder folder_;
  const std::string path_ = (folder_.path() / "env").string();
};

TEST_F(EnvFileTest, KeepsModeAndLinks) {
  Write("A=1");
  ASSERT_EQ(chmod(path_.c_str(), 0640), 0);
  const std::string link = (folder_.path() / "link").string();
  fs::create_symlink("env", link);
  ASSERT_TRUE(CheckEnvFile(link, Block()).ok());
  ASSERT_TRUE(AddEnvBlock(link, Block()).ok());
  EXPECT_THAT(ReadText(path_), HasSubstr("OPSBENCH_REDIS_URL=redis://"));
  ASSERT_TRUE(RemoveEnvBlock(link, Block()).ok());
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(ReadText(path_), "A=1");
  struct stat state;
  ASSERT_EQ(stat(path_.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0640u);
}

TEST_F(EnvFileTest, ANewFileIsSecretAndGoes) {
  ASSERT_TRUE(CheckEnvFile(path_, Block()).ok());
  ASSERT_TRUE(AddEnvBlock(path_, Block()).ok());
  struct stat state;
  ASSERT_EQ(stat(path_.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0600u);
  ASSERT_TRUE(RemoveEnvBlock(path_, Block()).ok());
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_TRUE(RemoveEnvBlock(path_, Block()).ok());
}

TEST_F(EnvFileTest, TheUsersOwnSettingIsNotOverridden) {
  for (const char* text :
       {"A=1\nOPSBENCH_REDIS_URL=redis://mine\n",
        "A=1\n  export OPSBENCH_MYSQL_URL='mysql://mine'\r\n"}) {
    Write(text);
    const absl::Status status = CheckEnvFile(path_, Block());
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("line 2 sets OPSBENCH_"));
    EXPECT_EQ(ReadText(path_), text);
  }
  for (const char* text :
       {"OPSBENCH_POSTGRES_URL=postgres://mine\n", "OPSBENCH_REDIS_URL=\n",
        "# OPSBENCH_REDIS_URL=redis://mine\n", "DB_HOST=h\n"}) {
    Write(text);
    EXPECT_TRUE(CheckEnvFile(path_, Block()).ok()) << text;
  }
}

// A command that was killed has left its lines; those of its state file, or of
// another one whose servers are down, are no user's.
TEST_F(EnvFileTest, WhatACrashHasLeftIsReplaced) {
  for (const std::string text : {"", "A=1"}) {
    for (const std::string state_file :
         {(folder_.path() / "gone.json").string(), Block().state_file}) {
      EnvBlock other = {state_file, {{"OPSBENCH_REDIS_URL", "redis://old"}}};
      Write(text);
      ASSERT_TRUE(AddEnvBlock(path_, other).ok());
      ASSERT_TRUE(CheckEnvFile(path_, Block()).ok());
      ASSERT_TRUE(AddEnvBlock(path_, Block()).ok());
      EXPECT_THAT(ReadText(path_), Not(HasSubstr("redis://old")));
      ASSERT_TRUE(RemoveEnvBlock(path_, Block()).ok());
      EXPECT_EQ(ReadText(path_), text);
    }
  }
}

}  // namespace
}  // namespace opsbench::cli
