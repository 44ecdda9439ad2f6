// Every test draws from fixed seeds: it either always passes or never does.

#include "opsbench/vector/generate.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/internal/goodness_of_fit.h"
#include "opsbench/base/random.h"
#include "opsbench/vector/ground_truth.h"

namespace opsbench::vector {
namespace {

using opsbench::internal::ChiSquareZ;
using opsbench::internal::kKsLimit;
using opsbench::internal::KolmogorovSmirnov;
using opsbench::internal::kZLimit;
using testing::HasSubstr;

uint64_t Hash(Matrix matrix) {
  uint64_t hash = 0;
  for (size_t i = 0; i < matrix.rows * matrix.dimension; ++i) {
    hash = Mix64(hash ^ std::bit_cast<uint32_t>(matrix.data[i]));
  }
  return hash;
}

GenerateOptions Small(GeneratedKind kind) {
  GenerateOptions options;
  options.kind = kind;
  options.rows = 3'000;
  options.dimension = 7;
  options.queries = 100;
  options.truth_k = 10;
  return options;
}

// The data that a name and seed stand for are a promise to stored results.
TEST(GenerateTest, IsTheSameEverywhere) {
  for (const auto& [kind, base, queries] :
       {std::tuple{GeneratedKind::kClusters, 12678689582398741629u,
                   18351263604242157396u},
        std::tuple{GeneratedKind::kUniform, 10754189899664703066u,
                   9923437707868691940u},
        std::tuple{GeneratedKind::kSphere, 13203929105433708614u,
                   2158075992578767400u}}) {
    const auto data = Generate(Small(kind));
    ASSERT_TRUE(data.ok()) << data.status();
    EXPECT_EQ(Hash((*data)->base()), base) << static_cast<int>(kind);
    EXPECT_EQ(Hash((*data)->queries()), queries) << static_cast<int>(kind);
  }
}

TEST(GenerateTest, DoesNotDependOnThreadsAndDoesOnTheSeed) {
  for (const GeneratedKind kind :
       {GeneratedKind::kClusters, GeneratedKind::kUniform,
        GeneratedKind::kSphere}) {
    GenerateOptions options = Small(kind);
    options.threads = 1;
    const auto one = *Generate(options);
    options.threads = 4;
    const auto four = *Generate(options);
    EXPECT_EQ(Hash(one->base()), Hash(four->base()));
    EXPECT_EQ(one->attributes().tags, four->attributes().tags);
    options.seed = 2;
    EXPECT_NE(Hash((*Generate(options))->base()), Hash(one->base()));
    // Queries are no base vectors.
    EXPECT_NE(one->base().row(0), one->queries().row(0));
  }
}

TEST(GenerateTest, TheTruthIsThatOfAScan) {
  const auto data = *Generate(Small(GeneratedKind::kClusters));
  ASSERT_EQ(data->truth_k(), 10u);
  for (size_t q = 0; q < data->queries().rows; ++q) {
    EXPECT_EQ(data->truth(q), absl::MakeConstSpan(NearestByScan(
                                  data->base(), data->queries().row(q),
                                  data->metric(), 10, {}, nullptr)));
  }
  GenerateOptions few = Small(GeneratedKind::kUniform);
  few.rows = 5;
  EXPECT_EQ((*Generate(few))->truth_k(), 5u);
}

TEST(GenerateTest, KindsHaveTheirShape) {
  GenerateOptions options = Small(GeneratedKind::kSphere);
  options.rows = 20'000;
  options.truth_k = 0;
  const auto sphere = *Generate(options);
  std::vector<double> first;
  for (size_t i = 0; i < sphere->base().rows; ++i) {
    double square = 0;
    for (const float x : sphere->base().row(i)) square += double{x} * x;
    ASSERT_NEAR(square, 1, 1e-6);
    first.push_back(sphere->base().row(i)[0]);
  }
  // In seven dimensions a coordinate has the density 15/16 (1 - x^2)^2.
  EXPECT_LT(KolmogorovSmirnov(first,
                              [](double x) {
                                return 0.5 + 15.0 / 16 *
                                                 (x - 2 * x * x * x / 3 +
                                                  std::pow(x, 5) / 5);
                              }),
            kKsLimit);

  options.kind = GeneratedKind::kUniform;
  const auto uniform = *Generate(options);
  std::vector<double> last;
  for (size_t i = 0; i < uniform->base().rows; ++i) {
    last.push_back(uniform->base().row(i)[6]);
  }
  EXPECT_LT(KolmogorovSmirnov(last, [](double x) { return x; }), kKsLimit);

  // One cluster: what differs from its centre is normal.
  options.kind = GeneratedKind::kClusters;
  options.clusters = 1;
  options.cluster_deviation = 0.5;
  const auto cluster = *Generate(options);
  std::vector<double> values;
  double mean = 0;
  for (size_t i = 0; i < cluster->base().rows; ++i) {
    values.push_back(cluster->base().row(i)[2]);
    mean += values.back() / 20'000;
  }
  EXPECT_LT(KolmogorovSmirnov(values,
                              [mean](double x) {
                                return 0.5 * std::erfc((mean - x) / 0.5 /
                                                       std::sqrt(2.0));
                              }),
            kKsLimit);
}

TEST(AttributesTest, TagsHaveTheirSharesAndNumbersAreUniform) {
  const std::vector<double> shares = {0.001, 0.01, 0.1, 0.5};
  const auto attributes = GenerateAttributes(100'000, shares, 3);
  ASSERT_TRUE(attributes.ok());
  ASSERT_EQ(attributes->tag_count, 5u);
  std::vector<uint64_t> counts(5);
  for (const uint32_t tag : attributes->tags) ++counts.at(tag);
  EXPECT_LT(std::abs(ChiSquareZ(counts, {0.001, 0.01, 0.1, 0.5, 0.389})),
            kZLimit);
  std::vector<double> numbers(attributes->numbers.begin(),
                              attributes->numbers.end());
  EXPECT_LT(KolmogorovSmirnov(numbers, [](double x) { return x; }), kKsLimit);
  EXPECT_FALSE(GenerateAttributes(10, {0.6, 0.5}, 1).ok());
  EXPECT_FALSE(GenerateAttributes(10, {-0.1}, 1).ok());
  EXPECT_EQ(GenerateAttributes(10, {0.5, 0.5}, 1)->tag_count, 3u);
}

TEST(GeneratedNameTest, SaysKindSizeAndMetric) {
  const auto options = ParseGeneratedName("sphere-2m-128");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->rows, 2'000'000u);
  EXPECT_EQ(options->dimension, 128u);
  EXPECT_EQ(options->metric, Metric::kCosine);
  for (const std::string name :
       {"clusters-10k-64", "sphere-2m-128", "uniform-1234-1",
        "sphere-100k-128-ip", "clusters-1k-3-cosine"}) {
    EXPECT_EQ(GeneratedName(*ParseGeneratedName(name)), name);
  }
  EXPECT_TRUE(absl::IsNotFound(ParseGeneratedName("glove-25").status()));
  for (const std::string name :
       {"clusters", "clusters-10k", "clusters-0-4", "clusters-10k-0",
        "clusters- 10k-64", "clusters-0x10k-64", "clusters-10k- 64",
        "clusters-10x-4", "clusters-k-4", "uniform-10k-64-hamming",
        "uniform-10k-64-l2-x", "sphere-10k-70000", "sphere-4000000m-60000",
        "uniform--4", "uniform-18446744073709551616k-4"}) {
    const auto bad = ParseGeneratedName(name);
    EXPECT_TRUE(absl::IsInvalidArgument(bad.status())) << name;
    EXPECT_THAT(std::string(bad.status().message()),
                HasSubstr(name.substr(0, 5)));
  }
}

}  // namespace
}  // namespace opsbench::vector
