#include "opsbench/vector/internal/response_surface.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "opsbench/vector/internal/median.h"

namespace opsbench::vector::internal {
namespace {

constexpr double kLengths[] = {0.15, 0.25, 0.4, 0.65, 1.0, 1.6};
constexpr double kSignals[] = {0.3, 0.6, 1.0, 1.7, 3.0};
constexpr double kNoises[] = {0.1, 0.2, 0.4, 0.8, 1.6, 3.2};
constexpr double kUsualLength = 0.6;
// Residuals beyond as many deviations are outliers.
constexpr double kUsualRest = 2.5;

double LogNormalPenalty(double value, double usual, double width) {
  const double z = std::log(value / usual) / width;
  return z * z / 2;
}

}  // namespace

void ResponseSurface::Set(size_t key, const Point& point,
                          absl::Span<const double> values) {
  auto site = std::find_if(sites_.begin(), sites_.end(),
                           [key](const Site& s) { return s.key == key; });
  if (site == sites_.end()) {
    sites_.emplace_back();
    site = sites_.end() - 1;
  }
  site->key = key;
  site->point = point;
  site->value = MedianOf({values.begin(), values.end()});
  const double n = static_cast<double>(values.size());
  site->spread = (values.size() > 2 ? M_PI / 2 : 1) / n;
  site->rests.clear();
  for (double value : values) {
    site->rests.push_back(value - site->value);
  }
  if (lengths_.empty()) {
    lengths_.assign(point.size(), kUsualLength);
    signal_ = options_.signal;
    noise_ = options_.noise;
  }
}

double ResponseSurface::Kernel(const Point& a, const Point& b) const {
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = (a[i] - b[i]) / lengths_[i];
    squares += d * d;
  }
  const double r = std::sqrt(5 * squares);
  return signal_ * signal_ * (1 + r + r * r / 3) * std::exp(-r);
}

void ResponseSurface::SolveLower(std::vector<double>* b) const {
  const size_t n = sites_.size();
  for (size_t i = 0; i < n; ++i) {
    double sum = (*b)[i];
    for (size_t j = 0; j < i; ++j) {
      sum -= factor_[i * n + j] * (*b)[j];
    }
    (*b)[i] = sum / factor_[i * n + i];
  }
}

void ResponseSurface::SolveUpper(std::vector<double>* b) const {
  const size_t n = sites_.size();
  for (size_t i = n; i-- > 0;) {
    double sum = (*b)[i];
    for (size_t j = i + 1; j < n; ++j) {
      sum -= factor_[j * n + i] * (*b)[j];
    }
    (*b)[i] = sum / factor_[i * n + i];
  }
}

double ResponseSurface::Factor() {
  const size_t n = sites_.size();
  factor_.assign(n * n, 0);
  double log_posterior = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = Kernel(sites_[i].point, sites_[j].point);
      if (i == j) {
        // A trace of the signal keeps the matrix positive definite.
        sum += noise_ * noise_ * sites_[i].spread / sites_[i].weight +
               1e-8 * signal_ * signal_;
      }
      for (size_t k = 0; k < j; ++k) {
        sum -= factor_[i * n + k] * factor_[j * n + k];
      }
      factor_[i * n + j] =
          i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / factor_[j * n + j];
    }
    log_posterior -= std::log(factor_[i * n + i]);
  }
  alpha_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    alpha_[i] = sites_[i].value - mean_;
  }
  SolveLower(&alpha_);
  for (double a : alpha_) {
    log_posterior -= a * a / 2;
  }
  SolveUpper(&alpha_);

  // The scatter of repeats tells the noise as well: by Student's distribution,
  // to whose tails an outlier is nothing special. A median takes one of the
  // values' freedom.
  constexpr double kFreedom = 4;
  for (const Site& site : sites_) {
    const double count = static_cast<double>(site.rests.size());
    for (double rest : site.rests) {
      const double z = rest / noise_;
      log_posterior -= (count - 1) / count *
                       (std::log(noise_) +
                        (kFreedom + 1) / 2 * std::log1p(z * z / kFreedom));
    }
  }
  for (double length : lengths_) {
    log_posterior -= LogNormalPenalty(length, kUsualLength, 0.8);
  }
  return log_posterior - LogNormalPenalty(signal_, options_.signal, 1) -
         LogNormalPenalty(noise_, options_.noise, 1);
}

void ResponseSurface::SearchScales() {
  double best = Factor();
  const auto improve = [this, &best](double* scale,
                                     absl::Span<const double> choices,
                                     double unit) {
    double chosen = *scale;
    for (double choice : choices) {
      *scale = choice * unit;
      const double found = Factor();
      if (found > best) {
        best = found;
        chosen = *scale;
      }
    }
    *scale = chosen;
  };
  for (double& length : lengths_) {
    improve(&length, kLengths, 1);
  }
  improve(&noise_, kNoises, options_.noise);
  improve(&signal_, kSignals, options_.signal);
}

void ResponseSurface::WeighOutliers() {
  // A site's value against what all others predict for it: alpha over the
  // diagonal of the inverse (Rasmussen and Williams, equation 5.12).
  const size_t n = sites_.size();
  for (size_t i = 0; i < n; ++i) {
    std::vector<double> unit(n, 0);
    unit[i] = 1;
    SolveLower(&unit);
    double diagonal = 0;
    for (double u : unit) {
      diagonal += u * u;
    }
    const double rest = alpha_[i] / std::sqrt(diagonal) * options_.outliers;
    if (rest > kUsualRest) {
      sites_[i].weight = kUsualRest * kUsualRest / (rest * rest);
    }
  }
}

void ResponseSurface::Fit(bool search) {
  mean_ = 0;
  for (Site& site : sites_) {
    site.weight = 1;
    mean_ += site.value / static_cast<double>(sites_.size());
  }
  if (search) {
    SearchScales();
  }
  Factor();
  if (options_.outliers != 0 && sites_.size() > 4) {
    WeighOutliers();
    Factor();
  }
}

ResponseSurface::Prediction ResponseSurface::Predict(
    std::vector<Point> points) const {
  Prediction result;
  result.surface_ = this;
  result.points_ = std::move(points);
  const size_t n = sites_.size();
  for (const Point& point : result.points_) {
    std::vector<double> kernel(n);
    Belief belief;
    belief.mean = mean_;
    for (size_t i = 0; i < n; ++i) {
      kernel[i] = Kernel(point, sites_[i].point);
      belief.mean += kernel[i] * alpha_[i];
    }
    SolveLower(&kernel);
    double variance = signal_ * signal_;
    for (double k : kernel) {
      variance -= k * k;
    }
    belief.deviation = std::sqrt(std::max(variance, 0.0));
    result.beliefs_.push_back(belief);
    result.solved_.push_back(std::move(kernel));
  }
  return result;
}

double ResponseSurface::Prediction::DeviationBetween(size_t i, size_t j) const {
  double covariance = surface_->Kernel(points_[i], points_[j]);
  for (size_t k = 0; k < solved_[i].size(); ++k) {
    covariance -= solved_[i][k] * solved_[j][k];
  }
  const double a = beliefs_[i].deviation;
  const double b = beliefs_[j].deviation;
  return std::sqrt(std::max(a * a + b * b - 2 * covariance, 0.0));
}

}  // namespace opsbench::vector::internal
