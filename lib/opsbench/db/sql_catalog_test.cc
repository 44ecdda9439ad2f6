#include "opsbench/db/sql_catalog.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

using ::testing::ElementsAre;

constexpr char kFile[] = R"(-- A comment before the first section.

-- name: read
SELECT a::text, ':not' FROM t{level}
-- A comment inside.
WHERE a = :a AND b = :b AND c = :a

-- name: insert
INSERT INTO t (a, b) VALUES {(:a, :b)}
RETURNING a
)";

SqlCatalog Parsed() { return *SqlCatalog::Parse(kFile); }

TEST(SqlCatalogTest, WritesQuestionMarksAndRepeatsNames) {
  const auto read = Parsed().Compile("read", Engine::kMysql, {{"level", "2"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->sql,
            "SELECT a::text, ':not' FROM t2\nWHERE a = ? AND b = ? AND c = ?");
  EXPECT_THAT(read->parameters, ElementsAre("a", "b", "a"));
}

TEST(SqlCatalogTest, NumbersParametersOnPostgres) {
  const auto read =
      Parsed().Compile("read", Engine::kPostgres, {{"level", "2"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(
      read->sql,
      "SELECT a::text, ':not' FROM t2\nWHERE a = $1 AND b = $2 AND c = $1");
  EXPECT_THAT(read->parameters, ElementsAre("a", "b"));
}

TEST(SqlCatalogTest, RepeatsRows) {
  const auto postgres = Parsed().Compile("insert", Engine::kPostgres, {}, 2);
  ASSERT_TRUE(postgres.ok()) << postgres.status();
  EXPECT_EQ(postgres->sql,
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)\nRETURNING a");
  EXPECT_THAT(postgres->row_parameters, ElementsAre("a", "b"));
  const auto mysql = Parsed().Compile("insert", Engine::kMysql, {}, 3);
  ASSERT_TRUE(mysql.ok()) << mysql.status();
  EXPECT_EQ(mysql->sql,
            "INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?)\nRETURNING a");
}

TEST(SqlCatalogTest, RendersLiterals) {
  const auto text = Parsed().Render(
      "read", Engine::kPostgres, {{"level", "1"}},
      {{"a", Value::Text("labs.x")}, {"b", Value::TimestampUs(1'500'000)}});
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text,
            "SELECT a::text, ':not' FROM t1\nWHERE a = 'labs.x' AND b = "
            "'1970-01-01 00:00:01.500000' AND c = 'labs.x'");
}

TEST(SqlCatalogTest, RefusesLiteralsThatWouldNeedEscaping) {
  for (const char* text : {"it's", "back\\slash"}) {
    EXPECT_EQ(Parsed()
                  .Render("read", Engine::kMysql, {{"level", "1"}},
                          {{"a", Value::Text(text)}, {"b", Value::Int64(1)}})
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(SqlCatalogTest, SaysWhatIsWrong) {
  EXPECT_EQ(SqlCatalog::Parse("SELECT 1\n").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SqlCatalog::Parse("-- name: a\n\n").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SqlCatalog::Parse("-- name: a\nX\n-- name: a\nY\n").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Parsed().Compile("none", Engine::kMysql).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(Parsed().Compile("read", Engine::kMysql).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace opsbench
