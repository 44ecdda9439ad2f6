// The side table on servers whose settings are not the ones that opsbench was
// written on: its answers and what it writes must be the same.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/load/load.h"
#include "opsbench/server/private_server.h"
#include "opsbench/sidetable/effect.h"
#include "opsbench/sidetable/mix.h"
#include "opsbench/sidetable/reference.h"
#include "opsbench/sidetable/seed.h"
#include "opsbench/sidetable/store.h"
#include "opsbench/sidetable/workload.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::sidetable {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kOperations = 3'000;
constexpr uint64_t kSeed = 11;

// Seeds, reads, writes from several sessions at once in every size, and checks
// every row of it.
void RoundTrip(const Url& url, Strategy strategy) {
  SCOPED_TRACE(StrategyName(strategy));
  const auto seeded = Seed(url, {.strategy = strategy,
                                 .operations = kOperations,
                                 .seed = kSeed,
                                 .chunk = 1'000});
  ASSERT_TRUE(seeded.ok()) << seeded.status();
  const auto session = Connect(url);
  ASSERT_TRUE(session.ok()) << session.status();
  const auto store = Store::Create(session->get(), strategy);
  ASSERT_TRUE(store.ok()) << store.status();
  const absl::Status verified = VerifyAnswers(
      **store, Reference(Generator(kSeed), kOperations), 2, kSeed);
  ASSERT_TRUE(verified.ok()) << verified;

  const auto check = WriteCheck::Start(**store);
  ASSERT_TRUE(check.ok()) << check.status();
  SidetableWorkload workload(
      url, {}, strategy,
      *ParseMix("insert_single=4,insert_7=2,insert_40=2,insert_500=1"));
  LoadOptions options;
  options.mix = workload.WeightedMix();
  options.workers = 4;
  options.operations = 200;
  options.seed = kSeed;
  const auto engine = LoadEngine::Create(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto report = (*engine)->Run(workload);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->errors(), 0);
  EXPECT_EQ(workload.written().operations, report->rows());
  const absl::Status written = check->Finish(**store, workload.written());
  EXPECT_TRUE(written.ok()) << written;
}

void RoundTrips(const Url& url) {
  for (const Strategy strategy : StrategiesOf(url.engine)) {
    RoundTrip(url, strategy);
  }
}

absl::StatusOr<std::unique_ptr<PrivateServer>> StartServer(
    ServerKind kind, std::map<std::string, std::string> settings) {
  ServerOptions options;
  options.kind = kind;
  options.cache_bytes = int64_t{64} << 20;
  options.settings = std::move(settings);
  return PrivateServer::Start(options);
}

// Group Replication sets an increment of 7 and Galera one of the cluster's
// size; rows of one statement do not have the ids that follow the first one.
TEST(HostileTest, IdsThatGrowInSteps) {
  const auto server =
      StartServer(ServerKind::kMysql, {{"auto_increment_increment", "7"},
                                       {"auto_increment_offset", "3"},
                                       {"innodb_autoinc_lock_mode", "2"}});
  ASSERT_TRUE(server.ok()) << server.status();
  RoundTrips(*Url::Parse((*server)->url()));
}

// Every setting of a server, a role, a database or a file that changes what
// statements mean, all of them at once: none of it is seen.
class DefaultsTest : public ::testing::TestWithParam<Engine> {};

TEST_P(DefaultsTest, ThoseOfOthersChangeNothing) {
  const auto database = TestDatabase::Create(GetParam(), Defaults::kHostile);
  ASSERT_TRUE(database.ok()) << database.status();
  RoundTrips((*database)->url());
}

INSTANTIATE_TEST_SUITE_P(Engines, DefaultsTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

// The check itself must be able to fail.
class WriteCheckTest : public ::testing::TestWithParam<Engine> {};

TEST_P(WriteCheckTest, EachWrongEffectIsNoticed) {
  const auto database = TestDatabase::Create(GetParam());
  ASSERT_TRUE(database.ok()) << database.status();
  const Url& url = (*database)->url();
  ASSERT_TRUE(Seed(url, {.operations = 200, .seed = kSeed}).ok());
  auto session = *Connect(url);
  auto store = *Store::Create(session.get(), Strategy::kSideTable);
  std::vector<NewOperation> inserted(20);
  Random random(1);
  int64_t age_us = 0;
  for (NewOperation& one : inserted) {
    one.Set(Generator(kSeed).Live(++age_us, random));
  }
  const auto run = [&](const std::string& sql) {
    const auto done = session->Execute(sql);
    ASSERT_TRUE(done.ok()) << sql << ": " << done.status();
    ASSERT_GT(*done, 0) << sql;
  };
  const std::string last =
      "(SELECT m FROM (SELECT MAX(id) AS m FROM operations) t)";
  const std::vector<std::string> wrongs = {
      "DELETE FROM operations WHERE id = " + last,
      "DELETE FROM operation_prefixes WHERE operation_id = " + last,
      "UPDATE operation_prefixes SET prefix = 'x' WHERE operation_id = " +
          last + " AND prefix NOT LIKE '%.%'",
      GetParam() == Engine::kSqlite
          ? "UPDATE operation_prefixes SET created_at = created_at + 1 WHERE "
            "operation_id = " +
                last
          : "UPDATE operation_prefixes SET created_at = created_at + "
            "INTERVAL '1' SECOND WHERE operation_id = " +
                last,
      "UPDATE operations SET status = 1 - status WHERE id = " + last,
      // Prefix rows of no operation, which stay: the last one.
      "UPDATE operation_prefixes SET operation_id = operation_id + 1000000 "
      "WHERE operation_id = " +
          last,
  };
  {
    // More than was acknowledged is wrong as well, unless an insert's end is
    // not known.
    const auto check = WriteCheck::Start(*store);
    ASSERT_TRUE(check.ok()) << check.status();
    ASSERT_TRUE(store->InsertMany(inserted).ok());
    Written written;
    EXPECT_THAT(std::string(check->Finish(*store, written).message()),
                HasSubstr("0 operations were acknowledged, but 20 are new"));
    written.uncertain = 20;
    EXPECT_TRUE(check->Finish(*store, written).ok());
  }
  for (const std::string& wrong : wrongs) {
    // What is left of the one before.
    run("DELETE FROM operations WHERE id > 200");
    run("DELETE FROM operation_prefixes WHERE operation_id > 200");
    const auto check = WriteCheck::Start(*store);
    ASSERT_TRUE(check.ok()) << check.status();
    const absl::Status wrote = store->InsertMany(inserted);
    ASSERT_TRUE(wrote.ok()) << wrote;
    Written written;
    written.Add(inserted);
    const absl::Status right = check->Finish(*store, written);
    EXPECT_TRUE(right.ok()) << right;
    run(wrong);
    EXPECT_EQ(check->Finish(*store, written).code(),
              absl::StatusCode::kInternal)
        << wrong;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, WriteCheckTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench::sidetable
