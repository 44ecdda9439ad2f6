#include "opsbench/vector/index_mark.h"

#include <algorithm>
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

}  // namespace

bool IndexMark::SameIndex(const IndexMark& other) const {
  return kind == other.kind && options == other.options &&
         content == other.content && rows == other.rows &&
         dimension == other.dimension && metric == other.metric;
}

IndexMark MakeIndexMark(const Dataset& data, absl::string_view kind,
                        std::string options) {
  IndexMark mark;
  mark.kind = std::string(kind);
  mark.options = std::move(options);
  mark.content = data.content_hash();
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
  return absl::StrCat(
      mark.rows, " vectors of dimension ", mark.dimension, " (", mark.metric,
      ", data ", absl::Hex(mark.content, absl::kZeroPad16), "), ", mark.kind,
      mark.options.empty() ? "" : ", ", mark.options);
}

std::vector<size_t> SampleRows(const Dataset& data) {
  constexpr size_t kSample = 20;
  const size_t rows = data.base().rows;
  std::vector<size_t> sample;
  for (size_t i = 0; i < std::min(kSample, rows); ++i) {
    sample.push_back(rows <= kSample ? i : i * (rows - 1) / (kSample - 1));
  }
  return sample;
}

}  // namespace opsbench::vector
