#include "opsbench/stress/user_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"

namespace opsbench::stress {
namespace {

constexpr uint64_t kMagic = 0x31626d7572637374u;  // "tscrumb1".

}  // namespace

// Plain where only the user's thread looks while it runs.
struct UserLog::Header {
  uint64_t magic;
  uint64_t user_seed;
  int32_t user_id;
  int32_t database;
  uint8_t user_class;
  uint8_t padding[7];
  std::atomic<int64_t> ended;
  std::atomic<int64_t> exceptions;
  int64_t begun;
  uint64_t hash;
  // By table: the copy in force, and one that the next write is added to
  // before it comes into force, so that a process that is killed in between
  // leaves whole sums.
  struct Ledger {
    Acknowledged copies[2];
    std::atomic<uint32_t> in_force;
  } ledgers[kMaxTables];
  Breadcrumb breadcrumbs[kBreadcrumbs];
};

absl::string_view OutcomeName(Outcome outcome) {
  constexpr absl::string_view kNames[] = {"running", "done", "skipped",
                                          "failed", "unknown"};
  return kNames[static_cast<size_t>(outcome)];
}

absl::StatusOr<std::unique_ptr<UserLog>> UserLog::Create(
    const std::string& path, const User& user) {
  static_assert(sizeof(Header) <= kHeaderBytes);
  static_assert(std::atomic<int64_t>::is_always_lock_free);
  std::unique_ptr<UserLog> log(new UserLog);
  log->fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (log->fd_ < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", path));
  }
  // Allocated now: a full disk is an error here, not a signal later.
  if (const int error = posix_fallocate(log->fd_, 0, kHeaderBytes)) {
    return absl::ErrnoToStatus(error, absl::StrCat("cannot write ", path));
  }
  void* const mapped = mmap(nullptr, kHeaderBytes, PROT_READ | PROT_WRITE,
                            MAP_SHARED, log->fd_, 0);
  if (mapped == MAP_FAILED) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot map ", path));
  }
  log->header_ = static_cast<Header*>(mapped);
  log->header_->user_seed = user.seed;
  log->header_->user_id = user.id;
  log->header_->database = user.database;
  log->header_->user_class = static_cast<uint8_t>(user.user_class);
  for (Header::Ledger& ledger : log->header_->ledgers) {
    ledger.copies[0] = ledger.copies[1] = Acknowledged();
  }
  log->header_->magic = kMagic;
  return log;
}

absl::StatusOr<std::unique_ptr<UserLog>> UserLog::Read(
    const std::string& path) {
  std::unique_ptr<UserLog> log(new UserLog);
  log->fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (log->fd_ < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  struct stat info = {};
  if (fstat(log->fd_, &info) != 0 || info.st_size < kHeaderBytes) {
    return absl::DataLossError(
        absl::StrCat(path, " is truncated: ", info.st_size, " bytes"));
  }
  void* const mapped =
      mmap(nullptr, kHeaderBytes, PROT_READ, MAP_SHARED, log->fd_, 0);
  if (mapped == MAP_FAILED) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot map ", path));
  }
  log->header_ = static_cast<Header*>(mapped);
  if (log->header_->magic != kMagic ||
      log->header_->user_class >= kUserClasses) {
    return absl::DataLossError(
        absl::StrCat(path, " is no user's log of this version"));
  }
  // The last row of a process that was killed may be cut.
  const auto rows =
      static_cast<size_t>(info.st_size - kHeaderBytes) / sizeof(Exception);
  log->exceptions_.resize(rows);
  const size_t bytes = rows * sizeof(Exception);
  if (pread(log->fd_, log->exceptions_.data(), bytes, kHeaderBytes) !=
      static_cast<ssize_t>(bytes)) {
    return absl::DataLossError(absl::StrCat("cannot read ", path));
  }
  return log;
}

UserLog::~UserLog() {
  if (header_ != nullptr) munmap(header_, kHeaderBytes);
  if (fd_ >= 0) close(fd_);
}

void UserLog::Begin(int64_t index, const Operation& operation) {
  header_->hash = HashOperation(header_->hash, index, operation);
  Breadcrumb& crumb = header_->breadcrumbs[index % kBreadcrumbs];
  crumb = {.index = index,
           .begin_ns = MonotonicNowNs(),
           .rows = operation.rows,
           .kind = operation.kind,
           .table = operation.table};
  header_->begun = index + 1;
}

absl::Status UserLog::End(const Operation& operation, Outcome outcome,
                          int64_t rows, int64_t quarters) {
  const int64_t index = header_->begun - 1;
  Breadcrumb& crumb = header_->breadcrumbs[index % kBreadcrumbs];
  crumb.end_ns = MonotonicNowNs();
  crumb.outcome = outcome;
  absl::Status appended;
  if (IsWrite(operation.kind)) {
    if (outcome == Outcome::kDone) {
      Header::Ledger& ledger = header_->ledgers[operation.table];
      // This thread alone writes it.
      const uint32_t old = ledger.in_force.load(std::memory_order_relaxed);
      const Acknowledged& sum = ledger.copies[old];
      ledger.copies[1 - old] = {.operations = sum.operations + 1,
                                .rows = sum.rows + rows,
                                .quarters = sum.quarters + quarters,
                                .last_index = index};
      // Released: whoever finds the copy in force finds it whole.
      ledger.in_force.store(1 - old, std::memory_order_release);
    } else {
      const Exception exception = {
          .index = index,
          .rows = static_cast<uint32_t>(operation.rows),
          .table = operation.table,
          .outcome = outcome};
      if (pwrite(fd_, &exception, sizeof(exception),
                 kHeaderBytes + static_cast<int64_t>(exceptions_.size() *
                                                     sizeof(exception))) !=
          static_cast<ssize_t>(sizeof(exception))) {
        appended = absl::ErrnoToStatus(errno, "cannot append to a user's log");
      }
      exceptions_.push_back(exception);
      // Before `ended` is released: who sees that, sees this.
      header_->exceptions.store(static_cast<int64_t>(exceptions_.size()),
                                std::memory_order_relaxed);
    }
  }
  // Releases the fact that the server has answered: a reader that sees it may
  // expect the rows.
  header_->ended.store(index + 1, std::memory_order_release);
  return appended;
}

int64_t UserLog::ended() const {
  return header_->ended.load(std::memory_order_acquire);
}

int64_t UserLog::exceptions_seen() const {
  return header_->exceptions.load(std::memory_order_relaxed);
}

int64_t UserLog::begun() const { return header_->begun; }
uint64_t UserLog::hash() const { return header_->hash; }

User UserLog::user() const {
  return {.id = header_->user_id,
          .user_class = static_cast<UserClass>(header_->user_class),
          .seed = header_->user_seed,
          .database = header_->database};
}

const Acknowledged& UserLog::acknowledged(int table) const {
  const Header::Ledger& ledger = header_->ledgers[table];
  return ledger.copies[ledger.in_force.load(std::memory_order_acquire)];
}

std::vector<Breadcrumb> UserLog::breadcrumbs() const {
  std::vector<Breadcrumb> crumbs;
  for (int64_t i = std::max<int64_t>(0, begun() - kBreadcrumbs); i < begun();
       ++i) {
    crumbs.push_back(header_->breadcrumbs[i % kBreadcrumbs]);
  }
  return crumbs;
}

}  // namespace opsbench::stress
