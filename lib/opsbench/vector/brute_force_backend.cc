// A scan of all vectors with the distance kernels: exact but for rounding.

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "opsbench/base/status_macros.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/internal/local_index.h"
#include "opsbench/vector/local_backends.h"

namespace opsbench::vector {
namespace {

using internal::QueryReader;

// Distances at a time: they stay in the first cache.
constexpr size_t kRowsAtOnce = 512;

// Vectors as the index keeps them.
struct Store {
  const Dataset* data = nullptr;
  std::vector<float> normalized;  // Cosine only.
  std::unique_ptr<DistanceFunction<float>> distance;

  const float* rows() const {
    return normalized.empty() ? data->base().data : normalized.data();
  }
};

class ScanSearcher final : public Searcher {
 public:
  explicit ScanSearcher(const Store& store)
      : store_(store), reader_(*store.data), distances_(kRowsAtOnce) {}

  absl::Status Search(const SearchRequest& request,
                      std::vector<Neighbor>* found) override {
    found->clear();
    OPSBENCH_ASSIGN_OR_RETURN(const float* query, reader_.Read(request));
    const Matrix base = store_.data->base();
    const auto k = static_cast<size_t>(request.k);
    for (size_t first = 0; first < base.rows; first += kRowsAtOnce) {
      const size_t count = std::min(kRowsAtOnce, base.rows - first);
      store_.distance->Rows(query, store_.rows() + first * base.dimension,
                            count, distances_.data());
      for (size_t i = 0; i < count; ++i) {
        Offer({static_cast<int64_t>(first + i), distances_[i]}, k,
              request.filter, found);
      }
    }
    std::sort_heap(found->begin(), found->end());
    return absl::OkStatus();
  }

  absl::Status Recover() override { return absl::OkStatus(); }

 private:
  // A heap whose top is the farthest.
  void Offer(const Neighbor& neighbor, size_t k, const Filter& filter,
             std::vector<Neighbor>* found) const {
    const bool full = found->size() >= k;
    if (full && !(neighbor < found->front())) return;
    if (filter.any() && !store_.data->attributes().Matches(
                            filter, static_cast<size_t>(neighbor.id))) {
      return;
    }
    if (full) {
      std::pop_heap(found->begin(), found->end());
      found->back() = neighbor;
    } else {
      found->push_back(neighbor);
    }
    std::push_heap(found->begin(), found->end());
  }

  const Store& store_;
  QueryReader reader_;
  std::vector<float> distances_;
};

class BruteForceBackend final : public Backend {
 public:
  BruteForceBackend() {
    info_.name = "brute_force";
    info_.exact = true;
    info_.filters = true;
  }

  const BackendInfo& info() const override { return info_; }

  absl::Status Build(const Dataset& data,
                     const BuildOptions& options) override {
    OPSBENCH_RETURN_IF_ERROR(internal::CheckBuild(data, options));
    const Matrix base = data.base();
    Store store;
    store.data = &data;
    store.distance = std::make_unique<DistanceFunction<float>>(
        internal::IndexMetric(data.metric()),
        std::max<size_t>(base.dimension, 1));
    if (data.metric() == Metric::kCosine) {
      store.normalized.resize(base.rows * base.dimension);
      for (size_t row = 0; row < base.rows; ++row) {
        internal::StoreVector(data.metric(), base.row(row),
                              store.normalized.data() + row * base.dimension);
      }
    }
    store_ = std::move(store);
    if (options.on_progress) {
      options.on_progress(static_cast<int64_t>(base.rows));
    }
    return absl::OkStatus();
  }

  int64_t MemoryBytes() const override {
    if (store_.data == nullptr) return 0;
    const Matrix base = store_.data->base();
    return static_cast<int64_t>(base.rows * base.dimension * sizeof(float));
  }

  absl::StatusOr<std::unique_ptr<Searcher>> Connect() override {
    if (store_.data == nullptr) {
      return absl::FailedPreconditionError(
          "brute_force: the index was not built");
    }
    return std::make_unique<ScanSearcher>(store_);
  }

 private:
  BackendInfo info_;
  Store store_;
};

}  // namespace

std::unique_ptr<Backend> MakeBruteForceBackend() {
  return std::make_unique<BruteForceBackend>();
}

}  // namespace opsbench::vector
