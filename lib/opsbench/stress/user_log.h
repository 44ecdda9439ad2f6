#ifndef OPSBENCH_STRESS_USER_LOG_H_
#define OPSBENCH_STRESS_USER_LOG_H_

// What a user has done so far, in a memory-mapped file that outlives a crash of
// the process: how far it is, the hash of its operations, what was acknowledged
// in each table, the last operations one by one, and every one whose outcome
// was not plain success.
//
// The file (format version 1, this machine's byte order): a header of
// kHeaderBytes, then one Exception a row, appended. STRESS.md has the fields.
//
// Thread safety: written by its user's thread alone. Other threads may call
// ended() and exceptions_seen() meanwhile; the rest is for when the user has
// stopped.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/stress/plan.h"

namespace opsbench::stress {

// The first bytes of the file.
inline constexpr absl::string_view kUserLogMagic = "tscrumb1";

enum class Outcome : uint8_t {
  kRunning,
  kDone,     // Reads: answered. Writes: acknowledged.
  kSkipped,  // The disk budget was used up.
  kFailed,   // The engine refused it: none of its rows may be there.
  kUnknown,  // The connection was lost: all of its rows are there, or none.
};

absl::string_view OutcomeName(Outcome outcome);

// A write that was not acknowledged.
struct Exception {
  int64_t index = 0;
  uint32_t rows = 0;
  uint8_t table = 0;
  Outcome outcome = Outcome::kRunning;
  uint16_t padding = 0;
};

// Of one table: what was acknowledged.
struct Acknowledged {
  int64_t operations = 0;
  int64_t rows = 0;
  int64_t quarters = 0;     // The sum of `value`, in quarters.
  int64_t last_index = -1;  // Of the last operation that is part of it.
};

// One of the last operations.
struct Breadcrumb {
  int64_t index = 0;
  int64_t begin_ns = 0;  // On this boot's monotonic clock.
  int64_t end_ns = 0;    // 0: still running.
  int64_t rows = 0;
  OperationKind kind = OperationKind::kBulkInsert;
  uint8_t table = 0;
  Outcome outcome = Outcome::kRunning;
};

class UserLog {
 public:
  static constexpr int kBreadcrumbs = 64;
  static constexpr int64_t kHeaderBytes = 4'096;

  // Creates `path` anew. ResourceExhausted: no space; PermissionDenied,
  // NotFound: as the folder is.
  static absl::StatusOr<std::unique_ptr<UserLog>> Create(
      const std::string& path, const User& user);

  // Reads what an earlier process left. NotFound: no file. DataLoss: not such
  // a file, of another version, or truncated; the message says which.
  static absl::StatusOr<std::unique_ptr<UserLog>> Read(const std::string& path);

  ~UserLog();
  UserLog(const UserLog&) = delete;
  UserLog& operator=(const UserLog&) = delete;

  // Operation `index` comes next, after the last one ended. Advances the hash.
  void Begin(int64_t index, const Operation& operation);
  // How it ended; `quarters`: of a write, the sum of its values. An error when
  // an exception could not be appended: it is kept in memory all the same.
  absl::Status End(const Operation& operation, Outcome outcome, int64_t rows,
                   int64_t quarters);

  // All operations with a lower index have ended, and what they wrote can be
  // read by whoever reads this.
  int64_t ended() const;
  int64_t exceptions_seen() const;

  // Of the operations that have begun.
  int64_t begun() const;
  uint64_t hash() const;
  User user() const;
  const Acknowledged& acknowledged(int table) const;
  // Oldest first. After a crash the last one may still be kRunning.
  std::vector<Breadcrumb> breadcrumbs() const;
  const std::vector<Exception>& exceptions() const { return exceptions_; }

 private:
  struct Header;
  UserLog() = default;

  int fd_ = -1;
  Header* header_ = nullptr;
  std::vector<Exception> exceptions_;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_USER_LOG_H_
