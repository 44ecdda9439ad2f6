#ifndef OPSBENCH_VECTOR_INTERNAL_PGVECTOR_SEARCHER_H_
#define OPSBENCH_VECTOR_INTERNAL_PGVECTOR_SEARCHER_H_

// The statements on a table of vectors, and searches through them.
//
// Thread safety: a PgvectorTable is immutable once its data is set, and may
// then be read by several threads at once; a Searcher is for one thread.

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/pgvector_backend.h"

namespace opsbench::vector::internal {

class PgvectorTable {
 public:
  // InvalidArgument: a name that is none.
  static absl::StatusOr<PgvectorTable> Make(const PgvectorOptions& options);

  // Before any statement that is about vectors.
  void SetData(const Dataset& data);

  // The statement `section` of sql/postgres/vector/pgvector.sql, with `words`
  // beside those that the table itself knows.
  absl::StatusOr<std::string> Sql(
      absl::string_view section,
      std::map<std::string, std::string> words = {}) const;

  // "hnsw", "ivfflat"; empty: there is no index.
  absl::string_view method() const;
  // The index's operators: "vector_l2_ops".
  absl::string_view opclass() const;
  Metric metric() const { return metric_; }
  size_t dimension() const { return dimension_; }

  bool iterative_scan = false;

 private:
  PgvectorTable(SqlCatalog sql, const PgvectorOptions& options)
      : sql_(std::move(sql)), name_(options.table), index_(options.index) {}

  SqlCatalog sql_;
  std::string name_;
  PgvectorOptions::Index index_;
  Metric metric_ = Metric::kL2;
  size_t dimension_ = 0;
};

// `table` must outlive the searcher.
absl::StatusOr<std::unique_ptr<Searcher>> NewPgvectorSearcher(
    const Url& url, const PgvectorTable* table);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_PGVECTOR_SEARCHER_H_
