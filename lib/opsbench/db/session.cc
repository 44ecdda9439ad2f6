#include "opsbench/db/session.h"

#include "absl/strings/str_cat.h"

namespace opsbench {
namespace {

absl::Status CannotDo(const Capabilities& capabilities,
                      absl::string_view what) {
  return absl::UnimplementedError(
      absl::StrCat(capabilities.flavour, " has no ", what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowIterator>> Session::Stream(
    absl::string_view /*sql*/) {
  return CannotDo(capabilities(), "rows that are read one by one");
}

absl::StatusOr<std::unique_ptr<CopyReader>> Session::CopyOut(
    absl::string_view /*sql*/) {
  return CannotDo(capabilities(), "COPY TO STDOUT");
}

absl::StatusOr<std::unique_ptr<CopyWriter>> Session::CopyIn(
    absl::string_view /*sql*/) {
  return CannotDo(capabilities(), "COPY FROM STDIN");
}

absl::StatusOr<std::unique_ptr<BinaryRows>> Session::QueryBinary(
    absl::string_view /*sql*/) {
  return CannotDo(capabilities(), "rows in binary form");
}

absl::StatusOr<std::unique_ptr<StatementQueue>> Session::Queue(
    absl::string_view /*sql*/, absl::Span<const uint32_t> /*types*/) {
  return CannotDo(capabilities(), "statements that wait for no answer");
}

absl::StatusOr<int64_t> Session::LoadData(absl::string_view /*sql*/,
                                          absl::string_view /*bytes*/) {
  return CannotDo(capabilities(), "LOAD DATA LOCAL");
}

}  // namespace opsbench
