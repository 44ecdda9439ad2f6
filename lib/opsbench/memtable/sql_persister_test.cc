// What SqlPersister and RedisPersister make of rows of every type, and of names
// and tables that do not fit.

#include "opsbench/memtable/sql_persister.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/memtable/schema.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::memtable {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

enum class Colour : uint8_t { kRed = 1, kBlue = 200 };

// Named by words that SQL has reserved.
struct Everything {
  std::string_view key;
  bool flag = false;
  int8_t small = 0;
  uint32_t medium = 0;
  uint64_t large = 0;
  Colour colour = Colour::kRed;
  float single = 0;
  double number = 0;
  std::string_view text;
  int64_t not_named = 0;
};
using EverythingSchema = Schema<
    Everything, Key<"key", &Everything::key>,
    Field<"select", &Everything::flag>, Field<"order", &Everything::small>,
    Field<"group", &Everything::medium>, Field<"limit", &Everything::large>,
    Field<"table", &Everything::colour>, Field<"from", &Everything::single>,
    Field<"where", &Everything::number>, Field<"index", &Everything::text>>;

struct OnlyKey {
  uint64_t id = 0;
};
using OnlyKeySchema = Schema<OnlyKey, Key<"id", &OnlyKey::id>>;

struct BadName {
  int64_t id = 0;
  int64_t value = 0;
};
using BadNameSchema = Schema<BadName, Key<"id", &BadName::id>,
                             Field<"value = 1; --", &BadName::value>>;
using GoodNameSchema =
    Schema<BadName, Key<"id", &BadName::id>, Field<"value", &BadName::value>>;

class SqlPersisterTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(GetParam());
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto session = Connect(database_->url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  // `sql` quotes names with double quotes.
  std::string Quoted(std::string sql) const {
    if (GetParam() == Engine::kMysql) {
      for (char& c : sql) c = c == '"' ? '`' : c;
    }
    return sql;
  }
  void Run(const std::string& sql) {
    const auto done = session_->Execute(Quoted(sql));
    ASSERT_TRUE(done.ok()) << done.status();
  }
  void Query(const std::string& sql) {
    const absl::Status status = session_->Query(Quoted(sql), &rows_);
    ASSERT_TRUE(status.ok()) << status;
  }

  template <typename Schema>
  std::unique_ptr<SqlPersister<Schema>> Open(const char* table) {
    auto persister = SqlPersister<Schema>::Open(database_->url(), table);
    EXPECT_TRUE(persister.ok()) << persister.status();
    return persister.ok() ? *std::move(persister) : nullptr;
  }

  template <typename Schema>
  Code OpenCode(const char* table) {
    return SqlPersister<Schema>::Open(database_->url(), table).status().code();
  }

  template <typename Row>
  static absl::Status Persist(Persister<Row>& persister, const Row& row,
                              bool removed = false) {
    const Change<Row> change{&row, removed};
    return persister.Persist({&change, 1});
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
  ResultSet rows_;
};

TEST_P(SqlPersisterTest, EveryTypeArrivesAsItIs) {
  Run("CREATE TABLE everything (\"key\" VARCHAR(100) PRIMARY KEY, \"select\" "
      "SMALLINT, \"order\" SMALLINT, \"group\" BIGINT, \"limit\" BIGINT, "
      "\"table\" SMALLINT, \"from\" DOUBLE PRECISION, \"where\" DOUBLE "
      "PRECISION, \"index\" TEXT, other BIGINT DEFAULT 5)");
  const auto persister = Open<EverythingSchema>("everything");
  ASSERT_NE(persister, nullptr);
  Everything row;
  row.key = "k'; DROP TABLE everything; --";
  row.flag = true;
  row.small = -128;
  row.medium = std::numeric_limits<uint32_t>::max();
  row.large = uint64_t{1} << 62;
  row.colour = Colour::kBlue;
  row.single = 0.1F;
  row.number = -0.1;
  row.text = "";
  for (int time = 0; time < 2; ++time) {
    const absl::Status status = Persist(*persister, row);
    ASSERT_TRUE(status.ok()) << status;
    Query(
        "SELECT \"key\", \"select\", \"order\", \"group\", \"limit\", "
        "\"table\", \"from\", \"where\", \"index\", other FROM everything");
    ASSERT_EQ(rows_.row_count(), 1U);
    EXPECT_EQ(rows_.at(0, 0), Value::Text("k'; DROP TABLE everything; --"));
    EXPECT_EQ(rows_.at(0, 1), Value::Int64(1));
    EXPECT_EQ(rows_.at(0, 2), Value::Int64(-128));
    EXPECT_EQ(rows_.at(0, 3), Value::Int64(4'294'967'295));
    EXPECT_EQ(rows_.at(0, 4), Value::Int64(int64_t{1} << 62));
    EXPECT_EQ(rows_.at(0, 5), Value::Int64(200));
    EXPECT_EQ(rows_.at(0, 6), Value::Double(double{0.1F}));
    EXPECT_EQ(rows_.at(0, 7), Value::Double(-0.1));
    EXPECT_EQ(rows_.at(0, 8), Value::Text(time == 0 ? "" : "other"));
    EXPECT_EQ(rows_.at(0, 9), Value::Int64(5));
    row.text = "other";
  }
  ASSERT_TRUE(Persist(*persister, row, /*removed=*/true).ok());
  Query("SELECT COUNT(*) FROM everything");
  EXPECT_EQ(rows_.at(0, 0), Value::Int64(0));
}

TEST_P(SqlPersisterTest, AKeyMayBeAll) {
  Run("CREATE TABLE keys_only (id BIGINT PRIMARY KEY)");
  const auto persister = Open<OnlyKeySchema>("keys_only");
  ASSERT_NE(persister, nullptr);
  for (int time = 0; time < 2; ++time) {
    const absl::Status status = Persist(*persister, OnlyKey{7});
    ASSERT_TRUE(status.ok()) << status;
  }
  const OnlyKey large{std::numeric_limits<uint64_t>::max()};
  for (const bool removed : {false, true}) {
    const absl::Status status = Persist(*persister, large, removed);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("field id is 18446744073709551615"));
  }
  Query("SELECT id FROM keys_only");
  ASSERT_EQ(rows_.row_count(), 1U);
  EXPECT_EQ(rows_.at(0, 0), Value::Int64(7));
}

TEST_P(SqlPersisterTest, RefusesWhatDoesNotFitAtOnce) {
  Run("CREATE TABLE here (id BIGINT PRIMARY KEY)");
  EXPECT_EQ(OpenCode<OnlyKeySchema>("missing"), Code::kNotFound);
  EXPECT_EQ(OpenCode<GoodNameSchema>("here"), Code::kNotFound);
  EXPECT_EQ(OpenCode<BadNameSchema>("here"), Code::kInvalidArgument);
  for (const char* name : {"", "Here", "here;", "a b", "a\"b", "a`b", "ä"}) {
    EXPECT_EQ(OpenCode<OnlyKeySchema>(name), Code::kInvalidArgument) << name;
  }
}

// Half of a batch that fails is not there, and the session goes on.
TEST_P(SqlPersisterTest, AFailedBatchIsRolledBack) {
  Run("CREATE TABLE here (id BIGINT PRIMARY KEY, value BIGINT, "
      "CHECK (value < 900))");
  const auto persister = Open<GoodNameSchema>("here");
  ASSERT_NE(persister, nullptr);
  std::vector<BadName> rows(1'000);
  std::vector<Change<BadName>> changes;
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].id = rows[i].value = static_cast<int64_t>(i);
    changes.push_back({&rows[i], false});
  }
  for (int time = 0; time < 2; ++time) {
    const absl::Status status = persister->Persist(changes);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("persist to here: "));
    Query("SELECT COUNT(*) FROM here");
    EXPECT_EQ(rows_.at(0, 0), Value::Int64(0));
  }
  changes.resize(900);
  ASSERT_TRUE(persister->Persist(changes).ok());
  Query("SELECT COUNT(*) FROM here");
  EXPECT_EQ(rows_.at(0, 0), Value::Int64(900));
}

// A statement that was prepared for a table of that name is of no use for the
// next one.
TEST_P(SqlPersisterTest, ATableMayBeMadeAnew) {
  Run("CREATE TABLE here (value VARCHAR(20), more BIGINT, id BIGINT PRIMARY "
      "KEY)");
  const auto persister = Open<GoodNameSchema>("here");
  ASSERT_NE(persister, nullptr);
  ASSERT_TRUE(Persist(*persister, BadName{1, 1}).ok());
  Run("DROP TABLE here");
  const absl::Status dropped = Persist(*persister, BadName{2, 2});
  EXPECT_EQ(dropped.code(), Code::kNotFound) << dropped;
  EXPECT_THAT(std::string(dropped.message()), HasSubstr("here"));
  Run("CREATE TABLE here (id BIGINT PRIMARY KEY, value BIGINT)");
  const absl::Status status = Persist(*persister, BadName{2, 22});
  ASSERT_TRUE(status.ok()) << status;
  Query("SELECT id, value FROM here");
  ASSERT_EQ(rows_.row_count(), 1U);
  EXPECT_EQ(rows_.at(0, 0), Value::Int64(2));
  EXPECT_EQ(rows_.at(0, 1), Value::Int64(22));
}

// MySQL's triggers take no row without an error.
TEST_P(SqlPersisterTest, RowsThatATriggerTakesAreAnError) {
  if (GetParam() == Engine::kMysql) return;
  Run("CREATE TABLE here (id BIGINT PRIMARY KEY, value BIGINT)");
  if (GetParam() == Engine::kSqlite) {
    Run("CREATE TRIGGER takes BEFORE INSERT ON here WHEN NEW.id = 2 BEGIN "
        "SELECT RAISE(IGNORE); END");
  } else {
    Run("CREATE FUNCTION takes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF "
        "NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW; END'");
    Run("CREATE TRIGGER takes BEFORE INSERT ON here FOR EACH ROW EXECUTE "
        "FUNCTION takes()");
  }
  const auto persister = Open<GoodNameSchema>("here");
  ASSERT_NE(persister, nullptr);
  ASSERT_TRUE(Persist(*persister, BadName{1, 11}).ok());
  const absl::Status taken = Persist(*persister, BadName{2, 22});
  EXPECT_EQ(taken.code(), Code::kFailedPrecondition) << taken;
  EXPECT_THAT(std::string(taken.message()), HasSubstr("kept 0"));
  Query("SELECT id FROM here");
  ASSERT_EQ(rows_.row_count(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Engines, SqlPersisterTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench::memtable
