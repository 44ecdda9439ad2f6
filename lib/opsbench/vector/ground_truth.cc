#include "opsbench/vector/ground_truth.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <mutex>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/candidates.h"
#include "opsbench/vector/internal/kernels.h"
#include "opsbench/vector/internal/parallel.h"

namespace opsbench::vector {
namespace {

using internal::Candidate;
using internal::Candidates;
using internal::ParallelFor;

// Queries whose candidates are kept at once: enough that interleaving the base
// vectors, once for each group, costs nothing beside the products.
constexpr size_t kGroupQueries = 2048;
// The interleaved base vectors of a tile: half of a usual L2 cache.
constexpr size_t kTileBytes = size_t{512} << 10;
constexpr double kUnit = 0x1p-24;  // Rounding error of a float.

// A tile of base vectors, interleaved by dimension in panels of the kernel's
// rows, with what turns an inner product into what is compared.
struct Tile {
  size_t rows = 0;
  std::vector<float> panels;
  std::vector<float> scale;
  std::vector<float> bias;
};

// Which rows of the base take part.
class Selection {
 public:
  Selection(size_t rows, const GroundTruthOptions& options)
      : all_(!options.filter.any()), count_(rows) {
    if (all_) return;
    for (size_t i = 0; i < rows; ++i) {
      if (options.attributes->Matches(options.filter, i)) {
        rows_.push_back(static_cast<uint32_t>(i));
      }
    }
    count_ = rows_.size();
  }

  size_t size() const { return count_; }
  uint32_t operator[](size_t i) const {
    return all_ ? static_cast<uint32_t>(i) : rows_[i];
  }

 private:
  bool all_;
  size_t count_;
  std::vector<uint32_t> rows_;
};

// out[d * width + r] = rows[r][d], and 0 from `count` to `width`. By a line of
// the cache of each row at a time, so that what is written stays in the cache.
void Interleave(const float* const* rows, size_t count, size_t width,
                size_t dimension, float* out) {
  constexpr size_t kLine = 16;
  for (size_t begin = 0; begin < dimension; begin += kLine) {
    const size_t end = std::min(begin + kLine, dimension);
    for (size_t r = 0; r < count; ++r) {
      for (size_t d = begin; d < end; ++d) out[d * width + r] = rows[r][d];
    }
    for (size_t r = count; r < width; ++r) {
      for (size_t d = begin; d < end; ++d) out[d * width + r] = 0;
    }
  }
}

class Search {
 public:
  Search(Matrix base, Matrix queries, Metric metric,
         const GroundTruthOptions& options)
      : base_(base),
        queries_(queries),
        metric_(metric),
        options_(options),
        kernel_(internal::KernelsOf(options.level).panel),
        threads_(internal::ThreadCount(options.threads)),
        selection_(base.rows, options) {}

  absl::StatusOr<GroundTruth> Run() {
    truth_.k = std::min(static_cast<size_t>(options_.k), selection_.size());
    truth_.neighbors.resize(truth_.k * queries_.rows);
    if (truth_.k == 0 || queries_.rows == 0) return std::move(truth_);
    MeasureBase();
    const size_t panel_bytes = kernel_.rows * base_.dimension * sizeof(float);
    tile_rows_ = kernel_.rows * std::max<size_t>(1, kTileBytes / panel_bytes);
    tiles_ = (selection_.size() + tile_rows_ - 1) / tile_rows_;
    const size_t groups = (queries_.rows + kGroupQueries - 1) / kGroupQueries;
    steps_ = tiles_ * groups;
    for (size_t g = 0; g < groups && !Stopped(); ++g) {
      SearchGroup(g * kGroupQueries,
                  std::min(kGroupQueries, queries_.rows - g * kGroupQueries));
    }
    if (Stopped()) return absl::CancelledError("the search was stopped");
    return std::move(truth_);
  }

 private:
  bool Stopped() const {
    return options_.stop != nullptr &&
           options_.stop->load(std::memory_order_relaxed);
  }

  // The squares of the lengths of the base vectors, and their range, leaving
  // out those of length 0.
  void MeasureBase() {
    constexpr size_t kChunk = 1024;
    base_squares_.resize(base_.rows);
    const size_t chunks = (selection_.size() + kChunk - 1) / kChunk;
    std::vector<double> largest(chunks);
    std::vector<double> smallest(chunks,
                                 std::numeric_limits<double>::infinity());
    ParallelFor(threads_, chunks, [&](size_t, size_t chunk) {
      const size_t end = std::min(selection_.size(), (chunk + 1) * kChunk);
      for (size_t i = chunk * kChunk; i < end; ++i) {
        const float* row = base_.row(selection_[i]).data();
        const double square = ExactDot(row, row, base_.dimension);
        base_squares_[selection_[i]] = square;
        largest[chunk] = std::max(largest[chunk], square);
        if (square > 0) smallest[chunk] = std::min(smallest[chunk], square);
      }
    });
    longest_base_ =
        std::sqrt(*std::max_element(largest.begin(), largest.end()));
    shortest_base_ =
        std::sqrt(*std::min_element(smallest.begin(), smallest.end()));
  }

  // Twice the bound on the error of what the kernel compares, for a query of
  // this length, and what rounding the exact distance to float may tie.
  double Slack(double query_length) const {
    const double n = static_cast<double>(base_.dimension);
    const double gamma = n * kUnit / (1 - n * kUnit) + 8 * kUnit;
    const double product = query_length * longest_base_;
    double slack = 0;
    switch (metric_) {
      case Metric::kL2:
        slack = 2 * (2 * gamma * product +
                     2 * kUnit * longest_base_ * longest_base_) +
                4 * kUnit * (query_length + longest_base_) *
                    (query_length + longest_base_);
        break;
      case Metric::kInnerProduct:
        slack = 2 * gamma * product + 4 * kUnit * (1 + product);
        break;
      case Metric::kCosine:
        slack = (2 * gamma + 8 * kUnit) * query_length;
        break;
    }
    // Near the ends of float's range the bound does not hold: products overflow
    // or lose digits below the smallest normal number.
    const double largest = std::max(product, longest_base_ * longest_base_);
    const bool usual = largest < 1e36 && n * kUnit < 0.5 &&
                       (product == 0 || query_length > 1e-12) &&
                       shortest_base_ > 1e-12;
    // What underflows is below 1e-36 for each product.
    return usual ? slack + n * 1e-36 : std::numeric_limits<double>::infinity();
  }

  void FillTile(size_t first, Tile* tile) const {
    const size_t width = kernel_.rows;
    tile->rows = std::min(tile_rows_, selection_.size() - first);
    tile->panels.resize(tile_rows_ * base_.dimension);
    tile->scale.assign(tile_rows_, 0);
    tile->bias.assign(tile_rows_, 0);
    for (size_t i = 0; i < tile->rows; i += width) {
      const float* rows[internal::kMaxPanelRows];
      const size_t count = std::min(width, tile->rows - i);
      for (size_t r = 0; r < count; ++r) {
        const uint32_t id = selection_[first + i + r];
        rows[r] = base_.row(id).data();
        SetScale(base_squares_[id], &tile->scale[i + r], &tile->bias[i + r]);
      }
      Interleave(rows, count, width, base_.dimension,
                 tile->panels.data() + i * base_.dimension);
    }
  }

  void SetScale(double square, float* scale, float* bias) const {
    switch (metric_) {
      case Metric::kL2:
        *scale = -2;
        *bias = static_cast<float>(square);
        break;
      case Metric::kInnerProduct:
        *scale = -1;
        break;
      case Metric::kCosine:
        *scale = square > 0 ? static_cast<float>(-1 / std::sqrt(square)) : 0;
        break;
    }
  }

  // Candidates lie anywhere in the base, which no cache holds.
  void Prefetch(uint32_t row) const {
    const float* data = base_.row(row).data();
    constexpr size_t kLine = 16;
    for (size_t d = 0; d < std::min<size_t>(base_.dimension, 512); d += kLine) {
      __builtin_prefetch(data + d);
    }
  }

  Neighbor Exact(size_t query, const Candidate& candidate) const {
    return {
        candidate.row,
        ExactDistance(metric_, queries_.row(query).data(),
                      query_squares_[query], base_.row(candidate.row).data(),
                      base_squares_[candidate.row], base_.dimension)};
  }

  // The queries of a group, interleaved by dimension in blocks.
  void FillQueries(size_t first, size_t count) {
    const size_t width = kernel_.queries;
    packed_.resize((count + width - 1) / width * width * base_.dimension);
    query_squares_.resize(queries_.rows);
    for (size_t i = 0; i < count; i += width) {
      const float* rows[internal::kMaxPanelRows];
      const size_t block = std::min(width, count - i);
      for (size_t q = 0; q < block; ++q) {
        rows[q] = queries_.row(first + i + q).data();
        query_squares_[first + i + q] =
            ExactDot(rows[q], rows[q], base_.dimension);
      }
      Interleave(rows, block, width, base_.dimension,
                 packed_.data() + i * base_.dimension);
    }
  }

  // What one thread knows of the queries of a group.
  struct Found {
    std::vector<Candidates> candidates;
    // Those of the candidates side by side, as the kernel takes them; of no
    // query: nothing is near.
    std::vector<float> thresholds;
    Tile tile;
  };

  void SearchGroup(size_t first, size_t count) {
    FillQueries(first, count);
    std::vector<Found> found(std::min(threads_, tiles_));
    for (Found& of_thread : found) {
      of_thread.candidates.reserve(count);
      for (size_t i = 0; i < count; ++i) {
        of_thread.candidates.emplace_back(
            truth_.k, Slack(std::sqrt(query_squares_[first + i])));
      }
      of_thread.thresholds.assign(count + kernel_.queries,
                                  -std::numeric_limits<float>::infinity());
      std::fill_n(of_thread.thresholds.begin(), count,
                  std::numeric_limits<float>::infinity());
    }
    ParallelFor(found.size(), tiles_, [&](size_t thread, size_t t) {
      if (Stopped()) return;
      FillTile(t * tile_rows_, &found[thread].tile);
      // A part of the queries that stays in the L2 cache beside the tile.
      const size_t block_bytes =
          kernel_.queries * base_.dimension * sizeof(float);
      const size_t part =
          kernel_.queries * std::max<size_t>(1, kTileBytes / 2 / block_bytes);
      for (size_t q = 0; q < count; q += part) {
        ScanTile(t * tile_rows_, first, q, std::min(q + part, count),
                 &found[thread]);
      }
      Report();
    });
    if (Stopped()) return;
    ParallelFor(threads_, count,
                [&](size_t, size_t i) { Finish(first + i, i, &found); });
  }

  // Queries [begin, end) of the group that starts with `first_query`.
  void ScanTile(size_t first_row, size_t first_query, size_t begin, size_t end,
                Found* found) const {
    const Tile& tile = found->tile;
    float out[internal::kMaxPanelQueries * internal::kMaxPanelRows];
    uint32_t masks[internal::kMaxPanelQueries];
    internal::PanelArguments panel;
    panel.dimension = base_.dimension;
    panel.out = out;
    panel.masks = masks;
    for (size_t r = 0; r < tile.rows; r += kernel_.rows) {
      panel.rows = tile.panels.data() + r * base_.dimension;
      panel.scale = tile.scale.data() + r;
      panel.bias = tile.bias.data() + r;
      const size_t rows = std::min(kernel_.rows, tile.rows - r);
      const uint32_t valid = ~uint32_t{0} >> (32 - rows);
      for (size_t q = begin; q < end; q += kernel_.queries) {
        panel.queries = packed_.data() + q * base_.dimension;
        panel.thresholds = found->thresholds.data() + q;
        if ((kernel_.run(panel) & valid) == 0) continue;
        const size_t queries = std::min(kernel_.queries, end - q);
        for (size_t i = 0; i < queries; ++i) {
          const uint32_t mask = masks[i] & valid;
          if (mask == 0) continue;
          Candidates& candidates = found->candidates[q + i];
          Take(out + i * kernel_.rows, mask, first_row + r, first_query + q + i,
               &candidates);
          found->thresholds[q + i] = candidates.threshold();
        }
      }
    }
  }

  void Take(const float* distances, uint32_t mask, size_t first_row,
            size_t query, Candidates* candidates) const {
    for (; mask != 0; mask &= mask - 1) {
      const int bit = __builtin_ctz(mask);
      candidates->Add({distances[bit], selection_[first_row + bit]});
    }
    if (candidates->full()) {
      candidates->Shrink(
          [&](const Candidate& item) { return Exact(query, item); });
    }
  }

  void Finish(size_t query, size_t index, std::vector<Found>* found) {
    const auto exact = [&](const Candidate& item) {
      return Exact(query, item);
    };
    Candidates all = std::move((*found)[0].candidates[index]);
    for (size_t t = 1; t < found->size(); ++t) {
      for (const Candidate& item : (*found)[t].candidates[index].items()) {
        all.Add(item);
      }
    }
    all.Shrink(exact);
    std::vector<Neighbor> nearest;
    nearest.reserve(all.items().size());
    const std::vector<Candidate>& items = all.items();
    for (size_t i = 0; i < items.size(); ++i) {
      Prefetch(items[std::min(i + 4, items.size() - 1)].row);
      nearest.push_back(exact(items[i]));
    }
    const auto end = nearest.begin() + static_cast<ptrdiff_t>(truth_.k);
    std::partial_sort(nearest.begin(), end, nearest.end());
    std::copy(
        nearest.begin(), end,
        truth_.neighbors.begin() + static_cast<ptrdiff_t>(query * truth_.k));
  }

  void Report() {
    if (!options_.on_progress) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    options_.on_progress(static_cast<double>(done_) /
                         static_cast<double>(steps_));
  }

  const Matrix base_;
  const Matrix queries_;
  const Metric metric_;
  const GroundTruthOptions& options_;
  const internal::PanelKernel kernel_;
  const size_t threads_;
  const Selection selection_;
  size_t tile_rows_ = 0;
  size_t tiles_ = 0;
  std::vector<double> base_squares_;
  std::vector<double> query_squares_;
  double longest_base_ = 0;
  double shortest_base_ = 0;  // Infinite when all are 0.
  std::vector<float> packed_;
  GroundTruth truth_;

  std::mutex mutex_;
  size_t steps_ = 0;
  size_t done_ = 0;
};

absl::Status Check(Matrix base, Matrix queries,
                   const GroundTruthOptions& options) {
  if (options.k < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("k must be at least 1, not ", options.k));
  }
  if (base.dimension == 0 || base.dimension != queries.dimension) {
    return absl::InvalidArgumentError(
        absl::StrCat("base vectors of dimension ", base.dimension,
                     " and queries of dimension ", queries.dimension));
  }
  if (base.rows > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat(base.rows, " base vectors are too many"));
  }
  if (options.filter.any() && (options.attributes == nullptr ||
                               options.attributes->tags.size() != base.rows)) {
    return absl::InvalidArgumentError(
        "a filter needs the attributes of the base vectors");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GroundTruth> ComputeGroundTruth(
    Matrix base, Matrix queries, Metric metric,
    const GroundTruthOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(Check(base, queries, options));
  return Search(base, queries, metric, options).Run();
}

std::vector<Neighbor> NearestByScan(Matrix base, absl::Span<const float> query,
                                    Metric metric, size_t k,
                                    const Filter& filter,
                                    const Attributes* attributes) {
  std::vector<Neighbor> all;
  for (size_t i = 0; i < base.rows; ++i) {
    if (filter.any() && !attributes->Matches(filter, i)) continue;
    all.push_back({static_cast<int64_t>(i),
                   ExactDistance(metric, query.data(), base.row(i).data(),
                                 base.dimension)});
  }
  std::sort(all.begin(), all.end());
  all.resize(std::min(k, all.size()));
  return all;
}

}  // namespace opsbench::vector
