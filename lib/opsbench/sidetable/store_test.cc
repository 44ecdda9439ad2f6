// Every strategy on every engine against the brute-force reference, on real
// servers.

#include "opsbench/sidetable/store.h"

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/sidetable/compare.h"
#include "opsbench/sidetable/inspect.h"
#include "opsbench/sidetable/mix.h"
#include "opsbench/sidetable/reference.h"
#include "opsbench/sidetable/seed.h"
#include "opsbench/sidetable/workload.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::sidetable {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kOperations = 20'000;
constexpr uint64_t kSeed = 42;

struct Case {
  Engine engine;
  Strategy strategy;
};

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const Engine engine :
       {Engine::kSqlite, Engine::kMysql, Engine::kPostgres}) {
    for (const Strategy strategy : StrategiesOf(engine)) {
      cases.push_back({engine, strategy});
    }
  }
  return cases;
}

std::string CaseName(const ::testing::TestParamInfo<Case>& info) {
  return absl::StrCat(EngineName(info.param.engine), "_",
                      StrategyName(info.param.strategy));
}

class StoreTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(GetParam().engine);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
  }

  const Url& url() const { return database_->url(); }

  absl::StatusOr<SeedReport> SeedIt(int64_t operations) {
    return Seed(url(), {.strategy = GetParam().strategy,
                        .operations = operations,
                        .seed = kSeed,
                        .chunk = 6'000});
  }

  void Open() {
    store_.reset();
    auto session = Connect(url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    auto store = Store::Create(session_.get(), GetParam().strategy);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  int64_t PrefixRowCount() {
    ResultSet rows;
    EXPECT_TRUE(
        session_->Query("SELECT COUNT(*) FROM operation_prefixes", &rows).ok());
    return rows.at(0, 0).int64();
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreTest, AnswersAreThoseOfTheReference) {
  const auto seeded = SeedIt(kOperations);
  ASSERT_TRUE(seeded.ok()) << seeded.status();
  EXPECT_EQ(seeded->operations, kOperations);
  Open();
  const absl::Status verified = VerifyAnswers(
      *store_, Reference(Generator(kSeed), kOperations), 4, kSeed);
  EXPECT_TRUE(verified.ok()) << verified;
}

// The reference must be able to fail: with one operation fewer it has to.
TEST_P(StoreTest, AWrongAnswerIsNoticed) {
  ASSERT_TRUE(SeedIt(500).ok());
  Open();
  EXPECT_EQ(
      VerifyAnswers(*store_, Reference(Generator(kSeed), 400), 2, kSeed).code(),
      absl::StatusCode::kInternal);
}

// What is written one at a time and in batches is found like what was seeded,
// and each operation has exactly one row for each of its prefixes.
TEST_P(StoreTest, InsertsAreFoundUnderEachOfTheirPrefixes) {
  ASSERT_TRUE(SeedIt(100).ok());
  Open();
  const Generator generator(kSeed);
  Random random(5);
  // The last batch is more than one statement holds, on every server.
  constexpr int kInserted = 7'521;
  std::vector<NewOperation> inserted(kInserted);
  int64_t prefixes = 0;
  for (size_t i = 0; i < inserted.size(); ++i) {
    inserted[i].Set(generator.Live(static_cast<int64_t>(i + 1) * 1000, random));
    prefixes += inserted[i].operation.path->depth;
  }
  int64_t before = 0;
  if (GetParam().strategy == Strategy::kSideTable) before = PrefixRowCount();
  ASSERT_TRUE(store_->InsertOne(inserted[0]).ok());
  absl::Status batch =
      store_->InsertMany(absl::MakeConstSpan(inserted).subspan(1, 20));
  ASSERT_TRUE(batch.ok()) << batch;
  batch = store_->InsertMany(absl::MakeConstSpan(inserted).subspan(21));
  ASSERT_TRUE(batch.ok()) << batch;

  EXPECT_EQ(*store_->CountOperations(), 100 + kInserted);
  if (GetParam().strategy == Strategy::kSideTable) {
    EXPECT_EQ(PrefixRowCount() - before, prefixes);
  }
  ResultSet rows;
  ASSERT_TRUE(store_->Newest(31, &rows).ok());
  ASSERT_EQ(rows.row_count(), 31u);
  for (int i = 0; i < 31; ++i) {
    const Operation& wanted = inserted[kInserted - 1 - i].operation;
    EXPECT_EQ(rows.at(i, 3).text(), wanted.path->text);
    EXPECT_EQ(rows.at(i, 1).int64(), wanted.created_at_us);
    // Ids go on behind those that were seeded.
    EXPECT_GT(rows.at(i, 0).int64(), 100);
  }
  const Taxonomy::Path& newest = *inserted.back().operation.path;
  for (int level = 1; level <= newest.depth; ++level) {
    ASSERT_TRUE(store_->Latest(newest.Prefix(level), 1, &rows).ok());
    ASSERT_EQ(rows.row_count(), 1u);
    EXPECT_EQ(rows.at(0, 1).int64(), inserted.back().operation.created_at_us);
  }
}

TEST_P(StoreTest, TheSchemaRefusesPathsAndStatusesThatAreNotOnes) {
  ASSERT_TRUE(SeedIt(10).ok());
  Open();
  Taxonomy::Path bad = Taxonomy::Get().paths()[0];
  NewOperation operation;
  operation.Set(
      {.path = &Taxonomy::Get().paths()[0], .created_at_us = kDataNowUs});
  for (const char* path : {"Labs", "labs..x", "labs.", ".labs", "labs.a-b"}) {
    bad.text = path;
    bad.depth = 1;
    bad.prefix_bytes[0] = static_cast<uint8_t>(bad.text.size());
    operation.operation.path = &bad;
    operation.prefixes_json = "[\"labs\"]";
    EXPECT_FALSE(store_->InsertOne(operation).ok()) << path;
    EXPECT_FALSE(store_->InsertMany({operation}).ok()) << path;
  }
  operation.Set({.path = &Taxonomy::Get().paths()[0],
                 .created_at_us = kDataNowUs,
                 .status = 2});
  EXPECT_FALSE(store_->InsertOne(operation).ok());
  EXPECT_EQ(*store_->CountOperations(), 10);
  if (GetParam().strategy == Strategy::kSideTable) {
    // No prefix row stays behind without its operation.
    ResultSet rows;
    ASSERT_TRUE(session_
                    ->Query("SELECT COUNT(*) FROM operation_prefixes WHERE "
                            "operation_id > 10",
                            &rows)
                    .ok());
    EXPECT_EQ(rows.at(0, 0).int64(), 0);
  }
}

// `exact` of the original had no index to seek in.
TEST_P(StoreTest, QueriesSeekInTheirIndexes) {
  ASSERT_TRUE(SeedIt(kOperations).ok());
  Open();
  const auto queries = ExplainQueries(
      *store_, "labs.result_webhooks.quest.step_0.part_0", kMaxLevels, 5);
  ASSERT_TRUE(queries.ok()) << queries.status();
  EXPECT_EQ(queries->size(), 1u + kMaxLevels);
  for (const ExplainedQuery& query : *queries) {
    EXPECT_EQ(query.rows, 5) << query.title;
    EXPECT_THAT(RenderExplained(query), HasSubstr("RESULT (5 rows in"));
    const bool must_seek = GetParam().strategy == Strategy::kSideTable ||
                           GetParam().strategy == Strategy::kLevelColumns ||
                           query.title == "Exact Match";
    if (must_seek) {
      EXPECT_TRUE(query.seeks) << query.why << "\n" << RenderExplained(query);
    }
  }
  if (GetParam().strategy != Strategy::kSideTable) return;
  // Without the index the same check has to fail.
  const std::string drop =
      GetParam().engine == Engine::kMysql
          ? "DROP INDEX operation_prefixes_latest ON operation_prefixes"
          : "DROP INDEX operation_prefixes_latest";
  ASSERT_TRUE(session_->Execute(drop).ok());
  const auto without =
      ExplainQueries(*store_, "labs.result_webhooks.quest.step_0.part_0", 1, 5);
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_FALSE((*without)[1].seeks);
  EXPECT_THAT((*without)[1].why, HasSubstr("operation_prefixes_latest"));
}

TEST_P(StoreTest, RecordsShowSizesAndTheNewest) {
  ASSERT_TRUE(SeedIt(5'000).ok());
  Open();
  const auto records = ReadRecords(*store_, 5);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(records->tables.size(),
            Tables(GetParam().strategy, GetParam().engine).size());
  for (const TableSize& table : records->tables) {
    if (table.table == "operation_ids") continue;
    EXPECT_GT(table.bytes, 100'000) << table.table;
    EXPECT_GT(table.rows, 2'000) << table.table;
  }
  ASSERT_EQ(records->recent.size(), 5u);
  const RecentOperation& newest = records->recent[0];
  const Operation expected =
      Generator(kSeed).At(static_cast<uint64_t>(newest.id) - 1);
  EXPECT_EQ(newest.path, expected.path->text);
  EXPECT_EQ(newest.status, expected.status);
  EXPECT_EQ(newest.created_at,
            Value::TimestampUs(expected.created_at_us).ToString());
  if (GetParam().strategy == Strategy::kSideTable) {
    EXPECT_EQ(newest.prefixes.size(),
              static_cast<size_t>(expected.path->depth));
    EXPECT_GT(records->amplification, 3);
    EXPECT_THAT(RenderRecords(*records), HasSubstr("Amplification Factor"));
  }
  EXPECT_THAT(RenderRecords(*records),
              HasSubstr(absl::StrCat("OP #", newest.id)));
}

TEST_P(StoreTest, RunsEveryMixWithoutErrorsAndCountsRows) {
  ASSERT_TRUE(SeedIt(5'000).ok());
  for (const char* name : {"A", "B", "C", "D"}) {
    auto mix = *ParseMix(name);
    SetBatch(50, &mix);
    SidetableWorkload workload(url(), {}, GetParam().strategy, mix);
    LoadOptions options;
    options.mix = workload.WeightedMix();
    options.workers = 2;
    options.operations = 60;
    options.seed = 3;
    auto engine = LoadEngine::Create(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    const auto report = (*engine)->Run(workload);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->completed() + report->errors(), 60);
    for (const OperationReport& operation : report->operations) {
      EXPECT_EQ(operation.errors, 0)
          << name << " " << operation.name << ": " << operation.first_error;
      // A batch is as many rows as it has, not one operation.
      if (operation.name == "insert_50") {
        EXPECT_EQ(operation.rows, 50 * operation.completed());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, StoreTest, ::testing::ValuesIn(AllCases()),
                         CaseName);

class EngineTest : public ::testing::TestWithParam<Engine> {};

TEST_P(EngineTest, CompareMeasuresEveryStrategy) {
  const auto database = TestDatabase::Create(GetParam());
  ASSERT_TRUE(database.ok()) << database.status();
  const absl::Span<const Strategy> strategies = StrategiesOf(GetParam());
  const Comparison comparison = CompareStrategies(
      (*database)->url(), {.strategies = {strategies.begin(), strategies.end()},
                           .operations = 2'000,
                           .duration = absl::Milliseconds(150)});
  ASSERT_TRUE(comparison.ended_early.ok()) << comparison.ended_early;
  ASSERT_EQ(comparison.figures.size(), strategies.size());
  for (const StrategyFigures& figure : comparison.figures) {
    for (const double p50_us : figure.read_p50_us) EXPECT_GT(p50_us, 0);
    EXPECT_GT(figure.insert_p50_us, 0);
    EXPECT_GT(figure.batch_operations_per_second, 0);
    EXPECT_GT(figure.seed_operations_per_second, 0);
    EXPECT_GT(figure.bytes_per_operation, 50);
    EXPECT_THAT(RenderComparison(comparison.figures),
                HasSubstr(std::string(StrategyName(figure.strategy))));
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench::sidetable
