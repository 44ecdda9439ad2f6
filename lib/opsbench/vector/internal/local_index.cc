#include "opsbench/vector/internal/local_index.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/internal/parts.h"

namespace opsbench::vector::internal {

absl::Status CheckBuild(const Dataset& data, const BuildOptions& options) {
  if (options.threads < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an index is built by 1 thread or more, not by ", options.threads));
  }
  const Matrix base = data.base();
  if (base.rows == 0) return absl::OkStatus();
  if (base.rows > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an index of this process holds up to 2^31 - 1 vectors, and there are ",
        base.rows));
  }
  return CheckVectors(base, "base vectors", data.name());
}

absl::Status CheckGraphOptions(const BuildOptions& options,
                               absl::string_view backend) {
  if (options.m < 2 || options.m > 512) {
    return absl::InvalidArgumentError(
        absl::StrCat("m must be 2 to 512 for ", backend, ", got ", options.m));
  }
  if (options.ef_construction < 1 || options.ef_construction > 1 << 20) {
    return absl::InvalidArgumentError(
        absl::StrCat("ef_construction must be 1 to 2^20 for ", backend,
                     ", got ", options.ef_construction));
  }
  return absl::OkStatus();
}

void StoreVector(Metric metric, absl::Span<const float> vector, float* to) {
  double scale = 1;
  if (metric == Metric::kCosine) {
    const double square = ExactDot(vector.data(), vector.data(), vector.size());
    scale = square > 0 ? 1 / std::sqrt(square) : 0;
  }
  for (size_t i = 0; i < vector.size(); ++i) {
    to[i] = static_cast<float>(vector[i] * scale);
  }
}

QueryReader::QueryReader(const Dataset& data)
    : metric_(data.metric()),
      dimension_(data.dimension()),
      has_attributes_(!data.attributes().empty()),
      stored_(metric_ == Metric::kCosine ? dimension_ : 0) {}

absl::StatusOr<const float*> QueryReader::Read(const SearchRequest& request) {
  const absl::Span<const float> query = request.query;
  if (query.size() != dimension_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a query of dimension ", query.size(),
                     ", and the index has ", dimension_));
  }
  if (request.k < 1 || request.ef < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("k must be above 0 and ef not below it, got k ", request.k,
                     " and ef ", request.ef));
  }
  if (request.filter.any() && !has_attributes_) {
    return absl::InvalidArgumentError(
        "a filter, and the data set has no attributes");
  }
  if (request.filter.by_tag && request.filter.by_number) {
    return absl::InvalidArgumentError("a filter is by tag or by number");
  }
  // Finite exactly when all components are: a sum of squares of floats does not
  // overflow in double precision.
  const double square = ExactDot(query.data(), query.data(), query.size());
  if (!std::isfinite(square)) {
    return absl::InvalidArgumentError(
        "a component of the query is infinite or no number");
  }
  if (metric_ != Metric::kCosine) return query.data();
  const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
  for (size_t i = 0; i < dimension_; ++i) {
    stored_[i] = static_cast<float>(query[i] * scale);
  }
  return stored_.data();
}

}  // namespace opsbench::vector::internal
