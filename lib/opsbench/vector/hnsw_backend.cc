#include "opsbench/vector/hnsw_backend.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/hnsw_graph.h"
#include "opsbench/vector/internal/hnsw_search.h"
#include "opsbench/vector/internal/local_index.h"

namespace opsbench::vector {
namespace {

using internal::HnswLayout;
using internal::HnswSearch;
using internal::QueryReader;

class HnswSearcher : public Searcher {
 public:
  // `layout` null: the index has no vectors.
  HnswSearcher(const Dataset& data, const HnswLayout* layout,
               const DistanceFunction<float>& distance)
      : attributes_(data.attributes()), layout_(layout), reader_(data) {
    if (layout_ != nullptr) {
      search_.emplace(*layout_, distance, data.dimension());
    }
  }

  absl::Status Search(const SearchRequest& request,
                      std::vector<Neighbor>* found) override {
    found->clear();
    const absl::StatusOr<const float*> query = reader_.Read(request);
    if (!query.ok()) return query.status();
    if (layout_ == nullptr) return absl::OkStatus();
    // More than there are vectors would only take more memory.
    const size_t k = std::min(static_cast<size_t>(request.k), layout_->size);
    const int asked = request.ef > 0 ? request.ef : HnswBackend::kDefaultEf;
    const size_t ef =
        std::max(k, std::min(static_cast<size_t>(asked), layout_->size));
    if (request.filter.any()) {
      search_->Run(
          *query, k, ef,
          [&](uint32_t node) {
            return attributes_.Matches(request.filter, layout_->row(node));
          },
          found);
    } else {
      search_->Run(
          *query, k, ef, [](uint32_t) { return true; }, found);
    }
    return absl::OkStatus();
  }

  absl::Status Recover() override { return absl::OkStatus(); }

 private:
  const Attributes& attributes_;
  const HnswLayout* const layout_;
  QueryReader reader_;
  absl::optional<HnswSearch> search_;
};

}  // namespace

HnswBackend::HnswBackend()
    : info_{.name = "hnsw",
            .version = "1, graph by hnswlib " OPSBENCH_HNSWLIB_VERSION,
            .filters = true} {}

HnswBackend::~HnswBackend() = default;

absl::Status HnswBackend::Build(const Dataset& data,
                                const BuildOptions& options) {
  graph_.reset();
  data_ = nullptr;
  OPSBENCH_RETURN_IF_ERROR(internal::CheckBuild(data, options));
  OPSBENCH_RETURN_IF_ERROR(internal::CheckGraphOptions(options, "hnsw"));
  distance_.emplace(internal::IndexMetric(data.metric()), data.dimension());
  if (data.base().rows > 0) {
    OPSBENCH_ASSIGN_OR_RETURN(
        graph_, internal::HnswGraph::Build(data, options, *distance_));
  }
  data_ = &data;
  return absl::OkStatus();
}

int64_t HnswBackend::MemoryBytes() const {
  return graph_ == nullptr ? 0 : graph_->MemoryBytes();
}

absl::StatusOr<std::unique_ptr<Searcher>> HnswBackend::Connect() {
  if (data_ == nullptr) {
    return absl::FailedPreconditionError("hnsw: no index was built");
  }
  return std::make_unique<HnswSearcher>(
      *data_, graph_ == nullptr ? nullptr : &graph_->layout(), *distance_);
}

absl::Status HnswBackend::Save(const std::string& path) {
  if (graph_ == nullptr) {
    return absl::FailedPreconditionError(
        "hnsw: there is no index with vectors to save");
  }
  return graph_->Save(path);
}

}  // namespace opsbench::vector
