#ifndef OPSBENCH_PIPELINE_VERIFY_H_
#define OPSBENCH_PIPELINE_VERIFY_H_

// Whether two tables, of one engine or of two, hold the same rows: both are
// read as a pipeline reads them, and their contents summed (content_sum.h).
//
// Thread safety: pure functions; VerifyTables() starts a thread of its own.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/content_sum.h"

namespace opsbench::pipeline {

struct ColumnVerdict {
  std::string name;
  std::string type_a;
  std::string type_b;
  bool comparable = true;
  ColumnSum a;
  ColumnSum b;

  bool equal() const { return comparable && a == b; }
};

struct Verdict {
  std::string table_a;
  std::string table_b;
  int64_t rows_a = 0;
  int64_t rows_b = 0;
  std::vector<ColumnVerdict> columns;
  uint64_t row_sum_a = 0;
  uint64_t row_sum_b = 0;

  bool equal() const;
};

// Reads the columns of `a` from both: `b` has to have them, and may have more.
// Each source is connected and used on one thread. Cancelled: `stop` is set.
absl::StatusOr<Verdict> VerifyTables(Source* a, const ReadRequest& request_a,
                                     Source* b, const ReadRequest& request_b,
                                     const std::atomic<bool>* stop = nullptr);

// For people, a line for each column.
std::string RenderVerdict(const Verdict& verdict);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_VERIFY_H_
