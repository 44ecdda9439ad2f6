#include "opsbench/db/internal/postgres_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/db/internal/postgres_errors.h"
#include "opsbench/db/internal/postgres_result.h"

namespace opsbench::internal {

absl::StatusOr<std::unique_ptr<PostgresQueue>> PostgresQueue::Start(
    PGconn* connection, std::string name, absl::string_view sql,
    absl::Span<const uint32_t> types) {
  const PostgresResult prepared(
      PQprepare(connection, name.c_str(), std::string(sql).c_str(),
                static_cast<int>(types.size()), types.data()));
  if (!Succeeded(prepared)) {
    return ErrorWithContext(connection, prepared.get());
  }
  return std::unique_ptr<PostgresQueue>(
      new PostgresQueue(connection, std::move(name), types.size()));
}

PostgresQueue::~PostgresQueue() {
  if (added_ > 0) Finish().status().IgnoreError();
  const PostgresResult done(
      PQexec(connection_, absl::StrCat("DEALLOCATE ", name_).c_str()));
}

absl::StatusOr<std::vector<uint32_t>> PostgresQueue::ParameterTypes() const {
  const PostgresResult described(
      PQdescribePrepared(connection_, name_.c_str()));
  if (!Succeeded(described)) return ErrorOf(connection_, described.get());
  return ParameterTypesOf(described.get());
}

absl::Status PostgresQueue::Add(absl::Span<const BinaryParameter> parameters) {
  if (parameters.size() != values_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the statement has ", values_.size(), " parameters, got ",
                     parameters.size()));
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    values_[i] = parameters[i].data;
    lengths_[i] = static_cast<int>(parameters[i].size);
  }
  return Send(static_cast<int>(values_.size()), values_.data(), lengths_.data(),
              formats_.data());
}

absl::Status PostgresQueue::Add(const PostgresParameters& parameters) {
  return Send(parameters.count(), parameters.values(), parameters.lengths(),
              parameters.formats());
}

absl::Status PostgresQueue::Send(int count, const char* const* values,
                                 const int* lengths, const int* formats) {
  if (added_ == 0) {
    failed_ = -1;
    if (PQenterPipelineMode(connection_) != 1) {
      return ErrorOf(connection_, nullptr);
    }
  }
  if (PQsendQueryPrepared(connection_, name_.c_str(), count, values, lengths,
                          formats, 1) != 1) {
    return ErrorOf(connection_, nullptr);
  }
  ++added_;
  // So that the server works while the next one is made.
  return PQflush(connection_) < 0 ? ErrorOf(connection_, nullptr)
                                  : absl::OkStatus();
}

absl::StatusOr<int64_t> PostgresQueue::Finish() {
  const int64_t added = std::exchange(added_, 0);
  if (added == 0) return 0;
  if (PQpipelineSync(connection_) != 1) return ErrorOf(connection_, nullptr);
  absl::Status status;
  int64_t affected = 0;
  // Each statement's results end with a nullptr, and the last result of all
  // is that of the synchronisation.
  for (int64_t statement = 0, ends = 0; ends <= 2 * added + 1;) {
    const PostgresResult result(PQgetResult(connection_));
    if (result == nullptr) {
      if (PQstatus(connection_) == CONNECTION_BAD) break;
      ++ends;
      ++statement;
      continue;
    }
    const ExecStatusType state = PQresultStatus(result.get());
    if (state == PGRES_PIPELINE_SYNC) break;
    if (Succeeded(result)) {
      affected += Affected(result.get());
    } else if (status.ok() && state != PGRES_PIPELINE_ABORTED) {
      status = ErrorWithContext(connection_, result.get());
      failed_ = statement;
    }
  }
  if (PQstatus(connection_) == CONNECTION_BAD) {
    failed_ = -1;
    if (status.ok()) status = ErrorOf(connection_, nullptr);
    return status;
  }
  if (PQexitPipelineMode(connection_) != 1 && status.ok()) {
    status = ErrorOf(connection_, nullptr);
  }
  if (!status.ok()) return status;
  return affected;
}

}  // namespace opsbench::internal
