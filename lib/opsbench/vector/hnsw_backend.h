#ifndef OPSBENCH_VECTOR_HNSW_BACKEND_H_
#define OPSBENCH_VECTOR_HNSW_BACKEND_H_

// The embedded index `hnsw`: a graph that hnswlib builds, and a search of our
// own over it. The backend `hnswlib` has hnswlib's own search.
//
// The search takes the steps of hnswlib's (Malkov and Yashunin, "Efficient and
// robust approximate nearest neighbor search using Hierarchical Navigable Small
// World graphs", IEEE TPAMI 42(4), 2020, algorithms 2 and 5) and so finds the
// same neighbours for the same ef, and differs in what it costs: it keeps its
// memory from query to query, asks for vectors ahead of their turn, shares no
// counter or lock with other threads, and has ef for each query. Distances are
// by the kernels of distance.h, while building as well.
//
// A filter decides what may be an answer, not where the search goes: links lead
// through vectors that do not pass. So a filter that few pass costs about a
// scan, and finds what links lead to: nearly all, but under inner product with
// lengths that differ, where many links lead to long vectors, clearly less.
// (hnswlib has filters like this from 0.7 on.)
//
// With one thread the graph is a function of vectors, options and seed; with
// several its links depend on who came first.
//
// Thread safety: as backend.h says. Save() after Build(), from one thread.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/distance.h"

namespace opsbench::vector {

namespace internal {
class HnswGraph;
}  // namespace internal

class HnswBackend : public Backend {
 public:
  // ef of a request that names none; hnswlib's own.
  static constexpr int kDefaultEf = 10;

  HnswBackend();
  ~HnswBackend() override;

  const BackendInfo& info() const override { return info_; }
  // `m` from 2 to 512, `ef_construction` from 1 to 2^20. Otherwise as
  // local_backends.h says.
  absl::Status Build(const Dataset& data, const BuildOptions& options) override;
  // With hnswlib's locks and its map from rows to nodes.
  int64_t MemoryBytes() const override;
  absl::StatusOr<std::unique_ptr<Searcher>> Connect() override;

  // Writes the index as hnswlib reads it. FailedPrecondition: nothing was
  // built, or it has no vectors. DataLoss: the file could not be written.
  absl::Status Save(const std::string& path);

 private:
  const BackendInfo info_;
  const Dataset* data_ = nullptr;
  absl::optional<DistanceFunction<float>> distance_;
  std::unique_ptr<internal::HnswGraph> graph_;  // Null without vectors.
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_HNSW_BACKEND_H_
