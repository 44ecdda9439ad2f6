#ifndef OPSBENCH_BASE_STATUS_MACROS_H_
#define OPSBENCH_BASE_STATUS_MACROS_H_

// Early return on a failed absl::Status or absl::StatusOr.
//
//   OPSBENCH_RETURN_IF_ERROR(session->Execute(sql));
//   OPSBENCH_ASSIGN_OR_RETURN(auto rows, session->Query(sql));
//
// Usable in functions that return absl::Status or absl::StatusOr<T>. Each
// evaluates its expression once.

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define OPSBENCH_RETURN_IF_ERROR(expr)      \
  do {                                      \
    absl::Status opsbench_status_ = (expr); \
    if (!opsbench_status_.ok()) {           \
      return opsbench_status_;              \
    }                                       \
  } while (false)

#define OPSBENCH_STATUS_CONCAT_INNER_(a, b) a##b
#define OPSBENCH_STATUS_CONCAT_(a, b) OPSBENCH_STATUS_CONCAT_INNER_(a, b)

#define OPSBENCH_ASSIGN_OR_RETURN(lhs, expr) \
  OPSBENCH_ASSIGN_OR_RETURN_IMPL_(           \
      OPSBENCH_STATUS_CONCAT_(opsbench_statusor_, __LINE__), lhs, expr)

#define OPSBENCH_ASSIGN_OR_RETURN_IMPL_(statusor, lhs, expr) \
  auto statusor = (expr);                                    \
  if (!statusor.ok()) {                                      \
    return std::move(statusor).status();                     \
  }                                                          \
  lhs = *std::move(statusor)

#endif  // OPSBENCH_BASE_STATUS_MACROS_H_
