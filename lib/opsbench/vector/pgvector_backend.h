#ifndef OPSBENCH_VECTOR_PGVECTOR_BACKEND_H_
#define OPSBENCH_VECTOR_PGVECTOR_BACKEND_H_

// PostgreSQL with the extension pgvector: a table of vectors and an index on
// them. Searches are prepared statements with the query in binary.
//
// A request's `ef` is hnsw.ef_search (at least k, or the index would find
// fewer) or ivfflat.probes; 0 is pgvector's own default, 40 and 1. Filters are
// a WHERE, over which the planner decides: the vector index and a look at each
// row it finds, or the index of the filter's column and a sort. From 0.8 on the
// first goes on until it has k rows (iterative_scan = relaxed_order).
//
// Distances are brought to those of vectors.h: <-> is the root of l2's, <#>
// minus the inner product, <=> cosine's, which is "nan" for a query of zeros;
// that is 1. Under cosine a base vector of zeros is in no index.
//
// Thread safety: as Backend.
//
// Source: https://github.com/pgvector/pgvector#readme

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/index_mark.h"

namespace opsbench::vector {

struct PgvectorOptions {
  // Made by Build(). See CheckIndexName() in wire_backends.h.
  std::string table = "opsbench";

  enum class Index { kHnsw, kIvfflat, kNone };
  Index index = Index::kHnsw;

  // maintenance_work_mem while the index is built, which is many times slower
  // once its graph outgrows that. 0: what the graph will take, between 64 MiB
  // and 2 GiB.
  int64_t build_memory_bytes = 0;
};

// Build() makes the table, and fails when there is something of its name.
class PgvectorBackend : public Backend {
 public:
  // Connects, and creates the extension when it is there to be created.
  // FailedPrecondition: it is not, or too old; the message says what to
  // install. Other errors as Connect() of db/session.h.
  static absl::StatusOr<std::unique_ptr<PgvectorBackend>> Open(
      const Url& url, const PgvectorOptions& options = {});

  // Returns what stands under the table's name, and under those of its indexes.
  // Where that is kCurrent, the backend searches in it from then on.
  virtual absl::StatusOr<IndexState> Find(const Dataset& data,
                                          const BuildOptions& options) = 0;

  // Drops the table and its indexes. Unless `foreign`, FailedPrecondition when
  // the table is not an index that opsbench made; otherwise, whatever has one
  // of the names goes, but nothing that depends on it.
  virtual absl::Status Remove(bool foreign) = 0;

  // After Build(): checks number, index and a sample of the vectors, and marks
  // the table as complete. Internal: something else is there.
  virtual absl::Status Verify(const Dataset& data) = 0;
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_PGVECTOR_BACKEND_H_
