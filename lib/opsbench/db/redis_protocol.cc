#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opsbench/db/redis.h"

namespace opsbench {
namespace {

absl::StatusCode CodeOf(absl::string_view text) {
  struct Prefix {
    absl::string_view text;
    absl::StatusCode code;
  };
  static constexpr Prefix kPrefixes[] = {
      {"NOAUTH", absl::StatusCode::kUnauthenticated},
      {"WRONGPASS", absl::StatusCode::kUnauthenticated},
      {"ERR invalid password", absl::StatusCode::kUnauthenticated},
      {"NOPERM", absl::StatusCode::kPermissionDenied},
      {"OOM", absl::StatusCode::kResourceExhausted},
      {"ERR max number of clients", absl::StatusCode::kResourceExhausted},
      {"READONLY", absl::StatusCode::kFailedPrecondition},
      {"MISCONF", absl::StatusCode::kFailedPrecondition},
      {"BUSY", absl::StatusCode::kAborted},
      {"EXECABORT", absl::StatusCode::kAborted},
      {"LOADING", absl::StatusCode::kUnavailable},
      {"MASTERDOWN", absl::StatusCode::kUnavailable},
      {"MOVED", absl::StatusCode::kUnimplemented},
      {"ASK", absl::StatusCode::kUnimplemented},
      {"CLUSTERDOWN", absl::StatusCode::kUnavailable},
      {"ERR unknown command", absl::StatusCode::kUnimplemented},
      {"WRONGTYPE", absl::StatusCode::kInvalidArgument},
      {"ERR", absl::StatusCode::kInvalidArgument},
  };
  for (const Prefix& prefix : kPrefixes) {
    if (absl::StartsWith(text, prefix.text)) return prefix.code;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::Status RedisErrorStatus(absl::string_view error) {
  return absl::Status(CodeOf(error), absl::StrCat("Redis: ", error));
}

void AppendRespCommand(absl::Span<const absl::string_view> command,
                       std::string* out) {
  absl::StrAppend(out, "*", command.size(), "\r\n");
  for (const absl::string_view argument : command) {
    absl::StrAppend(out, "$", argument.size(), "\r\n", argument, "\r\n");
  }
}

}  // namespace opsbench
