#ifndef OPSBENCH_DB_INTERNAL_POSTGRES_QUEUE_H_
#define OPSBENCH_DB_INTERNAL_POSTGRES_QUEUE_H_

// One prepared statement in libpq's pipeline mode. See db/stream.h.
//
// Thread safety: as the connection, for one thread at a time.

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/internal/postgres_parameters.h"
#include "opsbench/db/stream.h"

namespace opsbench::internal {

class PostgresQueue : public StatementQueue {
 public:
  // `name` is that of the statement on the server, the queue's own. Where
  // `types` are absent the server infers them.
  static absl::StatusOr<std::unique_ptr<PostgresQueue>> Start(
      PGconn* connection, std::string name, absl::string_view sql,
      absl::Span<const uint32_t> types);
  ~PostgresQueue() override;

  absl::Status Add(absl::Span<const BinaryParameter> parameters) override;
  absl::Status Add(const PostgresParameters& parameters);
  absl::StatusOr<int64_t> Finish() override;
  int64_t failed() const override { return failed_; }

  // The types of the parameters, those that the server has inferred among them.
  // REQUIRES: nothing is queued.
  absl::StatusOr<std::vector<uint32_t>> ParameterTypes() const;

 private:
  PostgresQueue(PGconn* connection, std::string name, size_t parameters)
      : connection_(connection),
        name_(std::move(name)),
        values_(parameters),
        lengths_(parameters),
        formats_(parameters, 1) {}

  absl::Status Send(int count, const char* const* values, const int* lengths,
                    const int* formats);

  PGconn* const connection_;
  const std::string name_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  const std::vector<int> formats_;
  int64_t added_ = 0;
  int64_t failed_ = -1;
};

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_POSTGRES_QUEUE_H_
