#include "opsbench/vector/internal/hnsw_graph.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <fstream>
#include <mutex>
#include <new>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "hnswlib/hnswlib.h"
#include "opsbench/vector/internal/local_index.h"
#include "opsbench/vector/internal/parallel.h"

namespace opsbench::vector::internal {
namespace {

// Hands vectors out in steps of so many: often enough for progress, seldom
// enough to cost nothing.
constexpr size_t kBatchRows = 256;

float Distance(const void* a, const void* b, const void* function) {
  return (*static_cast<const DistanceFunction<float>*>(function))(
      static_cast<const float*>(a), static_cast<const float*>(b));
}

// Our kernels: hnswlib's own are chosen when it is compiled, and Debian's
// compiler flags leave it SSE.
class Space final : public hnswlib::SpaceInterface<float> {
 public:
  Space(const DistanceFunction<float>& distance, size_t dimension)
      : distance_(distance), bytes_(dimension * sizeof(float)) {}

  size_t get_data_size() override { return bytes_; }
  hnswlib::DISTFUNC<float> get_dist_func() override { return Distance; }
  void* get_dist_func_param() override {
    return const_cast<DistanceFunction<float>*>(&distance_);
  }

 private:
  const DistanceFunction<float>& distance_;
  const size_t bytes_;
};

absl::Status StatusOf(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return absl::ResourceExhaustedError("memory ended in hnswlib's graph");
  }
  return absl::InternalError(absl::StrCat("hnswlib: ", error.what()));
}

using SpacePtr = std::unique_ptr<hnswlib::SpaceInterface<float>>;

class Graph final : public HnswGraph {
 public:
  Graph(const Dataset& data, const BuildOptions& options, SpacePtr space)
      : space_(std::move(space)),
        index_(space_.get(), data.base().rows, static_cast<size_t>(options.m),
               static_cast<size_t>(options.ef_construction), options.seed) {}

  absl::Status Add(const Dataset& data, const BuildOptions& options);

  absl::Status SearchKnn(const float* query, size_t k,
                         std::vector<Neighbor>* found) const override {
    try {
      auto nearest = index_.searchKnn(query, k);
      found->resize(nearest.size());
      for (size_t i = nearest.size(); i-- > 0; nearest.pop()) {
        (*found)[i] = {static_cast<int64_t>(nearest.top().second),
                       nearest.top().first};
      }
    } catch (const std::exception& error) {
      return StatusOf(error);
    }
    return absl::OkStatus();
  }
  void SetEf(size_t ef) override { index_.setEf(ef); }

  const HnswLayout& layout() const override { return layout_; }
  int64_t MemoryBytes() const override;

  absl::Status Save(const std::string& path) override {
    try {
      index_.saveIndex(path);
    } catch (const std::exception& error) {
      return StatusOf(error);
    }
    // saveIndex() does not look whether the file could be written.
    std::ifstream saved(path, std::ios::binary | std::ios::ate);
    if (!saved.is_open() || static_cast<size_t>(saved.tellg()) <
                                layout_.size * layout_.node_bytes) {
      return absl::DataLossError(
          absl::StrCat("the index was not written to ", path));
    }
    return absl::OkStatus();
  }

 private:
  const SpacePtr space_;
  hnswlib::HierarchicalNSW<float> index_;
  HnswLayout layout_;
};

absl::Status Graph::Add(const Dataset& data, const BuildOptions& options) {
  const Matrix base = data.base();
  absl::Mutex mutex;
  absl::Status status;
  int64_t added = 0;
  std::atomic<bool> failed{false};
  const size_t batches = (base.rows + kBatchRows - 1) / kBatchRows;
  const auto add_rows = [&](size_t first, size_t last) {
    std::vector<float> stored(base.dimension);
    for (size_t row = first; row < last; ++row) {
      StoreVector(data.metric(), base.row(row), stored.data());
      index_.addPoint(stored.data(), row);
    }
  };
  const auto add_batch = [&](size_t, size_t batch) {
    // Only saves work: a batch more does no harm.
    if (failed.load(std::memory_order_relaxed) || options.stopped()) return;
    const size_t first = std::max<size_t>(batch * kBatchRows, 1);
    const size_t last = std::min(base.rows, (batch + 1) * kBatchRows);
    try {
      add_rows(first, last);
    } catch (const std::exception& error) {
      failed.store(true, std::memory_order_relaxed);
      absl::MutexLock lock(&mutex);
      status.Update(StatusOf(error));
      return;
    }
    absl::MutexLock lock(&mutex);
    added += static_cast<int64_t>(last - batch * kBatchRows);
    if (options.on_progress) options.on_progress(added);
  };
  try {
    // Alone: to hnswlib's other threads it is where they begin.
    add_rows(0, 1);
    ParallelFor(static_cast<size_t>(options.threads), batches, add_batch);
  } catch (const std::exception& error) {
    return StatusOf(error);
  }
  if (!status.ok()) return status;
  if (options.stopped()) return absl::CancelledError("interrupted");
  layout_.size = index_.cur_element_count;
  layout_.nodes = index_.data_level0_memory_;
  layout_.node_bytes = index_.size_data_per_element_;
  layout_.vector_offset = index_.offsetData_;
  layout_.row_offset = index_.label_offset_;
  layout_.upper = index_.linkLists_;
  layout_.upper_level_bytes = index_.size_links_per_element_;
  layout_.top_level = index_.maxlevel_;
  layout_.entry = index_.enterpoint_node_;
  return absl::OkStatus();
}

int64_t Graph::MemoryBytes() const {
  // Of a heap block, and of a node of the map from labels to nodes.
  constexpr size_t kBlock = sizeof(void*);
  constexpr size_t kMapNode =
      kBlock + sizeof(void*) + sizeof(std::pair<const size_t, uint32_t>);
  const size_t nodes = index_.max_elements_;
  size_t bytes =
      nodes * (index_.size_data_per_element_ + sizeof(char*) + sizeof(int) +
               sizeof(std::mutex) + sizeof(hnswlib::vl_type) + kMapNode);
  bytes += index_.label_lookup_.bucket_count() * sizeof(void*);
  bytes += index_.link_list_update_locks_.size() * sizeof(std::mutex);
  for (const int level : index_.element_levels_) {
    if (level == 0) continue;
    bytes +=
        kBlock + static_cast<size_t>(level) * index_.size_links_per_element_;
  }
  return static_cast<int64_t>(bytes);
}

absl::StatusOr<std::unique_ptr<HnswGraph>> BuildIn(
    SpacePtr space, const Dataset& data, const BuildOptions& options) {
  try {
    auto graph = std::make_unique<Graph>(data, options, std::move(space));
    if (absl::Status added = graph->Add(data, options); !added.ok()) {
      return added;
    }
    return graph;
  } catch (const std::exception& error) {
    return StatusOf(error);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<HnswGraph>> HnswGraph::Build(
    const Dataset& data, const BuildOptions& options,
    const DistanceFunction<float>& distance) {
  return BuildIn(std::make_unique<Space>(distance, data.dimension()), data,
                 options);
}

absl::StatusOr<std::unique_ptr<HnswGraph>> HnswGraph::BuildPlain(
    const Dataset& data, const BuildOptions& options) {
  SpacePtr space;
  if (IndexMetric(data.metric()) == Metric::kL2) {
    space = std::make_unique<hnswlib::L2Space>(data.dimension());
  } else {
    space = std::make_unique<hnswlib::InnerProductSpace>(data.dimension());
  }
  return BuildIn(std::move(space), data, options);
}

}  // namespace opsbench::vector::internal
