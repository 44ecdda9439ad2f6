// hnswlib as its users have it: its graph, its distances, its searchKnn().
//
// hnswlib has one ef for a whole index. A Searcher takes a lock to read it for
// each request, beside the one that hnswlib takes for its list of visited
// nodes: searchers of the same ef do not wait for one another.

#include <algorithm>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "opsbench/base/status_macros.h"
#include "opsbench/vector/hnsw_backend.h"
#include "opsbench/vector/internal/hnsw_graph.h"
#include "opsbench/vector/internal/local_index.h"
#include "opsbench/vector/local_backends.h"

namespace opsbench::vector {
namespace {

using internal::HnswGraph;
using internal::QueryReader;

// A graph and the ef that it has now. std::shared_mutex: see CONTRIBUTING.md.
struct SharedGraph {
  std::unique_ptr<HnswGraph> graph;  // Null without vectors.
  std::shared_mutex mutex;
  size_t ef = 0;
};

class HnswlibSearcher : public Searcher {
 public:
  HnswlibSearcher(const Dataset& data, SharedGraph* shared)
      : shared_(*shared), reader_(data) {}

  absl::Status Search(const SearchRequest& request,
                      std::vector<Neighbor>* found) override {
    found->clear();
    const absl::StatusOr<const float*> query = reader_.Read(request);
    if (!query.ok()) return query.status();
    if (request.filter.any()) {
      return absl::InvalidArgumentError("hnswlib cannot filter");
    }
    if (shared_.graph == nullptr) return absl::OkStatus();
    const size_t k =
        std::min(static_cast<size_t>(request.k), shared_.graph->layout().size);
    const auto ef = static_cast<size_t>(
        request.ef > 0 ? request.ef : HnswBackend::kDefaultEf);
    while (true) {
      {
        const std::shared_lock<std::shared_mutex> lock(shared_.mutex);
        if (shared_.ef == ef) return shared_.graph->SearchKnn(*query, k, found);
      }
      const std::unique_lock<std::shared_mutex> lock(shared_.mutex);
      shared_.ef = ef;
      shared_.graph->SetEf(ef);
    }
  }

  absl::Status Recover() override { return absl::OkStatus(); }

 private:
  SharedGraph& shared_;
  QueryReader reader_;
};

class HnswlibBackend : public Backend {
 public:
  const BackendInfo& info() const override { return info_; }

  absl::Status Build(const Dataset& data,
                     const BuildOptions& options) override {
    shared_.graph.reset();
    shared_.ef = 0;
    data_ = nullptr;
    OPSBENCH_RETURN_IF_ERROR(internal::CheckBuild(data, options));
    OPSBENCH_RETURN_IF_ERROR(internal::CheckGraphOptions(options, "hnswlib"));
    if (data.base().rows > 0) {
      OPSBENCH_ASSIGN_OR_RETURN(shared_.graph,
                                HnswGraph::BuildPlain(data, options));
    }
    data_ = &data;
    return absl::OkStatus();
  }

  int64_t MemoryBytes() const override {
    return shared_.graph == nullptr ? 0 : shared_.graph->MemoryBytes();
  }

  absl::StatusOr<std::unique_ptr<Searcher>> Connect() override {
    if (data_ == nullptr) {
      return absl::FailedPreconditionError("hnswlib: no index was built");
    }
    return std::make_unique<HnswlibSearcher>(*data_, &shared_);
  }

 private:
  const BackendInfo info_ = {.name = "hnswlib",
                             .version = OPSBENCH_HNSWLIB_VERSION};
  const Dataset* data_ = nullptr;
  SharedGraph shared_;
};

}  // namespace

std::unique_ptr<Backend> MakeHnswlibBackend() {
  return std::make_unique<HnswlibBackend>();
}

}  // namespace opsbench::vector
