#ifndef OPSBENCH_VECTOR_LOCAL_BACKENDS_H_
#define OPSBENCH_VECTOR_LOCAL_BACKENDS_H_

// The indexes that live in this process, by name.
//
//   hnsw         our search on a graph that hnswlib builds (hnsw_backend.h):
//                the default
//   hnswlib      hnswlib alone: its graph, its distances and its searchKnn()
//   brute_force  a scan of all base vectors: exact
//   faiss_hnsw   FAISS's HNSW over uncompressed vectors
//   faiss_ivf    FAISS's inverted lists of uncompressed vectors
//
// All take every metric (cosine by vectors of length 1), answer with distances
// of vectors.h, and all but hnswlib filter while they search; none fetches more
// and drops what does not pass. The filter of hnsw, brute_force and faiss_ivf
// costs time and no recall; that of faiss_hnsw also costs recall, since
// candidates that do not pass are among its ef. An index without vectors finds
// nothing; more neighbours than vectors finds them all, or as many as the index
// reaches.
//
// Errors of Build(): InvalidArgument for options that the index cannot be built
// with, more than 2^31 - 1 vectors, or components that are not finite;
// ResourceExhausted when memory ends; Internal: the library's own.
// Of Search(): InvalidArgument for another dimension, a component that is not
// finite, k below 1, ef below 0, a filter without attributes or of two kinds.
// FailedPrecondition: Connect() before Build().
//
// A Searcher does its work on the thread that calls it, allocates only when it
// grows beyond what it has served before, and is not valid after another
// Build(). The data set that Build() was given must outlive it.
//
// Thread safety: as backend.h says.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/vector/backend.h"

namespace opsbench::vector {

// In the order above.
const std::vector<std::string>& LocalBackendNames();

// NotFound lists what there is.
absl::StatusOr<std::unique_ptr<Backend>> MakeLocalBackend(
    absl::string_view name);

std::unique_ptr<Backend> MakeHnswlibBackend();
std::unique_ptr<Backend> MakeBruteForceBackend();
std::unique_ptr<Backend> MakeFaissHnswBackend();
std::unique_ptr<Backend> MakeFaissIvfBackend();

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_LOCAL_BACKENDS_H_
