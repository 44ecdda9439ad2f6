#include "opsbench/vector/local_backends.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/hnswlib_backend.h"
#include "opsbench/vector/local_load.h"
#include "opsbench/vector/recall.h"

namespace opsbench::vector {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

std::unique_ptr<Dataset> Made(Metric metric, size_t rows = 2'000) {
  GenerateOptions options;
  options.metric = metric;
  options.rows = rows;
  options.dimension = 24;
  options.queries = 60;
  options.truth_k = 20;
  auto data = Generate(options);
  EXPECT_TRUE(data.ok()) << data.status();
  return *std::move(data);
}

std::unique_ptr<Searcher> Built(Backend& backend, const Dataset& data) {
  BuildOptions options;
  options.lists = 16;
  const absl::Status built = backend.Build(data, options);
  EXPECT_TRUE(built.ok()) << built;
  auto searcher = backend.Connect();
  EXPECT_TRUE(searcher.ok()) << searcher.status();
  return *std::move(searcher);
}

GroundTruth TruthUnder(const Dataset& data, const Filter& filter, int k) {
  GroundTruthOptions options;
  options.k = k;
  options.filter = filter;
  options.attributes = &data.attributes();
  auto truth =
      ComputeGroundTruth(data.base(), data.queries(), data.metric(), options);
  EXPECT_TRUE(truth.ok()) << truth.status();
  return *std::move(truth);
}

// The recall of all queries, each reply looked at.
double RecallOf(Searcher& searcher, const Dataset& data, const Filter& filter,
                int ef, int k = 10) {
  const GroundTruth truth = TruthUnder(data, filter, k);
  Recall recall;
  SearchRequest request;
  request.k = k;
  request.ef = ef;
  request.filter = filter;
  std::vector<Neighbor> found;
  for (size_t q = 0; q < data.queries().rows; ++q) {
    request.query = data.queries().row(q);
    const absl::Status status = searcher.Search(request, &found);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(std::is_sorted(
        found.begin(), found.end(),
        [](const auto& a, const auto& b) { return a.distance < b.distance; }));
    for (const Neighbor& neighbor : found) {
      const auto row = static_cast<size_t>(neighbor.id);
      EXPECT_TRUE(!filter.any() || data.attributes().Matches(filter, row));
      EXPECT_NEAR(neighbor.distance,
                  ExactDistance(data.metric(), request.query.data(),
                                data.base().row(row).data(), data.dimension()),
                  1e-3);
    }
    AddRecall(data, q, truth.of(q), found, static_cast<size_t>(k), &recall,
              &filter);
  }
  return recall.average();
}

class LocalBackendTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto backend = MakeLocalBackend(GetParam());
    ASSERT_TRUE(backend.ok()) << backend.status();
    backend_ = *std::move(backend);
    EXPECT_EQ(backend_->info().name, GetParam());
  }

  std::unique_ptr<Backend> backend_;
};

TEST_P(LocalBackendTest, FindsTheNearestUnderEveryMetric) {
  for (const Metric metric :
       {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    SCOPED_TRACE(MetricName(metric));
    const auto data = Made(metric);
    const auto searcher = Built(*backend_, *data);
    // All lists of IVF.
    const double recall = RecallOf(*searcher, *data, {}, 300);
    EXPECT_GE(recall,
              backend_->info().exact || GetParam() == "faiss_ivf" ? 1 : 0.95);
    EXPECT_GE(backend_->MemoryBytes(), 2'000 * 24 * 4);
  }
}

TEST_P(LocalBackendTest, MoreEffortFindsMore) {
  const auto data = Made(Metric::kL2);
  const auto searcher = Built(*backend_, *data);
  EXPECT_LE(RecallOf(*searcher, *data, {}, 1),
            RecallOf(*searcher, *data, {}, 200));
}

TEST_P(LocalBackendTest, FiltersWhileItSearches) {
  const auto data = Made(Metric::kL2);
  const auto searcher = Built(*backend_, *data);
  Filter tag;
  tag.by_tag = true;
  tag.tag = 1;
  Filter few;
  few.by_number = true;
  few.number_high = 0.02;
  for (const Filter& filter : {tag, few}) {
    if (!backend_->info().filters) {
      SearchRequest request;
      request.query = data->queries().row(0);
      request.filter = filter;
      std::vector<Neighbor> found;
      EXPECT_EQ(searcher->Search(request, &found).code(),
                absl::StatusCode::kInvalidArgument);
      continue;
    }
    EXPECT_GE(RecallOf(*searcher, *data, filter, 300), 0.99);
  }
}

TEST_P(LocalBackendTest, FewVectorsAndNone) {
  const auto few = Made(Metric::kL2, 7);
  auto searcher = Built(*backend_, *few);
  SearchRequest request;
  request.query = few->queries().row(0);
  request.k = 20;
  request.ef = 100;
  std::vector<Neighbor> found;
  ASSERT_TRUE(searcher->Search(request, &found).ok());
  EXPECT_THAT(found, SizeIs(7));

  struct Empty : Dataset {
    Empty() {
      name_ = "empty";
      base_.dimension = queries_.dimension = 24;
    }
  };
  const Empty empty;
  searcher = Built(*backend_, empty);
  ASSERT_TRUE(searcher->Search(request, &found).ok());
  EXPECT_THAT(found, IsEmpty());
}

TEST_P(LocalBackendTest, FaultsAreStatuses) {
  EXPECT_EQ(backend_->Connect().status().code(),
            absl::StatusCode::kFailedPrecondition);
  const auto data = Made(Metric::kL2, 300);
  const auto searcher = Built(*backend_, *data);
  std::vector<Neighbor> found;
  const auto code = [&](auto change) {
    std::vector<float> query(24, 0.5f);
    SearchRequest request;
    request.query = query;
    change(request, query);
    return searcher->Search(request, &found).code();
  };
  EXPECT_EQ(code([](auto&, auto&) {}), absl::StatusCode::kOk);
  EXPECT_EQ(
      code([](auto& r, auto& q) { r.query = absl::MakeSpan(q).first(5); }),
      absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto& r, auto&) { r.k = 0; }),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto&, auto& q) { q[3] = std::nanf(""); }),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto&, auto& q) {
              q[3] = std::numeric_limits<float>::infinity();
            }),
            absl::StatusCode::kInvalidArgument);
  BuildOptions none;
  none.threads = 0;
  EXPECT_EQ(backend_->Build(*data, none).code(),
            absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Backends, LocalBackendTest,
                         ::testing::ValuesIn(LocalBackendNames()),
                         [](const auto& test) { return test.param; });

TEST(LocalBackendsTest, AnUnknownNameListsThoseThatThereAre) {
  const auto backend = MakeLocalBackend("hnsw");
  EXPECT_EQ(backend.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(backend.status().message(),
              HasSubstr("hnswlib, brute_force, faiss_hnsw, faiss_ivf"));
}

// --- Load ---

QueryLoadOptions Requests(int64_t requests, int clients) {
  QueryLoadOptions options;
  options.requests = requests;
  options.clients = clients;
  options.warmup = absl::Milliseconds(2);
  return options;
}

TEST(LocalLoadTest, CountsEveryRequestAndItsRecall) {
  const auto data = Made(Metric::kL2);
  const auto backend = MakeBruteForceBackend();
  Built(*backend, *data);
  const GroundTruth truth = TruthUnder(*data, {}, 10);
  for (const int clients : {1, 3}) {
    const auto result =
        RunLocalLoad(*backend, *data, truth, {}, 1, Requests(200, clients));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->requests, 200);
    EXPECT_EQ(result->latency.count(), 200u);
    EXPECT_EQ(result->recall.queries(), 200);  // Without the warm-up's.
    EXPECT_EQ(result->recall.min(), 1);
    EXPECT_GT(result->qps(), 0);
  }
}

// Every third request fails.
class FailingBackend : public Backend {
 public:
  FailingBackend() { info_.name = "failing"; }
  const BackendInfo& info() const override { return info_; }
  absl::Status Build(const Dataset&, const BuildOptions&) override {
    return absl::OkStatus();
  }
  int64_t MemoryBytes() const override { return 0; }
  absl::StatusOr<std::unique_ptr<Searcher>> Connect() override {
    class Failing : public Searcher {
     public:
      absl::Status Search(const SearchRequest&,
                          std::vector<Neighbor>* found) override {
        found->clear();
        return ++calls_ % 3 == 0 ? absl::InternalError("a third")
                                 : absl::OkStatus();
      }
      absl::Status Recover() override { return absl::OkStatus(); }

     private:
      int calls_ = 0;
    };
    return std::make_unique<Failing>();
  }

 private:
  BackendInfo info_;
};

TEST(LocalLoadTest, ErrorsAreCountedAndHaveNoRecall) {
  const auto data = Made(Metric::kL2, 100);
  FailingBackend backend;
  const GroundTruth truth = TruthUnder(*data, {}, 10);
  QueryLoadOptions options = Requests(300, 1);
  options.warmup = absl::ZeroDuration();
  const auto result = RunLocalLoad(backend, *data, truth, {}, 1, options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests, 200);
  EXPECT_EQ(result->errors, 100);
  EXPECT_THAT(result->errors_by_kind,
              testing::ElementsAre(Pair("INTERNAL", 100)));
  EXPECT_EQ(result->first_error, "a third");
  EXPECT_EQ(result->recall.queries(), 300);
  EXPECT_EQ(result->recall.max(), 0);
}

TEST(LocalLoadTest, WrongTruthIsRefused) {
  const auto data = Made(Metric::kL2, 100);
  FailingBackend backend;
  GroundTruth truth = TruthUnder(*data, {}, 10);
  truth.neighbors.pop_back();
  EXPECT_EQ(RunLocalLoad(backend, *data, truth, {}, 1, Requests(1, 1))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace opsbench::vector
