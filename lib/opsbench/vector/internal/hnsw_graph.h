#ifndef OPSBENCH_VECTOR_INTERNAL_HNSW_GRAPH_H_
#define OPSBENCH_VECTOR_INTERNAL_HNSW_GRAPH_H_

// hnswlib's graph: built by hnswlib, in its memory, what a search of our own
// has to know of it, and hnswlib's own search. The only place that includes
// hnswlib, whose exceptions end here.
//
// Thread safety: SetEf() and Save() need the graph for themselves; all else may
// be called by any number of threads at once.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector::internal {

// Nodes are numbered as they came in; with several threads that is not the
// order of the rows.
struct HnswLayout {
  size_t size = 0;
  // The lowest level: a node's links, vector and row, node_bytes for each.
  const char* nodes = nullptr;
  size_t node_bytes = 0;
  size_t vector_offset = 0;
  size_t row_offset = 0;
  // The levels above it, of the nodes that are there.
  const char* const* upper = nullptr;
  size_t upper_level_bytes = 0;
  int top_level = 0;
  uint32_t entry = 0;

  const float* vector(uint32_t node) const {
    return reinterpret_cast<const float*>(nodes + node * node_bytes +
                                          vector_offset);
  }
  size_t row(uint32_t node) const {
    size_t row;
    std::memcpy(&row, nodes + node * node_bytes + row_offset, sizeof(row));
    return row;
  }
  // How many links a node has, 16 bits of the first word, and the links.
  const uint32_t* links(uint32_t node) const {
    return reinterpret_cast<const uint32_t*>(nodes + node * node_bytes);
  }
  // REQUIRES: 0 < level <= top_level, the node is on that level.
  const uint32_t* links(uint32_t node, int level) const {
    return reinterpret_cast<const uint32_t*>(
        upper[node] + static_cast<size_t>(level - 1) * upper_level_bytes);
  }
  static uint32_t CountOf(const uint32_t* links) { return *links & 0xffff; }
};

class HnswGraph {
 public:
  virtual ~HnswGraph() = default;

  // `data` of at least one row. `distance` is that of stored vectors and must
  // outlive the graph. Errors as local_backends.h says.
  static absl::StatusOr<std::unique_ptr<HnswGraph>> Build(
      const Dataset& data, const BuildOptions& options,
      const DistanceFunction<float>& distance);

  // The same with hnswlib's own distances.
  static absl::StatusOr<std::unique_ptr<HnswGraph>> BuildPlain(
      const Dataset& data, const BuildOptions& options);

  // hnswlib's own search, with the ef of SetEf(): the nearest `k`, nearest
  // first. REQUIRES: 0 < k <= layout().size.
  virtual absl::Status SearchKnn(const float* query, size_t k,
                                 std::vector<Neighbor>* found) const = 0;
  virtual void SetEf(size_t ef) = 0;

  virtual const HnswLayout& layout() const = 0;
  virtual int64_t MemoryBytes() const = 0;

  // In hnswlib's own format.
  virtual absl::Status Save(const std::string& path) = 0;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_HNSW_GRAPH_H_
