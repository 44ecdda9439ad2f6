#include "opsbench/pipeline/internal/integer_ranges.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline::internal {

std::string IntegerText(absl::int128 value) {
  std::string text;
  AppendDecimalText(value, 0, &text);
  return text;
}

std::vector<Partition> SplitIntegers(absl::string_view column,
                                     absl::int128 lowest, absl::int128 highest,
                                     int parts) {
  const absl::int128 keys = highest - lowest + 1;
  const absl::int128 count =
      std::max<absl::int128>(1, std::min<absl::int128>(parts, keys));
  std::vector<Partition> partitions;
  std::string from;  // ">= bound", of the next one.
  for (absl::int128 i = 1; i <= count; ++i) {
    const std::string bound = IntegerText(lowest + keys * i / count);
    std::string predicate = from;
    if (i < count) {
      absl::StrAppend(&predicate, predicate.empty() ? "" : " AND ", column,
                      " < ", bound);
    }
    partitions.push_back({predicate});
    from = absl::StrCat(column, " >= ", bound);
  }
  return partitions;
}

}  // namespace opsbench::pipeline::internal
