// FAISS's HNSW and inverted lists over uncompressed vectors. The only place
// that includes FAISS, whose exceptions end here.

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/IDSelector.h>
#include <omp.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/local_index.h"
#include "opsbench/vector/local_backends.h"

namespace opsbench::vector {
namespace {

using internal::QueryReader;

// As often as progress is wanted.
constexpr size_t kBatchRows = 1'000;
// FAISS's k-means wants so many vectors a list.
constexpr size_t kFewestRowsOfList = 39;
constexpr int kDefaultEf = 16;  // FAISS's own.

absl::Status StatusOf(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return absl::ResourceExhaustedError("FAISS: memory ended");
  }
  return absl::InternalError(absl::StrCat("FAISS: ", error.what()));
}

faiss::MetricType MetricOf(Metric metric) {
  return metric == Metric::kL2 ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT;
}

// What the searchers need of a built index.
struct Built {
  const Dataset* data = nullptr;
  std::unique_ptr<faiss::Index> quantizer;  // Of inverted lists.
  std::unique_ptr<faiss::Index> index;
  bool inverted_lists = false;
};

class RowsThatMatch final : public faiss::IDSelector {
 public:
  RowsThatMatch(const Attributes& attributes, const Filter& filter)
      : attributes_(attributes), filter_(filter) {}

  bool is_member(faiss::Index::idx_t id) const override {
    return attributes_.Matches(filter_, static_cast<size_t>(id));
  }

 private:
  const Attributes& attributes_;
  const Filter& filter_;
};

class FaissSearcher final : public Searcher {
 public:
  explicit FaissSearcher(const Built& built)
      : built_(built), reader_(*built.data) {}

  absl::Status Search(const SearchRequest& request,
                      std::vector<Neighbor>* found) override {
    found->clear();
    OPSBENCH_ASSIGN_OR_RETURN(const float* query, reader_.Read(request));
    const Dataset& data = *built_.data;
    const size_t k = std::min(static_cast<size_t>(request.k), data.base().rows);
    if (k == 0) return absl::OkStatus();
    if (request.filter.any() && !built_.inverted_lists) {
      return absl::InvalidArgumentError(
          "faiss_hnsw cannot filter: FAISS 1.7.3's HNSW takes no selector");
    }
    distances_.resize(k);
    ids_.resize(k);
    // A request is one thread's work; the setting is each thread's own.
    omp_set_num_threads(1);
    try {
      if (built_.inverted_lists) {
        SearchLists(request, query, k);
      } else {
        faiss::SearchParametersHNSW parameters;
        parameters.efSearch =
            std::max(request.k, request.ef > 0 ? request.ef : kDefaultEf);
        built_.index->search(1, query, static_cast<faiss::Index::idx_t>(k),
                             distances_.data(), ids_.data(), &parameters);
      }
    } catch (const std::exception& error) {
      return StatusOf(error);
    }
    const bool similarity = data.metric() != Metric::kL2;
    for (size_t i = 0; i < k && ids_[i] >= 0; ++i) {
      found->push_back(
          {ids_[i], similarity ? 1 - distances_[i] : distances_[i]});
    }
    return absl::OkStatus();
  }

  absl::Status Recover() override { return absl::OkStatus(); }

 private:
  void SearchLists(const SearchRequest& request, const float* query, size_t k) {
    const RowsThatMatch matching(built_.data->attributes(), request.filter);
    faiss::SearchParametersIVF parameters;
    parameters.nprobe = static_cast<size_t>(std::max(1, request.ef));
    if (request.filter.any()) {
      parameters.sel = const_cast<RowsThatMatch*>(&matching);
    }
    built_.index->search(1, query, static_cast<faiss::Index::idx_t>(k),
                         distances_.data(), ids_.data(), &parameters);
  }

  const Built& built_;
  QueryReader reader_;
  std::vector<float> distances_;
  std::vector<faiss::Index::idx_t> ids_;
};

class FaissBackend final : public Backend {
 public:
  explicit FaissBackend(bool inverted_lists) : inverted_lists_(inverted_lists) {
    info_.name = inverted_lists ? "faiss_ivf" : "faiss_hnsw";
    info_.version = absl::StrCat(FAISS_VERSION_MAJOR, ".", FAISS_VERSION_MINOR,
                                 ".", FAISS_VERSION_PATCH);
    info_.filters = inverted_lists;
  }

  const BackendInfo& info() const override { return info_; }

  absl::Status Build(const Dataset& data,
                     const BuildOptions& options) override {
    OPSBENCH_RETURN_IF_ERROR(internal::CheckBuild(data, options));
    if (options.m < 2 || options.ef_construction < 1 || options.lists < 1) {
      return absl::InvalidArgumentError(
          "FAISS needs m from 2 on, and ef_construction and lists above 0");
    }
    built_ = Built();
    built_.data = &data;
    built_.inverted_lists = inverted_lists_;
    if (data.base().rows == 0) return absl::OkStatus();
    const int threads_before = omp_get_max_threads();
    omp_set_num_threads(options.threads);
    absl::Status status;
    try {
      Make(data, options);
      Add(data, options);
    } catch (const std::exception& error) {
      status = StatusOf(error);
    }
    omp_set_num_threads(threads_before);
    if (!status.ok()) built_ = Built();
    return status;
  }

  int64_t MemoryBytes() const override;

  absl::StatusOr<std::unique_ptr<Searcher>> Connect() override {
    if (built_.data == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat(info_.name, ": the index was not built"));
    }
    return std::make_unique<FaissSearcher>(built_);
  }

 private:
  void Make(const Dataset& data, const BuildOptions& options) {
    const auto dimension = static_cast<int>(data.dimension());
    const faiss::MetricType metric = MetricOf(data.metric());
    if (!inverted_lists_) {
      auto index =
          std::make_unique<faiss::IndexHNSWFlat>(dimension, options.m, metric);
      index->hnsw.efConstruction = options.ef_construction;
      built_.index = std::move(index);
      return;
    }
    const size_t lists =
        std::clamp<size_t>(data.base().rows / kFewestRowsOfList, 1,
                           static_cast<size_t>(options.lists));
    built_.quantizer = std::make_unique<faiss::IndexFlat>(dimension, metric);
    auto index = std::make_unique<faiss::IndexIVFFlat>(
        built_.quantizer.get(), static_cast<size_t>(dimension), lists, metric);
    index->cp.seed = static_cast<int>(options.seed);
    // Else a warning on stderr, where there are few vectors.
    index->cp.min_points_per_centroid = 1;
    built_.index = std::move(index);
  }

  void Add(const Dataset& data, const BuildOptions& options) {
    const Matrix base = data.base();
    const bool stored = data.metric() == Metric::kCosine;
    std::vector<float> all;
    if (stored) {
      all.resize(base.rows * base.dimension);
      for (size_t row = 0; row < base.rows; ++row) {
        internal::StoreVector(data.metric(), base.row(row),
                              all.data() + row * base.dimension);
      }
    }
    const float* rows = stored ? all.data() : base.data;
    if (inverted_lists_) {
      built_.index->train(static_cast<faiss::Index::idx_t>(base.rows), rows);
    }
    for (size_t first = 0; first < base.rows; first += kBatchRows) {
      const size_t count = std::min(kBatchRows, base.rows - first);
      built_.index->add(static_cast<faiss::Index::idx_t>(count),
                        rows + first * base.dimension);
      if (options.on_progress) {
        options.on_progress(static_cast<int64_t>(first + count));
      }
    }
  }

  const bool inverted_lists_;
  BackendInfo info_;
  Built built_;
};

// Vectors, and links or ids; FAISS does not say.
int64_t FaissBackend::MemoryBytes() const {
  if (built_.index == nullptr) return 0;
  const Matrix base = built_.data->base();
  size_t bytes = base.rows * base.dimension * sizeof(float);
  if (inverted_lists_) {
    const auto& index = static_cast<const faiss::IndexIVFFlat&>(*built_.index);
    bytes += base.rows * sizeof(faiss::Index::idx_t) +
             index.nlist * base.dimension * sizeof(float);
  } else {
    const faiss::HNSW& hnsw =
        static_cast<const faiss::IndexHNSW&>(*built_.index).hnsw;
    bytes += hnsw.neighbors.size() * sizeof(hnsw.neighbors[0]) +
             hnsw.offsets.size() * sizeof(hnsw.offsets[0]) +
             hnsw.levels.size() * sizeof(hnsw.levels[0]);
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace

std::unique_ptr<Backend> MakeFaissHnswBackend() {
  return std::make_unique<FaissBackend>(false);
}

std::unique_ptr<Backend> MakeFaissIvfBackend() {
  return std::make_unique<FaissBackend>(true);
}

}  // namespace opsbench::vector
