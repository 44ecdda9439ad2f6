#ifndef OPSBENCH_VECTOR_INTERNAL_RESPONSE_SURFACE_H_
#define OPSBENCH_VECTOR_INTERNAL_RESPONSE_SURFACE_H_

// What noisy measurements at some points say of all points: Gaussian process
// regression with a Matérn 5/2 kernel, one length for each dimension.
//
// Lengths, signal and noise are those of highest posterior probability on a
// coarse grid (Rasmussen and Williams, "Gaussian processes for machine
// learning", 2006, chapters 2, 4 and 5). A point that lies far to the side to
// which a disturbed machine errs is an outlier and counts less (Huber, "Robust
// estimation of a location parameter", 1964); to the other side it is news.
//
// Thread safety: for one thread.

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace opsbench::vector::internal {

// A place, each coordinate in [0, 1].
using Point = std::vector<double>;

class ResponseSurface {
 public:
  struct Options {
    // -1: disturbances lower the values, 1: they raise them, 0: neither.
    int outliers = 0;
    // What one would guess before measuring: standard deviations.
    double signal = 0.5;
    double noise = 0.05;
  };

  explicit ResponseSurface(const Options& options) : options_(options) {}

  // Measurements of one point; replaces earlier ones of the same `key`.
  // REQUIRES: values is not empty; all points have as many coordinates.
  void Set(size_t key, const Point& point, absl::Span<const double> values);

  size_t points() const { return sites_.size(); }

  // To be called after Set(). `search`: also looks for better lengths, signal
  // and noise. REQUIRES: points() > 0.
  void Fit(bool search);

  // What is believed of a point that is one of a Prediction's.
  struct Belief {
    double mean = 0;
    double deviation = 0;
  };

  class Prediction {
   public:
    const Belief& operator[](size_t i) const { return beliefs_[i]; }

    // The deviation of the difference between two points.
    double DeviationBetween(size_t i, size_t j) const;

   private:
    friend class ResponseSurface;
    const ResponseSurface* surface_ = nullptr;
    std::vector<Point> points_;
    std::vector<Belief> beliefs_;
    std::vector<std::vector<double>> solved_;
  };

  // REQUIRES: Fit() after the last Set(). Valid until the next.
  Prediction Predict(std::vector<Point> points) const;

  // The standard deviation of a single measurement.
  double noise() const { return noise_; }

 private:
  struct Site {
    size_t key = 0;
    Point point;
    double value = 0;   // Median.
    double spread = 1;  // Variance of `value` over that of a measurement.
    double weight = 1;  // Below 1: an outlier.
    std::vector<double> rests;  // Measurements less their median.
  };

  double Kernel(const Point& a, const Point& b) const;
  // Log posterior of lengths, signal and noise up to a constant; factors.
  double Factor();
  void SearchScales();
  void WeighOutliers();
  // Solves factor * x = b in place.
  void SolveLower(std::vector<double>* b) const;
  void SolveUpper(std::vector<double>* b) const;

  Options options_;
  std::vector<Site> sites_;
  std::vector<double> lengths_;
  double signal_ = 0;  // 0: not chosen yet.
  double noise_ = 0;
  double mean_ = 0;
  std::vector<double> factor_;  // Lower triangle, row by row, points() wide.
  std::vector<double> alpha_;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_RESPONSE_SURFACE_H_
