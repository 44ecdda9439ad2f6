#include "opsbench/vector/index_mark.h"

#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "opsbench/db/ownership.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {
namespace {

constexpr absl::string_view kComplete = "complete";
constexpr absl::string_view kBuilding = "building";

// The finalizer of MurmurHash3 over each word: no cryptography, but no two data
// sets that somebody did not look for have one hash.
uint64_t Mixed(uint64_t hash, uint64_t word) {
  hash ^= word;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

// Numbers of 4 bytes. Four chains side by side: one would be as slow as its
// multiplications.
template <typename T>
uint64_t MixedAll(uint64_t hash, const T* values, size_t count) {
  static_assert(sizeof(T) == 4);
  constexpr size_t kLanes = 4;
  uint64_t lanes[kLanes] = {hash, hash + 1, hash + 2, hash + 3};
  size_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    uint64_t words[kLanes];
    std::memcpy(words, values + i, sizeof(words));
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = Mixed(lanes[lane], words[lane]);
    }
  }
  for (; i < count; ++i) {
    uint32_t word = 0;
    std::memcpy(&word, values + i, sizeof(word));
    lanes[0] = Mixed(lanes[0], word);
  }
  for (const uint64_t lane : lanes) hash = Mixed(hash, lane);
  return Mixed(hash, count);
}

}  // namespace

bool IndexMark::SameIndex(const IndexMark& other) const {
  return kind == other.kind && options == other.options &&
         content == other.content && rows == other.rows &&
         dimension == other.dimension && metric == other.metric;
}

uint64_t ContentHash(const Dataset& data) {
  uint64_t hash = Mixed(0, static_cast<uint64_t>(data.metric()));
  hash = Mixed(hash, data.dimension());
  hash = MixedAll(hash, data.base().data, data.base().rows * data.dimension());
  const Attributes& attributes = data.attributes();
  hash = MixedAll(hash, attributes.tags.data(), attributes.tags.size());
  return MixedAll(hash, attributes.numbers.data(), attributes.numbers.size());
}

IndexMark MakeIndexMark(const Dataset& data, absl::string_view kind,
                        std::string options) {
  IndexMark mark;
  mark.kind = std::string(kind);
  mark.options = std::move(options);
  mark.content = ContentHash(data);
  mark.rows = static_cast<int64_t>(data.base().rows);
  mark.dimension = static_cast<int64_t>(data.dimension());
  mark.metric = std::string(MetricName(data.metric()));
  return mark;
}

std::string IndexMarkDetail(const IndexMark& mark) {
  return absl::StrCat("index=", mark.kind, " options=", mark.options,
                      " data=", absl::Hex(mark.content, absl::kZeroPad16),
                      " rows=", mark.rows, " dimension=", mark.dimension,
                      " metric=", mark.metric,
                      " state=", mark.complete ? kComplete : kBuilding);
}

absl::optional<IndexMark> ParseIndexMarkDetail(absl::string_view detail) {
  std::map<absl::string_view, absl::string_view> fields;
  for (const absl::string_view word : absl::StrSplit(detail, ' ')) {
    fields.insert(absl::StrSplit(word, absl::MaxSplits('=', 1)));
  }
  IndexMark mark;
  mark.kind = std::string(fields["index"]);
  mark.options = std::string(fields["options"]);
  mark.metric = std::string(fields["metric"]);
  mark.complete = fields["state"] == kComplete;
  if (mark.kind.empty() ||
      !absl::SimpleHexAtoi(fields["data"], &mark.content) ||
      !absl::SimpleAtoi(fields["rows"], &mark.rows) || mark.rows < 0 ||
      !absl::SimpleAtoi(fields["dimension"], &mark.dimension) ||
      mark.dimension < 0) {
    return absl::nullopt;
  }
  return mark;
}

std::string IndexMarkText(const IndexMark& mark) {
  return OwnershipMark(kIndexMaker, IndexMarkDetail(mark));
}

absl::optional<IndexMark> ParseIndexMark(absl::string_view text) {
  const TableOwner owner = ParseOwnershipMark(text);
  if (owner.ownership != Ownership::kOurs || owner.maker != kIndexMaker) {
    return absl::nullopt;
  }
  return ParseIndexMarkDetail(owner.detail);
}

std::string DescribeIndexMark(const IndexMark& mark) {
  return absl::StrCat(mark.rows, " vectors of dimension ", mark.dimension, " (",
                      mark.metric, ", data ",
                      absl::Hex(mark.content, absl::kZeroPad16), "), ",
                      mark.kind, mark.options.empty() ? "" : ", ",
                      mark.options);
}

}  // namespace opsbench::vector
