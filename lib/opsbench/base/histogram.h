#ifndef OPSBENCH_BASE_HISTOGRAM_H_
#define OPSBENCH_BASE_HISTOGRAM_H_

// A latency histogram with fixed memory: any value from 1 ns to 1 h is kept
// with a relative error of at most 1%, whatever the distribution.
//
// Log-linear buckets: each power of two is split into 64 equal parts, so a
// bucket is at most 1/64 of its lower bound wide and its midpoint is within
// 1/128 (0.79%) of every value in it. Values below 128 are exact. 19 KB.
//
// Thread safety: not thread-safe. Each worker records into its own; Merge()
// after the workers have stopped.
//
// Source: the layout of HdrHistogram (hdrhistogram.org) with a fixed precision.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace opsbench {

// A histogram that was moved from may only be assigned to or destroyed.
class Histogram {
 public:
  // One hour, up to which the error is bounded. From 2^42 ns (73 min) on,
  // values share the last bucket.
  static constexpr int64_t kMaxValueNs = int64_t{3600} * 1'000'000'000;

  Histogram() : buckets_(kBuckets) {}

  // Counts one value; a negative one as 0. No allocation, and no branch on the
  // value, so the cost does not depend on the distribution.
  void Record(int64_t value_ns) { Add(std::max<int64_t>(value_ns, 0), 1); }

  // As `count` calls of Record(value_ns); none at all for 0.
  void RecordMany(int64_t value_ns, uint64_t count) {
    if (count != 0) {
      Add(std::max<int64_t>(value_ns, 0), count);
    }
  }

  // Adds the other's counts to this one's. The result is exactly that of
  // recording the values of both here.
  void Merge(const Histogram& other);
  void Reset();

  uint64_t count() const { return count_; }
  // Exact for values of every size; 0 when empty.
  int64_t min_ns() const { return count_ == 0 ? 0 : min_ns_; }
  int64_t max_ns() const { return max_ns_; }
  double mean_ns() const;

  // The value at rank ceil(percentile / 100 * count), counted from 1 in
  // ascending order: the smallest recorded v, to bucket precision, such that
  // at least `percentile` percent of the values are <= v. The first and the
  // last rank (so 0 and 100) are exact; the result is never outside [min,
  // max]; 0 when empty. A percentile means its decimal: 99.9 of 1000 values is
  // rank 999, although the double is a little above 99.9.
  //
  // From 2^42 ns on, where the error is not bounded, the answer is the maximum:
  // a latency is rather overstated than hidden.
  //
  // REQUIRES: 0 <= percentile <= 100.
  int64_t Percentile(double percentile) const;

  // Calls visit(low_ns, high_ns, count) for each bucket that is not empty, in
  // ascending order; a bucket holds values in [low, high]. The last one also
  // holds every value above it.
  template <typename Visitor>
  void ForEachBucket(Visitor visit) const {
    for (int i = 0; i < kBuckets; ++i) {
      if (buckets_[i] != 0) {
        visit(BucketLow(i), BucketLow(i + 1) - 1, buckets_[i]);
      }
    }
  }

 private:
  static constexpr int kSubBits = 6;
  // Values are counted below 2^42 ns > 1 h: 128 exact values, then 64 buckets
  // for each of the powers 2^7 to 2^41.
  static constexpr int kValueBits = 42;
  static constexpr int kBuckets = (kValueBits - kSubBits + 1) << kSubBits;

  // A value of more than 7 bits loses its low `shift` ones. What is left is in
  // [64, 128), so each step of `shift` continues where the one before ended.
  static constexpr int BucketOf(int64_t value_ns) {
    const uint64_t value = std::min<uint64_t>(static_cast<uint64_t>(value_ns),
                                              (uint64_t{1} << kValueBits) - 1);
    const int shift = std::bit_width(value | (1u << kSubBits)) - kSubBits - 1;
    return (shift << kSubBits) + static_cast<int>(value >> shift);
  }

  // The smallest value in the bucket, or past the end for kBuckets.
  static constexpr int64_t BucketLow(int bucket) {
    const int shift = std::max((bucket >> kSubBits) - 1, 0);
    return int64_t{bucket - (shift << kSubBits)} << shift;
  }

  // REQUIRES: value_ns >= 0, count > 0.
  void Add(int64_t value_ns, uint64_t count) {
    buckets_[BucketOf(value_ns)] += count;
    count_ += count;
    sum_ns_ += static_cast<unsigned __int128>(value_ns) * count;
    min_ns_ = std::min(min_ns_, value_ns);
    max_ns_ = std::max(max_ns_, value_ns);
  }

  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  int64_t min_ns_ = INT64_MAX;
  int64_t max_ns_ = 0;
  // An integer, so that the mean depends on no order of recording or merging.
  unsigned __int128 sum_ns_ = 0;
};

}  // namespace opsbench

#endif  // OPSBENCH_BASE_HISTOGRAM_H_
