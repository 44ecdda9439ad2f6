// A shared library that hands batches to a Python with pyarrow and takes them
// back, through the C data interface: for arrow_interop_test.cc. Each function
// draws the batch anew from its seed.

#include <cstdint>
#include <string>
#include <utility>

#include "opsbench/base/random.h"
#include "opsbench/pipeline/arrow_c_data.h"
#include "opsbench/pipeline/internal/column_parts.h"
#include "opsbench/pipeline/random_rows.h"

namespace opsbench::pipeline {
namespace {

Batch Drawn(uint64_t seed, int64_t rows) {
  Random random(seed);
  RandomRowsOptions options;
  options.max_columns = 60;
  Batch batch(RandomSchema(options, &random));
  AppendRandomRows(options, 1, rows, &random, &batch);
  return batch;
}

}  // namespace
}  // namespace opsbench::pipeline

extern "C" {

// Whether it went well.
int OpsbenchProbeExport(uint64_t seed, int64_t rows, ArrowSchema* schema,
                        ArrowArray* array) {
  opsbench::pipeline::Batch batch = opsbench::pipeline::Drawn(seed, rows);
  opsbench::pipeline::ExportSchema(*batch.schema(), schema);
  return opsbench::pipeline::ExportBatch(std::move(batch), array).ok() ? 1 : 0;
}

// How what comes differs from `taken` rows of the batch from `first` on; an
// empty text when it does not. Valid until the next call.
const char* OpsbenchProbeImport(uint64_t seed, int64_t rows, int64_t first,
                                int64_t taken, ArrowSchema* schema,
                                ArrowArray* array) {
  using opsbench::pipeline::Batch;
  static std::string answer;
  const Batch whole = opsbench::pipeline::Drawn(seed, rows);
  Batch expected(whole.schema());
  for (size_t i = 0; i < whole.columns().size(); ++i) {
    expected.columns()[i] =
        opsbench::pipeline::internal::SliceOf(whole.columns()[i], first, taken);
  }
  expected.SetRows(taken);
  const auto imported = opsbench::pipeline::ImportSchema(schema);
  if (!imported.ok()) {
    array->release(array);
    answer = imported.status().ToString();
    return answer.c_str();
  }
  const auto batch = opsbench::pipeline::ImportBatch(*imported, array);
  if (!batch.ok()) {
    answer = batch.status().ToString();
  } else if (**imported != *whole.schema()) {
    answer = "another schema";
  } else {
    answer = opsbench::pipeline::FirstDifference(expected, *batch);
  }
  return answer.c_str();
}

}  // extern "C"
