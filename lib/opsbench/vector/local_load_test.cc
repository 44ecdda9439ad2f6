#include "opsbench/vector/local_load.h"

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/local_backends.h"

namespace opsbench::vector {
namespace {

using ::testing::Pair;

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
  ASSERT_TRUE(backend->Build(*data, {}).ok());
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

TEST(LocalBuildTest, AStopEndsItWithoutAnIndex) {
  const auto data = Made(Metric::kL2, 5'000);
  for (const char* name : {"hnsw", "hnswlib", "faiss_hnsw", "faiss_ivf"}) {
    SCOPED_TRACE(name);
    const auto backend = MakeLocalBackend(name);
    ASSERT_TRUE(backend.ok()) << backend.status();
    std::atomic<bool> stop{false};
    int64_t last = 0;
    BuildOptions options;
    options.stop = &stop;
    options.on_progress = [&](int64_t vectors) {
      last = vectors;
      stop = true;
    };
    EXPECT_EQ((*backend)->Build(*data, options).code(),
              absl::StatusCode::kCancelled);
    // FAISS takes ten thousand at a time.
    if (!absl::StartsWith(name, "faiss")) {
      EXPECT_LT(last, 5'000);
    }
    EXPECT_FALSE((*backend)->Connect().ok());
    stop = false;
    EXPECT_EQ((*backend)->Build(*data, {}).code(), absl::StatusCode::kOk);
    EXPECT_TRUE((*backend)->Connect().ok());
  }
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
