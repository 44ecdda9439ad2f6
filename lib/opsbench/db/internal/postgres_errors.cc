#include "opsbench/db/internal/postgres_errors.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opsbench/db/stream.h"

namespace opsbench::internal {
namespace {

struct StateCode {
  absl::string_view prefix;  // The whole state, or its class.
  absl::StatusCode code;
};

// The first prefix that fits decides.
constexpr StateCode kStates[] = {
    {"08", absl::StatusCode::kUnavailable},
    {"57P0", absl::StatusCode::kUnavailable},
    {"57014", absl::StatusCode::kCancelled},
    {"28", absl::StatusCode::kUnauthenticated},
    {"42501", absl::StatusCode::kPermissionDenied},
    {"42P01", absl::StatusCode::kNotFound},
    {"42703", absl::StatusCode::kNotFound},
    {"42704", absl::StatusCode::kNotFound},
    {"42883", absl::StatusCode::kNotFound},
    {"3D000", absl::StatusCode::kNotFound},
    {"3F000", absl::StatusCode::kNotFound},
    {"23505", absl::StatusCode::kAlreadyExists},
    {"42P04", absl::StatusCode::kAlreadyExists},
    {"42P06", absl::StatusCode::kAlreadyExists},
    {"42P07", absl::StatusCode::kAlreadyExists},
    {"42701", absl::StatusCode::kAlreadyExists},
    {"42710", absl::StatusCode::kAlreadyExists},
    {"42723", absl::StatusCode::kAlreadyExists},
    {"22", absl::StatusCode::kInvalidArgument},
    {"23", absl::StatusCode::kInvalidArgument},
    {"42", absl::StatusCode::kInvalidArgument},
    {"25", absl::StatusCode::kFailedPrecondition},
    {"40", absl::StatusCode::kAborted},
    {"55P03", absl::StatusCode::kDeadlineExceeded},
    {"53", absl::StatusCode::kResourceExhausted},
    {"54", absl::StatusCode::kResourceExhausted},
    {"0A000", absl::StatusCode::kUnimplemented},
};

// libpq's texts may have several lines; a status has one.
absl::Status Make(absl::StatusCode code, absl::string_view text,
                  absl::string_view sqlstate) {
  std::string line = "PostgreSQL: ";
  for (const char c : absl::StripAsciiWhitespace(text)) {
    line.push_back(c == '\n' || c == '\t' ? ' ' : c);
  }
  if (!sqlstate.empty()) absl::StrAppend(&line, " (", sqlstate, ")");
  return absl::Status(code, line);
}

}  // namespace

absl::Status StatusOfSqlState(absl::string_view sqlstate,
                              absl::string_view text, bool broken) {
  if (broken) return Make(absl::StatusCode::kUnavailable, text, sqlstate);
  if (sqlstate == "57014" && absl::StrContains(text, "timeout")) {
    return Make(absl::StatusCode::kDeadlineExceeded, text, sqlstate);
  }
  // A prepared SELECT * whose table was altered: prepare it again.
  if (sqlstate == "0A000" && absl::StrContains(text, "cached plan")) {
    return Make(absl::StatusCode::kFailedPrecondition, text, sqlstate);
  }
  for (const StateCode& state : kStates) {
    if (absl::StartsWith(sqlstate, state.prefix)) {
      return Make(state.code, text, sqlstate);
    }
  }
  return Make(absl::StatusCode::kInternal, text, sqlstate);
}

absl::Status ErrorOf(PGconn* connection, const PGresult* result) {
  const bool broken = PQstatus(connection) == CONNECTION_BAD;
  // The server's last words are the connection's, not the last result's.
  if (broken || result == nullptr) {
    return StatusOfSqlState(broken ? "08006" : "XX000",
                            PQerrorMessage(connection), broken);
  }
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
  std::string text =
      primary != nullptr ? primary : PQresultErrorMessage(result);
  if (detail != nullptr) absl::StrAppend(&text, ": ", detail);
  return StatusOfSqlState(state != nullptr ? state : "", text, false);
}

absl::Status ErrorWithContext(PGconn* connection, const PGresult* result) {
  absl::Status status = ErrorOf(connection, result);
  const auto add = [&](int field, absl::string_view payload) {
    const char* const text =
        result != nullptr ? PQresultErrorField(result, field) : nullptr;
    if (text != nullptr) status.SetPayload(payload, absl::Cord(text));
  };
  add(PG_DIAG_CONTEXT, kServerContextPayload);
  add(PG_DIAG_COLUMN_NAME, kServerColumnPayload);
  return status;
}

absl::Status StatusOfConnectError(absl::string_view text) {
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  if (absl::StrContains(text, "authentication failed") ||
      absl::StrContains(text, "no password supplied") ||
      absl::StrContains(text, "role \"")) {
    code = absl::StatusCode::kUnauthenticated;
  } else if (absl::StrContains(text, "permission denied") ||
             absl::StrContains(text, "pg_hba.conf")) {
    code = absl::StatusCode::kPermissionDenied;
  } else if (absl::StrContains(text, "too many clients") ||
             absl::StrContains(text, "connection slots")) {
    code = absl::StatusCode::kResourceExhausted;
  } else if (absl::StrContains(text, "database \"") &&
             absl::StrContains(text, "does not exist")) {
    code = absl::StatusCode::kNotFound;
  } else if (absl::StrContains(text, "invalid connection option")) {
    code = absl::StatusCode::kInvalidArgument;
  }
  return Make(code, text, "");
}

}  // namespace opsbench::internal
