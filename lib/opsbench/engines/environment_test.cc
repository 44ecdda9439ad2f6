#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/engines/engines.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Removes the variables that a test may set or a developer may have set.
class EnvironmentTest : public ::testing::Test {
 protected:
  EnvironmentTest() {
    std::string folder =
        (fs::temp_directory_path() / "opsbench-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    for (const char* name :
         {"OPSBENCH_MYSQL_URL", "OPSBENCH_POSTGRES_URL", "OPSBENCH_REDIS_URL",
          "OPSBENCH_SQLITE_URL", "DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD",
          "DB_NAME", "TOTAL_OPS", "NAME"}) {
      unsetenv(name);
    }
  }
  ~EnvironmentTest() override { fs::remove_all(folder_); }

  absl::StatusOr<Environment> Load(const std::string& text) {
    std::ofstream(Path()) << text;
    return Environment::Load(Path());
  }
  Environment MustLoad(const std::string& text) {
    auto environment = Load(text);
    EXPECT_TRUE(environment.ok()) << environment.status();
    return environment.ok() ? *environment : Environment();
  }
  std::string Path() const { return folder_ / ".env"; }

  fs::path folder_;
};

TEST_F(EnvironmentTest, ReadsEachWayOfWritingALine) {
  struct Case {
    const char* line;
    const char* value;
  };
  // What a POSIX shell makes of these lines, but for expansion.
  const Case cases[] = {
      {"NAME=value", "value"},
      {"  NAME=value  ", "value"},
      {"NAME= value", "value"},
      {"export NAME=value", "value"},
      {"export\tNAME=value", "value"},
      {"NAME=value # comment", "value"},
      {"NAME=value#no-comment", "value#no-comment"},
      {"NAME=a b", "a b"},
      {"NAME=a=b", "a=b"},
      {"NAME=\"a # b\"", "a # b"},
      {"NAME='a # b' # comment", "a # b"},
      {"NAME=\"say \\\"a\\\\b\\\" \\n\"", "say \"a\\b\" \\n"},
      {"NAME='a\\\\b'", "a\\\\b"},
      {"NAME='\"'", "\""},
      {"NAME=$HOME", "$HOME"},
      {"NAME=value\r", "value"},
      {"NAME=first\nNAME=second", "second"},
      {"# NAME=other\n\n   \nNAME=value", "value"},
      {"NAME=value\nNAME2=other", "value"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(MustLoad(c.line).Get("NAME"), std::string(c.value)) << c.line;
  }
}

TEST_F(EnvironmentTest, EmptyCountsAsUnset) {
  for (const char* line :
       {"", "NAME=", "NAME=''", "NAME=\"\"", "NAME= # comment", "NAME2=x"}) {
    EXPECT_EQ(MustLoad(line).Get("NAME"), absl::nullopt) << line;
  }
  setenv("NAME", "", 1);
  EXPECT_EQ(MustLoad("NAME=file").Get("NAME"), std::string("file"));
  unsetenv("NAME");
}

TEST_F(EnvironmentTest, NamesFileAndLineOfAMistakeButNotTheValue) {
  for (const char* line :
       {"secret", "NA ME=secret", "=secret", "1NAME=secret", "NAME='secret",
        "NAME=\"secret", "NAME='secret' secret", "export NAME"}) {
    const absl::Status status =
        Load(std::string("FIRST=1\n# second\n") + line + "\nLAST=1\n").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << line;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(Path() + ":3: "), Not(HasSubstr("secret"))))
        << line;
  }
}

TEST_F(EnvironmentTest, AMissingFileIsEmptyAndAFolderIsAMistake) {
  auto none = Environment::Load((folder_ / "none").string());
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->Get("NAME"), absl::nullopt);
  EXPECT_EQ(Environment::Load(folder_.string()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(EnvironmentTest, TheProcessWinsOverTheFile) {
  const Environment environment = MustLoad("NAME=file\n");
  EXPECT_EQ(environment.Get("NAME"), std::string("file"));
  setenv("NAME", "process", 1);
  EXPECT_EQ(environment.Get("NAME"), std::string("process"));
  unsetenv("NAME");
}

TEST_F(EnvironmentTest, NumbersAreWholeAndInRange) {
  struct Case {
    const char* text;
    absl::optional<int64_t> value;  // Absent: an error.
  };
  const Case cases[] = {
      {"1", 1},
      {"100", 100},
      {"+7", 7},
      {"0", absl::nullopt},
      {"101", absl::nullopt},
      {"-1", absl::nullopt},
      {"1e2", absl::nullopt},
      {"ten", absl::nullopt},
      {"1.5", absl::nullopt},
      {"99999999999999999999", absl::nullopt},
  };
  for (const Case& c : cases) {
    const Environment environment =
        MustLoad(std::string("TOTAL_OPS=") + c.text);
    const auto value = environment.GetInt("TOTAL_OPS", 1, 100);
    EXPECT_EQ(value.ok(), c.value.has_value()) << c.text;
    if (value.ok()) {
      EXPECT_EQ(*value, c.value) << c.text;
    } else {
      EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(value.status().message()),
                  AllOf(HasSubstr("TOTAL_OPS"), HasSubstr(c.text)));
    }
  }
  const auto unset = MustLoad("").GetInt("TOTAL_OPS", 1, 100);
  ASSERT_TRUE(unset.ok());
  EXPECT_EQ(*unset, absl::nullopt);
}

TEST_F(EnvironmentTest, AnEngineIsNamedByItsUrl) {
  const Environment environment = MustLoad(
      "OPSBENCH_MYSQL_URL=mysql://u:p@file:3307/d\n"
      "OPSBENCH_SQLITE_URL=sqlite:/tmp/x.db\n");
  auto url = environment.EngineUrl(Engine::kMysql);
  ASSERT_TRUE(url.ok() && url->has_value()) << url.status();
  EXPECT_EQ((*url)->host, "file");
  EXPECT_EQ((*url)->port, 3307);
  url = environment.EngineUrl(Engine::kSqlite);
  ASSERT_TRUE(url.ok() && url->has_value()) << url.status();
  EXPECT_EQ((*url)->database, "/tmp/x.db");
  url = environment.EngineUrl(Engine::kPostgres);
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_FALSE(url->has_value());

  setenv("OPSBENCH_MYSQL_URL", "mysql://u:p@process/d", 1);
  url = environment.EngineUrl(Engine::kMysql);
  ASSERT_TRUE(url.ok() && url->has_value()) << url.status();
  EXPECT_EQ((*url)->host, "process");
  unsetenv("OPSBENCH_MYSQL_URL");
}

TEST_F(EnvironmentTest, MistakesInAUrlNameTheVariableNotThePassword) {
  for (const char* text :
       {"postgres://u:geheim@h/d", "u:geheim@h", "mysql://u:geheim@h:x/d"}) {
    const absl::Status status =
        MustLoad(std::string("OPSBENCH_MYSQL_URL=") + text)
            .EngineUrl(Engine::kMysql)
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(
        std::string(status.message()),
        AllOf(HasSubstr("OPSBENCH_MYSQL_URL"), Not(HasSubstr("geheim"))));
  }
}

TEST_F(EnvironmentTest, SeedVariablesNameMysqlAlone) {
  const Environment environment = MustLoad(
      "DB_HOST=db.example\nDB_PORT=3307\nDB_USER=u\nDB_PASSWORD='p@ss:/#'\n"
      "DB_NAME=ops\n");
  auto url = environment.EngineUrl(Engine::kMysql);
  ASSERT_TRUE(url.ok() && url->has_value()) << url.status();
  EXPECT_EQ((*url)->engine, Engine::kMysql);
  EXPECT_EQ((*url)->host, "db.example");
  EXPECT_EQ((*url)->port, 3307);
  EXPECT_EQ((*url)->user, "u");
  EXPECT_EQ((*url)->password, "p@ss:/#");
  EXPECT_EQ((*url)->database, "ops");
  auto postgres = environment.EngineUrl(Engine::kPostgres);
  ASSERT_TRUE(postgres.ok());
  EXPECT_FALSE(postgres->has_value());

  // The whole URL wins, wherever it is.
  setenv("DB_HOST", "process", 1);
  url = MustLoad("OPSBENCH_MYSQL_URL=mysql://u:p@url/d\n")
            .EngineUrl(Engine::kMysql);
  unsetenv("DB_HOST");
  ASSERT_TRUE(url.ok() && url->has_value()) << url.status();
  EXPECT_EQ((*url)->host, "url");
}

TEST_F(EnvironmentTest, SeedVariablesHaveDefaultsAndLimits) {
  auto url = MustLoad("DB_HOST=h\n").EngineUrl(Engine::kMysql);
  ASSERT_TRUE(url.ok() && url->has_value()) << url.status();
  EXPECT_EQ((*url)->port, 0);
  EXPECT_EQ((*url)->database, "opsbench");
  url = MustLoad("DB_PORT=3307\nDB_USER=u\n").EngineUrl(Engine::kMysql);
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_FALSE(url->has_value()) << "without a host there is no engine";
  for (const char* port : {"0", "65536", "-1", "mysql"}) {
    EXPECT_EQ(MustLoad(std::string("DB_HOST=h\nDB_PORT=") + port)
                  .EngineUrl(Engine::kMysql)
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument)
        << port;
  }
}

}  // namespace
}  // namespace opsbench
