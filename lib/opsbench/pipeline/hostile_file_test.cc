// Arrow files are data: whatever their metadata and their values say, a
// destination makes the columns that the schema has and writes the rows that
// the file has, or refuses them.

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/pipeline/connectors.h"
#include "opsbench/pipeline/internal/connector_testing.h"
#include "opsbench/pipeline/runner.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

using internal::CellsOf;
using internal::SchemaOf;
using ::testing::AllOf;
using ::testing::HasSubstr;

class HostileFileTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(GetParam());
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto folder = TestDatabase::Create(Engine::kSqlite);
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_ = *std::move(folder);
    path_ = absl::StrCat(folder_->url().database, ".arrow");
    auto session = Connect(database_->url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  // The prefix of native types of the server at hand.
  std::string Prefix() const {
    return absl::StrCat(
        absl::AsciiStrToLower(session_->capabilities().flavour == "PostgreSQL"
                                  ? "postgres"
                                  : session_->capabilities().flavour),
        ":");
  }

  // A file of one column and one row; the value is stored as it is.
  void WriteFile(const Field& field, absl::string_view text) {
    Batch batch(SchemaOf({field}));
    batch.columns()[0].AppendText(text);
    batch.SetRows(1);
    const std::vector<ConnectorKind> kinds = FileConnectors();
    const auto kind = internal::FindKind(kinds, "dest-arrow");
    ASSERT_TRUE(kind.ok());
    ConnectorConfig config = internal::ConfigOf(**kind, Url(), {});
    config.settings["path"] = path_;
    auto destination = (*kind)->make_destination(config);
    ASSERT_TRUE(destination.ok()) << destination.status();
    ASSERT_TRUE((*destination)->Connect().ok());
    const auto written = internal::WriteTable(
        **destination, internal::To("t", WriteMode::kReplace), {&batch});
    ASSERT_TRUE(written.ok()) << written.status();
  }

  PipelineConfig ConfigInto(const std::string& method) {
    PipelineConfig config;
    config.pipeline = "hostile";
    config.source.use = "source-arrow";
    config.source.config.settings["path"] = path_;
    config.destination.use =
        absl::StrCat("dest-", EngineName(database_->url().engine));
    const auto kind = internal::FindKind(kinds_, config.destination.use);
    EXPECT_TRUE(kind.ok());
    config.destination.config =
        internal::ConfigOf(**kind, database_->url(), {{"load_method", method}});
    config.streams = {{"t", "t"}};
    return config;
  }
  absl::Status RunInto(const std::string& method) {
    return RunPipeline(ConfigInto(method), kinds_).status();
  }

  std::vector<std::string> Methods() const {
    switch (GetParam()) {
      case Engine::kPostgres:
        return {"insert", "copy", "copy_text", "batch"};
      case Engine::kMysql:
        return {"insert", "load_data", "batch"};
      default:
        return {"insert"};
    }
  }

  void Run(absl::string_view sql) {
    const auto status = session_->Execute(sql).status();
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
  }

  const std::vector<ConnectorKind> kinds_ = AllConnectors();
  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<TestDatabase> folder_;
  std::string path_;
  std::unique_ptr<Session> session_;
};

// Each is what would become of a column's definition that took the text as it
// is: another column, a default, a comment that hides what follows, the end of
// the statement.
TEST_P(HostileFileTest, NativeTypesAddNothingToTheTable) {
  Run("CREATE TABLE victim (a INTEGER)");
  for (const char* native :
       {"text, planted int default 7", "text default 'planted'", "text) -- ",
        "text); drop table victim; -- ", "text /*", "text -- ",
        "text check (length(a) > 99)", "text unique", "text collate nocase",
        "text('x'), planted int default 7", "text(1), planted int",
        "varchar(9) default (select 1)", "enum('a\\'),planted int, c enum('')",
        "varchar(10) COMMENT 'x' default 'planted'", "text # ", "text`",
        "text generated always as (1)", "text references victim (a)", ""}) {
    SCOPED_TRACE(native);
    Field field = {"a", {TypeId::kText}, false};
    field.native = absl::StrCat(Prefix(), native);
    WriteFile(field, "row");
    Run("DROP TABLE IF EXISTS t");
    const absl::Status status = RunInto("insert");
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(CellsOf(*session_, "SELECT * FROM t"), "row");
    EXPECT_EQ(CellsOf(*session_, "SELECT COUNT(*) FROM victim"), "0");
    // Neither a default nor anything else fills the column, which takes no
    // NULL, and the same row again.
    EXPECT_FALSE(session_->Execute("INSERT INTO t (a) VALUES (NULL)").ok());
    Run("INSERT INTO t (a) VALUES ('row')");
    if (GetParam() != Engine::kMysql) {
      EXPECT_FALSE(session_->Execute("INSERT INTO t DEFAULT VALUES").ok());
    }
  }
}

// In a statement without quotes the first would be two rows.
TEST_P(HostileFileTest, NumbersThatAreNoneAreRefusedByColumnAndRow) {
  for (const char* type : {"decimal(20,2)", "text"}) {
    Run("DROP TABLE IF EXISTS t");
    Run(absl::StrCat("CREATE TABLE t (n ", type, ")"));
    for (const std::string& method : Methods()) {
      for (const char* text :
           {"1),(2", "1'),('2", "1\n2", "1\t2", "(SELECT 1)", "1e5", "0x10",
            "1 ", "", "--1", "\\N", "1,2", "NaN()", "01", "nan",
            "1e9223372036854775807", "1e-9223372036854775808"}) {
        SCOPED_TRACE(absl::StrCat(type, ", ", method, ": ", text));
        WriteFile({"n", {TypeId::kNumeric}, true}, text);
        const absl::Status status = RunInto(method);
        EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
        EXPECT_THAT(std::string(status.message()),
                    AllOf(HasSubstr("column n"), HasSubstr("row 1"),
                          HasSubstr("number")));
        EXPECT_EQ(CellsOf(*session_, "SELECT COUNT(*) FROM t"), "0");
        const auto verified = VerifyPipeline(ConfigInto(method), kinds_);
        EXPECT_EQ(verified.status(), status);
      }
    }
  }
  WriteFile({"n", {TypeId::kNumeric}, true}, "-12.50");
  const absl::Status status = RunInto("insert");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(CellsOf(*session_, "SELECT n FROM t"), "-12.50");
}

TEST_P(HostileFileTest, TextThatIsNotUtf8IsRefusedByColumnAndRow) {
  Run("CREATE TABLE t (n text)");
  for (const TypeId id : {TypeId::kText, TypeId::kJson}) {
    for (const std::string& method : Methods()) {
      for (const char* text : {"\xff", "a\xc0\xaf", "\xed\xa0\x80", "\xe4'"}) {
        SCOPED_TRACE(absl::StrCat(method, ": ", absl::CHexEscape(text)));
        WriteFile({"n", {id}, true}, text);
        const absl::Status status = RunInto(method);
        EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
        EXPECT_THAT(std::string(status.message()),
                    AllOf(HasSubstr("column n"), HasSubstr("row 1"),
                          HasSubstr("UTF-8")));
        EXPECT_EQ(CellsOf(*session_, "SELECT COUNT(*) FROM t"), "0");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, HostileFileTest,
                         ::testing::Values(Engine::kSqlite, Engine::kPostgres,
                                           Engine::kMysql),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench::pipeline
