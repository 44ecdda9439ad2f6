#include "opsbench/vector/recall.h"

#include <cmath>
#include <vector>

#include "opsbench/vector/distance.h"

namespace opsbench::vector {

size_t CountHits(const Dataset& data, size_t query,
                 absl::Span<const Neighbor> truth,
                 absl::Span<const Neighbor> found, size_t k,
                 const Filter* matches, double epsilon) {
  truth = truth.subspan(0, k);
  if (truth.empty()) return 0;
  std::vector<int64_t> right(truth.size());
  for (size_t i = 0; i < truth.size(); ++i) right[i] = truth[i].id;
  std::sort(right.begin(), right.end());
  std::vector<int64_t> ids(found.size());
  for (size_t i = 0; i < found.size(); ++i) ids[i] = found[i].id;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());

  const double kth = truth.back().distance;
  const double limit = kth + epsilon * std::max(std::abs(kth), 1e-6);
  const Matrix base = data.base();
  const float* vector = data.queries().row(query).data();
  size_t hits = 0;
  for (const int64_t id : ids) {
    if (std::binary_search(right.begin(), right.end(), id)) {
      ++hits;
      continue;
    }
    if (id < 0 || static_cast<uint64_t>(id) >= base.rows) continue;
    const size_t row = static_cast<size_t>(id);
    if (matches != nullptr && matches->any() &&
        !data.attributes().Matches(*matches, row)) {
      continue;
    }
    const float distance = ExactDistance(data.metric(), vector,
                                         base.row(row).data(), base.dimension);
    if (distance <= limit) ++hits;
  }
  return std::min(hits, truth.size());
}

void AddRecall(const Dataset& data, size_t query,
               absl::Span<const Neighbor> truth,
               absl::Span<const Neighbor> found, size_t k, Recall* recall,
               const Filter* matches) {
  recall->Add(CountHits(data, query, truth, found, k, matches),
              std::min(k, truth.size()));
}

}  // namespace opsbench::vector
