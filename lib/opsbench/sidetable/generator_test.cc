#include "opsbench/sidetable/generator.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace opsbench::sidetable {
namespace {

constexpr int kSample = 200'000;

TEST(TaxonomyTest, EveryPathIsValidAndOnceThere) {
  std::set<std::string> seen;
  for (const Taxonomy::Path& path : Taxonomy::Get().paths()) {
    EXPECT_TRUE(ValidatePath(path.text).ok()) << path.text;
    EXPECT_EQ(path.depth, Depth(path.text));
    EXPECT_TRUE(seen.insert(path.text).second) << path.text;
    for (int level = 1; level <= path.depth; ++level) {
      EXPECT_EQ(path.Prefix(level), Prefix(path.text, level));
    }
  }
  EXPECT_GT(seen.size(), 1000u);
}

TEST(TaxonomyTest, HasSevenTopLevels) {
  std::set<std::string> tops;
  for (const Taxonomy::Path& path : Taxonomy::Get().paths()) {
    tops.emplace(path.Prefix(1));
  }
  EXPECT_EQ(tops.size(), 7u);
  EXPECT_EQ(tops.count("labs"), 1u);
}

// In the original no heavy path was four levels deep, so its latest_l4 read
// shallower prefixes and looked as cheap as they are.
TEST(TaxonomyTest, HeavyPathsReachEveryLevel) {
  const absl::Span<const Taxonomy::Path> heavy =
      Taxonomy::Get().paths().first(kHeavyPaths);
  const auto deep = [&](int depth) {
    return std::count_if(heavy.begin(), heavy.end(),
                         [&](const auto& p) { return p.depth >= depth; });
  };
  EXPECT_GE(deep(4), kHeavyPaths / 2);
  EXPECT_GE(deep(5), kHeavyPaths / 4);
}

TEST(TaxonomyTest, DrawsPrefixesOfExactlyTheLevel) {
  Random random(7);
  for (int level = 1; level <= kMaxLevels; ++level) {
    for (int i = 0; i < 1000; ++i) {
      const absl::string_view prefix =
          Taxonomy::Get().DrawPrefix(level, random);
      ASSERT_EQ(Depth(prefix), level) << prefix;
    }
  }
}

TEST(TaxonomyTest, ColdPrefixesHoldNoHeavyPath) {
  std::set<std::string> heavy;
  for (const Taxonomy::Path& path :
       Taxonomy::Get().paths().first(kHeavyPaths)) {
    heavy.emplace(path.Prefix(3));
  }
  Random random(7);
  std::set<std::string> drawn;
  for (int i = 0; i < 2000; ++i) {
    const std::string prefix(Taxonomy::Get().DrawColdL3(random));
    EXPECT_EQ(Depth(prefix), 3);
    EXPECT_EQ(heavy.count(prefix), 0u) << prefix;
    drawn.insert(prefix);
  }
  EXPECT_GT(drawn.size(), 100u);
}

// The original drew what readers ask for from a hot set of its own. Here the
// prefixes most written to are those most asked for, in the same proportion.
TEST(TaxonomyTest, ReadersAndWritersShareTheirHotSet) {
  const Generator generator(1);
  Random random(99);
  absl::flat_hash_map<std::string, double> written, asked;
  double deep = 0;
  for (int i = 0; i < kSample; ++i) {
    const Taxonomy::Path& path = *generator.At(i).path;
    if (path.depth >= 3) {
      written[std::string(path.Prefix(3))] += 1;
      deep += 1;
    }
    asked[std::string(Taxonomy::Get().DrawPrefix(3, random))] += 1;
  }
  int hot = 0;
  for (const auto& [prefix, count] : written) {
    const double share = count / deep;
    if (share < 0.01) continue;
    ++hot;
    EXPECT_NEAR(asked[prefix] / kSample, share, 0.1 * share) << prefix;
  }
  EXPECT_GE(hot, 5);
}

TEST(GeneratorTest, SharesAreThoseOfTheDocuments) {
  const Generator generator(1);
  std::set<const Taxonomy::Path*> heavy_paths;
  for (const Taxonomy::Path& path :
       Taxonomy::Get().paths().first(kHeavyPaths)) {
    heavy_paths.insert(&path);
  }
  double heavy = 0, errors = 0, recent = 0;
  for (int i = 0; i < kSample; ++i) {
    const Operation operation = generator.At(i);
    EXPECT_EQ(operation.id, i + 1);
    heavy += heavy_paths.count(operation.path);
    errors += operation.status;
    const int64_t age_us = kDataNowUs - operation.created_at_us;
    ASSERT_GE(age_us, 0);
    ASSERT_LT(age_us, 30 * 24 * kHourUs);
    recent += age_us < 48 * kHourUs;
  }
  // Six standard deviations of a share among 200,000 are below 0.007.
  EXPECT_NEAR(heavy / kSample, kHeavyShare, 0.007);
  EXPECT_NEAR(errors / kSample, kErrorShare, 0.007);
  EXPECT_NEAR(recent / kSample, kRecentShare, 0.007);
}

TEST(GeneratorTest, TheTailIsZipf) {
  const Generator generator(1);
  const absl::Span<const Taxonomy::Path> paths = Taxonomy::Get().paths();
  std::vector<double> counts(paths.size());
  for (int i = 0; i < kSample; ++i) {
    counts[generator.At(i).path - paths.data()] += 1;
  }
  double harmonic = 0;
  for (size_t rank = 1; rank <= paths.size() - kHeavyPaths; ++rank) {
    harmonic += 1.0 / static_cast<double>(rank);
  }
  for (const size_t rank : {1, 2, 3, 10}) {
    const double expected =
        kSample * (1 - kHeavyShare) / (static_cast<double>(rank) * harmonic);
    EXPECT_NEAR(counts[kHeavyPaths + rank - 1], expected,
                6 * std::sqrt(expected))
        << rank;
  }
}

TEST(GeneratorTest, AnOperationDependsOnSeedAndIndexAlone) {
  const Generator one(1), again(1), other(2);
  int same = 0;
  for (const uint64_t index : {999u, 3u, 500u, 3u, 0u}) {
    const Operation a = one.At(index), b = again.At(index);
    EXPECT_EQ(a.path, b.path);
    EXPECT_EQ(a.created_at_us, b.created_at_us);
    EXPECT_EQ(a.payload_bits, b.payload_bits);
    same += other.At(index).payload_bits == a.payload_bits;
  }
  EXPECT_EQ(same, 0);
}

TEST(RowsTest, PrefixRowsFollowTheOperations) {
  const Generator generator(3);
  PrefixRows rows(generator, 10, 20);
  Value row[3];
  std::map<int64_t, std::vector<std::string>> prefixes;
  while (*rows.Next(absl::MakeSpan(row))) {
    prefixes[row[0].int64()].emplace_back(row[1].text());
    EXPECT_EQ(row[2].int64(), generator.At(row[0].int64() - 1).created_at_us);
  }
  ASSERT_EQ(prefixes.size(), 10u);
  for (const auto& [id, found] : prefixes) {
    const Taxonomy::Path& path = *generator.At(id - 1).path;
    ASSERT_EQ(found.size(), static_cast<size_t>(path.depth));
    for (int level = 1; level <= path.depth; ++level) {
      EXPECT_EQ(found[level - 1], path.Prefix(level));
    }
  }
}

TEST(RowsTest, OperationRowsHaveTheirLevels) {
  const Generator generator(3);
  OperationRows rows(generator, 0, 50, /*levels=*/true);
  std::vector<Value> row(OperationRows::Columns(true).size());
  ASSERT_EQ(row.size(), 10u);
  int count = 0;
  while (*rows.Next(absl::MakeSpan(row))) {
    const Operation operation = generator.At(count++);
    EXPECT_EQ(row[0].int64(), count);
    EXPECT_EQ(row[1].text(), operation.path->text);
    for (int level = 1; level <= kMaxLevels; ++level) {
      if (level <= operation.path->depth) {
        EXPECT_EQ(row[4 + level].text(), operation.path->Prefix(level));
      } else {
        EXPECT_TRUE(row[4 + level].is_null());
      }
    }
  }
  EXPECT_EQ(count, 50);
}

}  // namespace
}  // namespace opsbench::sidetable
