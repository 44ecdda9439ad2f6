// FAISS's HNSW and inverted lists over uncompressed vectors, as its users call
// them: one query at a time by Index::search(), with FAISS's own kernels. Its
// exceptions end here.
//
// FAISS spreads work by OpenMP: over `threads` while an index is built, over
// none in a search, which is one thread's here. Number of threads is a setting
// of the calling thread, so nobody else's is changed. Training and adding to
// inverted lists call BLAS; a search of one query does not.

#include <omp.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "faiss/IndexFlat.h"
#include "faiss/IndexHNSW.h"
#include "faiss/IndexIVFFlat.h"
#include "faiss/impl/IDSelector.h"
#include "faiss/invlists/InvertedLists.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/local_index.h"
#include "opsbench/vector/local_backends.h"

namespace opsbench::vector {
namespace {

using internal::QueryReader;

absl::Status StatusOf(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return absl::ResourceExhaustedError("memory ended in FAISS");
  }
  return absl::InternalError(absl::StrCat("FAISS: ", error.what()));
}

std::string Version() {
  return absl::StrCat(FAISS_VERSION_MAJOR, ".", FAISS_VERSION_MINOR, ".",
                      FAISS_VERSION_PATCH);
}

// Sets OpenMP's number of threads for a scope of this thread.
class OpenMpThreads {
 public:
  explicit OpenMpThreads(int threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(threads);
  }
  ~OpenMpThreads() { omp_set_num_threads(before_); }
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

 private:
  const int before_;
};

faiss::MetricType FaissMetric(Metric metric) {
  return internal::IndexMetric(metric) == Metric::kL2
             ? faiss::METRIC_L2
             : faiss::METRIC_INNER_PRODUCT;
}

class RowSelector final : public faiss::IDSelector {
 public:
  RowSelector(const Attributes& attributes, const Filter& filter)
      : attributes_(attributes), filter_(filter) {}

  bool is_member(idx_t id) const override {
    return attributes_.Matches(filter_, static_cast<size_t>(id));
  }

 private:
  const Attributes& attributes_;
  const Filter& filter_;
};

class FaissSearcher : public Searcher {
 public:
  absl::Status Search(const SearchRequest& request,
                      std::vector<Neighbor>* found) override {
    found->clear();
    const absl::StatusOr<const float*> query = reader_.Read(request);
    if (!query.ok()) return query.status();
    if (index_ == nullptr) return absl::OkStatus();
    const auto k = static_cast<size_t>(
        std::min<int64_t>(request.k, static_cast<int64_t>(index_->ntotal)));
    distances_.resize(k);
    ids_.resize(k);
    RowSelector selector(data_.attributes(), request.filter);
    try {
      const OpenMpThreads one(1);
      SearchIndex(*query, request.ef,
                  request.filter.any() ? &selector : nullptr);
    } catch (const std::exception& error) {
      return StatusOf(error);
    }
    Take(found);
    return absl::OkStatus();
  }

  absl::Status Recover() override { return absl::OkStatus(); }

 protected:
  // `index` null: there are no vectors.
  FaissSearcher(const Dataset& data, const faiss::Index* index)
      : data_(data), index_(index), reader_(data) {}

  // Calls Run() with parameters of the index's kind. May throw.
  virtual void SearchIndex(const float* query, int ef,
                           faiss::IDSelector* selector) = 0;

  int result_size() const { return static_cast<int>(ids_.size()); }

  void Run(const float* query, const faiss::SearchParameters& parameters) {
    index_->search(1, query, static_cast<int64_t>(ids_.size()),
                   distances_.data(), ids_.data(), &parameters);
  }

 private:
  void Take(std::vector<Neighbor>* found) const {
    const bool l2 = index_->metric_type == faiss::METRIC_L2;
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (ids_[i] < 0) continue;  // Fewer were found.
      found->push_back({ids_[i], l2 ? distances_[i] : 1 - distances_[i]});
    }
    std::sort(found->begin(), found->end());
  }

  const Dataset& data_;
  const faiss::Index* const index_;
  QueryReader reader_;
  std::vector<float> distances_;
  std::vector<int64_t> ids_;
};

// FAISS 1.7.3 has room for as many candidates as the index's own efSearch says,
// which all searchers share, and stops after as many as that of the parameters.
// So both are set; those that want the same go together, and one that wants
// another has the index for itself.
class FaissHnswSearcher final : public FaissSearcher {
 public:
  static constexpr int kDefaultEf = 16;  // FAISS's own.

  FaissHnswSearcher(const Dataset& data, faiss::IndexHNSWFlat* index,
                    std::shared_mutex* ef_mutex)
      : FaissSearcher(data, index), hnsw_index_(index), ef_mutex_(*ef_mutex) {}

 private:
  void SearchIndex(const float* query, int ef,
                   faiss::IDSelector* selector) override {
    parameters_.sel = selector;
    // Fewer than k would leave the answer short.
    const int wanted = std::max(ef > 0 ? ef : kDefaultEf, result_size());
    parameters_.efSearch = wanted;
    {
      std::shared_lock lock(ef_mutex_);
      if (hnsw_index_->hnsw.efSearch == wanted) {
        return Run(query, parameters_);
      }
    }
    std::unique_lock lock(ef_mutex_);
    hnsw_index_->hnsw.efSearch = wanted;
    Run(query, parameters_);
  }

  faiss::IndexHNSWFlat* const hnsw_index_;
  std::shared_mutex& ef_mutex_;  // Guards hnsw_index_->hnsw.efSearch.
  faiss::SearchParametersHNSW parameters_;
};

class FaissIvfSearcher final : public FaissSearcher {
 public:
  static constexpr size_t kDefaultProbes = 1;  // FAISS's own.

  FaissIvfSearcher(const Dataset& data, const faiss::IndexIVFFlat* index)
      : FaissSearcher(data, index) {}

 private:
  void SearchIndex(const float* query, int ef,
                   faiss::IDSelector* selector) override {
    parameters_.sel = selector;
    parameters_.nprobe = ef > 0 ? static_cast<size_t>(ef) : kDefaultProbes;
    Run(query, parameters_);
  }

  faiss::SearchParametersIVF parameters_;
};

// Adds all rows to an index, in steps between which progress is told.
void AddRows(const Dataset& data, const BuildOptions& options,
             faiss::Index* index) {
  const Matrix base = data.base();
  // FAISS sets up locks for all vectors at each step.
  const size_t step = std::max<size_t>(10'000, base.rows / 20);
  std::vector<float> stored;
  for (size_t row = 0; row < base.rows; row += step) {
    const size_t count = std::min(step, base.rows - row);
    stored.resize(count * base.dimension);
    for (size_t i = 0; i < count; ++i) {
      internal::StoreVector(data.metric(), base.row(row + i),
                            stored.data() + i * base.dimension);
    }
    if (options.stopped()) return;
    index->add(static_cast<int64_t>(count), stored.data());
    if (options.on_progress) {
      options.on_progress(static_cast<int64_t>(row + count));
    }
  }
}

// What both have in common: Index is FAISS's type.
template <typename Index>
class FaissBackend : public Backend {
 public:
  const BackendInfo& info() const override { return info_; }

  absl::Status Build(const Dataset& data,
                     const BuildOptions& options) override {
    index_.reset();
    data_ = nullptr;
    OPSBENCH_RETURN_IF_ERROR(internal::CheckBuild(data, options));
    OPSBENCH_RETURN_IF_ERROR(Check(data, options));
    if (data.base().rows > 0) {
      try {
        const OpenMpThreads threads(options.threads);
        Make(data, options);
        AddRows(data, options, index_.get());
        if (options.stopped()) {
          index_.reset();
          return absl::CancelledError("interrupted");
        }
      } catch (const std::exception& error) {
        index_.reset();
        return StatusOf(error);
      }
    }
    data_ = &data;
    return absl::OkStatus();
  }

  int64_t MemoryBytes() const override {
    return index_ == nullptr ? 0 : static_cast<int64_t>(IndexBytes());
  }

  absl::StatusOr<std::unique_ptr<Searcher>> Connect() override {
    if (data_ == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat(info_.name, ": no index was built"));
    }
    return MakeSearcher(*data_);
  }

 protected:
  explicit FaissBackend(const char* name)
      : info_{.name = name, .version = Version(), .filters = true} {}

  virtual absl::Status Check(const Dataset& data,
                             const BuildOptions& options) const = 0;
  // Sets index_, empty and trained. May throw.
  virtual void Make(const Dataset& data, const BuildOptions& options) = 0;
  virtual size_t IndexBytes() const = 0;
  virtual std::unique_ptr<Searcher> MakeSearcher(const Dataset& data) const = 0;

  std::unique_ptr<Index> index_;

 private:
  const BackendInfo info_;
  const Dataset* data_ = nullptr;
};

class FaissHnswBackend final : public FaissBackend<faiss::IndexHNSWFlat> {
 public:
  FaissHnswBackend() : FaissBackend("faiss_hnsw") {}

 private:
  absl::Status Check(const Dataset&,
                     const BuildOptions& options) const override {
    return internal::CheckGraphOptions(options, "faiss_hnsw");
  }

  void Make(const Dataset& data, const BuildOptions& options) override {
    index_ = std::make_unique<faiss::IndexHNSWFlat>(
        static_cast<int>(data.dimension()), options.m,
        FaissMetric(data.metric()));
    index_->hnsw.efConstruction = options.ef_construction;
    index_->hnsw.rng =
        faiss::RandomGenerator(static_cast<int64_t>(options.seed));
  }

  size_t IndexBytes() const override {
    const faiss::HNSW& hnsw = index_->hnsw;
    const auto& flat = dynamic_cast<const faiss::IndexFlat&>(*index_->storage);
    return flat.codes.capacity() +
           hnsw.neighbors.capacity() * sizeof(hnsw.neighbors[0]) +
           hnsw.offsets.capacity() * sizeof(hnsw.offsets[0]) +
           hnsw.levels.capacity() * sizeof(hnsw.levels[0]);
  }

  std::unique_ptr<Searcher> MakeSearcher(const Dataset& data) const override {
    return std::make_unique<FaissHnswSearcher>(data, index_.get(), &ef_mutex_);
  }

  // Of the searchers, which are made by a backend that stays as it is.
  mutable std::shared_mutex ef_mutex_;
};

class FaissIvfBackend final : public FaissBackend<faiss::IndexIVFFlat> {
 public:
  FaissIvfBackend() : FaissBackend("faiss_ivf") {}
  // FAISS's index uses the quantizer to its end.
  ~FaissIvfBackend() override { index_.reset(); }

 private:
  // Enough for centroids, and a fifth of the time of FAISS's own 25 and 256:
  // its BLAS is Debian's reference, which is slow.
  static constexpr int kTrainingRounds = 10;
  static constexpr int kTrainingVectors = 128;  // A list.

  absl::Status Check(const Dataset& data,
                     const BuildOptions& options) const override {
    const size_t rows = data.base().rows;
    if (options.lists < 1 ||
        (rows > 0 && static_cast<size_t>(options.lists) > rows)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "faiss_ivf needs 1 list or more, and a vector for each: got ",
          options.lists, " lists for ", rows, " vectors"));
    }
    return absl::OkStatus();
  }

  void Make(const Dataset& data, const BuildOptions& options) override {
    const auto dimension = static_cast<int64_t>(data.dimension());
    const auto lists = static_cast<size_t>(options.lists);
    const faiss::MetricType metric = FaissMetric(data.metric());
    quantizer_ = std::make_unique<faiss::IndexFlat>(dimension, metric);
    index_ = std::make_unique<faiss::IndexIVFFlat>(
        quantizer_.get(), data.dimension(), lists, metric);
    faiss::ClusteringParameters& training = index_->cp;
    training.niter = kTrainingRounds;
    training.max_points_per_centroid = kTrainingVectors;
    training.min_points_per_centroid = 1;  // Below it FAISS prints a warning.
    training.seed = static_cast<int>(options.seed & 0x7fffffff);
    // Rows at even distances, so that no part of the base is left out.
    const Matrix base = data.base();
    const size_t count = std::min(base.rows, lists * kTrainingVectors);
    std::vector<float> sample(count * base.dimension);
    for (size_t i = 0; i < count; ++i) {
      internal::StoreVector(data.metric(), base.row(i * base.rows / count),
                            sample.data() + i * base.dimension);
    }
    index_->train(static_cast<int64_t>(count), sample.data());
  }

  size_t IndexBytes() const override {
    size_t bytes = quantizer_->codes.capacity();
    const auto& lists =
        dynamic_cast<const faiss::ArrayInvertedLists&>(*index_->invlists);
    for (const auto& codes : lists.codes) bytes += codes.capacity();
    for (const auto& ids : lists.ids) {
      bytes += ids.capacity() * sizeof(ids[0]);
    }
    return bytes;
  }

  std::unique_ptr<Searcher> MakeSearcher(const Dataset& data) const override {
    return std::make_unique<FaissIvfSearcher>(data, index_.get());
  }

  std::unique_ptr<faiss::IndexFlat> quantizer_;
};

}  // namespace

std::unique_ptr<Backend> MakeFaissHnswBackend() {
  return std::make_unique<FaissHnswBackend>();
}

std::unique_ptr<Backend> MakeFaissIvfBackend() {
  return std::make_unique<FaissIvfBackend>();
}

}  // namespace opsbench::vector
