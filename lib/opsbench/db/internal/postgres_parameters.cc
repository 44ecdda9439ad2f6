#include "opsbench/db/internal/postgres_parameters.h"

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/postgres_types.h"

namespace opsbench::internal {

PostgresParameters::PostgresParameters(std::vector<uint32_t> oids,
                                       uint32_t ltree_oid)
    : oids_(std::move(oids)),
      ltree_oid_(ltree_oid),
      values_(oids_.size()),
      lengths_(oids_.size()),
      formats_(oids_.size()) {}

absl::Status PostgresParameters::Encode(absl::Span<const Value> parameters) {
  if (parameters.size() != oids_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the statement has ", oids_.size(), " parameters, got ",
                     parameters.size()));
  }
  buffer_.clear();
  offsets_.clear();
  bytes_ = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    OPSBENCH_RETURN_IF_ERROR(EncodeOne(parameters[i], i));
  }
  // The buffer has stopped moving.
  for (const auto& [i, offset] : offsets_) {
    values_[i] = buffer_.data() + offset;
  }
  return absl::OkStatus();
}

absl::Status PostgresParameters::EncodeOne(const Value& value, size_t i) {
  if (value.is_null()) {
    values_[i] = nullptr;
    return absl::OkStatus();
  }
  const uint32_t oid = oids_[i];
  formats_[i] = 1;
  const bool known = HasBinaryForm(oid, ltree_oid_);
  if (IsRawForm(value, oid) ||
      (!known && value.type() == Value::Type::kBytes)) {
    // It needs no encoding: libpq reads it where it is.
    values_[i] = value.text().data() == nullptr ? "" : value.text().data();
    lengths_[i] = static_cast<int>(value.text().size());
    bytes_ += value.text().size();
    return absl::OkStatus();
  }
  const size_t offset = buffer_.size();
  offsets_.emplace_back(i, offset);
  const bool server_parses = value.type() == Value::Type::kText &&
                             oid != kJsonbOid && oid != ltree_oid_;
  if (known && !server_parses) {
    OPSBENCH_RETURN_IF_ERROR(AppendBinary(value, oid, ltree_oid_, &buffer_));
  } else {
    formats_[i] = 0;
    OPSBENCH_RETURN_IF_ERROR(AppendTextForm(value, &buffer_));
    buffer_.push_back('\0');
  }
  lengths_[i] = static_cast<int>(buffer_.size() - offset);
  bytes_ += buffer_.size() - offset;
  return absl::OkStatus();
}

}  // namespace opsbench::internal
