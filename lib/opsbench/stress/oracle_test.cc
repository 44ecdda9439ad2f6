// What the oracle says of databases in which one thing was changed behind the
// users' backs: every kind of change, on every engine and in every shape of
// table, at places that a seed draws.

#include "opsbench/stress/oracle.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/stress/database_mark.h"
#include "opsbench/stress/statements.h"
#include "opsbench/stress/testing_users.h"

namespace opsbench::stress {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kRounds = 2;  // Places that each change is planted at.

constexpr TableSize kSizes[] = {TableSize::kSmall, TableSize::kMedium,
                                TableSize::kWide};

const PlanOptions kUsers = {.databases = 3,
                            .inserter_users = 3,
                            .query_users = 0,
                            .mixed_users = 3,
                            .seed = 4'711,
                            .batch_min = 5,
                            .batch_max = 40};

// A table and a bulk insert to it.
struct Place {
  const User* user;
  const Table* table;
  int64_t index = 0;  // Of the insert.
  int64_t rows = 0;
  int64_t first_id = 0;
  std::string operation;  // "user 3, operation 7 (bulk_insert …".
};

// One change and what must be said of it.
struct Change {
  std::string name;
  std::vector<std::string> failures;
  // Parts of findings.
  std::vector<std::string> words;
};

class OracleTest : public ::testing::TestWithParam<Engine> {
 protected:
  OracleTest() : run_(GetParam(), BulkMethod::kBest, kUsers) {
    run_.Run(25 * static_cast<int64_t>(run_.plan().users.size()));
    ExpectClean();
  }

  void ExpectClean() {
    const OracleReport clean = run_.Ask();
    EXPECT_THAT(clean.Failures(), IsEmpty());
    EXPECT_THAT(clean.findings, IsEmpty());
  }

  // An insert of several rows into a table of this size, drawn by `random`.
  Place Draw(TableSize size, Random& random) {
    std::vector<Place> places;
    for (const User& user : run_.plan().users) {
      for (int64_t i = 0; i < run_.log(user.id).begun(); ++i) {
        const Operation operation = run_.plan().At(user, i);
        const Table& table =
            run_.plan().schema_of(user).tables[operation.table];
        if (operation.kind == OperationKind::kBulkInsert &&
            table.size == size) {
          places.push_back({&user, &table, i, operation.rows,
                            FirstId(user.id, i),
                            absl::StrCat("user ", user.id, ", operation ", i,
                                         " (bulk_insert ", table.name)});
        }
      }
    }
    EXPECT_FALSE(places.empty()) << TableSizeName(size);
    return places[random.Below(places.size())];
  }

  const Url& UrlOf(const Place& place) const {
    return run_.databases().urls[static_cast<size_t>(place.user->database)];
  }

  void Execute(const Place& place, const std::string& sql) {
    auto session = Connect(UrlOf(place));
    ASSERT_TRUE(session.ok()) << session.status();
    const auto changed = (*session)->Execute(sql);
    EXPECT_TRUE(changed.ok()) << sql << ": " << changed.status();
  }
  void Set(const Place& place, absl::string_view what, int64_t id) {
    Execute(place, absl::StrCat("UPDATE ", place.table->name, " SET ", what,
                                " WHERE id = ", id));
  }
  void Delete(const Place& place, int64_t from, int64_t to) {
    Execute(place, absl::StrCat("DELETE FROM ", place.table->name,
                                " WHERE id BETWEEN ", from, " AND ", to));
  }

  // Inserts rows with these ids and the content of others.
  void Insert(const Place& place,
              const std::vector<std::pair<int64_t, int64_t>>& rows) {
    std::string text;
    text.reserve(rows.size() * RowMaker::MaxTextBytes(place.table->size));
    std::vector<Value> values;
    for (const auto& [id, content] : rows) {
      const size_t at = values.size();
      RowMaker::Append(*place.table, content, &text, &values);
      values[at] = Value::Int64(id);
    }
    auto session = Connect(UrlOf(place));
    ASSERT_TRUE(session.ok()) << session.status();
    const SqlCatalog sql = *LoadWorkloadSql(GetParam());
    const DatabaseSchema& schema = run_.plan().schema_of(*place.user);
    Statements statements(session->get(), sql, schema);
    const auto inserted = statements.InsertMany(
        static_cast<int>(place.table - schema.tables.data()), values,
        BulkMethod::kMultiRow);
    ASSERT_TRUE(inserted.ok()) << inserted.status();
  }

  // Makes the table what users left.
  void Repair(const Place& place) {
    Execute(place, absl::StrCat("DELETE FROM ", place.table->name));
    std::vector<std::pair<int64_t, int64_t>> rows;
    const auto add = [&](int64_t first, int64_t count) {
      for (int64_t id = first; id < first + count; ++id) {
        rows.emplace_back(id, id);
      }
    };
    add(0, kSeedRows);
    ForEachWrite(place, [&](const User& user, int64_t index, int64_t count) {
      add(FirstId(user.id, index), count);
    });
    Insert(place, rows);
  }

  template <typename Visit>
  void ForEachWrite(const Place& place, Visit visit) {
    for (const int id :
         run_.plan().users_of[static_cast<size_t>(place.user->database)]) {
      const User& user = run_.plan().users[static_cast<size_t>(id)];
      const auto& tables = run_.plan().schema_of(user).tables;
      for (int64_t i = 0; i < run_.log(id).begun(); ++i) {
        const Operation operation = run_.plan().At(user, i);
        if (IsWrite(operation.kind) &&
            &tables[operation.table] == place.table) {
          visit(user, i, operation.rows);
        }
      }
    }
  }

  int64_t RowsOf(const Place& place) {
    int64_t rows = 0;
    ForEachWrite(place,
                 [&](const User&, int64_t, int64_t count) { rows += count; });
    return rows;
  }

  using PlantChange = std::function<Change(const Place&, Random&)>;

  // Plants a change in a table of this size, where `round` is drawn to.
  void PlantIn(TableSize size, uint64_t round, const PlantChange& plant) {
    Random random =
        Random::Stream(round, static_cast<uint64_t>(size), kUsers.seed);
    const Place place = Draw(size, random);
    const Change change = plant(place, random);
    SCOPED_TRACE(absl::StrCat(change.name, ": ", place.operation));
    const OracleReport found = run_.Ask();
    EXPECT_EQ(found.Failures(), change.failures)
        << absl::StrJoin(found.findings, "\n");
    for (const std::string& word : change.words) {
      EXPECT_THAT(found.findings, Contains(HasSubstr(word)));
    }
    Repair(place);
  }

  // Plants a change in every shape of table at several places.
  void Plant(const PlantChange& plant) {
    for (const TableSize size : kSizes) {
      for (uint64_t round = 0; round < kRounds; ++round) {
        PlantIn(size, round, plant);
      }
    }
    ExpectClean();
  }

  StressRun run_;
};

int64_t AnyRow(const Place& place, Random& random) {
  return place.first_id + random.Between(0, place.rows - 1);
}

TEST_P(OracleTest, LostRows) {
  Plant([&](const Place& place, Random& random) -> Change {
    const int64_t row = AnyRow(place, random);
    Delete(place, row, row);
    return {"a row",
            {"1 acknowledged rows lost"},
            {place.operation, absl::StrCat("1 of ", place.rows, " ack"),
             absl::StrCat("first row ", row)}};
  });
  Plant([&](const Place& place, Random&) -> Change {
    Delete(place, place.first_id, place.first_id + place.rows);
    return {"a write",
            {absl::StrCat(place.rows, " acknowledged rows lost")},
            {absl::StrCat(place.rows, " of ", place.rows,
                          " acknowledged rows are lost")}};
  });
  Plant([&](const Place& place, Random&) -> Change {
    Execute(place,
            absl::StrCat(GetParam() == Engine::kSqlite ? "DELETE FROM "
                                                       : "TRUNCATE TABLE ",
                         place.table->name));
    return {"all",
            {absl::StrCat(RowsOf(place), " acknowledged rows lost"),
             "100 initial rows lost"},
            {absl::StrCat(".", place.table->name, " has no rows")}};
  });
}

TEST_P(OracleTest, MovedRows) {
  Plant([&](const Place& place, Random& random) -> Change {
    const int64_t row = AnyRow(place, random);
    const int64_t to = place.first_id + place.rows + random.Between(0, 60'000);
    Set(place, absl::StrCat("id = ", to), row);
    return {"within the operation",
            {"1 rows moved to another id"},
            {absl::StrCat(", row ", row, " was moved: its content has the id ",
                          to)}};
  });
  Plant([&](const Place& place, Random& random) -> Change {
    const int64_t row = AnyRow(place, random);
    const int64_t to = random.Between(0, 1) == 0 ? -5 : INT64_MAX - 7;
    Set(place, absl::StrCat("id = ", to), row);
    return {"out of all ranges",
            {"1 rows moved to another id"},
            {place.operation, absl::StrCat("has the id ", to)}};
  });
  Plant([&](const Place& place, Random&) -> Change {
    const int64_t row = place.first_id;
    Delete(place, row, row + 1);
    Insert(place, {{row, row + 1}, {row + 1, row}});
    return {"two exchange their ids",
            {"2 rows moved to another id"},
            {absl::StrCat(", row ", row, " was moved"),
             absl::StrCat(", row ", row + 1, " was moved")}};
  });
  Plant([&](const Place& place, Random& random) -> Change {
    const int64_t row = random.Between(0, kSeedRows - 1);
    Set(place, "id = id + 100", row);
    return {"an initial row",
            {"1 rows moved to another id"},
            {absl::StrCat("initial row ", row, " was moved")}};
  });
}

TEST_P(OracleTest, DuplicatedRows) {
  Plant([&](const Place& place, Random& random) -> Change {
    const int64_t row = AnyRow(place, random);
    const int64_t copy = FirstId(place.user->id, kMaxIndex) + row % 100;
    Insert(place, {{copy, row}});
    return {"a copy",
            {"1 rows duplicated"},
            {place.operation, absl::StrCat("has also the id ", copy)}};
  });
  Plant([&](const Place& place, Random&) -> Change {
    const int64_t row = place.first_id;
    Delete(place, row, row);
    Insert(place, {{row, row + 1}});
    return {"a copy over another row",
            {"1 acknowledged rows lost", "1 rows duplicated"},
            {absl::StrCat("first row ", row),
             absl::StrCat("has also the id ", row)}};
  });
}

TEST_P(OracleTest, GhostRows) {
  int64_t next = 0;
  const int64_t ids[] = {
      9'000'000'000'000'000'000, -5, INT64_MIN + 1, INT64_MAX, 100,
      (int64_t{1} << 46) - 1};
  Plant([&](const Place& place, Random&) -> Change {
    const int64_t id = ids[next++ % 6];
    Insert(place, {{id, id}});
    return {"at the extremes",
            {"1 rows that nobody wrote"},
            {absl::StrCat("nobody wrote row ", id, ": the id is outside")}};
  });
  Plant([&](const Place& place, Random&) -> Change {
    const int64_t id = place.first_id + place.rows;
    Insert(place, {{id, id}});
    return {"behind an operation",
            {"1 rows that nobody wrote"},
            {place.operation, "writes no such row"}};
  });
  Plant([&](const Place& place, Random&) -> Change {
    const int64_t index = run_.log(place.user->id).begun();
    const int64_t id = FirstId(place.user->id, index);
    Insert(place, {{id, id}});
    return {"of an operation to come",
            {"1 rows that nobody wrote"},
            {absl::StrCat("has not begun operation ", index)}};
  });
  Plant([&](const Place& place, Random&) -> Change {
    // Of a user of another database.
    const int other = (place.user->id + 1) % 6;
    const int64_t id = FirstId(other, 0);
    Insert(place, {{id, id}});
    return {"of another database's user",
            {"1 rows that nobody wrote"},
            {absl::StrCat("nobody wrote row ", id)}};
  });
}

TEST_P(OracleTest, ChangedColumns) {
  // Each column in turn, by its least change.
  const std::map<absl::string_view, absl::string_view> changes = {
      {"name", "'nam-x'"},          {"value", "value + 0.25"},
      {"quantity", "quantity + 1"}, {"price", "price - 0.25"},
      {"category", "'grave'"},      {"description", "''"},
      {"rating", "rating + 1"},     {"score", "score + 0.25"},
      {"notes", "'Amber'"},         {"ref_code", "'ref-'"},
      {"weight", "-weight - 1"},    {"height", "height + 0.25"},
      {"tag_a", "'zzzz'"},          {"tag_b", "''"},
      {"counter", "counter - 1"}};
  for (const TableSize size : kSizes) {
    for (size_t column = 1; column < Columns(size).size(); ++column) {
      PlantIn(size, column, [&](const Place& place, Random& random) -> Change {
        const std::string& name = Columns(size)[column];
        const int64_t row = AnyRow(place, random);
        const auto known = changes.find(name);
        std::string to;
        if (known != changes.end()) {
          to = std::string(known->second);
        } else if (name == "is_active") {
          to = GetParam() == Engine::kPostgres ? "NOT is_active"
                                               : "1 - is_active";
        } else if (name == "fraction") {  // The last bit of 30.
          to = "fraction + 1.0 / 1073741824";
        } else {  // A microsecond.
          to = GetParam() == Engine::kSqlite ? name + " + 1"
               : GetParam() == Engine::kMysql
                   ? name + " + INTERVAL 1 MICROSECOND"
                   : name + " + INTERVAL '1 microsecond'";
        }
        Set(place, absl::StrCat(name, " = ", to), row);
        return {name,
                {"1 rows changed"},
                {place.operation, absl::StrCat("row ", row),
                 absl::StrCat("column ", name, ": found ")}};
      });
    }
  }
  Plant([&](const Place& place, Random&) -> Change {
    const int64_t a = place.first_id;
    const double value_a = ValueOf(*place.table, a);
    const double value_b = ValueOf(*place.table, a + 1);
    Set(place, absl::StrFormat("value = %.2f", value_b), a);
    Set(place, absl::StrFormat("value = %.2f", value_a), a + 1);
    return {"two rows' values exchanged",
            {"2 rows changed"},
            {absl::StrCat("row ", a, " was changed: column value"),
             absl::StrCat("row ", a + 1, " was changed: column value")}};
  });
}

TEST_P(OracleTest, InitialRows) {
  Plant([&](const Place& place, Random& random) -> Change {
    const int64_t row = random.Between(0, kSeedRows - 1);
    Delete(place, row, row);
    return {"deleted",
            {"1 initial rows lost"},
            {absl::StrCat("1 of 100 initial rows are lost, first row ", row)}};
  });
  Plant([&](const Place& place, Random& random) -> Change {
    const int64_t row = random.Between(0, kSeedRows - 1);
    Set(place, "name = ''", row);
    return {"changed",
            {"1 initial rows changed"},
            {absl::StrCat("initial row ", row, " was changed: column name")}};
  });
}

TEST_P(OracleTest, Definitions) {
  Random random = Random::Stream(1, kUsers.seed);
  const Place place = Draw(TableSize::kMedium, random);
  const std::string& table = place.table->name;
  const auto expect = [&](const std::string& failure,
                          const std::string& finding) {
    const OracleReport found = run_.Ask();
    EXPECT_THAT(found.Failures(), Contains(HasSubstr(failure)));
    EXPECT_THAT(found.findings, Contains(HasSubstr(finding)));
  };
  const std::string kDefinition = "1 wrong databases, tables or columns";
  Execute(place, "CREATE TABLE mine (id INTEGER)");
  expect(kDefinition, ".mine was not made by the run");
  Execute(place, "DROP TABLE mine");
  Execute(place, absl::StrCat("ALTER TABLE ", table, " ADD extra INTEGER"));
  expect(kDefinition, "column extra: was not made");
  Execute(place, absl::StrCat("ALTER TABLE ", table, " DROP COLUMN extra"));
  ExpectClean();
  if (GetParam() != Engine::kSqlite) {
    Execute(place, absl::StrCat("ALTER TABLE ", table,
                                GetParam() == Engine::kMysql
                                    ? " MODIFY quantity BIGINT NOT NULL"
                                    : " ALTER quantity TYPE BIGINT"));
    expect(kDefinition, "column quantity: is bigint");
  }
  Execute(place, absl::StrCat("ALTER TABLE ", table, " DROP COLUMN price"));
  expect("wrong databases", "column price is gone");
  expect("wrong databases", "cannot be compared without the column price");
  Execute(place, absl::StrCat("DROP TABLE ", table));
  expect("acknowledged rows lost", absl::StrCat(".", table, " is gone"));
  Execute(place, absl::StrCat("DROP TABLE ", kMarkTable));
  expect("wrong databases", "opsbench_mark");
}

TEST_P(OracleTest, ADatabaseThatIsGone) {
  Databases one = run_.databases();
  one.urls.resize(1);
  ASSERT_TRUE(one.Drop().ok());
  const OracleReport found = run_.Ask();
  EXPECT_THAT(found.Failures(), Contains(HasSubstr("acknowledged rows lost")));
  EXPECT_THAT(found.findings, Contains(HasSubstr(" is gone")));
  // It was only asked.
  for (const std::string& file : one.files()) {
    EXPECT_FALSE(std::filesystem::exists(file));
  }
}

// What the oracle is told was refused must not be there.
TEST_P(OracleTest, RowsOfRefusedWrites) {
  StressRun refused(GetParam(), BulkMethod::kBest, kUsers);
  const std::atomic<bool> over{true};
  refused.Run(60, &over);
  ASSERT_TRUE(refused.Ask().ok());
  const User& user = refused.plan().users[0];
  const auto [operation, index] = refused.LastWrite(user);
  const std::string& table = refused.TableOf(user, operation);
  auto session = *Connect(refused.databases().urls[0]);
  const SqlCatalog sql = *LoadWorkloadSql(GetParam());
  Statements statements(session.get(), sql, refused.plan().schema_of(user));
  std::string text;
  text.reserve(200);
  std::vector<Value> row;
  RowMaker::Append(refused.plan().schema_of(user).tables[operation.table],
                   FirstId(user.id, index), &text, &row);
  ASSERT_TRUE(statements.Insert(operation.table, row).ok());
  const OracleReport found = refused.Ask();
  EXPECT_THAT(found.Failures(),
              ElementsAre("1 rows of refused or skipped writes"));
  EXPECT_THAT(found.findings,
              ElementsAre(HasSubstr(absl::StrCat("user 0, operation ", index,
                                                 " (bulk_insert ", table))));
}

INSTANTIATE_TEST_SUITE_P(Engines, OracleTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& tested) {
                           return std::string(EngineName(tested.param));
                         });

}  // namespace
}  // namespace opsbench::stress
