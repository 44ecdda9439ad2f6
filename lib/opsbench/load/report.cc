#include "opsbench/load/report.h"

#include "absl/time/time.h"

namespace opsbench {
namespace {

double PerSecond(int64_t count, absl::Duration elapsed) {
  if (elapsed <= absl::ZeroDuration()) return 0;
  return static_cast<double>(count) / absl::ToDoubleSeconds(elapsed);
}

}  // namespace

int64_t LoadReport::completed() const {
  int64_t sum = 0;
  for (const OperationReport& operation : operations) {
    sum += operation.completed();
  }
  return sum;
}

int64_t LoadReport::errors() const {
  int64_t sum = 0;
  for (const OperationReport& operation : operations) sum += operation.errors;
  return sum;
}

int64_t LoadReport::skipped() const {
  int64_t sum = 0;
  for (const OperationReport& operation : operations) sum += operation.skipped;
  return sum;
}

int64_t LoadReport::rows() const {
  int64_t sum = 0;
  for (const OperationReport& operation : operations) sum += operation.rows;
  return sum;
}

double LoadReport::operations_per_second() const {
  return PerSecond(completed(), elapsed);
}

double LoadReport::rows_per_second() const {
  return PerSecond(rows(), elapsed);
}

Histogram LoadReport::latency() const {
  Histogram sum;
  for (const OperationReport& operation : operations) {
    sum.Merge(operation.latency);
  }
  return sum;
}

Histogram LoadReport::service() const {
  Histogram sum;
  for (const OperationReport& operation : operations) {
    sum.Merge(operation.service);
  }
  return sum;
}

}  // namespace opsbench
