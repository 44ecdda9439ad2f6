#include "opsbench/base/histogram.h"

#include <cassert>
#include <cmath>

namespace opsbench {

void Histogram::Merge(const Histogram& other) {
  for (int i = 0; i < kBuckets; ++i) {
    buckets_[i] += other.buckets_[i];
  }
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  min_ns_ = std::min(min_ns_, other.min_ns_);
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

void Histogram::Reset() {
  std::fill(buckets_.begin(), buckets_.end(), 0);
  count_ = 0;
  min_ns_ = INT64_MAX;
  max_ns_ = 0;
  sum_ns_ = 0;
}

double Histogram::mean_ns() const {
  return count_ == 0
             ? 0
             : static_cast<double>(sum_ns_) / static_cast<double>(count_);
}

int64_t Histogram::Percentile(double percentile) const {
  assert(percentile >= 0 && percentile <= 100);
  // The factor takes off what the conversion from decimal may have added, which
  // ceil() would turn into a whole rank.
  const double rank =
      std::ceil(percentile / 100 * static_cast<double>(count_) * (1 - 1e-15));
  if (rank <= 1) {
    return min_ns();
  }
  if (rank >= static_cast<double>(count_)) {
    return max_ns_;
  }
  const uint64_t wanted = static_cast<uint64_t>(rank);
  const int last = BucketOf(max_ns_);
  int bucket = BucketOf(min_ns_);
  for (uint64_t seen = buckets_[bucket]; seen < wanted && bucket < last;) {
    seen += buckets_[++bucket];
  }
  if (bucket == kBuckets - 1) {
    return max_ns_;
  }
  const int64_t low = BucketLow(bucket);
  const int64_t middle = low + (BucketLow(bucket + 1) - 1 - low) / 2;
  return std::clamp(middle, min_ns_, max_ns_);
}

}  // namespace opsbench
