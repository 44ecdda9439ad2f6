// A scan of all base vectors in two steps: the kernels' distances rule out what
// cannot be among the nearest, and what is left is compared by ExactDistance(),
// so that the answer is that of NearestByScan() to the bit.

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "opsbench/base/status_macros.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/internal/local_index.h"
#include "opsbench/vector/local_backends.h"

namespace opsbench::vector {
namespace {

using internal::QueryReader;

// Rows at a time: their distances stay in the L1 cache.
constexpr size_t kBatchRows = 1'024;

class BruteForceSearcher : public Searcher {
 public:
  BruteForceSearcher(const Dataset& data, double longest)
      : data_(data),
        longest_(longest),
        distance_(data.metric(), data.dimension()),
        reader_(data),
        distances_(kBatchRows) {}

  absl::Status Search(const SearchRequest& request,
                      std::vector<Neighbor>* found) override {
    found->clear();
    OPSBENCH_RETURN_IF_ERROR(reader_.Read(request).status());
    const Matrix base = data_.base();
    const float* const query = request.query.data();
    const size_t k = std::min(static_cast<size_t>(request.k), base.rows);
    if (k == 0) return absl::OkStatus();
    const double square = ExactDot(query, query, base.dimension);
    const double error = ErrorBound(square);
    near_.clear();
    kth_.clear();
    for (size_t row = 0; row < base.rows; row += kBatchRows) {
      const size_t count = std::min(kBatchRows, base.rows - row);
      distance_.Rows(query, base.row(row).data(), count, distances_.data());
      for (size_t i = 0; i < count; ++i) {
        if (request.filter.any() &&
            !data_.attributes().Matches(request.filter, row + i)) {
          continue;
        }
        Offer(row + i, distances_[i], k, error);
      }
    }
    for (const size_t row : near_) {
      found->push_back({static_cast<int64_t>(row),
                        ExactDistance(data_.metric(), query,
                                      base.row(row).data(), base.dimension)});
    }
    const size_t size = std::min(k, found->size());
    std::partial_sort(found->begin(), found->begin() + static_cast<long>(size),
                      found->end());
    found->resize(size);
    return absl::OkStatus();
  }

  absl::Status Recover() override { return absl::OkStatus(); }

 private:
  // Of a kernel's distance, generously: a sum of n terms is off by at most
  // n * 2^-24 times the sum of their absolute values, which is at most the
  // square of both lengths together for l2 and their product for ip.
  double ErrorBound(double query_square) const {
    const double steps =
        4 * (static_cast<double>(data_.dimension()) + 8) * 0x1p-24;
    const double length = std::sqrt(query_square);
    switch (data_.metric()) {
      case Metric::kL2:
        return steps * (length + longest_) * (length + longest_);
      case Metric::kInnerProduct:
        return steps * (1 + length * longest_);
      case Metric::kCosine:
        break;
    }
    return steps;
  }

  // Keeps what may be among the nearest k. kth_ is a heap of their distances.
  void Offer(size_t row, float distance, size_t k, double error) {
    if (kth_.size() == k && distance > kth_.front() + 2 * error) return;
    near_.push_back(row);
    if (kth_.size() < k) {
      kth_.push_back(distance);
      std::push_heap(kth_.begin(), kth_.end());
    } else if (distance < kth_.front()) {
      std::pop_heap(kth_.begin(), kth_.end());
      kth_.back() = distance;
      std::push_heap(kth_.begin(), kth_.end());
    }
  }

  const Dataset& data_;
  const double longest_;  // Length of a base vector.
  const DistanceFunction<float> distance_;
  QueryReader reader_;
  std::vector<float> distances_;
  std::vector<size_t> near_;
  std::vector<float> kth_;
};

class BruteForceBackend : public Backend {
 public:
  const BackendInfo& info() const override { return info_; }

  absl::Status Build(const Dataset& data,
                     const BuildOptions& options) override {
    data_ = nullptr;
    OPSBENCH_RETURN_IF_ERROR(internal::CheckBuild(data, options));
    double longest = 0;
    const Matrix base = data.base();
    for (size_t row = 0; row < base.rows; ++row) {
      const float* const vector = base.row(row).data();
      longest = std::max(longest, ExactDot(vector, vector, base.dimension));
    }
    longest_ = std::sqrt(longest);
    data_ = &data;
    if (options.on_progress) {
      options.on_progress(static_cast<int64_t>(base.rows));
    }
    return absl::OkStatus();
  }

  // Of the vectors, which are the data set's own.
  int64_t MemoryBytes() const override {
    if (data_ == nullptr) return 0;
    return static_cast<int64_t>(data_->base().rows * data_->dimension() *
                                sizeof(float));
  }

  absl::StatusOr<std::unique_ptr<Searcher>> Connect() override {
    if (data_ == nullptr) {
      return absl::FailedPreconditionError("brute_force: no index was built");
    }
    return std::make_unique<BruteForceSearcher>(*data_, longest_);
  }

 private:
  const BackendInfo info_ = {
      .name = "brute_force", .version = "1", .exact = true, .filters = true};
  const Dataset* data_ = nullptr;
  double longest_ = 0;
};

}  // namespace

std::unique_ptr<Backend> MakeBruteForceBackend() {
  return std::make_unique<BruteForceBackend>();
}

}  // namespace opsbench::vector
