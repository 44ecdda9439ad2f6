// Tables from each engine to each, and by way of an Arrow file: one with every
// type that the source reads, pgbench's, one without rows, and what a
// destination has to refuse. `verify` is asked, and the destination's own SQL.

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/pipeline/internal/every_type.h"
#include "opsbench/pipeline/internal/pipeline_testing.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

using internal::ConfigBetween;
using internal::Database;
using internal::DifferenceBetween;
using internal::EveryColumn;
using internal::OneStream;
using internal::PipelineEnd;
using internal::RunBetween;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr Engine kEngines[] = {Engine::kPostgres, Engine::kMysql,
                               Engine::kSqlite};

// pgbench's with the sums that each engine's own SQL has to agree on: CHAR
// columns are padded to their length.
constexpr const char* kPgbench[][2] = {
    {"pgbench_accounts",
     "COUNT(*), SUM(aid), SUM(bid), SUM(abalance), MIN(aid), MAX(aid), "
     "SUM(OCTET_LENGTH(filler))"},
    {"pgbench_branches", "COUNT(*), SUM(bid), SUM(bbalance), COUNT(filler)"},
    {"pgbench_tellers",
     "COUNT(*), SUM(tid), SUM(bid), SUM(tbalance), COUNT(filler)"},
    {"pgbench_history",
     "COUNT(*), SUM(tid), SUM(aid), SUM(delta), COUNT(DISTINCT mtime), "
     "COUNT(filler)"}};
constexpr const char* kTables[] = {
    "every_type",       "boundless",       "no_rows",        "pgbench_accounts",
    "pgbench_branches", "pgbench_tellers", "pgbench_history"};

// The ways to write to an engine, as settings.
std::vector<std::string> WaysTo(Engine engine) {
  switch (engine) {
    case Engine::kPostgres:
      return {"load_method: insert", "load_method: copy",
              "load_method: copy_text", "load_method: batch"};
    case Engine::kMysql:
      return {"load_method: insert", "load_method: load_data",
              "load_method: batch"};
    default:
      return {""};
  }
}

// Of each engine one database to read from and one to write to, for all tests
// of the process; a test drops what it made in the latter.
class Databases {
 public:
  static const Database& From(Engine engine) { return Get(engine, 0); }
  static const Database& To(Engine engine) { return Get(engine, 1); }

  static void Close() { Ends().clear(); }

 private:
  struct End {
    std::unique_ptr<TestDatabase> made;
    std::unique_ptr<Database> database;
  };
  static std::map<std::pair<Engine, int>, End>& Ends() {
    static auto* const ends = new std::map<std::pair<Engine, int>, End>;
    return *ends;
  }
  static const Database& Get(Engine engine, int side) {
    End& end = Ends()[{engine, side}];
    if (end.database == nullptr) {
      end.made = TestDatabase::Create(engine).value();
      end.database = Database::Open(end.made->url()).value();
      if (engine == Engine::kMysql) {
        end.database->Run("SET SESSION time_zone = '+00:00'");
      }
      if (side == 0) Fill(*end.database);
    }
    return *end.database;
  }
  static void Fill(const Database& database) {
    const Engine engine = database.engine();
    std::vector<std::string> statements = internal::CreateEveryType(
        engine, "every_type", internal::EveryColumnOf(engine));
    if (engine != Engine::kMysql) {
      for (const std::string& sql : internal::CreateEveryType(
               engine, "boundless", internal::BoundlessColumnsOf(engine))) {
        statements.push_back(sql);
      }
    }
    statements.push_back("CREATE TABLE no_rows (id INTEGER, v TEXT)");
    for (const std::string& sql : statements) database.Run(sql);
  }
};

class AllPairsTest
    : public ::testing::TestWithParam<std::tuple<Engine, Engine>> {
 protected:
  const Database& from() { return Databases::From(std::get<0>(GetParam())); }
  const Database& to() { return Databases::To(std::get<1>(GetParam())); }

  static void TearDownTestSuite() { Databases::Close(); }

  void SetUp() override {
    auto folder = TestDatabase::Create(Engine::kSqlite);
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_ = *std::move(folder);
  }
  void TearDown() override {
    for (const char* table : kTables) {
      to().Run(absl::StrCat("DROP TABLE IF EXISTS ", table));
    }
  }

  PipelineEnd ArrowFile(const std::string& settings = "") const {
    return {"arrow", folder_->url().database + ".arrow", settings};
  }

  // What the engine's own SQL says of the three rows.
  static void ExpectValues(const Database& at, const std::string& table,
                           const std::vector<EveryColumn>& columns) {
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto cell = [&](int id, bool high) {
        return at.Cells(absl::StrCat(
            "SELECT ", internal::ShownSql(at.engine(), columns[i], i, high),
            " FROM ", table, " WHERE id = ", id));
      };
      const std::string at_column =
          absl::StrCat("column c", i, ", ", columns[i].type, ", in ",
                       EngineName(at.engine()));
      EXPECT_EQ(cell(1, false), internal::ShownText(columns[i], false))
          << at_column;
      EXPECT_EQ(cell(2, true), internal::ShownText(columns[i], true))
          << at_column;
      EXPECT_EQ(cell(3, true), "NULL") << at_column;
    }
  }

  // Moves a table directly, by each way of writing, and through a file.
  template <typename Check>
  void Move(const std::string& table, int64_t rows,
            const std::vector<std::string>& ways, Check check) {
    const OneStream stream = {table, table};
    const auto expect = [&](const char* how, const auto& run) {
      ASSERT_TRUE(run.ok()) << how << ": " << run.status();
      EXPECT_EQ(run->records_read, rows) << how;
      EXPECT_EQ(run->records_written, rows) << how;
    };
    for (const std::string& way : ways) {
      SCOPED_TRACE(way);
      to().Run(absl::StrCat("DROP TABLE IF EXISTS ", table));
      expect("direct", RunBetween(from().End(), to().End(way), stream));
      check();
      EXPECT_EQ(DifferenceBetween(from().End(), to().End(), stream), "");
      if (HasFailure()) return;
    }
    SCOPED_TRACE("through a file");
    OneStream packed = stream;
    packed.write_mode = "replace";
    to().Run(absl::StrCat("DROP TABLE ", table));
    expect("into the file",
           RunBetween(from().End(), ArrowFile("compression: zstd"), packed));
    expect("out of the file", RunBetween(ArrowFile(), to().End(), stream));
    check();
    EXPECT_EQ(DifferenceBetween(from().End(), ArrowFile(), stream), "");
    EXPECT_EQ(DifferenceBetween(ArrowFile(), to().End(), stream), "");
    EXPECT_EQ(DifferenceBetween(from().End(), to().End(), stream), "");
  }

  std::unique_ptr<TestDatabase> folder_;
};

std::string PairName(
    const ::testing::TestParamInfo<std::tuple<Engine, Engine>>& pair) {
  return absl::StrCat(EngineName(std::get<0>(pair.param)), "_to_",
                      EngineName(std::get<1>(pair.param)));
}

INSTANTIATE_TEST_SUITE_P(Pairs, AllPairsTest,
                         ::testing::Combine(::testing::ValuesIn(kEngines),
                                            ::testing::ValuesIn(kEngines)),
                         PairName);

TEST_P(AllPairsTest, EveryType) {
  const auto& columns = internal::EveryColumnOf(from().engine());
  // The source's own SQL first: what is expected of others holds there.
  ExpectValues(from(), "every_type", columns);
  if (HasFailure()) return;
  Move("every_type", 3, WaysTo(to().engine()),
       [&] { ExpectValues(to(), "every_type", columns); });
  // A difference in any column is seen.
  std::vector<std::string> nulls;
  for (size_t i = 0; i < columns.size(); ++i) {
    nulls.push_back(absl::StrCat("c", i, " = NULL"));
  }
  to().Run(absl::StrCat("UPDATE every_type SET ", absl::StrJoin(nulls, ", "),
                        " WHERE id = 2"));
  const std::string difference =
      DifferenceBetween(from().End(), to().End(), {"every_type", "every_type"});
  for (size_t i = 0; i < columns.size(); ++i) {
    EXPECT_THAT(difference, HasSubstr(absl::StrCat("DIFF column c", i, " ")));
  }
}

// MySQL has none of these to be read.
class BoundlessPairsTest : public AllPairsTest {};

INSTANTIATE_TEST_SUITE_P(Pairs, BoundlessPairsTest,
                         ::testing::Combine(::testing::Values(Engine::kPostgres,
                                                              Engine::kSqlite),
                                            ::testing::ValuesIn(kEngines)),
                         PairName);

TEST_P(BoundlessPairsTest, NaNInfinityAndTimesWithoutEnd) {
  const auto& columns = internal::BoundlessColumnsOf(from().engine());
  if (to().engine() != Engine::kMysql) {
    ExpectValues(from(), "boundless", columns);
    Move("boundless", 3, WaysTo(to().engine()),
         [&] { ExpectValues(to(), "boundless", columns); });
    return;
  }
  for (const std::string& way : WaysTo(Engine::kMysql)) {
    for (size_t i = 0; i < columns.size(); ++i) {
      // Text holds a number of any kind.
      if (columns[i].shown == internal::Shown::kNumber) continue;
      SCOPED_TRACE(absl::StrCat(way, " ", columns[i].type));
      OneStream stream = {"boundless", "boundless"};
      auto config = ConfigBetween(from().End(), to().End(way), stream);
      ASSERT_TRUE(config.ok()) << config.status();
      config->streams[0].columns = {"id", absl::StrCat("c", i)};
      const absl::Status status =
          RunPipeline(*config, AllConnectors()).status();
      EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
      EXPECT_THAT(status.message(),
                  AllOf(HasSubstr(
                      absl::StrCat("boundless, column c", i, ", row 1: "))));
      EXPECT_EQ(to().Tables(), "NULL");
    }
  }
}

// Made by pgbench itself, with a history of some transactions.
void MakePgbench() {
  const Database& postgres = Databases::From(Engine::kPostgres);
  if (postgres.Cells("SELECT to_regclass('pgbench_history')::text") != "NULL") {
    return;
  }
  const Url& url = postgres.url();
  const auto pgbench = [&](const char* arguments) {
    return std::system(
        absl::StrCat("PGHOST='", url.host, "' PGPORT=", url.EffectivePort(),
                     " PGUSER='", url.user, "' PGPASSWORD='", url.password,
                     "' PGDATABASE='", url.database, "' pgbench ", arguments,
                     " > /dev/null 2>&1")
            .c_str());
  };
  ASSERT_EQ(pgbench("-q -i -s 1"), 0) << "pgbench (postgresql-contrib)";
  ASSERT_EQ(pgbench("-n -c 1 -t 300"), 0);
}

// The source's tables, which came from PostgreSQL by a pipeline; the pair of
// the two is one that is tested.
void ProvidePgbench(const Database& source) {
  MakePgbench();
  if (source.engine() == Engine::kPostgres) return;
  for (const auto& [table, sums] : kPgbench) {
    const auto run = RunBetween(Databases::From(Engine::kPostgres).End(),
                                source.End(), {table, table, "replace"});
    ASSERT_TRUE(run.ok()) << run.status();
  }
}

TEST_P(AllPairsTest, Pgbench) {
  ProvidePgbench(from());
  if (HasFatalFailure()) return;
  for (const auto& [table, sums] : kPgbench) {
    SCOPED_TRACE(table);
    const std::string sql = absl::StrCat("SELECT ", sums, " FROM ", table);
    const std::string expected = Databases::From(Engine::kPostgres).Cells(sql);
    // SQLite 3.40 has no OCTET_LENGTH; its LENGTH is the same of ASCII.
    const std::string sql_there =
        to().engine() == Engine::kSqlite
            ? absl::StrReplaceAll(sql, {{"OCTET_LENGTH", "LENGTH"}})
            : sql;
    const size_t fastest = to().engine() == Engine::kSqlite ? 0 : 1;
    const int64_t rows = std::atoll(expected.c_str());
    ASSERT_GT(rows, 0) << expected;
    Move(table, rows, {WaysTo(to().engine()).at(fastest)},
         [&] { EXPECT_EQ(to().Cells(sql_there), expected); });
  }
}

TEST_P(AllPairsTest, NoRows) {
  Move("no_rows", 0, WaysTo(to().engine()),
       [&] { EXPECT_EQ(to().Cells("SELECT COUNT(*) FROM no_rows"), "0"); });
}

}  // namespace
}  // namespace opsbench::pipeline
