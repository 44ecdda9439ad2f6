#include "opsbench/db/url.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Url Make(Engine engine) {
  Url url;
  url.engine = engine;
  return url;
}

void ExpectSame(const Url& a, const Url& b, absl::string_view text) {
  EXPECT_EQ(a.engine, b.engine) << text;
  EXPECT_EQ(a.host, b.host) << text;
  EXPECT_EQ(a.port, b.port) << text;
  EXPECT_EQ(a.user, b.user) << text;
  EXPECT_EQ(a.password, b.password) << text;
  EXPECT_EQ(a.database, b.database) << text;
  EXPECT_EQ(a.socket, b.socket) << text;
  EXPECT_EQ(a.parameters, b.parameters) << text;
}

// Both ways: the text gives the URL, and the URL a text that gives it again.
void ExpectParses(absl::string_view text, const Url& expected) {
  const auto url = Url::Parse(text);
  ASSERT_TRUE(url.ok()) << text << ": " << url.status();
  ExpectSame(*url, expected, text);
  const auto again = Url::Parse(url->ToString());
  ASSERT_TRUE(again.ok()) << url->ToString() << ": " << again.status();
  ExpectSame(*again, expected, url->ToString());
  EXPECT_EQ(again->ToString(), url->ToString());
}

TEST(UrlTest, ParsesServers) {
  Url url = Make(Engine::kMysql);
  url.host = "db.example.org";
  url.port = 3307;
  url.user = "root";
  url.password = "secret";
  url.database = "bench";
  ExpectParses("mysql://root:secret@db.example.org:3307/bench", url);
  ExpectParses("MariaDB://root:secret@db.example.org:3307/bench", url);
  url.engine = Engine::kPostgres;
  ExpectParses("postgres://root:secret@db.example.org:3307/bench", url);
  ExpectParses("postgresql://root:secret@db.example.org:3307/bench", url);
  url.password.clear();
  ExpectParses("postgres://root@db.example.org:3307/bench", url);
  ExpectParses("postgres://root:@db.example.org:3307/bench", url);
  url.user.clear();
  url.port = 0;
  ExpectParses("postgres://db.example.org/bench", url);
  url.database.clear();
  ExpectParses("postgres://db.example.org", url);
  ExpectParses("postgres://db.example.org/", url);
  ExpectParses("postgres://", Make(Engine::kPostgres));
}

TEST(UrlTest, ParsesRedis) {
  Url url = Make(Engine::kRedis);
  url.host = "127.0.0.1";
  url.port = 6379;
  url.password = "secret";
  url.database = "0";
  ExpectParses("redis://:secret@127.0.0.1:6379/0", url);
}

TEST(UrlTest, ParsesFiles) {
  Url url = Make(Engine::kSqlite);
  for (const char* path : {"bench.db", "a/b.db", "../b.db", "/var/b.db",
                           ":memory:", "a:b@c.db", "file"}) {
    url.database = path;
    ExpectParses(absl::StrCat("sqlite:", path), url);
  }
  url.database = "/var/b.db";
  ExpectParses("sqlite:///var/b.db", url);
  url.database = "//var/b.db";
  ExpectParses("sqlite:////var/b.db", url);
  url.database = "who? 100%.db";
  ExpectParses("sqlite:who%3F 100%25.db", url);
}

TEST(UrlTest, ParsesSocketsAndParameters) {
  Url url = Make(Engine::kMysql);
  url.user = "root";
  url.host = "localhost";
  url.database = "bench";
  url.socket = "/run/my sqld.sock";
  ExpectParses("mysql://root@localhost/bench?socket=/run/my%20sqld.sock", url);
  url.parameters = {{"sslmode", "require"}, {"a b", "c&d=e"}, {"empty", ""}};
  ExpectParses(
      "mysql://root@localhost/bench?sslmode=require&socket=/run/my sqld.sock"
      "&a%20b=c%26d%3De&&empty",
      url);
}

TEST(UrlTest, DecodesEachPartOnItsOwn) {
  Url url = Make(Engine::kPostgres);
  url.user = "u:s@r/?";
  url.password = "p:%a@s/s?w#r&d= ";
  url.host = "h";
  url.database = "d/b?@%";
  ExpectParses(
      "postgres://u%3As%40r%2f%3F:p:%25a@s%2Fs%3fw#r&d=%20@h/d/b%3F%40%25",
      url);
}

TEST(UrlTest, ParsesIpv6) {
  Url url = Make(Engine::kPostgres);
  url.host = "::1";
  ExpectParses("postgres://[::1]", url);
  url.port = 5433;
  url.user = "u";
  url.database = "d";
  ExpectParses("postgres://u@[::1]:5433/d", url);
}

// Every byte but zero in every part that is free text.
TEST(UrlTest, RendersWhatParsesBack) {
  std::string bytes;
  for (int c = 1; c < 256; ++c) bytes.push_back(static_cast<char>(c));
  for (const Engine engine :
       {Engine::kMysql, Engine::kPostgres, Engine::kRedis}) {
    Url url = Make(engine);
    url.host = "h";
    url.user = bytes;
    url.password = bytes;
    url.database = bytes;
    url.socket = bytes;
    url.parameters[bytes] = bytes;
    ExpectParses(url.ToString(), url);
  }
  Url url = Make(Engine::kSqlite);
  url.database = bytes;
  ExpectParses(url.ToString(), url);
}

TEST(UrlTest, RedactedKeepsAllButTheSecrets) {
  const auto url =
      Url::Parse("mysql://root:hunter%2F2@h:1/bench?socket=/s&a=b");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->Redacted(), "mysql://root:***@h:1/bench?socket=/s&a=b");
  for (const char* text :
       {"postgres://:hunter2@h/d", "redis://:hunter2@h:6379/0",
        "mysql://u:hun%74er2@h/d", "postgres://u@h/d?password=hunter2",
        "postgres://u@h/d?sslPassword=hunter2&a=1"}) {
    const auto parsed = Url::Parse(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_THAT(parsed->ToString(), HasSubstr("hunter2"));
    EXPECT_THAT(parsed->Redacted(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(parsed->Redacted(), HasSubstr("***"));
  }
  for (const char* text : {"mysql://u@h/d", "sqlite:a.db", "redis://h"}) {
    const auto parsed = Url::Parse(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->Redacted(), text);
  }
}

TEST(UrlTest, ErrorsSayWhatIsWrongInOneLineWithoutThePassword) {
  const struct {
    const char* text;
    const char* says;
  } cases[] = {
      {"", "begins with its engine"},
      {"hunter2", "begins with its engine"},
      {"://h/d", "begins with its engine"},
      {"oracle://u:hunter2@h/d", "unknown engine 'oracle'"},
      {"oracle://u:hunter2@h/d", "sqlite, mysql (also MariaDB), postgres"},
      {"mysql:u:hunter2@h/d", "no // after mysql:"},
      {"mysql:/h/d", "no // after mysql:"},
      {"mysql://u:hunter2@h:x/d", "port"},
      {"mysql://u:hunter2@h:/d", "port"},
      {"mysql://u:hunter2@h:0/d", "port"},
      {"mysql://u:hunter2@h:65536/d", "port"},
      {"mysql://u:hunter2@h:-1/d", "port"},
      {"mysql://u:hunter2@h:99999999999999999999/d", "port"},
      {"mysql://u:hunter2@[::1/d", "'[' without ']'"},
      {"mysql://u:hunter2@[::1]x/d", "between ']'"},
      {"mysql://u:hunter2%@h/d", "password has a %"},
      {"mysql://u:hunter2%4@h/d", "password has a %"},
      {"mysql://u:hunter2%zz@h/d", "password has a %"},
      {"mysql://%:hunter2@h/d", "user has a %"},
      {"mysql://u:hunter2@%/d", "host has a %"},
      {"mysql://u:hunter2@h/%", "database has a %"},
      {"mysql://u:hunter2%00@h/d", "password has a zero byte"},
      {"mysql://u:hunter2@h/d?a=%", "parameter has a %"},
      {"mysql://u:hunter2@h/d?%=a", "parameter name has a %"},
      {"mysql://u:hunter2@h/d?=a", "parameter without name"},
      {"sqlite:", "names no file"},
      {"sqlite://host.db", "names a host"},
      // Passwords whose part would become a database or a parameter.
      {"mysql://u:12/hunter2@h/d", "%2F"},
      {"mysql://u:12?hunter2@h/d", "%3F"},
      {"mysql://u:a@12/hunter2@h/d", "%2F"},
      {"mysql://u:12?hunter2=%@h/d", "%3F"},
      {"mysql://u:hunter2@h/d?socket=@x", "%40"},
  };
  for (const auto& bad : cases) {
    const auto url = Url::Parse(bad.text);
    ASSERT_FALSE(url.ok()) << bad.text;
    EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(url.status().message());
    EXPECT_THAT(message, HasSubstr(bad.says)) << bad.text;
    EXPECT_THAT(message, Not(HasSubstr("hunter2"))) << bad.text;
    EXPECT_THAT(message, Not(HasSubstr("\n"))) << bad.text;
  }
}

TEST(UrlTest, EnginesHaveTheirNamesAndPorts) {
  const std::map<Engine, std::vector<const char*>> names = {
      {Engine::kSqlite, {"sqlite", "SQLite", "sqlite3"}},
      {Engine::kMysql, {"mysql", "MySQL", "mariadb", "MariaDB"}},
      {Engine::kPostgres, {"postgres", "PostgreSQL", "pg"}},
      {Engine::kRedis, {"redis", "Redis", "valkey"}},
  };
  const std::map<Engine, int> ports = {{Engine::kSqlite, 0},
                                       {Engine::kMysql, 3306},
                                       {Engine::kPostgres, 5432},
                                       {Engine::kRedis, 6379}};
  for (const auto& [engine, all] : names) {
    EXPECT_EQ(EngineName(engine), all[0]);
    for (const char* name : all) {
      const auto parsed = ParseEngine(name);
      ASSERT_TRUE(parsed.ok()) << name;
      EXPECT_EQ(*parsed, engine) << name;
    }
    Url url = Make(engine);
    EXPECT_EQ(url.EffectivePort(), ports.at(engine));
    url.port = 7;
    EXPECT_EQ(url.EffectivePort(), 7);
  }
  EXPECT_FALSE(ParseEngine("").ok());
  EXPECT_FALSE(ParseEngine("sql").ok());
}

TEST(UrlTest, WithDatabaseChangesNothingElse) {
  const auto url = Url::Parse("mysql://u:p@h:1/one?socket=/s&a=b");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->WithDatabase("two").ToString(),
            "mysql://u:p@h:1/two?socket=/s&a=b");
  EXPECT_EQ(url->database, "one");
}

}  // namespace
}  // namespace opsbench
