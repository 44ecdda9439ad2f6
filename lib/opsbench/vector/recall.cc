#include "opsbench/vector/recall.h"

#include <cmath>

#include "absl/container/inlined_vector.h"
#include "opsbench/vector/distance.h"

namespace opsbench::vector {

namespace {

// Which of the first k of the truth a reply has named. A reply mostly has them
// in the truth's own order, so each is looked for behind the one before.
class TruthMarks {
 public:
  explicit TruthMarks(absl::Span<const Neighbor> truth)
      : truth_(truth), named_((truth.size() + 63) / 64) {}

  // Whether the truth has it; then `*first` says whether for the first time.
  bool Name(int64_t id, bool* first) {
    size_t at = next_;
    for (size_t i = 0; i < truth_.size(); ++i) {
      if (truth_[at].id == id) {
        const uint64_t bit = uint64_t{1} << (at % 64);
        *first = (named_[at / 64] & bit) == 0;
        named_[at / 64] |= bit;
        next_ = Behind(at);
        return true;
      }
      at = Behind(at);
    }
    return false;
  }

 private:
  size_t Behind(size_t at) const {
    return at + 1 == truth_.size() ? 0 : at + 1;
  }

  const absl::Span<const Neighbor> truth_;
  absl::InlinedVector<uint64_t, 16> named_;
  size_t next_ = 0;
};

bool Contains(absl::Span<const Neighbor> neighbors, int64_t id) {
  return std::any_of(neighbors.begin(), neighbors.end(),
                     [id](const Neighbor& other) { return other.id == id; });
}

}  // namespace

size_t CountHits(const Dataset& data, size_t query,
                 absl::Span<const Neighbor> truth,
                 absl::Span<const Neighbor> found, size_t k,
                 const Filter* matches, double epsilon) {
  truth = truth.subspan(0, k);
  if (truth.empty()) return 0;
  const double kth = truth.back().distance;
  const double limit = kth + epsilon * std::max(std::abs(kth), 1e-6);
  const Matrix base = data.base();
  TruthMarks marks(truth);
  size_t hits = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const int64_t id = found[i].id;
    bool first = false;
    if (marks.Name(id, &first)) {
      if (first) ++hits;
      continue;
    }
    if (id < 0 || static_cast<uint64_t>(id) >= base.rows) continue;
    const size_t row = static_cast<size_t>(id);
    if (matches != nullptr && matches->any() &&
        !data.attributes().Matches(*matches, row)) {
      continue;
    }
    const float distance =
        ExactDistance(data.metric(), data.queries().row(query).data(),
                      base.row(row).data(), base.dimension);
    if (distance <= limit && !Contains(found.subspan(0, i), id)) ++hits;
  }
  return std::min(hits, truth.size());
}

void AddRecall(const Dataset& data, size_t query,
               absl::Span<const Neighbor> truth,
               absl::Span<const Neighbor> found, size_t k, Recall* recall,
               const Filter* matches) {
  recall->Add(CountHits(data, query, truth, found, k, matches),
              std::min(k, truth.size()), found.size());
}

}  // namespace opsbench::vector
