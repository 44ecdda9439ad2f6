#ifndef OPSBENCH_SIDETABLE_GENERATOR_H_
#define OPSBENCH_SIDETABLE_GENERATOR_H_

// The operations of the side-table benchmark, and which of them are asked for.
//
// Operation `index` is a pure function of (seed, index): the same on every
// platform, in any order, from any number of threads. Readers draw their
// prefixes from the very distribution that writers draw their paths from, so
// both share their hot set.
//
// Shape of the data (seed document 000 and its original program): 7 top levels;
// paths of depth 2 to 5; 20 heavy paths take 60% of the operations, and 8 of
// them reach depth 5, so that a read at any level has rows of its own; the rest
// is Zipf with skew 1; 5% of the operations failed; 20% are from the last 48
// hours, the rest from the 28 days before.
//
// Thread safety: immutable after construction.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/random.h"
#include "opsbench/db/session.h"
#include "opsbench/sidetable/path.h"

namespace opsbench::sidetable {

// The moment that the data pretends to be made at, 2025-12-01 00:00:00 UTC: a
// constant, because data that depended on the wall clock could not be made
// again.
inline constexpr int64_t kDataNowUs = int64_t{1'764'547'200} * 1'000'000;

inline constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
inline constexpr int kHeavyPaths = 20;
inline constexpr double kHeavyShare = 0.6;
inline constexpr double kErrorShare = 0.05;
inline constexpr double kRecentShare = 0.2;

// Every path that an operation can have, the most frequent first.
class Taxonomy {
 public:
  // The one taxonomy, built at the first call.
  static const Taxonomy& Get();

  struct Path {
    std::string text;
    int depth;
    uint8_t prefix_bytes[kMaxLevels];  // Length of each prefix.

    absl::string_view Prefix(int level) const {
      return {text.data(), prefix_bytes[level - 1]};
    }
  };

  absl::Span<const Path> paths() const { return paths_; }

  // A path's index in paths(): heavy ones with kHeavyShare, else Zipf.
  uint32_t Draw(Random& random) const;

  // A prefix of exactly `level` components, drawn as Draw() draws the paths
  // that are that deep. REQUIRES: 1 <= level <= kMaxLevels.
  absl::string_view DrawPrefix(int level, Random& random) const;

  // A prefix of three components under which no heavy path lies, uniformly.
  absl::string_view DrawColdL3(Random& random) const;

 private:
  Taxonomy();

  std::vector<Path> paths_;
  std::vector<std::string> cold_l3_;
  Zipf tail_;
};

struct Operation {
  int64_t id = 0;  // index + 1.
  const Taxonomy::Path* path = nullptr;
  int64_t created_at_us = 0;
  int status = 0;  // 0 fine, 1 failed.
  uint64_t payload_bits = 0;

  // The payload as JSON of about 70 bytes. Replaces *json.
  void RenderPayload(std::string* json) const;
};

// An operation to be written, with all that is derived from it, so that a write
// that is timed derives nothing.
struct NewOperation {
  Operation operation;
  std::string payload_json;
  std::string prefixes_json;  // ["a","a.b"].

  // Replaces all three, reusing their memory.
  void Set(const Operation& from);
};

class Generator {
 public:
  explicit Generator(uint64_t seed) : seed_(seed), taxonomy_(Taxonomy::Get()) {}

  uint64_t seed() const { return seed_; }

  // The operation at `index` of the seeded history. Without allocation.
  Operation At(uint64_t index) const {
    Random random = Random::Stream(seed_, index, kHistoryStream);
    Operation operation = Draw(random);
    operation.id = static_cast<int64_t>(index) + 1;
    return operation;
  }

  // An operation that happens now, `age_us` after kDataNowUs; without an id.
  Operation Live(int64_t age_us, Random& random) const {
    Operation operation = Draw(random);
    operation.created_at_us = kDataNowUs + age_us;
    return operation;
  }

 private:
  static constexpr uint64_t kHistoryStream = 0x6f7073;

  Operation Draw(Random& random) const;

  uint64_t seed_;
  const Taxonomy& taxonomy_;
};

// Rows of the operations [first, last) of a generator, for Session::BulkLoad.
// Columns: id, type_path, created_at, status, payload_json and, with levels,
// l1 to l5 (NULL below the path's depth).
class OperationRows : public RowIterator {
 public:
  static std::vector<std::string> Columns(bool levels);

  OperationRows(const Generator& generator, uint64_t first, uint64_t last,
                bool levels)
      : generator_(generator), next_(first), last_(last), levels_(levels) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override;

 private:
  const Generator& generator_;
  uint64_t next_;
  uint64_t last_;
  bool levels_;
  std::string payload_;
};

// Columns operation_id, prefix, created_at: one row a prefix.
class PrefixRows : public RowIterator {
 public:
  static std::vector<std::string> Columns();

  PrefixRows(const Generator& generator, uint64_t first, uint64_t last)
      : generator_(generator), next_(first), last_(last) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override;

 private:
  const Generator& generator_;
  uint64_t next_;
  uint64_t last_;
  Operation operation_;
  int level_ = 0;  // Of the last row given; its operation is spent when equal
                   // to the path's depth.
};

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_GENERATOR_H_
