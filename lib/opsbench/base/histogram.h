#ifndef OPSBENCH_BASE_HISTOGRAM_H_
#define OPSBENCH_BASE_HISTOGRAM_H_

// A latency histogram with fixed memory: any value from 1 ns to 1 h is kept
// with a relative error of at most 1%, whatever the distribution.
//
// Log-linear buckets: each power of two is split into 64 equal parts, so a
// bucket is at most 1/64 of its lower bound wide and its midpoint is within
// 0.79% of every value in it. Values below 128 are exact.
//
// Thread safety: not thread-safe. Each worker records into its own; Merge()
// after the workers have stopped.
//
// Source: the layout of HdrHistogram (hdrhistogram.org) with a fixed precision.

#include <array>
#include <cstdint>
#include <memory>

namespace opsbench {

class Histogram {
 public:
  // One hour. Longer values are counted in the last bucket and their exact
  // maximum is kept; negative values count as 0.
  static constexpr int64_t kMaxValueNs = int64_t{3600} * 1'000'000'000;

  Histogram();
  Histogram(const Histogram& other);
  Histogram& operator=(const Histogram& other);
  Histogram(Histogram&&) = default;
  Histogram& operator=(Histogram&&) = default;

  // Counts one value. No allocation, no branch on the value but clamping.
  void Record(int64_t value_ns) { RecordMany(value_ns, 1); }
  void RecordMany(int64_t value_ns, uint64_t count);

  // Adds the other's counts to this one's.
  void Merge(const Histogram& other);
  void Reset();

  uint64_t count() const { return count_; }
  // Exact; 0 when empty.
  int64_t min_ns() const;
  int64_t max_ns() const;
  double mean_ns() const;

  // The smallest recorded value v (to bucket precision) such that at least
  // `percentile` percent of the values are <= v; 0 when empty. 100 gives the
  // exact maximum. Never outside [min, max].
  // REQUIRES: 0 <= percentile <= 100.
  int64_t Percentile(double percentile) const;

  // Calls visit(low_ns, high_ns, count) for each bucket that is not empty, in
  // ascending order; a bucket holds values in [low, high].
  template <typename Visitor>
  void ForEachBucket(Visitor visit) const {
    for (int i = 0; i < kBuckets; ++i) {
      if ((*buckets_)[i] != 0) {
        visit(BucketLow(i), BucketLow(i + 1) - 1, (*buckets_)[i]);
      }
    }
  }

 private:
  static constexpr int kSubBits = 6;
  // 2^42 ns > 1 h; one linear range of 2 * 64, then 64 for each further power.
  static constexpr int kBuckets = (42 - kSubBits + 1) << kSubBits;

  static int BucketOf(uint64_t value_ns);
  static int64_t BucketLow(int bucket);

  using Buckets = std::array<uint64_t, kBuckets>;
  std::unique_ptr<Buckets> buckets_;
  uint64_t count_ = 0;
  int64_t min_ns_ = INT64_MAX;
  int64_t max_ns_ = 0;
  double sum_ns_ = 0;
};

}  // namespace opsbench

#endif  // OPSBENCH_BASE_HISTOGRAM_H_
