#include "opsbench/vector/recall.h"

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "opsbench/vector/internal/parts.h"

namespace opsbench::vector {
namespace {

// Base vectors on a line at 0, 1, …, 9, twice at 3; one query at 0.
std::unique_ptr<Dataset> Line(size_t truth_k) {
  internal::DatasetParts parts;
  parts.name = "line";
  parts.base = {11, 1, {0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9}};
  parts.queries = {1, 1, {0}};
  parts.truth_k = truth_k;
  for (size_t i = 0; i < truth_k; ++i) {
    const float x = parts.base.values[i];
    parts.truth.push_back({static_cast<int64_t>(i), x * x});
  }
  for (uint32_t i = 0; i < 11; ++i) {
    parts.attributes.tags.push_back(i % 2);
    parts.attributes.numbers.push_back(0);
  }
  parts.attributes.tag_count = 2;
  auto data = internal::MakeDataset(std::move(parts), "line");
  EXPECT_TRUE(data.ok()) << data.status();
  return *std::move(data);
}

std::vector<Neighbor> Found(const std::vector<int64_t>& ids) {
  std::vector<Neighbor> found;
  // What the engine says of distances is not believed.
  for (const int64_t id : ids) found.push_back({id, -1});
  return found;
}

size_t Hits(const Dataset& data, const std::vector<int64_t>& ids, size_t k) {
  return CountHits(data, 0, data.truth(0), Found(ids), k);
}

TEST(RecallTest, CountsIdsOfTheFirstKWhateverTheirOrder) {
  const auto data = Line(8);
  EXPECT_EQ(Hits(*data, {0, 1, 2}, 3), 3u);
  EXPECT_EQ(Hits(*data, {2, 0, 1}, 3), 3u);
  EXPECT_EQ(Hits(*data, {0, 1, 5}, 3), 2u);
  // In the truth, but not among the first 3.
  EXPECT_EQ(Hits(*data, {5, 6, 7}, 3), 0u);
}

TEST(RecallTest, ShortRepliesDoNotInflateIt) {
  const auto data = Line(8);
  Recall recall;
  AddRecall(*data, 0, data->truth(0), Found({0}), 5, &recall);
  EXPECT_DOUBLE_EQ(recall.average(), 0.2);
  AddRecall(*data, 0, data->truth(0), {}, 5, &recall);
  EXPECT_DOUBLE_EQ(recall.average(), 0.1);
  EXPECT_DOUBLE_EQ(recall.min(), 0);
  EXPECT_DOUBLE_EQ(recall.max(), 0.2);
  EXPECT_EQ(recall.queries(), 2);
}

TEST(RecallTest, WhatIsAsNearAsTheKthIsAHit) {
  const auto data = Line(8);
  // The truth of 4 ends with row 3; row 4 is as near.
  EXPECT_EQ(Hits(*data, {0, 1, 2, 4}, 4), 4u);
  EXPECT_EQ(Hits(*data, {0, 1, 2, 5}, 4), 3u);
  // Ties do not make more hits than k.
  EXPECT_EQ(Hits(*data, {0, 1, 2, 3, 4}, 4), 4u);
}

TEST(RecallTest, TheSameIdTwiceCountsOnce) {
  const auto data = Line(8);
  EXPECT_EQ(Hits(*data, {0, 0, 0}, 3), 1u);
  EXPECT_EQ(Hits(*data, {3, 4, 4, 4}, 4), 2u);
}

// More than one word of marks, in any order, with misses and repetitions
// between.
TEST(RecallTest, LongRepliesInAnyOrder) {
  internal::DatasetParts parts;
  parts.name = "long";
  parts.base = {300, 1, {}};
  parts.queries = {1, 1, {0}};
  parts.truth_k = 200;
  for (int i = 0; i < 300; ++i) {
    const float x = static_cast<float>(i);
    parts.base.values.push_back(x);
    if (i < 200) parts.truth.push_back({i, x * x});
  }
  const auto data = internal::MakeDataset(std::move(parts), "long");
  ASSERT_TRUE(data.ok()) << data.status();
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < 300; ++i) {
    ids.push_back(i * 7 % 300);  // Each once.
    ids.push_back(i * 7 % 300);  // And again.
  }
  EXPECT_EQ(Hits(**data, ids, 200), 200u);
  EXPECT_EQ(Hits(**data, ids, 130), 130u);
  ids.resize(200);
  size_t expected = 0;
  for (int64_t i = 0; i < 100; ++i) expected += i * 7 % 300 < 200 ? 1 : 0;
  EXPECT_EQ(Hits(**data, ids, 200), expected);
}

TEST(RecallTest, IdsThatThereAreNotAreNoHits) {
  const auto data = Line(8);
  EXPECT_EQ(Hits(*data, {-1, 11, int64_t{1} << 40, 0}, 4), 1u);
}

TEST(RecallTest, EpsilonIsRelativeToTheKthDistance) {
  const auto data = Line(11);
  // Row 6 lies at 25, row 5 at 16: 0.5625 more.
  const auto found = Found({0, 1, 2, 3, 4, 6});
  EXPECT_EQ(CountHits(*data, 0, data->truth(0), found, 6, nullptr, 0.5624), 5u);
  EXPECT_EQ(CountHits(*data, 0, data->truth(0), found, 6, nullptr, 0.5626), 6u);
}

TEST(RecallTest, WhatTheFilterLeavesOutIsNoHitHoweverNear) {
  const auto data = Line(8);
  Filter odd;
  odd.by_tag = true;
  odd.tag = 1;
  // Of the odd rows 1, 3, 5: rows 2 and 4 are nearer than 5 and do not match.
  const std::vector<Neighbor> truth = {{1, 1}, {3, 9}, {5, 16}};
  EXPECT_EQ(CountHits(*data, 0, truth, Found({1, 2, 4}), 3, &odd), 1u);
  EXPECT_EQ(CountHits(*data, 0, truth, Found({1, 3, 5}), 3, &odd), 3u);
}

TEST(RecallTest, KIsWhatCouldBeFound) {
  const auto data = Line(8);
  Recall recall;
  const std::vector<Neighbor> truth = {{1, 1}, {3, 9}};
  AddRecall(*data, 0, truth, Found({1, 3}), 10, &recall);
  EXPECT_DOUBLE_EQ(recall.average(), 1);
  AddRecall(*data, 0, {}, {}, 10, &recall);
  EXPECT_DOUBLE_EQ(recall.min(), 1);
}

TEST(RecallTest, MergesAndStartsAtZero) {
  Recall a;
  EXPECT_EQ(a.average(), 0);
  EXPECT_EQ(a.min(), 0);
  a.Add(0, 0);  // Nothing could be found: it does not count.
  a.Add(1, 2);
  Recall b;
  b.Add(1, 4);
  b.Add(4, 4);
  a.Merge(b);
  EXPECT_DOUBLE_EQ(a.average(), 1.75 / 3);
  EXPECT_DOUBLE_EQ(a.min(), 0.25);
  EXPECT_DOUBLE_EQ(a.max(), 1);
  EXPECT_EQ(a.queries(), 3);
}

}  // namespace
}  // namespace opsbench::vector
