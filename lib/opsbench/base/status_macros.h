#ifndef OPSBENCH_BASE_STATUS_MACROS_H_
#define OPSBENCH_BASE_STATUS_MACROS_H_

// Early return on a failed absl::Status or absl::StatusOr.
//
//   OPSBENCH_RETURN_IF_ERROR(session->Execute(sql));
//   OPSBENCH_ASSIGN_OR_RETURN(auto rows, session->Query(sql));
//
// Usable in functions that return absl::Status or absl::StatusOr<T>, and in
// lambdas within another use. Each evaluates its expression once, which may
// hold commas; the left side of an assignment may not.
//
// OPSBENCH_ASSIGN_OR_RETURN is several statements, so that what it declares
// stays in scope: it needs braces as the body of an `if`.

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define OPSBENCH_RETURN_IF_ERROR(...) \
  OPSBENCH_RETURN_IF_ERROR_IMPL_(     \
      OPSBENCH_STATUS_CONCAT_(opsbench_status_, __COUNTER__), (__VA_ARGS__))

#define OPSBENCH_ASSIGN_OR_RETURN(lhs, ...)                          \
  OPSBENCH_ASSIGN_OR_RETURN_IMPL_(                                   \
      OPSBENCH_STATUS_CONCAT_(opsbench_statusor_, __COUNTER__), lhs, \
      (__VA_ARGS__))

#define OPSBENCH_STATUS_CONCAT_INNER_(a, b) a##b
#define OPSBENCH_STATUS_CONCAT_(a, b) OPSBENCH_STATUS_CONCAT_INNER_(a, b)

// Names and declarations cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define OPSBENCH_RETURN_IF_ERROR_IMPL_(status, expr) \
  do {                                               \
    absl::Status status = expr;                      \
    if (!status.ok()) {                              \
      return status;                                 \
    }                                                \
  } while (false)

#define OPSBENCH_ASSIGN_OR_RETURN_IMPL_(statusor, lhs, expr) \
  auto statusor = expr;                                      \
  if (!statusor.ok()) {                                      \
    return std::move(statusor).status();                     \
  }                                                          \
  lhs = *std::move(statusor)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // OPSBENCH_BASE_STATUS_MACROS_H_
