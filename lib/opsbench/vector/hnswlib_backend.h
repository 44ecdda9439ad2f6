#ifndef OPSBENCH_VECTOR_HNSWLIB_BACKEND_H_
#define OPSBENCH_VECTOR_HNSWLIB_BACKEND_H_

// hnswlib's graph, searched here: its links and vectors as it lays them out,
// the same best-first search (Malkov and Yashunin, arXiv:1603.09320, algorithm
// 2), with our distance kernels, `ef` of each request, and filters. A filter
// lets only what matches into the result and walks over all, so that with few
// matches a search visits more.
//
// Thread safety: as Backend.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/distance.h"

namespace opsbench::vector {

namespace internal {
class HnswGraph;
}  // namespace internal

class HnswlibBackend : public Backend {
 public:
  // Candidates of a request that does not say: hnswlib's own default.
  static constexpr int kDefaultEf = 10;

  HnswlibBackend();
  ~HnswlibBackend() override;

  const BackendInfo& info() const override { return info_; }
  absl::Status Build(const Dataset& data, const BuildOptions& options) override;
  int64_t MemoryBytes() const override;
  absl::StatusOr<std::unique_ptr<Searcher>> Connect() override;

  // Writes hnswlib's own file of the index: labels are rows, vectors of cosine
  // have length 1. FailedPrecondition: nothing was built.
  absl::Status Save(const std::string& path);

 private:
  BackendInfo info_;
  const Dataset* data_ = nullptr;
  std::unique_ptr<DistanceFunction<float>> distance_;
  std::unique_ptr<internal::HnswGraph> graph_;  // Null: no vectors.
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_HNSWLIB_BACKEND_H_
