#ifndef OPSBENCH_DB_INTERNAL_POSTGRES_PARAMETERS_H_
#define OPSBENCH_DB_INTERNAL_POSTGRES_PARAMETERS_H_

// Values as libpq takes the parameters of a prepared statement.
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "opsbench/db/value.h"

namespace opsbench::internal {

class PostgresParameters {
 public:
  // `oids` are the types of the statement's parameters, as the server tells.
  PostgresParameters(std::vector<uint32_t> oids, uint32_t ltree_oid);

  // InvalidArgument: not as many values as parameters, or one that does not fit
  // its type. What it makes is valid until the next call, and no longer than
  // the values' text.
  absl::Status Encode(absl::Span<const Value> parameters);

  int count() const { return static_cast<int>(oids_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }
  // Bytes of the values.
  size_t bytes() const { return bytes_; }

 private:
  absl::Status EncodeOne(const Value& value, size_t i);

  const std::vector<uint32_t> oids_;
  const uint32_t ltree_oid_;
  // Reused by each call.
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<std::pair<size_t, size_t>> offsets_;  // Parameter, in buffer_.
  std::string buffer_;
  size_t bytes_ = 0;
};

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_POSTGRES_PARAMETERS_H_
