#include "opsbench/pipeline/connector.h"

#include "absl/strings/str_cat.h"

namespace opsbench::pipeline {

std::string TableName::ToString() const {
  return schema.empty() ? table : absl::StrCat(schema, ".", table);
}

absl::Status ValueError(absl::StatusCode code, const TableName& table,
                        absl::string_view column, int64_t row,
                        absl::string_view what) {
  return {code, absl::StrCat(table.ToString(), ", column ", column, ", row ",
                             row, ": ", what)};
}

absl::Status CommitUnknown(const TableName& table, const absl::Status& error) {
  return absl::UnknownError(absl::StrCat(
      table.ToString(),
      ": whether the rows stand is unknown, the commit was not answered: ",
      error.message()));
}

absl::Status RefuseDependents(const TableName& table,
                              absl::string_view dependents) {
  if (dependents.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      table.ToString(), ": replacing its rows would delete or change rows of ",
      dependents, "; write to another table, or use write_mode: upsert"));
}

absl::Status CheckKept(const TableName& table, int64_t sent, int64_t kept) {
  if (sent == kept) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      table.ToString(), ": of ", sent, " rows the engine kept ", kept,
      "; a trigger or a rule takes the others, so nothing was written"));
}

absl::StatusOr<std::string> Source::Identity(const ReadRequest& /*request*/) {
  return std::string();
}

absl::StatusOr<std::vector<Partition>> Source::Split(
    const ReadRequest& /*request*/, int /*parts*/) {
  return std::vector<Partition>(1);
}

absl::StatusOr<std::string> Source::Snapshot() { return std::string(); }

absl::Status Source::ReadAs(absl::string_view /*snapshot*/) {
  return absl::OkStatus();
}

std::vector<std::string> Source::WireFormats(const Schema& /*schema*/) {
  return {};
}

absl::StatusOr<std::string> Destination::Identity(
    const WriteRequest& /*request*/) {
  return std::string();
}

std::string Destination::ChooseWireFormat(
    const WriteRequest& /*request*/, const Schema& /*schema*/,
    absl::Span<const std::string> /*formats*/) {
  return "";
}

}  // namespace opsbench::pipeline
