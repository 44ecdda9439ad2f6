#ifndef OPSBENCH_VECTOR_OPEN_DATASET_H_
#define OPSBENCH_VECTOR_OPEN_DATASET_H_

// A data set by what a user says: the name of a generated one, or a file in any
// of the formats that DATASET.md lists.
//
// Thread safety: functions keep no state; they start and join their threads.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

struct OpenDatasetOptions {
  // Files beside the base vectors'; empty: by their names, see DATASET.md. Not
  // for formats that hold all in one file.
  std::string queries;
  std::string truth;

  // For formats that do not say (l2 when absent), or in place of what they say,
  // which lets go of their truth.
  absl::optional<Metric> metric;

  // Neighbours that are needed. A truth of fewer is computed anew; 0: whatever
  // the file has, and nothing is computed.
  size_t truth_k = 100;

  // Of generated data, of attributes that are made for files without any, and
  // of the queries that are held out when there is no file of queries.
  uint64_t seed = 1;
  size_t held_out_queries = 1'000;

  // For computing the truth: see ground_truth.h.
  int threads = 0;
  std::function<void(double)> on_progress;
  const std::atomic<bool>* stop = nullptr;
};

// NotFound: no such file, and no such name. InvalidArgument: a file or a name
// that cannot be used; one line says which, what and where. Cancelled.
absl::StatusOr<std::unique_ptr<Dataset>> OpenDataset(
    const std::string& name_or_path, const OpenDatasetOptions& options = {});

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_OPEN_DATASET_H_
