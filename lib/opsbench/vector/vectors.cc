#include "opsbench/vector/vectors.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace opsbench::vector {
namespace {

struct Name {
  absl::string_view name;
  Metric metric;
};

// The first of each metric is ours; the others are what engines and files say.
constexpr Name kNames[] = {
    {"l2", Metric::kL2},
    {"euclidean", Metric::kL2},
    {"sqeuclidean", Metric::kL2},
    {"ip", Metric::kInnerProduct},
    {"dot", Metric::kInnerProduct},
    {"inner_product", Metric::kInnerProduct},
    {"cosine", Metric::kCosine},
    {"angular", Metric::kCosine},
    {"cos", Metric::kCosine},
};

}  // namespace

absl::string_view MetricName(Metric metric) {
  for (const Name& name : kNames) {
    if (name.metric == metric) return name.name;
  }
  return "unknown";
}

absl::StatusOr<Metric> ParseMetric(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  for (const Name& known : kNames) {
    if (known.name == lower) return known.metric;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no metric '", absl::CHexEscape(name),
                   "': there are l2 (euclidean), ip (dot) and cosine "
                   "(angular)"));
}

}  // namespace opsbench::vector
