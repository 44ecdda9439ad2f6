#include "opsbench/vector/hnsw_backend.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/internal/test_files.h"

// hnswlib's header defines functions and objects that are not inline, and the
// backend holds them already: here it goes without, under another name.
#define NO_MANUAL_VECTORIZATION
#define hnswlib reference_hnswlib
#include "hnswlib/hnswlib.h"

namespace opsbench::vector {
namespace {

class Space : public hnswlib::SpaceInterface<float> {
 public:
  Space(Metric metric, size_t dimension)
      : distance_(metric, dimension), bytes_(dimension * sizeof(float)) {}
  size_t get_data_size() override { return bytes_; }
  hnswlib::DISTFUNC<float> get_dist_func() override {
    return [](const void* a, const void* b, const void* function) {
      return (*static_cast<const DistanceFunction<float>*>(function))(
          static_cast<const float*>(a), static_cast<const float*>(b));
    };
  }
  void* get_dist_func_param() override { return &distance_; }

 private:
  DistanceFunction<float> distance_;
  size_t bytes_;
};

std::unique_ptr<Dataset> Data(Metric metric, size_t rows) {
  GenerateOptions options;
  options.kind = GeneratedKind::kUniform;
  options.metric = metric;
  options.rows = rows;
  options.dimension = 24;
  options.queries = 100;
  options.truth_k = 0;
  auto data = Generate(options);
  EXPECT_TRUE(data.ok()) << data.status();
  return *std::move(data);
}

// hnswlib reads the index that was saved, and its own search is the reference:
// the same rows at the same distances, for every ef and k.
TEST(HnswBackendTest, FindsWhatHnswlibItselfFindsInTheSavedIndex) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
    const auto data = Data(metric, 3'000);
    HnswBackend backend;
    ASSERT_TRUE(backend.Build(*data, {.m = 8, .ef_construction = 60}).ok());
    const internal::TemporaryFolder folder;
    const std::string path = folder.File("index");
    ASSERT_TRUE(backend.Save(path).ok());
    Space space(metric, data->dimension());
    hnswlib::HierarchicalNSW<float> reference(&space, path);
    auto searcher = backend.Connect();
    ASSERT_TRUE(searcher.ok()) << searcher.status();
    for (const int ef : {1, 10, 64, 500}) {
      for (const int k : {1, 10, 64}) {
        reference.setEf(static_cast<size_t>(ef));
        for (size_t q = 0; q < data->queries().rows; ++q) {
          const auto query = data->queries().row(q);
          std::vector<Neighbor> found;
          ASSERT_TRUE((*searcher)
                          ->Search({.query = query, .k = k, .ef = ef}, &found)
                          .ok());
          auto expected =
              reference.searchKnn(query.data(), static_cast<size_t>(k));
          ASSERT_EQ(found.size(), expected.size());
          for (size_t i = found.size(); i-- > 0; expected.pop()) {
            EXPECT_EQ(found[i].id, static_cast<int64_t>(expected.top().second));
            EXPECT_EQ(found[i].distance, expected.top().first);
          }
        }
      }
    }
  }
}

// The reference: all that hnswlib reaches without a filter, of which the first
// that pass. Also where links do not lead to every vector.
TEST(HnswBackendTest, AFilterLeavesOutWhatDoesNotPassAndNothingElse) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
    const auto data = Data(metric, 2'000);
    HnswBackend backend;
    ASSERT_TRUE(backend.Build(*data, {.m = 8, .ef_construction = 60}).ok());
    const internal::TemporaryFolder folder;
    ASSERT_TRUE(backend.Save(folder.File("index")).ok());
    Space space(metric, data->dimension());
    hnswlib::HierarchicalNSW<float> reference(&space, folder.File("index"));
    reference.setEf(2'000);
    auto searcher = backend.Connect();
    ASSERT_TRUE(searcher.ok());
    SearchRequest request = {.k = 10, .ef = 2'000};
    request.filter.by_number = true;
    request.filter.number_high = 0.05;
    for (size_t q = 0; q < 20; ++q) {
      request.query = data->queries().row(q);
      std::vector<Neighbor> found;
      ASSERT_TRUE((*searcher)->Search(request, &found).ok());
      std::vector<Neighbor> expected;
      for (auto all = reference.searchKnn(request.query.data(), 2'000);
           !all.empty(); all.pop()) {
        const size_t row = all.top().second;
        if (data->attributes().Matches(request.filter, row)) {
          expected.push_back({static_cast<int64_t>(row), all.top().first});
        }
      }
      std::sort(expected.begin(), expected.end());
      expected.resize(10);
      EXPECT_EQ(found, expected) << MetricName(metric) << " " << q;
    }
  }
}

// So many searches that the 16 bits which tell one from the next come round.
TEST(HnswBackendTest, ManySearchesDoNotRememberOneAnother) {
  const auto data = Data(Metric::kL2, 20);
  HnswBackend backend;
  ASSERT_TRUE(backend.Build(*data, {}).ok());
  auto searcher = backend.Connect();
  ASSERT_TRUE(searcher.ok());
  std::vector<Neighbor> first;
  const SearchRequest request = {.query = data->queries().row(0), .k = 20};
  ASSERT_TRUE((*searcher)->Search(request, &first).ok());
  ASSERT_EQ(first.size(), 20u);
  std::vector<Neighbor> found;
  for (int i = 0; i < 70'000; ++i) {
    ASSERT_TRUE((*searcher)->Search(request, &found).ok());
    ASSERT_EQ(found, first) << i;
  }
}

TEST(HnswBackendTest, SaveSaysWhatItCannotDo) {
  HnswBackend backend;
  EXPECT_EQ(backend.Save("/tmp/x").code(),
            absl::StatusCode::kFailedPrecondition);
  const auto data = Data(Metric::kL2, 100);
  ASSERT_TRUE(backend.Build(*data, {}).ok());
  const internal::TemporaryFolder folder;
  EXPECT_EQ(backend.Save(folder.File("none/index")).code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace opsbench::vector
