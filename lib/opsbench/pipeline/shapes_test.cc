// Tables at the engines' limits and with faults in them, the whole way from one
// engine to another: very many columns, very large values, a constraint broken
// by the last row, text that is not UTF-8, dates of zeros.

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/pipeline/internal/pipeline_testing.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

using internal::Database;
using internal::DifferenceBetween;
using internal::OneStream;
using internal::PipelineEnd;
using internal::RunBetween;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr Engine kEngines[] = {Engine::kPostgres, Engine::kMysql,
                               Engine::kSqlite};

// One database of each engine, and a file.
class ShapesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const Engine engine : kEngines) {
      auto made = TestDatabase::Create(engine);
      ASSERT_TRUE(made.ok()) << made.status();
      databases_[engine] = Database::Open((*made)->url()).value();
      made_.push_back(*std::move(made));
    }
    file_ = {"arrow", databases_[Engine::kSqlite]->url().database + ".arrow"};
  }

  const Database& At(Engine engine) { return *databases_.at(engine); }

  std::vector<std::unique_ptr<TestDatabase>> made_;
  std::map<Engine, std::unique_ptr<Database>> databases_;
  PipelineEnd file_;
};

// A table of so many numbers, with two rows.
void MakeWide(const Database& database, const std::string& table, int columns) {
  std::vector<std::string> names, values;
  for (int i = 0; i < columns; ++i) {
    names.push_back(absl::StrCat("c", i, " SMALLINT"));
    values.push_back(i % 7 == 3 ? "NULL" : absl::StrCat(i));
  }
  database.Run(absl::StrCat("CREATE TABLE ", table, " (",
                            absl::StrJoin(names, ", "), ")"));
  for (int row = 0; row < 2; ++row) {
    database.Run(absl::StrCat("INSERT INTO ", table, " VALUES (",
                              absl::StrJoin(values, ", "), ")"));
  }
}

// PostgreSQL has 1,600 columns at most, InnoDB 1,017, SQLite 2,000.
TEST_F(ShapesTest, AsManyColumnsAsBothEndsHave) {
  MakeWide(At(Engine::kPostgres), "wide", 1600);
  MakeWide(At(Engine::kMysql), "narrow", 1000);
  MakeWide(At(Engine::kSqlite), "widest", 2000);
  const struct {
    Engine from;
    const char* table;
    Engine to;
    bool fits;
  } kWays[] = {{Engine::kPostgres, "wide", Engine::kSqlite, true},
               {Engine::kPostgres, "wide", Engine::kMysql, false},
               {Engine::kMysql, "narrow", Engine::kPostgres, true},
               {Engine::kMysql, "narrow", Engine::kSqlite, true},
               {Engine::kSqlite, "widest", Engine::kPostgres, false},
               {Engine::kSqlite, "widest", Engine::kMysql, false}};
  for (const auto& way : kWays) {
    SCOPED_TRACE(absl::StrCat(way.table, " to ", EngineName(way.to)));
    const std::string into = absl::StrCat(way.table, "_copy");
    const OneStream stream = {way.table, into};
    const std::string tables = At(way.to).Tables();
    const auto run = RunBetween(At(way.from).End(), At(way.to).End(), stream);
    if (way.fits) {
      ASSERT_TRUE(run.ok()) << run.status();
      EXPECT_EQ(DifferenceBetween(At(way.from).End(), At(way.to).End(), stream),
                "");
      continue;
    }
    EXPECT_TRUE(absl::IsInvalidArgument(run.status())) << run.status();
    EXPECT_THAT(std::string(run.status().message()),
                AllOf(HasSubstr(into), HasSubstr("columns")));
    EXPECT_EQ(At(way.to).Tables(), tables);
  }
  const OneStream packed = {"widest", "widest", "replace"};
  ASSERT_TRUE(RunBetween(At(Engine::kSqlite).End(), file_, packed).ok());
  EXPECT_EQ(DifferenceBetween(At(Engine::kSqlite).End(), file_, packed), "");
}

// In a ring, so that each engine and the file read and write it once. The
// result tells how much memory that took.
TEST_F(ShapesTest, AValueOf100MegabytesGoesAround) {
  constexpr int kBytes = 100'000'000;
  const Database& postgres = At(Engine::kPostgres);
  const Database& mysql = At(Engine::kMysql);
  const Database& sqlite = At(Engine::kSqlite);
  postgres.Run(absl::StrCat(
      "CREATE TABLE large AS SELECT 1 AS id, repeat('0123456789', ",
      kBytes / 10, ") AS v UNION ALL SELECT 2, 'small'"));
  const std::string md5 =
      postgres.Cells("SELECT md5(v) FROM large WHERE id = 1");
  int64_t peak_bytes = 0;
  const auto move = [&](const PipelineEnd& from, const PipelineEnd& to) {
    const auto run = RunBetween(from, to, {"large", "large"});
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_EQ(run->records_written, 2);
    EXPECT_GE(run->bytes_read, kBytes);
    EXPECT_GE(run->bytes_written, kBytes);
    EXPECT_GE(run->peak_memory_bytes, kBytes);
    peak_bytes = std::max(peak_bytes, run->peak_memory_bytes);
  };
  move(postgres.End(), mysql.End("load_method: load_data"));
  EXPECT_EQ(mysql.Cells("SELECT MD5(v) FROM large WHERE id = 1"), md5);
  move(mysql.End(), sqlite.End());
  EXPECT_EQ(sqlite.Cells("SELECT LENGTH(v) FROM large WHERE id = 1"),
            absl::StrCat(kBytes));
  move(sqlite.End(), file_);
  postgres.Run("DROP TABLE large");
  move(file_, postgres.End("load_method: copy"));
  EXPECT_EQ(postgres.Cells("SELECT md5(v) FROM large WHERE id = 1"), md5);
  RecordProperty("peak_memory_bytes", absl::StrCat(peak_bytes));
  std::cout << "peak memory: " << FormatBytes(static_cast<double>(peak_bytes))
            << "\n";
}

// The last of many rows breaks a constraint of the destination's, whatever
// engine it comes from, decoded or not.
TEST_F(ShapesTest, AConstraintBrokenByTheLastRow) {
  constexpr int kRows = 5000;
  const std::string rows = absl::StrCat(
      "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM s WHERE i < ",
      kRows, ") SELECT i, CASE WHEN i = ", kRows,
      " THEN 'odd' ELSE 'even' END FROM s");
  At(Engine::kMysql)
      .Run(absl::StrCat("SET max_recursive_iterations = ", kRows + 1));
  for (const Engine engine : kEngines) {
    At(engine).Run("CREATE TABLE given (id INTEGER, v VARCHAR(20))");
    At(engine).Run(absl::StrCat("INSERT INTO given ", rows));
    At(engine).Run(
        "CREATE TABLE checked (id INTEGER, v VARCHAR(20), CONSTRAINT no_odd "
        "CHECK (v <> 'odd'))");
    At(engine).Run("INSERT INTO checked VALUES (0, 'old')");
  }
  for (const Engine from : kEngines) {
    for (const Engine to : kEngines) {
      for (const char* mode : {"append", "replace"}) {
        const std::string settings =
            to == Engine::kSqlite
                ? ""
                : absl::StrCat("load_method: ",
                               to == Engine::kMysql ? "load_data" : "copy");
        SCOPED_TRACE(
            absl::StrCat(EngineName(from), " to ", EngineName(to), " ", mode));
        const absl::Status status =
            RunBetween(At(from).End(), At(to).End(settings),
                       {"given", "checked", mode})
                .status();
        EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
        EXPECT_THAT(std::string(status.message()),
                    AllOf(HasSubstr(absl::StrCat("checked, row ", kRows, ": ")),
                          HasSubstr("no_odd")));
        EXPECT_EQ(At(to).Cells("SELECT id, v FROM checked"), "0|old");
      }
    }
  }
}

// What claims to be text and is not: SQLite takes any bytes, and PostgreSQL
// does in a database without an encoding.
TEST_F(ShapesTest, TextThatIsNotUtf8IsToldByItsRow) {
  const Database& postgres = At(Engine::kPostgres);
  const std::string name = absl::StrCat(postgres.url().database, "_ascii");
  postgres.Run(absl::StrCat("CREATE DATABASE ", name,
                            " ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE "
                            "template0"));
  {
    const std::unique_ptr<const Database> ascii =
        Database::Open(postgres.url().WithDatabase(name)).value();
    ascii->Run("CREATE TABLE given (id INTEGER, v TEXT)");
    ascii->Run("INSERT INTO given VALUES (1, 'fine'), (2, E'caf\\xe9')");
    const Database& sqlite = At(Engine::kSqlite);
    sqlite.Run("CREATE TABLE given (id INTEGER, v TEXT)");
    sqlite.Run(
        "INSERT INTO given VALUES (1, 'fine'), (2, CAST(x'636166E9' AS TEXT))");
    const struct {
      PipelineEnd from;
      const char* told;
    } kSources[] = {
        {ascii->End("method: copy"), "given, row 2: "},
        {ascii->End("method: cursor"), "given, rows 2 to "},
        {sqlite.End(), "given, column v, row 2: "},
    };
    for (const auto& [from, told] : kSources) {
      std::vector<PipelineEnd> ends = {file_};
      for (const Engine to : kEngines) ends.push_back(At(to).End());
      for (const PipelineEnd& to : ends) {
        SCOPED_TRACE(absl::StrCat(from.connector, " to ", to.connector));
        const absl::Status status =
            RunBetween(from, to, {"given", "taken"}).status();
        EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
        EXPECT_THAT(std::string(status.message()),
                    AllOf(HasSubstr(told), ContainsRegex("UTF-?8")));
      }
    }
    for (const Engine to : kEngines) {
      EXPECT_EQ(At(to).Tables(), to == Engine::kSqlite ? "given" : "NULL");
    }
  }
  postgres.Run(absl::StrCat("DROP DATABASE ", name, " WITH (FORCE)"));
}

// And U+0000, which only PostgreSQL's text has not.
TEST_F(ShapesTest, ANulInTextIsTakenWhereItCanBe) {
  const Database& sqlite = At(Engine::kSqlite);
  const Database& mysql = At(Engine::kMysql);
  sqlite.Run("CREATE TABLE given (id INTEGER, v TEXT)");
  sqlite.Run("INSERT INTO given VALUES (1, ''), (2, CAST(x'610062' AS TEXT))");
  ASSERT_TRUE(RunBetween(sqlite.End(), mysql.End(), {"given", "given"}).ok());
  EXPECT_EQ(mysql.Cells("SELECT HEX(v) FROM given WHERE id = 2"), "610062");
  EXPECT_EQ(DifferenceBetween(sqlite.End(), mysql.End(), {"given", "given"}),
            "");
  for (const Database* from : {&sqlite, &mysql}) {
    for (const char* method : {"insert", "copy", "copy_text", "batch"}) {
      const absl::Status status =
          RunBetween(
              from->End(),
              At(Engine::kPostgres).End(absl::StrCat("load_method: ", method)),
              {"given", "taken"})
              .status();
      EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
      EXPECT_THAT(std::string(status.message()),
                  HasSubstr("taken, column v, row 2: "));
    }
  }
  EXPECT_EQ(At(Engine::kPostgres).Tables(), "NULL");
}

TEST_F(ShapesTest, DatesOfZerosAreAnErrorOrNull) {
  const Database& mysql = At(Engine::kMysql);
  mysql.Run("SET SESSION sql_mode = ''");
  mysql.Run("CREATE TABLE given (id INT, d DATE NOT NULL, t DATETIME)");
  mysql.Run(
      "INSERT INTO given VALUES (1, '2026-01-31', NULL), (2, '0000-00-00', "
      "'0000-00-00 00:00:00')");
  std::vector<PipelineEnd> ends = {file_};
  for (const Engine to : kEngines) ends.push_back(At(to).End());
  for (const PipelineEnd& to : ends) {
    SCOPED_TRACE(to.connector);
    const OneStream stream = {"given", "taken"};
    const absl::Status status = RunBetween(mysql.End(), to, stream).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(
        std::string(status.message()),
        AllOf(HasSubstr("given, column d, row 2: "), HasSubstr("zero_dates")));
    const PipelineEnd as_null = mysql.End("zero_dates: \"null\"");
    const auto run = RunBetween(as_null, to, stream);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_EQ(run->records_written, 2);
    EXPECT_EQ(DifferenceBetween(as_null, to, stream), "");
  }
  for (const Engine to : kEngines) {
    EXPECT_EQ(At(to).Cells("SELECT COUNT(*), COUNT(d), COUNT(t) FROM taken"),
              "2|1|0");
  }
}

}  // namespace
}  // namespace opsbench::pipeline
