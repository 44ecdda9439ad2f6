#ifndef OPSBENCH_VECTOR_INTERNAL_TARGET_H_
#define OPSBENCH_VECTOR_INTERNAL_TARGET_H_

// What a benchmark can be run against, whatever way its requests take.
//
// Thread safety: for one thread; it starts and joins its own.

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "opsbench/base/histogram.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/benchmark_config.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/index_mark.h"
#include "opsbench/vector/query_load.h"

namespace opsbench::vector::internal {

class Target {
 public:
  virtual ~Target() = default;

  virtual const BackendInfo& info() const = 0;

  // What stands under the index's name. Changes nothing.
  virtual absl::StatusOr<IndexState> Find(const Dataset& data,
                                          const BuildOptions& options) = 0;

  // Removes what Find() found last; what is foreign, too, if `foreign`.
  virtual absl::Status Remove(bool foreign) = 0;

  // Makes the index. REQUIRES: Find() says that nothing is in the way.
  virtual absl::Status Build(const Dataset& data,
                             const BuildOptions& options) = 0;

  // After Build(): checks that all of it is there, by the number of vectors and
  // a sample that is read back, and only then marks it as complete. Internal:
  // something else is there.
  virtual absl::Status Verify(const Dataset& data) = 0;

  // After a measurement: whether all vectors are there still, as far as that is
  // told without reading them.
  virtual absl::Status CheckStillThere(const Dataset& data) = 0;

  // REQUIRES: config.is_search(): `data` and `truth` are not null.
  virtual absl::StatusOr<QueryLoadResult> Run(
      const BenchmarkConfig& config, const Dataset* data,
      const GroundTruth* truth, const QueryLoadOptions& options) = 0;

  // Whether the requests of Run() did what they should, as read back now.
  // DataLoss: they did not; one line says what is missing.
  virtual absl::Status CheckEffect(const BenchmarkConfig& config,
                                   const QueryLoadResult& result) {
    (void)config;
    (void)result;
    return absl::OkStatus();
  }

  // Round trips of the smallest request, one at a time; none in process.
  virtual absl::StatusOr<absl::optional<Histogram>> Baseline() = 0;

  virtual int64_t MemoryBytes() = 0;
};

// What each request of a configuration asks for, but for the query.
inline SearchRequest SearchOf(const BenchmarkConfig& config) {
  SearchRequest request;
  request.k = config.k;
  request.ef = config.ef_search;
  request.filter = config.filter;
  return request;
}

// An index of this process.
absl::StatusOr<std::unique_ptr<Target>> OpenLocalTarget(
    const BenchmarkConfig& config);

// A server, by the URL in `config.backend`. `metric` is the data set's.
absl::StatusOr<std::unique_ptr<Target>> OpenServerTarget(
    const BenchmarkConfig& config, absl::optional<Metric> metric);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_TARGET_H_
