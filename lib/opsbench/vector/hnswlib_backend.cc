#include "opsbench/vector/hnswlib_backend.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/hnsw_graph.h"
#include "opsbench/vector/internal/local_index.h"

namespace opsbench::vector {
namespace {

using internal::HnswLayout;
using internal::QueryReader;

// A node and how far it is from the query.
struct Place {
  float distance;
  uint32_t node;

  friend bool operator<(const Place& a, const Place& b) {
    return a.distance < b.distance;
  }
  friend bool operator>(const Place& a, const Place& b) { return b < a; }
};

// Nodes that a search has been at; cleared by counting.
class Visited {
 public:
  explicit Visited(size_t nodes) : marks_(nodes) {}

  void Clear() {
    if (++mark_ != 0) return;
    std::fill(marks_.begin(), marks_.end(), uint16_t{0});
    mark_ = 1;
  }
  // Whether it was not there before.
  bool Add(uint32_t node) {
    if (marks_[node] == mark_) return false;
    marks_[node] = mark_;
    return true;
  }
  void Prefetch(uint32_t node) const {
    __builtin_prefetch(marks_.data() + node);
  }

 private:
  std::vector<uint16_t> marks_;
  uint16_t mark_ = 0;
};

class HnswSearcher final : public Searcher {
 public:
  HnswSearcher(const Dataset& data, const DistanceFunction<float>& distance,
               const HnswLayout& layout)
      : data_(data),
        distance_(distance),
        layout_(layout),
        reader_(data),
        visited_(layout.size) {}

  absl::Status Search(const SearchRequest& request,
                      std::vector<Neighbor>* found) override {
    found->clear();
    OPSBENCH_ASSIGN_OR_RETURN(query_, reader_.Read(request));
    if (layout_.size == 0) return absl::OkStatus();
    const auto k = static_cast<size_t>(request.k);
    const size_t ef = std::max(
        k, static_cast<size_t>(request.ef > 0 ? request.ef
                                              : HnswlibBackend::kDefaultEf));
    if (request.filter.any()) {
      const Attributes& attributes = data_.attributes();
      SearchLowest(ef, [&](uint32_t node) {
        return attributes.Matches(request.filter, layout_.row(node));
      });
    } else {
      SearchLowest(ef, [](uint32_t) { return true; });
    }
    std::sort_heap(nearest_.begin(), nearest_.end());
    nearest_.resize(std::min(nearest_.size(), k));
    for (const Place& place : nearest_) {
      found->push_back(
          {static_cast<int64_t>(layout_.row(place.node)), place.distance});
    }
    return absl::OkStatus();
  }

  absl::Status Recover() override { return absl::OkStatus(); }

 private:
  float DistanceTo(uint32_t node) const {
    return distance_(query_, layout_.vector(node));
  }

  // From the top to the lowest level but one: always to the nearest neighbour.
  Place Descend() const {
    Place at = {DistanceTo(layout_.entry), layout_.entry};
    for (int level = layout_.top_level; level > 0; --level) {
      bool moved = true;
      while (moved) {
        moved = false;
        const uint32_t* links = layout_.links(at.node, level);
        const uint32_t count = HnswLayout::CountOf(links);
        for (uint32_t i = 1; i <= count; ++i) {
          const float distance = DistanceTo(links[i]);
          if (distance < at.distance) {
            at = {distance, links[i]};
            moved = true;
          }
        }
      }
    }
    return at;
  }

  // Leaves the nearest in nearest_, a heap whose top is the farthest.
  template <typename Matches>
  void SearchLowest(size_t ef, const Matches& matches) {
    visited_.Clear();
    nearest_.clear();
    candidates_.clear();
    const Place entry = Descend();
    visited_.Add(entry.node);
    candidates_.push_back(entry);
    if (matches(entry.node)) nearest_.push_back(entry);
    while (!candidates_.empty()) {
      const Place next = candidates_.front();
      if (nearest_.size() >= ef && next.distance > nearest_.front().distance) {
        break;
      }
      std::pop_heap(candidates_.begin(), candidates_.end(), std::greater<>());
      candidates_.pop_back();
      Visit(layout_.links(next.node), ef, matches);
    }
  }

  template <typename Matches>
  void Visit(const uint32_t* links, size_t ef, const Matches& matches) {
    const uint32_t count = HnswLayout::CountOf(links);
    // All that memory has to bring is asked for before the first is looked at.
    fresh_.clear();
    for (uint32_t i = 1; i <= count; ++i) visited_.Prefetch(links[i]);
    for (uint32_t i = 1; i <= count; ++i) {
      if (!visited_.Add(links[i])) continue;
      const char* vector =
          reinterpret_cast<const char*>(layout_.vector(links[i]));
      __builtin_prefetch(vector);
      __builtin_prefetch(vector + kCacheLine);
      fresh_.push_back(links[i]);
    }
    for (const uint32_t node : fresh_) {
      const Place place = {DistanceTo(node), node};
      if (nearest_.size() >= ef && !(place < nearest_.front())) continue;
      candidates_.push_back(place);
      std::push_heap(candidates_.begin(), candidates_.end(), std::greater<>());
      if (!matches(node)) continue;
      nearest_.push_back(place);
      std::push_heap(nearest_.begin(), nearest_.end());
      if (nearest_.size() > ef) {
        std::pop_heap(nearest_.begin(), nearest_.end());
        nearest_.pop_back();
      }
    }
  }

  static constexpr size_t kCacheLine = 64;

  const Dataset& data_;
  const DistanceFunction<float>& distance_;
  const HnswLayout layout_;
  QueryReader reader_;
  Visited visited_;
  const float* query_ = nullptr;
  std::vector<Place> candidates_;  // A heap whose top is the nearest.
  std::vector<Place> nearest_;
  std::vector<uint32_t> fresh_;
};

}  // namespace

HnswlibBackend::HnswlibBackend() {
  info_.name = "hnswlib";
  info_.filters = true;
}

HnswlibBackend::~HnswlibBackend() = default;

absl::Status HnswlibBackend::Build(const Dataset& data,
                                   const BuildOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(internal::CheckBuild(data, options));
  if (options.m < 2 || options.m > 1'000 || options.ef_construction < 1) {
    return absl::InvalidArgumentError(
        "HNSW needs m from 2 to 1000 and ef_construction above 0");
  }
  graph_ = nullptr;
  data_ = &data;
  distance_ = std::make_unique<DistanceFunction<float>>(
      internal::IndexMetric(data.metric()),
      std::max<size_t>(data.dimension(), 1));
  if (data.base().rows == 0) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(
      graph_, internal::HnswGraph::Build(data, options, *distance_));
  return absl::OkStatus();
}

int64_t HnswlibBackend::MemoryBytes() const {
  return graph_ == nullptr ? 0 : graph_->MemoryBytes();
}

absl::StatusOr<std::unique_ptr<Searcher>> HnswlibBackend::Connect() {
  if (data_ == nullptr) {
    return absl::FailedPreconditionError("hnswlib: the index was not built");
  }
  return std::make_unique<HnswSearcher>(
      *data_, *distance_, graph_ == nullptr ? HnswLayout() : graph_->layout());
}

absl::Status HnswlibBackend::Save(const std::string& path) {
  if (graph_ == nullptr) {
    return absl::FailedPreconditionError("hnswlib: there is no index to save");
  }
  return graph_->Save(path);
}

}  // namespace opsbench::vector
