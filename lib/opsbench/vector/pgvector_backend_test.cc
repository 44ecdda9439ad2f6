#include "opsbench/vector/pgvector_backend.h"

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/testing/test_servers.h"
#include "opsbench/vector/wire_test_data.h"

namespace opsbench::vector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Code = absl::StatusCode;
using Index = PgvectorOptions::Index;

// The server that OPSBENCH_VECTOR_POSTGRES_URL names, else the tests' own.
absl::StatusOr<Url> ServerUrl() {
  const char* const named = std::getenv("OPSBENCH_VECTOR_POSTGRES_URL");
  if (named != nullptr && *named != '\0') return Url::Parse(named);
  return TestServerUrl(Engine::kPostgres);
}

absl::StatusOr<bool> HasPgvector(const Url& url) {
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session->Query(
      "SELECT COUNT(*) FROM pg_available_extensions WHERE name = 'vector'",
      &rows));
  return rows.at(0, 0).int64() > 0;
}

class PgvectorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto url = ServerUrl();
    ASSERT_TRUE(url.ok()) << url.status();
    url_ = *std::move(url);
    const auto has = HasPgvector(url_);
    ASSERT_TRUE(has.ok()) << has.status();
    if (!*has) {
      GTEST_SKIP() << "no pgvector in " << url_.Redacted()
                   << ": name a server that has it in "
                      "OPSBENCH_VECTOR_POSTGRES_URL";
    }
  }

  void TearDown() override {
    for (const auto& backend : backends_) {
      const absl::Status removed = backend->Remove(false);
      EXPECT_TRUE(removed.ok()) << removed;
    }
  }

  PgvectorBackend* Open(Index index, int number = 0) {
    PgvectorOptions options;
    options.table = WireTestName(number);
    options.index = index;
    auto backend = PgvectorBackend::Open(url_, options);
    EXPECT_TRUE(backend.ok()) << backend.status();
    if (!backend.ok()) return nullptr;
    backends_.push_back(*std::move(backend));
    return backends_.back().get();
  }

  static absl::Status Rebuild(PgvectorBackend& backend, const Dataset& data,
                              const BuildOptions& options) {
    OPSBENCH_RETURN_IF_ERROR(backend.Remove(false));
    OPSBENCH_RETURN_IF_ERROR(backend.Build(data, options));
    return backend.Verify(data);
  }

  static IndexState FindIn(PgvectorBackend* backend, const Dataset& data,
                           const BuildOptions& options) {
    const auto state = backend->Find(data, options);
    EXPECT_TRUE(state.ok()) << state.status();
    return state.ok() ? *state : IndexState();
  }

  static BuildOptions SmallBuild() {
    BuildOptions options;
    options.ef_construction = 100;
    options.lists = 20;
    return options;
  }

  static std::unique_ptr<Searcher> Searching(Backend* backend) {
    auto searcher = backend->Connect();
    EXPECT_TRUE(searcher.ok()) << searcher.status();
    return *std::move(searcher);
  }

  // The recall of all queries.
  static double RecallOf(const Dataset& data, Searcher& searcher,
                         const Filter& filter, int ef) {
    Recall recall;
    for (size_t q = 0; q < data.queries().rows; ++q) {
      SearchRequest request;
      request.query = data.queries().row(q);
      request.ef = ef;
      request.filter = filter;
      std::vector<Neighbor> found;
      const absl::Status status = searcher.Search(request, &found);
      EXPECT_TRUE(status.ok()) << status;
      EXPECT_LE(found.size(), 10U);
      AddRecall(data, q, RightNeighbors(data, q, 10, filter), found, 10,
                &recall, filter.any() ? &filter : nullptr);
    }
    return recall.average();
  }

  static int64_t IndexScans(Session& session) {
    ResultSet rows;
    const absl::Status status = session.Query(
        absl::StrCat("SELECT idx_scan FROM pg_stat_user_indexes WHERE "
                     "indexrelname = '",
                     WireTestName(0), "_embedding'"),
        &rows);
    EXPECT_TRUE(status.ok() && rows.row_count() == 1) << status;
    return rows.row_count() == 1 ? rows.at(0, 0).int64() : 0;
  }

  Url url_;
  std::vector<std::unique_ptr<PgvectorBackend>> backends_;
};

TEST(PgvectorServer, WithoutTheExtensionItIsSaidWhatToInstall) {
  const auto url = TestServerUrl(Engine::kPostgres);
  ASSERT_TRUE(url.ok()) << url.status();
  const auto has = HasPgvector(*url);
  ASSERT_TRUE(has.ok()) << has.status();
  if (*has) GTEST_SKIP() << "the tests' own PostgreSQL has pgvector";
  const absl::Status status = PgvectorBackend::Open(*url).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("has no pgvector: install it there"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr(url->password)));
}

TEST(PgvectorServer, NamesThatAreNoneAreRefusedBeforeAnythingIsSent) {
  Url nowhere;
  nowhere.engine = Engine::kPostgres;
  nowhere.port = 1;
  PgvectorOptions options;
  for (const char* name : {"", "1st", "a;b", "Table", "a b", "a-b"}) {
    options.table = name;
    EXPECT_EQ(PgvectorBackend::Open(nowhere, options).status().code(),
              Code::kInvalidArgument);
  }
}

// Without an index PostgreSQL looks at every row: the answers are the right
// ones, with the right distances.
TEST_F(PgvectorTest, AScanFindsWhatIsRight) {
  for (const Metric metric :
       {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    const auto data = WireData(metric, 500);
    PgvectorBackend* const backend = Open(Index::kNone);
    ASSERT_NE(backend, nullptr);
    ASSERT_TRUE(Rebuild(*backend, *data, SmallBuild()).ok());
    EXPECT_TRUE(backend->info().exact);
    const auto searcher = Searching(backend);
    for (const Filter& filter : WireFilters()) {
      for (size_t q = 0; q < data->queries().rows; ++q) {
        SearchRequest request;
        request.query = data->queries().row(q);
        request.filter = filter;
        std::vector<Neighbor> found;
        ASSERT_TRUE(searcher->Search(request, &found).ok());
        const auto right = RightNeighbors(*data, q, 10, filter);
        ASSERT_EQ(found.size(), right.size());
        for (size_t i = 0; i < right.size(); ++i) {
          EXPECT_EQ(found[i].id, right[i].id) << MetricName(metric);
          EXPECT_NEAR(found[i].distance, right[i].distance,
                      1e-4 * (1 + std::abs(right[i].distance)));
        }
      }
    }
  }
}

TEST_F(PgvectorTest, HnswFindsMoreWithMoreCandidates) {
  for (const Metric metric :
       {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    const auto data = WireData(metric);
    PgvectorBackend* const backend = Open(Index::kHnsw);
    ASSERT_NE(backend, nullptr);
    int64_t loaded = 0;
    BuildOptions build = SmallBuild();
    build.on_progress = [&](int64_t rows) { loaded = rows; };
    const absl::Status built = Rebuild(*backend, *data, build);
    ASSERT_TRUE(built.ok()) << built;
    EXPECT_EQ(loaded, 2'000);
    EXPECT_GT(backend->MemoryBytes(), 2'000 * 24 * 4);
    const auto searcher = Searching(backend);
    for (const Filter& filter : WireFilters()) {
      EXPECT_GE(RecallOf(*data, *searcher, filter, 400), 0.97)
          << MetricName(metric) << (filter.by_tag ? " by tag" : "");
    }
    const double least = RecallOf(*data, *searcher, Filter(), 10);
    EXPECT_GE(RecallOf(*data, *searcher, Filter(), 400), least);
    // 0 after another one is pgvector's own again.
    EXPECT_GE(RecallOf(*data, *searcher, Filter(), 0), least);
  }
}

// The answers of a plan that looks at every row would be right as well.
TEST_F(PgvectorTest, SearchesGoThroughTheIndexWithAndWithoutAFilter) {
  const auto data = WireData(Metric::kL2, 10'000);
  PgvectorBackend* const backend = Open(Index::kHnsw);
  ASSERT_NE(backend, nullptr);
  ASSERT_TRUE(Rebuild(*backend, *data, SmallBuild()).ok());
  auto session = Connect(url_);
  ASSERT_TRUE(session.ok()) << session.status();
  // With these, what a filter leaves could be sorted.
  for (const char* const index : {"_tag", "_number"}) {
    ASSERT_TRUE(
        (*session)
            ->Execute(absl::StrCat("DROP INDEX ", WireTestName(0), index))
            .ok());
  }
  for (const Filter& filter : WireFilters()) {
    const int64_t before = IndexScans(**session);
    EXPECT_GE(RecallOf(*data, *Searching(backend), filter, 60), 0.9);
    // The server counts when a session ends, a moment after it is told to.
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    int64_t scans = 0;
    while (scans < 50 && absl::Now() < deadline) {
      scans = IndexScans(**session) - before;
    }
    EXPECT_EQ(scans, 50);
  }
}

TEST_F(PgvectorTest, AllListsOfIvfflatHoldAll) {
  const auto data = WireData(Metric::kL2);
  PgvectorBackend* const backend = Open(Index::kIvfflat);
  ASSERT_NE(backend, nullptr);
  ASSERT_TRUE(Rebuild(*backend, *data, SmallBuild()).ok());
  const auto searcher = Searching(backend);
  EXPECT_EQ(RecallOf(*data, *searcher, Filter(), 20), 1);
  EXPECT_LE(RecallOf(*data, *searcher, Filter(), 1), 1);
}

// As many as asked for, although pgvector's own hnsw.ef_search is 40.
TEST_F(PgvectorTest, KMayBeAboveTheCandidates) {
  const auto data = WireData(Metric::kL2);
  PgvectorBackend* const backend = Open(Index::kHnsw);
  ASSERT_NE(backend, nullptr);
  ASSERT_TRUE(Rebuild(*backend, *data, SmallBuild()).ok());
  const auto searcher = Searching(backend);
  for (const int k : {1, 100, 200}) {
    SearchRequest request;
    request.query = data->queries().row(0);
    request.k = k;
    std::vector<Neighbor> found;
    ASSERT_TRUE(searcher->Search(request, &found).ok());
    EXPECT_EQ(found.size(), static_cast<size_t>(k));
  }
}

TEST_F(PgvectorTest, AZeroQueryIsEquallyFarFromAll) {
  const auto data = WireData(Metric::kCosine, 100);
  PgvectorBackend* const backend = Open(Index::kNone);
  ASSERT_NE(backend, nullptr);
  ASSERT_TRUE(Rebuild(*backend, *data, SmallBuild()).ok());
  const auto searcher = Searching(backend);
  const std::vector<float> zeros(data->dimension());
  SearchRequest request;
  request.query = zeros;
  std::vector<Neighbor> found;
  ASSERT_TRUE(searcher->Search(request, &found).ok());
  ASSERT_EQ(found.size(), 10U);
  for (const Neighbor& neighbor : found) EXPECT_EQ(neighbor.distance, 1);
}

TEST_F(PgvectorTest, BadRequestsAreRefusedAndNothingIsLost) {
  const auto data = WireData(Metric::kL2, 200);
  PgvectorBackend* const backend = Open(Index::kHnsw);
  ASSERT_NE(backend, nullptr);
  ASSERT_TRUE(Rebuild(*backend, *data, SmallBuild()).ok());
  const auto searcher = Searching(backend);
  SearchRequest request;
  request.query = data->queries().row(0).subspan(1);
  std::vector<Neighbor> found;
  EXPECT_EQ(searcher->Search(request, &found).code(), Code::kInvalidArgument);
  request.query = data->queries().row(0);
  request.ef = 1'000'000;
  const absl::Status status = searcher->Search(request, &found);
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("hnsw.ef_search"));
  request.ef = 100;
  EXPECT_TRUE(searcher->Search(request, &found).ok());
  EXPECT_EQ(found.size(), 10U);
}

TEST_F(PgvectorTest, AConnectionThatIsCutIsMadeAgain) {
  const auto data = WireData(Metric::kL2, 200);
  PgvectorBackend* const backend = Open(Index::kHnsw);
  ASSERT_NE(backend, nullptr);
  ASSERT_TRUE(Rebuild(*backend, *data, SmallBuild()).ok());
  const auto searcher = Searching(backend);
  SearchRequest request;
  request.query = data->queries().row(0);
  std::vector<Neighbor> found;
  ASSERT_TRUE(searcher->Search(request, &found).ok());
  const std::vector<Neighbor> before = found;
  auto killer = Connect(url_);
  ASSERT_TRUE(killer.ok()) << killer.status();
  ASSERT_TRUE(
      (*killer)
          ->Execute(absl::StrCat(
              "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
              "WHERE pid <> pg_backend_pid() AND query LIKE '%",
              WireTestName(0), "%'"))
          .ok());
  EXPECT_EQ(searcher->Search(request, &found).code(), Code::kUnavailable);
  EXPECT_TRUE(found.empty());
  ASSERT_TRUE(searcher->Recover().ok());
  ASSERT_TRUE(searcher->Search(request, &found).ok());
  EXPECT_EQ(found, before);
}

TEST_F(PgvectorTest, ATableThatIsThereCanBeTakenIfItIsTheRightOne) {
  using Kind = IndexState::Kind;
  const auto data = WireData(Metric::kL2, 300);
  PgvectorBackend* const first = Open(Index::kHnsw);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(FindIn(first, *data, SmallBuild()).kind, Kind::kAbsent);
  ASSERT_TRUE(first->Build(*data, SmallBuild()).ok());
  EXPECT_EQ(FindIn(first, *data, SmallBuild()).kind, Kind::kUnfinished);
  ASSERT_TRUE(first->Verify(*data).ok());

  PgvectorBackend* const second = Open(Index::kHnsw);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(FindIn(second, *data, SmallBuild()).kind, Kind::kCurrent);
  EXPECT_EQ(second->MemoryBytes(), first->MemoryBytes());
  EXPECT_GE(RecallOf(*data, *Searching(second), Filter(), 200), 0.97);

  GenerateOptions seeded;
  seeded.rows = 300;
  seeded.dimension = 24;
  seeded.queries = 50;
  seeded.clusters = 20;
  seeded.tag_shares = {0.05, 0.2};
  seeded.seed = 2;
  const auto of_other_seed = Generate(seeded);
  ASSERT_TRUE(of_other_seed.ok()) << of_other_seed.status();
  const auto fewer = WireData(Metric::kL2, 299);
  const auto shorter = WireData(Metric::kL2, 300, 23);
  const auto of_other_metric = WireData(Metric::kCosine, 300);
  for (const Dataset* other : {fewer.get(), shorter.get(),
                               of_other_metric.get(), of_other_seed->get()}) {
    const IndexState state = FindIn(second, *other, SmallBuild());
    EXPECT_EQ(state.kind, Kind::kOther);
    EXPECT_THAT(state.what, HasSubstr("holds 300 vectors of dimension 24"));
  }
  BuildOptions denser = SmallBuild();
  denser.m = 17;
  EXPECT_EQ(FindIn(second, *data, denser).kind, Kind::kOther);
  PgvectorBackend* const scan = Open(Index::kNone);
  ASSERT_NE(scan, nullptr);
  EXPECT_EQ(FindIn(scan, *data, SmallBuild()).kind, Kind::kOther);
}

// Rows that somebody changed or added since.
TEST_F(PgvectorTest, ADamagedTableIsNotTaken) {
  const auto data = WireData(Metric::kL2, 300);
  PgvectorBackend* const backend = Open(Index::kHnsw);
  ASSERT_NE(backend, nullptr);
  auto session = Connect(url_);
  ASSERT_TRUE(session.ok()) << session.status();
  const std::string table = WireTestName(0);
  for (const std::string& damage :
       {absl::StrCat("DELETE FROM ", table, " WHERE id = 7"),
        absl::StrCat("INSERT INTO ", table, " SELECT * FROM ", table,
                     " WHERE id = 7"),
        absl::StrCat("UPDATE ", table,
                     " SET embedding = embedding + embedding WHERE id = 0"),
        absl::StrCat("DROP INDEX ", table, "_embedding")}) {
    ASSERT_TRUE(Rebuild(*backend, *data, SmallBuild()).ok());
    ASSERT_TRUE((*session)->Execute(damage).ok());
    const IndexState state = FindIn(backend, *data, SmallBuild());
    EXPECT_EQ(state.kind, IndexState::Kind::kOther) << damage;
    EXPECT_EQ(backend->Verify(*data).code(), Code::kInternal) << damage;
  }
}

// Whatever has one of the names that a load needs is found, is refused by
// Remove() and Build(), and stays; Remove(true) makes way.
TEST_F(PgvectorTest, WhatOpsbenchDidNotMakeStays) {
  const auto data = WireData(Metric::kL2, 100);
  PgvectorBackend* const backend = Open(Index::kHnsw);
  ASSERT_NE(backend, nullptr);
  auto session = Connect(url_);
  ASSERT_TRUE(session.ok()) << session.status();
  const std::string name = WireTestName(0);
  const std::string host = WireTestName(1);
  ASSERT_TRUE((*session)
                  ->Execute(absl::StrCat("CREATE TABLE ", host, " (a INT)"))
                  .ok());
  for (const std::string& foreign :
       {absl::StrCat("CREATE TABLE ", name, " (a INT)"),
        absl::StrCat("CREATE VIEW ", name, " AS SELECT 1"),
        absl::StrCat("CREATE MATERIALIZED VIEW ", name, " AS SELECT 1"),
        absl::StrCat("CREATE SEQUENCE ", name),
        absl::StrCat("CREATE INDEX ", name, " ON ", host, " (a)"),
        absl::StrCat("CREATE INDEX ", name, "_embedding ON ", host, " (a)"),
        absl::StrCat("CREATE VIEW ", name, "_tag AS SELECT 1"),
        absl::StrCat("CREATE TABLE ", name, "_number (a INT)")}) {
    ASSERT_TRUE((*session)->Execute(foreign).ok()) << foreign;
    const IndexState state = FindIn(backend, *data, SmallBuild());
    EXPECT_EQ(state.kind, IndexState::Kind::kForeign) << foreign;
    EXPECT_THAT(state.what, HasSubstr(name)) << foreign;
    EXPECT_THAT(state.what, Not(HasSubstr("\n")));
    (void)backend->Remove(false);
    EXPECT_EQ(FindIn(backend, *data, SmallBuild()).kind,
              IndexState::Kind::kForeign)
        << foreign;
    const absl::Status removed = backend->Remove(true);
    EXPECT_TRUE(removed.ok()) << foreign << ": " << removed;
    EXPECT_EQ(FindIn(backend, *data, SmallBuild()).kind,
              IndexState::Kind::kAbsent)
        << foreign;
  }
  ASSERT_TRUE((*session)->Execute(absl::StrCat("DROP TABLE ", host)).ok());
}

// What a role has set may not decide how a search is done.
TEST_F(PgvectorTest, SettingsOfTheDatabaseDoNotTurnTheIndexOff) {
  const auto data = WireData(Metric::kL2, 10'000);
  PgvectorBackend* const backend = Open(Index::kHnsw);
  ASSERT_NE(backend, nullptr);
  ASSERT_TRUE(Rebuild(*backend, *data, SmallBuild()).ok());
  auto session = Connect(url_);
  ASSERT_TRUE(session.ok()) << session.status();
  ResultSet name;
  ASSERT_TRUE((*session)->Query("SELECT current_database()", &name).ok());
  const std::string alter =
      absl::StrCat("ALTER DATABASE \"", name.at(0, 0).text(), "\" ");
  ASSERT_TRUE((*session)
                  ->Execute(absl::StrCat(alter, "SET enable_indexscan = off"))
                  .ok());
  const int64_t before = IndexScans(**session);
  EXPECT_GE(RecallOf(*data, *Searching(backend), Filter(), 60), 0.9);
  ASSERT_TRUE(
      (*session)->Execute(absl::StrCat(alter, "RESET enable_indexscan")).ok());
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  int64_t scans = 0;
  while (scans < 50 && absl::Now() < deadline) {
    scans = IndexScans(**session) - before;
  }
  EXPECT_EQ(scans, 50);
}

}  // namespace
}  // namespace opsbench::vector
