#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_CONNECTORS_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_CONNECTORS_H_

// PostgreSQL's source and destination, and what they agree on.
//
// Thread safety: as the connectors.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/base/clock.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/postgres_table.h"

namespace opsbench::pipeline::postgres {

// Adds the time of a scope to a sum.
class AddTime {
 public:
  explicit AddTime(int64_t* sum) : sum_(sum), start_(MonotonicNowNs()) {}
  ~AddTime() { *sum_ += MonotonicNowNs() - start_; }
  AddTime(const AddTime&) = delete;
  AddTime& operator=(const AddTime&) = delete;

 private:
  int64_t* const sum_;
  const int64_t start_;
};

absl::StatusOr<std::unique_ptr<Source>> MakeSource(
    const ConnectorConfig& config);
absl::StatusOr<std::unique_ptr<Destination>> MakeDestination(
    const ConnectorConfig& config);

// A session in which text forms do not depend on the server's configuration.
absl::StatusOr<std::unique_ptr<Session>> Open(absl::string_view url);

// The table's name, in the connector's schema when it has none of its own.
TableName InSchema(const TableName& table, const ConnectorConfig& config);

// The name of the rows of these columns as COPY sends and takes them in binary,
// which holds their types; empty when other servers may read them otherwise.
std::string WireFormatOf(const std::vector<PostgresColumn>& columns);

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_CONNECTORS_H_
