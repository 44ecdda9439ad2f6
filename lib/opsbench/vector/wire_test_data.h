#ifndef OPSBENCH_VECTOR_WIRE_TEST_DATA_H_
#define OPSBENCH_VECTOR_WIRE_TEST_DATA_H_

// Data that the tests of engines over the wire search in, and what is right.
//
// Thread safety: pure functions.

#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/recall.h"

namespace opsbench::vector {

// Tags 0 to 2 are held by 5%, 20% and 75% of the rows.
inline std::unique_ptr<Dataset> WireData(Metric metric, size_t rows = 2'000,
                                         size_t dimension = 24,
                                         size_t queries = 50) {
  GenerateOptions options;
  options.rows = rows;
  options.dimension = dimension;
  options.queries = queries;
  options.metric = metric;
  options.clusters = 20;
  options.tag_shares = {0.05, 0.2};
  options.truth_k = 10;
  return Generate(options).value();
}

// The data set of the recordings in fixtures/vector/replies.
inline std::unique_ptr<Dataset> RecordedData(Metric metric) {
  return WireData(metric, 40, 4, 3);
}

inline Filter TagFilter(uint32_t tag) {
  Filter filter;
  filter.by_tag = true;
  filter.tag = tag;
  return filter;
}

inline Filter NumberFilter(double low, double high) {
  Filter filter;
  filter.by_number = true;
  filter.number_low = low;
  filter.number_high = high;
  return filter;
}

// Without a filter, by tag, by number.
inline std::vector<Filter> WireFilters() {
  return {Filter(), TagFilter(1), NumberFilter(0.25, 0.5)};
}

inline std::vector<Neighbor> RightNeighbors(const Dataset& data, size_t query,
                                            size_t k, const Filter& filter) {
  return NearestByScan(data.base(), data.queries().row(query), data.metric(), k,
                       filter, &data.attributes());
}

// Names of the tests' own, so that runs side by side do not meet.
inline std::string WireTestName(int number) {
  return absl::StrCat("test_", getpid(), "_", number);
}

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_WIRE_TEST_DATA_H_
