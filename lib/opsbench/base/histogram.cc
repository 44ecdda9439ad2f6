#include "opsbench/base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace opsbench {

Histogram::Histogram() : buckets_(std::make_unique<Buckets>()) {}

Histogram::Histogram(const Histogram& other)
    : buckets_(std::make_unique<Buckets>(*other.buckets_)),
      count_(other.count_),
      min_ns_(other.min_ns_),
      max_ns_(other.max_ns_),
      sum_ns_(other.sum_ns_) {}

Histogram& Histogram::operator=(const Histogram& other) {
  if (this != &other) {
    *buckets_ = *other.buckets_;
    count_ = other.count_;
    min_ns_ = other.min_ns_;
    max_ns_ = other.max_ns_;
    sum_ns_ = other.sum_ns_;
  }
  return *this;
}

int Histogram::BucketOf(uint64_t value_ns) {
  // The first two linear ranges have width 1; from there on each power of two
  // doubles it.
  const int power = std::bit_width(value_ns | ((1u << kSubBits) - 1)) - 1;
  const int shift = std::max(0, power - kSubBits);
  return (shift << kSubBits) + static_cast<int>(value_ns >> shift);
}

int64_t Histogram::BucketLow(int bucket) {
  if (bucket < (2 << kSubBits)) return bucket;
  const int shift = (bucket >> kSubBits) - 1;
  return static_cast<int64_t>(bucket - (shift << kSubBits)) << shift;
}

void Histogram::RecordMany(int64_t value_ns, uint64_t count) {
  if (count == 0) return;
  value_ns = std::max<int64_t>(value_ns, 0);
  const int64_t clamped = std::min(value_ns, kMaxValueNs);
  (*buckets_)[BucketOf(static_cast<uint64_t>(clamped))] += count;
  count_ += count;
  min_ns_ = std::min(min_ns_, value_ns);
  max_ns_ = std::max(max_ns_, value_ns);
  sum_ns_ += static_cast<double>(value_ns) * static_cast<double>(count);
}

void Histogram::Merge(const Histogram& other) {
  for (int i = 0; i < kBuckets; ++i) (*buckets_)[i] += (*other.buckets_)[i];
  count_ += other.count_;
  min_ns_ = std::min(min_ns_, other.min_ns_);
  max_ns_ = std::max(max_ns_, other.max_ns_);
  sum_ns_ += other.sum_ns_;
}

void Histogram::Reset() {
  buckets_->fill(0);
  count_ = 0;
  min_ns_ = INT64_MAX;
  max_ns_ = 0;
  sum_ns_ = 0;
}

int64_t Histogram::min_ns() const { return count_ == 0 ? 0 : min_ns_; }

int64_t Histogram::max_ns() const { return max_ns_; }

double Histogram::mean_ns() const {
  return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_);
}

int64_t Histogram::Percentile(double percentile) const {
  if (count_ == 0) return 0;
  const double exact = percentile / 100 * static_cast<double>(count_);
  const uint64_t rank =
      std::clamp<uint64_t>(static_cast<uint64_t>(std::ceil(exact)), 1, count_);
  if (rank == count_) return max_ns_;
  uint64_t seen = 0;
  for (int i = 0; i < kBuckets; ++i) {
    seen += (*buckets_)[i];
    if (seen >= rank) {
      const int64_t low = BucketLow(i);
      const int64_t middle = low + (BucketLow(i + 1) - 1 - low) / 2;
      return std::clamp(middle, min_ns_, max_ns_);
    }
  }
  return max_ns_;
}

}  // namespace opsbench
