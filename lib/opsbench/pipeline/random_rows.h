#ifndef OPSBENCH_PIPELINE_RANDOM_ROWS_H_
#define OPSBENCH_PIPELINE_RANDOM_ROWS_H_

// Tables of random types with random rows, which hold the values that break
// pipelines: the ends of each range, empty and long text, every escape, bytes
// of all kinds, nulls. For tests and benchmarks.
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <string>
#include <vector>

#include "opsbench/base/random.h"
#include "opsbench/pipeline/batch.h"

namespace opsbench::pipeline {

struct RandomRowsOptions {
  // Types to draw from; empty: all.
  std::vector<TypeId> types;
  int max_columns = 12;
  // How often a value is null, of columns that may.
  double null_share = 0.2;
  // What an engine does not have.
  bool infinities = true;    // Of floats, dates, timestamps, and kNumeric; NaN.
  bool nul_in_text = false;  // U+0000, which PostgreSQL refuses.
  bool negative_zero = true;  // Of floats; SQLite stores 0.
  // Of kNumeric, and behind its point; MySQL has 65 and 30.
  int max_numeric_digits = 120;
  int max_numeric_scale = 40;
  // Of kDuration; 838 is MySQL's.
  int max_duration_hours = 838;
  // Years of dates and timestamps.
  int min_year = 1;
  int max_year = 9999;
  int max_text_bytes = 200;
};

// JSON is in the form that engines bring it into: a space behind commas and
// colons, keys ordered by length, escapes only where they must be.
//
// Column names c0, c1, …; the first column is the primary key, an int64 that
// counts from 1, so that rows can be told apart.
SchemaPtr RandomSchema(const RandomRowsOptions& options, Random* random);

// Appends `rows` rows to `batch`, the first with key `first_key`.
void AppendRandomRows(const RandomRowsOptions& options, int64_t first_key,
                      int64_t rows, Random* random, Batch* batch);

// Where the two differ, for people: "column c3, row 17: 1.5 and 2.5"; empty
// when they hold the same values of the same types in the same order. Floats
// are compared by their bits but for NaN, which equals every NaN.
std::string FirstDifference(const Batch& a, const Batch& b);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_RANDOM_ROWS_H_
