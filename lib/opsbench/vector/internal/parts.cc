#include "opsbench/vector/internal/parts.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/distance.h"

namespace opsbench::vector::internal {
namespace {

template <typename... Parts>
absl::Status Unusable(absl::string_view source, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(source, ": ", parts...));
}

class OwnedDataset : public Dataset {
 public:
  explicit OwnedDataset(DatasetParts parts)
      : base_values_(std::move(parts.base.values)),
        query_values_(std::move(parts.queries.values)) {
    name_ = std::move(parts.name);
    metric_ = parts.metric;
    base_ = {base_values_.data(), parts.base.rows, parts.base.dimension};
    queries_ = {query_values_.data(), parts.queries.rows,
                parts.queries.dimension};
    truth_k_ = parts.truth_k;
    truth_ = std::move(parts.truth);
    attributes_ = std::move(parts.attributes);
  }

 private:
  const std::vector<float> base_values_;
  const std::vector<float> query_values_;
};

absl::Status CheckAttributes(const Attributes& attributes, size_t rows,
                             absl::string_view source) {
  if (attributes.empty() && attributes.numbers.empty()) return absl::OkStatus();
  if (attributes.tags.size() != rows || attributes.numbers.size() != rows) {
    return Unusable(source, "attributes of ", attributes.tags.size(), " and ",
                    attributes.numbers.size(), " vectors, of ", rows);
  }
  for (size_t i = 0; i < rows; ++i) {
    if (attributes.tags[i] >= attributes.tag_count) {
      return Unusable(source, "tag ", attributes.tags[i], " of base vector ", i,
                      ": there are ", attributes.tag_count);
    }
    const float number = attributes.numbers[i];
    if (!(number >= 0 && number < 1)) {
      return Unusable(source, "number ", number, " of base vector ", i,
                      " is not in [0, 1)");
    }
  }
  return absl::OkStatus();
}

// Ids of one query, which has `vectors` to choose from.
absl::Status CheckIds(std::vector<int64_t> ids, size_t query, size_t vectors,
                      absl::string_view source) {
  std::sort(ids.begin(), ids.end());
  for (const int64_t id : {ids.front(), ids.back()}) {
    if (id < 0 || static_cast<uint64_t>(id) >= vectors) {
      return Unusable(source, "neighbour ", id, " of query ", query,
                      " is out of range: there are ", vectors, " base vectors");
    }
  }
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice != ids.end()) {
    return Unusable(source, "neighbour ", *twice, " of query ", query,
                    " is there twice");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckVectors(Matrix vectors, absl::string_view what,
                          absl::string_view source) {
  if (vectors.rows == 0) return Unusable(source, "no ", what, " vectors");
  if (vectors.dimension == 0 || vectors.dimension > kMaxDimension) {
    return Unusable(source, what, " vectors of dimension ", vectors.dimension,
                    ": it must be from 1 to ", kMaxDimension);
  }
  for (size_t i = 0; i < vectors.rows; ++i) {
    const auto row = vectors.row(i);
    for (size_t d = 0; d < row.size(); ++d) {
      if (!std::isfinite(row[d])) {
        return Unusable(source, "component ", d, " of ", what, " vector ", i,
                        " is ", row[d]);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTruth(const Dataset& data, absl::string_view source) {
  if (data.truth_k() > data.base().rows) {
    return Unusable(source, data.truth_k(), " neighbours a query, of ",
                    data.base().rows, " base vectors");
  }
  if (data.truth_k() == 0) return absl::OkStatus();
  for (size_t q = 0; q < data.queries().rows; ++q) {
    const auto truth = data.truth(q);
    std::vector<int64_t> ids(truth.size());
    for (size_t i = 0; i < truth.size(); ++i) {
      ids[i] = truth[i].id;
      // Also when one of the two is a NaN.
      if (i > 0 && !(truth[i - 1].distance <= truth[i].distance)) {
        return Unusable(source, "distances of query ", q,
                        " do not ascend: ", truth[i].distance, " after ",
                        truth[i - 1].distance);
      }
    }
    OPSBENCH_RETURN_IF_ERROR(
        CheckIds(std::move(ids), q, data.base().rows, source));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Neighbor>> TruthOfIds(Matrix base, Matrix queries,
                                                 Metric metric,
                                                 const IdTable& ids,
                                                 absl::string_view source) {
  if (ids.rows != queries.rows) {
    return Unusable(source, "neighbours of ", ids.rows, " queries, of ",
                    queries.rows);
  }
  if (ids.k == 0) return Unusable(source, "no neighbours");
  if (ids.k > base.rows) {
    return Unusable(source, ids.k, " neighbours a query, of ", base.rows,
                    " base vectors");
  }
  std::vector<Neighbor> truth(ids.rows * ids.k);
  for (size_t q = 0; q < ids.rows; ++q) {
    const auto first = ids.ids.begin() + static_cast<ptrdiff_t>(q * ids.k);
    OPSBENCH_RETURN_IF_ERROR(CheckIds(
        {first, first + static_cast<ptrdiff_t>(ids.k)}, q, base.rows, source));
    const float* query = queries.row(q).data();
    const double square = ExactDot(query, query, base.dimension);
    Neighbor* const row = truth.data() + q * ids.k;
    float furthest = 0;
    for (size_t i = 0; i < ids.k; ++i) {
      const int64_t id = first[static_cast<ptrdiff_t>(i)];
      const float distance =
          ExactDistance(metric, query, base.row(static_cast<size_t>(id)).data(),
                        base.dimension);
      row[i] = {id, distance};
      // Wider than what single precision loses in whoever made the file.
      const double slack = 1e-3 * std::abs(static_cast<double>(furthest)) +
                           1e-5 * (metric == Metric::kCosine ? 1 : 1 + square);
      if (i > 0 && distance < furthest - slack) {
        return Unusable(source, "neighbours of query ", q, " are not in order ",
                        "of ", MetricName(metric), ": ", distance, " after ",
                        furthest, "; is it another metric?");
      }
      furthest = i == 0 ? distance : std::max(furthest, distance);
    }
    std::sort(row, row + ids.k);
  }
  return truth;
}

absl::Status CheckDataset(const Dataset& data, absl::string_view source) {
  OPSBENCH_RETURN_IF_ERROR(CheckVectors(data.base(), "base", source));
  OPSBENCH_RETURN_IF_ERROR(CheckVectors(data.queries(), "query", source));
  if (data.queries().dimension != data.base().dimension) {
    return Unusable(source, "queries of dimension ", data.queries().dimension,
                    ", base vectors of dimension ", data.base().dimension);
  }
  OPSBENCH_RETURN_IF_ERROR(CheckTruth(data, source));
  return CheckAttributes(data.attributes(), data.base().rows, source);
}

absl::StatusOr<std::unique_ptr<Dataset>> MakeDataset(DatasetParts parts,
                                                     absl::string_view source) {
  if (parts.truth.size() != parts.truth_k * parts.queries.rows) {
    return Unusable(source, "truth of ", parts.truth.size(),
                    " neighbours, not ", parts.truth_k, " a query");
  }
  auto data = std::make_unique<OwnedDataset>(std::move(parts));
  OPSBENCH_RETURN_IF_ERROR(CheckDataset(*data, source));
  return data;
}

}  // namespace opsbench::vector::internal
