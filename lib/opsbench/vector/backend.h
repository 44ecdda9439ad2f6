#ifndef OPSBENCH_VECTOR_BACKEND_H_
#define OPSBENCH_VECTOR_BACKEND_H_

// What searches vectors: a library in this process or an engine over the wire,
// behind one interface.
//
// Thread safety: a Backend is built by one thread; after Build(), Connect() may
// be called from several threads at once. A Searcher is for one thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

struct BuildOptions {
  // HNSW: links of a node, and candidates while building.
  int m = 16;
  int ef_construction = 200;
  // IVF: lists.
  int lists = 256;
  int threads = 2;
  uint64_t seed = 1;
  // Called now and then with the vectors that are in.
  std::function<void(int64_t)> on_progress;
  // Ends the build soon, with Cancelled and without an index, once true.
  const std::atomic<bool>* stop = nullptr;

  bool stopped() const {
    return stop != nullptr && stop->load(std::memory_order_relaxed);
  }
};

// A query: valid until the answer is there.
struct SearchRequest {
  absl::Span<const float> query;
  int k = 10;
  // Candidates of the search: HNSW's ef, IVF's probes. 0: the backend's own.
  int ef = 0;
  Filter filter;
};

struct BackendInfo {
  std::string name;     // "hnsw", "faiss_hnsw", "redis_search", ….
  std::string version;  // Of the library or the server.
  bool exact = false;   // Finds the right neighbours always.
  bool filters = false;
  bool remote = false;  // Requests cross a socket.
};

class Searcher {
 public:
  virtual ~Searcher() = default;

  // The nearest `k`, nearest first: fewer when the index has or finds fewer.
  // Unavailable: the connection was lost. InvalidArgument: another dimension.
  virtual absl::Status Search(const SearchRequest& request,
                              std::vector<Neighbor>* found) = 0;

  // After Unavailable: connects again.
  virtual absl::Status Recover() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const BackendInfo& info() const = 0;

  // Makes an index of the base vectors of `data`, which must outlive the
  // backend, and returns when they can be searched. One in this process
  // replaces its earlier one.
  virtual absl::Status Build(const Dataset& data,
                             const BuildOptions& options) = 0;

  // Bytes that the index takes; 0: not known.
  virtual int64_t MemoryBytes() const = 0;

  virtual absl::StatusOr<std::unique_ptr<Searcher>> Connect() = 0;
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_BACKEND_H_
