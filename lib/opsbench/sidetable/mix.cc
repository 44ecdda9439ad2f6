#include "opsbench/sidetable/mix.h"

#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/sidetable/path.h"

namespace opsbench::sidetable {
namespace {

constexpr double kMaxWeight = 1e9;

constexpr std::pair<absl::string_view, absl::string_view> kMixes[] = {
    {"A", "latest_l2=60,latest_l3=20,exact=10,count_24h=10"},
    {"B", "insert_1000=70,latest_l2=10,latest_l3_cold=10,error_rate=10"},
    {"C", "latest_offset=40,count_24h=20,exact=20,insert_500=20"},
    {"D",
     "insert_single=50,exact=10,latest_l1=10,latest_l2=10,latest_l3=10,"
     "latest_l4=10"},
};

constexpr std::pair<absl::string_view, OperationKind> kKinds[] = {
    {"latest_l3_cold", OperationKind::kLatestCold},
    {"latest_offset", OperationKind::kLatestOffset},
    {"exact", OperationKind::kExact},
    {"count_24h", OperationKind::kCount24h},
    {"error_rate", OperationKind::kErrorRate},
    {"insert_single", OperationKind::kInsertSingle},
};

// Whether `name` is `prefix` and a number of that range.
bool ReadSuffix(absl::string_view name, absl::string_view prefix, int low,
                int high, int* value) {
  if (!absl::ConsumePrefix(&name, prefix)) return false;
  const absl::StatusOr<int64_t> number = ParseWholeNumber(name, low, high);
  if (number.ok()) *value = static_cast<int>(*number);
  return number.ok();
}

}  // namespace

absl::StatusOr<MixOperation> ParseOperation(absl::string_view name) {
  MixOperation operation;
  operation.name = std::string(name);
  for (const auto& [known, kind] : kKinds) {
    if (known == name) {
      operation.kind = kind;
      if (kind == OperationKind::kLatestCold) operation.level = 3;
      return operation;
    }
  }
  if (ReadSuffix(name, "latest_l", 1, kMaxLevels, &operation.level)) {
    return operation;
  }
  if (ReadSuffix(name, "insert_", 2, kMaxBatch, &operation.batch)) {
    operation.kind = OperationKind::kInsertBatch;
    return operation;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown operation '", name, "': use latest_l1 to latest_l", kMaxLevels,
      ", latest_l3_cold, latest_offset, exact, count_24h, error_rate, "
      "insert_single or insert_<N> with 2 to ",
      kMaxBatch, " rows"));
}

absl::StatusOr<std::vector<MixOperation>> ParseMix(absl::string_view text) {
  for (const auto& [name, content] : kMixes) {
    if (absl::EqualsIgnoreCase(name, text)) return ParseMix(content);
  }
  if (text.size() <= 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown mix '", text,
                     "': use A, B, C, D or a list such as "
                     "latest_l2=60,insert_single=40"));
  }
  std::vector<MixOperation> mix;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::pair<absl::string_view, absl::string_view> split =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    OPSBENCH_ASSIGN_OR_RETURN(MixOperation operation,
                              ParseOperation(split.first));
    operation.weight = 1;
    if (split.first.size() != part.size()) {
      const auto weight = ParseNumber(split.second, 0, kMaxWeight);
      if (!weight.ok() || *weight == 0) {
        return absl::InvalidArgumentError(absl::StrCat(
            "weight ", QuoteBriefly(split.second), " of operation '",
            split.first, "' is no number above 0, up to ", kMaxWeight));
      }
      operation.weight = *weight;
    }
    for (const MixOperation& other : mix) {
      if (other.name == operation.name) {
        return absl::InvalidArgumentError(
            absl::StrCat("operation '", operation.name, "' occurs twice"));
      }
    }
    mix.push_back(std::move(operation));
  }
  return mix;
}

void SetBatch(int batch, std::vector<MixOperation>* mix) {
  for (MixOperation& operation : *mix) {
    if (operation.kind != OperationKind::kInsertBatch) continue;
    operation.batch = batch;
    operation.name = absl::StrCat("insert_", batch);
  }
}

}  // namespace opsbench::sidetable
