#include "opsbench/vector/local_backends.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/recall.h"

namespace opsbench::vector {
namespace {

constexpr Metric kMetrics[] = {Metric::kL2, Metric::kInnerProduct,
                               Metric::kCosine};

// Clusters are found by any search; and where lengths differ, a graph by inner
// product does not lead to all vectors (see hnsw_backend_test for that).
std::unique_ptr<Dataset> Data(Metric metric, size_t rows = 3'000) {
  GenerateOptions options;
  options.kind = metric == Metric::kInnerProduct ? GeneratedKind::kSphere
                                                 : GeneratedKind::kUniform;
  options.metric = metric;
  options.rows = rows;
  options.dimension = 20;
  options.queries = 50;
  options.truth_k = 20;
  auto data = Generate(options);
  EXPECT_TRUE(data.ok()) << data.status();
  return *std::move(data);
}

// One thread: FAISS's OpenMP and hnswlib's threads are no code of ours, which
// is what ThreadSanitizer should see.
BuildOptions Options() {
  BuildOptions options;
  options.lists = 16;
  options.threads = 1;
  return options;
}

// Base vectors and one query as they are given, which no reader checks.
class PlainDataset : public Dataset {
 public:
  PlainDataset(Metric metric, size_t dimension, std::vector<float> base)
      : values_(std::move(base)), query_(dimension, 1) {
    name_ = "plain";
    metric_ = metric;
    base_ = {values_.data(), values_.size() / dimension, dimension};
    queries_ = {query_.data(), 1, dimension};
  }

 private:
  std::vector<float> values_;
  std::vector<float> query_;
};

struct Built {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Searcher> searcher;
};

Built Build(const std::string& name, const Dataset& data,
            BuildOptions options = Options()) {
  Built built;
  auto backend = MakeLocalBackend(name);
  EXPECT_TRUE(backend.ok()) << backend.status();
  built.backend = *std::move(backend);
  const absl::Status status = built.backend->Build(data, options);
  EXPECT_TRUE(status.ok()) << status;
  auto searcher = built.backend->Connect();
  EXPECT_TRUE(searcher.ok()) << searcher.status();
  if (searcher.ok()) built.searcher = *std::move(searcher);
  return built;
}

// So many candidates that no index misses much.
int ManyCandidates(const std::string& name) {
  return name == "faiss_ivf" ? 16 : 400;
}

class LocalBackendsTest : public testing::TestWithParam<std::string> {};

TEST_P(LocalBackendsTest, FindsTheNeighboursOfEveryMetric) {
  for (const Metric metric : kMetrics) {
    const auto data = Data(metric);
    const Built built = Build(GetParam(), *data);
    Recall recall;
    std::vector<Neighbor> found;
    for (size_t q = 0; q < data->queries().rows; ++q) {
      const auto query = data->queries().row(q);
      const SearchRequest request = {
          .query = query, .k = 10, .ef = ManyCandidates(GetParam())};
      ASSERT_TRUE(built.searcher->Search(request, &found).ok());
      ASSERT_EQ(found.size(), 10u);
      ASSERT_TRUE(std::is_sorted(found.begin(), found.end()));
      for (const Neighbor& neighbor : found) {
        const float exact = ExactDistance(
            metric, query.data(),
            data->base().row(static_cast<size_t>(neighbor.id)).data(),
            data->dimension());
        ASSERT_NEAR(neighbor.distance, exact,
                    1e-5f * (1 + std::abs(exact)) * 8);
      }
      AddRecall(*data, q, data->truth(q), found, 10, &recall);
    }
    EXPECT_GE(recall.average(), 0.99) << MetricName(metric);
  }
}

// Whatever was asked for before, also by another thread's searcher.
TEST_P(LocalBackendsTest, EachRequestHasTheEfThatItNames) {
  if (GetParam() == "brute_force") return;  // Has none.
  const auto data = Data(Metric::kL2);
  const Built built = Build(GetParam(), *data);
  const int many = ManyCandidates(GetParam());
  const auto recall_of = [&](int ef, Searcher* searcher) {
    Recall recall;
    std::vector<Neighbor> found;
    for (size_t q = 0; q < data->queries().rows; ++q) {
      const SearchRequest request = {
          .query = data->queries().row(q), .k = 10, .ef = ef};
      EXPECT_TRUE(searcher->Search(request, &found).ok());
      AddRecall(*data, q, data->truth(q), found, 10, &recall);
    }
    return recall.average();
  };
  const double few = recall_of(1, built.searcher.get());
  EXPECT_LT(few, 0.95);
  std::vector<double> recalls(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < recalls.size(); ++t) {
    threads.emplace_back([&, t] {
      auto searcher = built.backend->Connect();
      if (searcher.ok()) {
        recalls[t] = recall_of(t % 2 == 0 ? 1 : many, searcher->get());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(recalls[0], few);
  EXPECT_EQ(recalls[2], few);
  EXPECT_GE(recalls[1], 0.99);
  EXPECT_GE(recalls[3], 0.99);
}

TEST_P(LocalBackendsTest, FiltersFindWhatMatchesAndNothingElse) {
  const bool filters = (*MakeLocalBackend(GetParam()))->info().filters;
  ASSERT_EQ(filters, GetParam() != "hnswlib");
  if (!filters) {
    const auto data = Data(Metric::kL2);
    const Built built = Build(GetParam(), *data);
    SearchRequest request = {.query = data->queries().row(0)};
    request.filter.by_tag = true;
    std::vector<Neighbor> found;
    EXPECT_TRUE(
        absl::IsInvalidArgument(built.searcher->Search(request, &found)));
    return;
  }
  for (const Metric metric : kMetrics) {
    const auto data = Data(metric);
    const Built built = Build(GetParam(), *data);
    Filter by_tag;
    by_tag.by_tag = true;
    by_tag.tag = 4;  // A quarter.
    Filter by_number;
    by_number.by_number = true;
    by_number.number_low = 0.2;
    by_number.number_high = 0.25;
    for (const Filter& filter : {by_tag, by_number}) {
      size_t hits = 0;
      size_t wanted = 0;
      std::vector<Neighbor> found;
      for (size_t q = 0; q < data->queries().rows; ++q) {
        const auto query = data->queries().row(q);
        const auto truth = NearestByScan(data->base(), query, metric, 10,
                                         filter, &data->attributes());
        SearchRequest request = {.query = query, .k = 10, .filter = filter};
        request.ef = ManyCandidates(GetParam());
        ASSERT_TRUE(built.searcher->Search(request, &found).ok());
        for (const Neighbor& neighbor : found) {
          ASSERT_TRUE(data->attributes().Matches(
              filter, static_cast<size_t>(neighbor.id)));
        }
        hits += CountHits(*data, q, truth, found, 10, &filter);
        wanted += truth.size();
      }
      EXPECT_GE(static_cast<double>(hits), 0.98 * static_cast<double>(wanted))
          << MetricName(metric) << (filter.by_tag ? " tag" : " number");
    }
  }
}

TEST_P(LocalBackendsTest, MoreThanThereAreFindsThemAll) {
  const auto data = Data(Metric::kL2, 30);
  BuildOptions options = Options();
  options.lists = 4;
  const Built built = Build(GetParam(), *data, options);
  std::vector<Neighbor> found;
  ASSERT_TRUE(built.searcher
                  ->Search({.query = data->queries().row(0),
                            .k = 1'000,
                            .ef = GetParam() == "faiss_ivf" ? 4 : 0},
                           &found)
                  .ok());
  EXPECT_EQ(found.size(), 30u);
}

TEST_P(LocalBackendsTest, NothingIsFoundAmongNoVectors) {
  const PlainDataset data(Metric::kL2, 3, {});
  const Built built = Build(GetParam(), data);
  std::vector<Neighbor> found = {{1, 1}};
  ASSERT_TRUE(
      built.searcher->Search({.query = data.queries().row(0)}, &found).ok());
  EXPECT_TRUE(found.empty());
}

TEST_P(LocalBackendsTest, AVectorOfNoLengthHasCosineDistanceOne) {
  const PlainDataset data(Metric::kCosine, 2, {0, 0, 3, 3, -1, -1});
  BuildOptions options = Options();
  options.lists = 1;
  const Built built = Build(GetParam(), data, options);
  std::vector<Neighbor> found;
  ASSERT_TRUE(
      built.searcher->Search({.query = data.queries().row(0), .k = 3}, &found)
          .ok());
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].id, 1);
  EXPECT_NEAR(found[0].distance, 0, 1e-6);
  EXPECT_EQ(found[1].id, 0);
  EXPECT_EQ(found[1].distance, 1);
  EXPECT_NEAR(found[2].distance, 2, 1e-6);
}

TEST_P(LocalBackendsTest, RequestsThatCannotBeAreRefused) {
  const PlainDataset data(Metric::kL2, 2, {0, 0, 3, 3, 5, 5});
  BuildOptions options = Options();
  options.lists = 1;
  const Built built = Build(GetParam(), data, options);
  std::vector<Neighbor> found;
  const auto code = [&](const SearchRequest& request) {
    const absl::Status status = built.searcher->Search(request, &found);
    EXPECT_TRUE(found.empty());
    found = {{1, 1}};
    return status.code();
  };
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const std::vector<float> query = {1, 2};
  const std::vector<float> three = {1, 2, 3};
  const std::vector<float> nan = {1, std::nanf("")};
  const std::vector<float> infinite = {-std::numeric_limits<float>::infinity(),
                                       1};
  EXPECT_EQ(code({.query = three}), invalid);
  EXPECT_EQ(code({.query = {}}), invalid);
  EXPECT_EQ(code({.query = nan}), invalid);
  EXPECT_EQ(code({.query = infinite}), invalid);
  EXPECT_EQ(code({.query = query, .k = 0}), invalid);
  EXPECT_EQ(code({.query = query, .ef = -1}), invalid);
  SearchRequest filtered = {.query = query};
  filtered.filter.by_tag = true;
  EXPECT_EQ(code(filtered), invalid);
  EXPECT_TRUE(built.searcher->Search({.query = query}, &found).ok());
}

TEST_P(LocalBackendsTest, NumbersAtTheEndOfTheRangeAreNoError) {
  const PlainDataset data(Metric::kCosine, 2, {3e38f, 0, 1e-38f, 1e-38f});
  BuildOptions options = Options();
  options.lists = 1;
  const Built built = Build(GetParam(), data, options);
  std::vector<Neighbor> found;
  const std::vector<float> query = {3e38f, 3e38f};
  ASSERT_TRUE(built.searcher->Search({.query = query, .k = 1}, &found).ok());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, 1);
  EXPECT_NEAR(found[0].distance, 0, 1e-6);
}

TEST_P(LocalBackendsTest, WhatCannotBeBuiltIsRefused) {
  const auto backend = *MakeLocalBackend(GetParam());
  EXPECT_EQ(backend->Connect().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(backend->MemoryBytes(), 0);
  const PlainDataset nan(Metric::kL2, 2, {0, 0, 3, std::nanf("")});
  BuildOptions options = Options();
  options.lists = 1;
  EXPECT_EQ(backend->Build(nan, options).code(),
            absl::StatusCode::kInvalidArgument);
  const auto data = Data(Metric::kL2, 100);
  options.threads = 0;
  EXPECT_EQ(backend->Build(*data, options).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(backend->Connect().status().code(),
            absl::StatusCode::kFailedPrecondition);
  const auto refuses = [&](BuildOptions wrong) {
    return absl::IsInvalidArgument(backend->Build(*data, wrong));
  };
  const bool graph = absl::StrContains(GetParam(), "hnsw");
  EXPECT_EQ(refuses({.m = 1, .lists = 4, .threads = 1}), graph);
  EXPECT_EQ(refuses({.ef_construction = 0, .lists = 4, .threads = 1}), graph);
  const bool lists = GetParam() == "faiss_ivf";
  EXPECT_EQ(refuses({.lists = 101, .threads = 1}), lists);
  EXPECT_EQ(refuses({.lists = 0, .threads = 1}), lists);
}

TEST_P(LocalBackendsTest, AnotherBuildReplacesTheFirst) {
  const auto first = Data(Metric::kL2, 200);
  const PlainDataset second(Metric::kL2, 2, {7, 7, 1, 1});
  Built built = Build(GetParam(), *first);
  BuildOptions options = Options();
  options.lists = 1;
  ASSERT_TRUE(built.backend->Build(second, options).ok());
  auto searcher = built.backend->Connect();
  ASSERT_TRUE(searcher.ok());
  std::vector<Neighbor> found;
  ASSERT_TRUE(
      (*searcher)->Search({.query = second.queries().row(0)}, &found).ok());
  const std::vector<Neighbor> expected = {{1, 0}, {0, 72}};
  EXPECT_EQ(found, expected);
}

TEST_P(LocalBackendsTest, ProgressRisesToTheEndAndMemoryHoldsTheVectors) {
  const auto data = Data(Metric::kL2);
  int64_t last = 0;
  BuildOptions options = Options();
  options.on_progress = [&](int64_t done) {
    EXPECT_GT(done, last);
    last = done;
  };
  const Built built = Build(GetParam(), *data, options);
  EXPECT_EQ(last, 3'000);
  const int64_t vectors = 3'000 * 20 * 4;
  EXPECT_GE(built.backend->MemoryBytes(), vectors);
  EXPECT_LE(built.backend->MemoryBytes(), 5 * vectors + (4 << 20));
}

// Each thread compares with what one thread found alone: a searcher that shared
// its memory would give a neighbour's answer now and then.
TEST_P(LocalBackendsTest, SearchersOfSeveralThreadsDoNotDisturbOneAnother) {
  const auto data = Data(Metric::kCosine, 1'000);
  const Built built = Build(GetParam(), *data);
  std::vector<std::vector<Neighbor>> alone(data->queries().rows);
  for (size_t q = 0; q < alone.size(); ++q) {
    ASSERT_TRUE(
        built.searcher->Search({.query = data->queries().row(q)}, &alone[q])
            .ok());
  }
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      auto searcher = built.backend->Connect();
      std::vector<Neighbor> found;
      for (size_t i = 0; i < 20 * alone.size(); ++i) {
        const size_t q = (i + 7 * t) % alone.size();
        const SearchRequest request = {.query = data->queries().row(q)};
        if (!searcher.ok() || !(*searcher)->Search(request, &found).ok() ||
            found != alone[q]) {
          ++wrong[t];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

#if !defined(__SANITIZE_THREAD__)
TEST_P(LocalBackendsTest, SeveralThreadsBuildAsGoodAnIndex) {
  const auto data = Data(Metric::kL2);
  BuildOptions options = Options();
  options.threads = 4;
  const Built built = Build(GetParam(), *data, options);
  Recall recall;
  std::vector<Neighbor> found;
  for (size_t q = 0; q < data->queries().rows; ++q) {
    ASSERT_TRUE(built.searcher
                    ->Search({.query = data->queries().row(q),
                              .ef = ManyCandidates(GetParam())},
                             &found)
                    .ok());
    AddRecall(*data, q, data->truth(q), found, 10, &recall);
  }
  EXPECT_GE(recall.average(), 0.99);
}
#endif

INSTANTIATE_TEST_SUITE_P(All, LocalBackendsTest,
                         testing::ValuesIn(LocalBackendNames()),
                         [](const auto& test) { return test.param; });

TEST(BruteForceTest, IsThatOfAPlainScanToTheBit) {
  for (const Metric metric : kMetrics) {
    const auto data = Data(metric);
    const Built built = Build("brute_force", *data);
    EXPECT_TRUE(built.backend->info().exact);
    Filter filter;
    filter.by_number = true;
    filter.number_high = 0.01;
    for (const Filter& of : {Filter(), filter}) {
      for (size_t q = 0; q < data->queries().rows; ++q) {
        const auto query = data->queries().row(q);
        std::vector<Neighbor> found;
        SearchRequest request = {.query = query, .k = 100, .filter = of};
        ASSERT_TRUE(built.searcher->Search(request, &found).ok());
        EXPECT_EQ(found, NearestByScan(data->base(), query, metric, 100, of,
                                       &data->attributes()));
      }
    }
  }
}

// Neighbours whose distances single precision cannot tell apart.
TEST(BruteForceTest, RoundingDoesNotDecideWhoIsNearer) {
  std::vector<float> base;
  for (int i = 0; i < 2'000; ++i) {
    base.push_back(1000.0f + static_cast<float>(i % 7) * 1e-3f);
    base.push_back(1000.0f + static_cast<float>(i % 11) * 1e-3f);
    base.push_back(1000.0f + static_cast<float>(i % 13) * 1e-3f);
  }
  for (const Metric metric : kMetrics) {
    const PlainDataset data(metric, 3, base);
    const Built built = Build("brute_force", data);
    std::vector<Neighbor> found;
    const auto query = data.queries().row(0);
    ASSERT_TRUE(built.searcher->Search({.query = query, .k = 25}, &found).ok());
    EXPECT_EQ(found, NearestByScan(data.base(), query, metric, 25, {}, nullptr))
        << MetricName(metric);
  }
}

TEST(LocalBackendNamesTest, AnUnknownNameListsWhatThereIs) {
  const auto backend = MakeLocalBackend("annoy");
  EXPECT_EQ(backend.status().code(), absl::StatusCode::kNotFound);
  for (const std::string& name : LocalBackendNames()) {
    EXPECT_TRUE(absl::StrContains(backend.status().message(), name));
    EXPECT_EQ((*MakeLocalBackend(name))->info().name, name);
  }
}

}  // namespace
}  // namespace opsbench::vector
