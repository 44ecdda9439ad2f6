#include "opsbench/memtable/internal/table_set.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/internal/seeded_bugs.h"

namespace opsbench::memtable::internal {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;

// How long a writer that crosses the threshold while too many tables wait is
// held back for each quota of records.
constexpr std::chrono::milliseconds kDelay(1);

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// How often it is looked whether a pin or snapshot has ended: neither
// tells it.
constexpr int64_t kReclaimPollNs = kNanosPerMilli;

// The active one, a spare, one that was flushed and is still pinned.
constexpr size_t kExtraTables = 3;

// After there was no memory for a table.
constexpr int64_t kMakeAgainNs = 100 * kNanosPerMilli;

}  // namespace

TableSet::TableSet(const MemtableOptions& options, MakeTable make)
    : options_(options),
      hard_records_(HardRecords(options)),
      quota_records_(
          std::clamp<int64_t>(options.threshold_records / 1024, 1, 64)),
      make_table_(std::move(make)) {}

int64_t TableSet::HardRecords(const MemtableOptions& options) {
  return options.threshold_records + options.threshold_records / 10 + 1;
}

absl::StatusOr<std::unique_ptr<TableSet>> TableSet::Create(
    const MemtableOptions& options, MakeTable make) {
  std::unique_ptr<TableSet> set(new TableSet(options, std::move(make)));
  OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<TableBase> active,
                            set->make_table_());
  active->generation = set->next_generation_++;
  set->view_owner_ = std::make_unique<View>();
  set->view_owner_->tables[0] = active.get();
  set->view_owner_->count = 1;
  set->view_.store(set->view_owner_.get(), std::memory_order_release);
  set->tables_.push_back(std::move(active));
  // Two at once, so that a memory budget always has room for a rotation.
  OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<TableBase> spare,
                            set->make_table_());
  set->spare_ = spare.get();
  set->tables_.push_back(std::move(spare));
  set->upkeep_ = std::thread([set = set.get()] { set->RunUpkeep(); });
  set->flusher_ = std::thread([set = set.get()] { set->RunFlusher(); });
  return set;
}

TableSet::~TableSet() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread* thread : {&upkeep_, &flusher_}) {
    if (thread->joinable()) {
      thread->join();
    }
  }
}

TableSet::Room TableSet::TakeQuota(TableBase* active, ThreadSlot* slot) {
  const int64_t before =
      active->claimed.fetch_add(quota_records_, std::memory_order_relaxed);
  if (before == 0) {
    active->first_write_ns.store(MonotonicNowNs(), std::memory_order_relaxed);
  }
  const int64_t after = before + quota_records_;
  if (after > hard_records_) {
    active->claimed.fetch_sub(quota_records_, std::memory_order_relaxed);
    NoteFull(active);
    return Room::kNo;
  }
  slot->quota = quota_records_;
  if (after < options_.threshold_records) {
    return Room::kYes;
  }
  return NoteFull(active) == Rotation::kNotYet ? Room::kDelay : Room::kYes;
}

TableSet::Rotation TableSet::NoteFull(TableBase* active) {
  const Lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) {
    return Rotation::kBusy;
  }
  if (CurrentLocked().active() != active ||
      RotateLocked(RotationReason::kSizeThreshold)) {
    return Rotation::kDone;
  }
  work_.notify_all();
  return Rotation::kNotYet;
}

void TableSet::Delay() {
  const int64_t start_ns = MonotonicNowNs();
  Lock lock(mutex_);
  ++metrics_.delays;
  changed_.wait_for(lock, kDelay);
  metrics_.stalled_ns += MonotonicNowNs() - start_ns;
}

absl::Status TableSet::AwaitRoom(uint64_t generation) {
  const int64_t start_ns = MonotonicNowNs();
  Lock lock(mutex_);
  const auto gone = [&] {
    return CurrentLocked().closed ||
           CurrentLocked().active()->generation != generation ||
           RotateLocked(RotationReason::kSizeThreshold);
  };
  if (gone()) {
    return absl::OkStatus();
  }
  ++metrics_.stalls;
  work_.notify_all();
  const bool room = changed_.wait_for(
      lock, std::chrono::milliseconds(options_.stall_timeout_ms), gone);
  metrics_.stalled_ns += MonotonicNowNs() - start_ns;
  if (room) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(
      "memtable: ", CurrentLocked().count - 1,
      " full tables wait for their flush, and none was flushed within ",
      options_.stall_timeout_ms, " ms",
      last_failure_.ok() ? ""
                         : absl::StrCat("; the persister's last error: ",
                                        last_failure_.message())));
}

void TableSet::Drain() {
  // A pin keeps the tables of the view.
  const PinScope pin(&slots_);
  const View& seen = view();
  slots_.AwaitWriters();
  for (TableBase* table : seen.all().subspan(1)) {
    // Release: who sees it drained sees all that it holds.
    table->drained.store(true, std::memory_order_release);
  }
}

uint64_t TableSet::TakeSnapshot(std::vector<TableBase*>* tables) {
  const uint64_t epoch = epoch_.fetch_add(1, std::memory_order_acq_rel);
  slots_.AwaitWriters();
  const Lock lock(mutex_);
  for (TableBase* table : CurrentLocked().all()) {
    table->snapshots.fetch_add(1, std::memory_order_relaxed);
    tables->push_back(table);
  }
  return epoch;
}

void TableSet::Release(absl::Span<TableBase* const> tables) {
  for (TableBase* table : tables) {
    // Release: its reads are over before the table is used again.
    table->snapshots.fetch_sub(1, std::memory_order_release);
  }
}

absl::Status TableSet::Flush() {
  Lock lock(mutex_);
  const uint64_t generation = CurrentLocked().active()->generation;
  const int64_t failures = failures_;
  // Rotation may have to wait for a spare table, or for a flush.
  const auto rotated = [&] {
    const TableBase* const active = CurrentLocked().active();
    return active->generation != generation ||
           active->claimed.load(std::memory_order_relaxed) == 0 ||
           RotateLocked(RotationReason::kRequested);
  };
  while (!rotated()) {
    if (failures_ > failures) {
      return last_failure_;
    }
    work_.notify_all();
    changed_.wait(lock);
  }
  return AwaitFlushedLocked(lock, failures, generation);
}

absl::Status TableSet::AwaitFlushedLocked(Lock& lock, int64_t failures,
                                          uint64_t generation) {
  while (true) {
    const View& view = CurrentLocked();
    const TableBase* const oldest = view.tables[view.count - 1];
    if (oldest->generation > generation || view.count == 1) {
      return absl::OkStatus();
    }
    if (failures_ > failures) {
      return last_failure_;
    }
    retry_ns_ = 0;  // Somebody waits: no more back-off.
    work_.notify_all();
    changed_.wait(lock);
  }
}

absl::Status TableSet::Close() {
  Lock lock(mutex_);
  if (!closed_) {
    closed_ = true;
    std::unique_ptr<View> next = NewViewLocked();
    *next = CurrentLocked();
    next->closed = true;
    PublishLocked(std::move(next), nullptr);
    changed_.notify_all();
  }
  const int64_t failures = failures_;
  const auto rotated = [&] {
    const View& view = CurrentLocked();
    return view.active()->claimed.load(std::memory_order_relaxed) == 0 ||
           RotateLocked(RotationReason::kShutdown);
  };
  lock.unlock();
  // A write that began before may still take its first record.
  slots_.AwaitWriters();
  lock.lock();
  while (!rotated()) {
    if (failures_ > failures) {
      return last_failure_;
    }
    retry_ns_ = 0;
    work_.notify_all();
    changed_.wait(lock);
  }
  return AwaitFlushedLocked(lock, failures, next_generation_);
}

void TableSet::AddMetrics(MemtableMetrics* metrics) const {
  const Lock lock(mutex_);
  const View& view = CurrentLocked();
  *metrics = metrics_;
  metrics->records = slots_.Records();
  metrics->immutables = static_cast<int64_t>(view.count) - 1;
  metrics->tables = static_cast<int64_t>(tables_.size());
  int64_t oldest_ns = 0;
  for (const TableBase* table : view.all()) {
    metrics->resident_records += table->claimed.load(std::memory_order_relaxed);
    metrics->record_bytes +=
        static_cast<int64_t>(table->arena().claimed_bytes());
    const int64_t first_ns =
        table->first_write_ns.load(std::memory_order_relaxed);
    if (first_ns != 0) {  // The last of them is the oldest table.
      oldest_ns = first_ns;
    }
  }
  if (oldest_ns != 0) {
    metrics->oldest_unflushed_ns = MonotonicNowNs() - oldest_ns;
  }
}

// --- Rotation ---

bool TableSet::RotateLocked(RotationReason reason) {
  const View& current = CurrentLocked();
  if (spare_ == nullptr ||
      current.count > static_cast<size_t>(options_.max_immutables)) {
    return false;
  }
  spare_->generation = next_generation_++;
  std::unique_ptr<View> next = NewViewLocked();
  next->closed = current.closed;
  next->tables[0] = std::exchange(spare_, nullptr);
  std::copy(current.all().begin(), current.all().end(),
            next->tables.begin() + 1);
  next->count = current.count + 1;
  if (HasBug(Bug::kRotationForgetsATable) && next->count > 2) {
    --next->count;
  }
  PublishLocked(std::move(next), nullptr);
  ++metrics_.rotations[static_cast<size_t>(reason)];
  changed_.notify_all();
  work_.notify_all();
  return true;
}

std::unique_ptr<View> TableSet::NewViewLocked() {
  if (free_views_.empty()) {
    return std::make_unique<View>();
  }
  std::unique_ptr<View> view = std::move(free_views_.back());
  free_views_.pop_back();
  return view;
}

void TableSet::PublishLocked(std::unique_ptr<View> next, TableBase* gone) {
  // Release: see view().
  view_.store(next.get(), std::memory_order_release);
  Retired retired;
  retired.view = std::exchange(view_owner_, std::move(next));
  retired.table = gone;
  if (!free_users_.empty()) {
    retired.users = std::move(free_users_.back());
    free_users_.pop_back();
  }
  retired_.push_back(std::move(retired));
}

// --- In the background ---

// Apart from the flusher, which may be held up by the persister for long.
void TableSet::RunUpkeep() {
  Lock lock(mutex_);
  while (!stopping_) {
    if (!ReclaimLocked(lock) && !MakeSpareLocked(lock) && !RotateDueLocked()) {
      WaitLocked(lock, NextUpkeepLocked(MonotonicNowNs()));
    }
  }
}

void TableSet::RunFlusher() {
  Lock lock(mutex_);
  while (!stopping_) {
    if (!FlushLocked(lock)) {
      WaitLocked(lock, CurrentLocked().count > 1 ? retry_ns_ : kNever);
    }
  }
}

void TableSet::WaitLocked(Lock& lock, int64_t until_ns) {
  if (until_ns == kNever) {
    work_.wait(lock);
  } else if (const int64_t wait_ns = until_ns - MonotonicNowNs(); wait_ns > 0) {
    work_.wait_for(lock, std::chrono::nanoseconds(wait_ns));
  }
}

// Looks for one retired view or table that nobody uses any more.
bool TableSet::ReclaimLocked(Lock& lock) {
  for (size_t i = 0; i < retired_.size(); ++i) {
    Retired& retired = retired_[i];
    if (!retired.collected) {
      slots_.CollectUsers(&retired.users);
      retired.collected = true;
    }
    const auto over = [](const Awaited& user) { return user.Over(); };
    retired.users.erase(
        std::remove_if(retired.users.begin(), retired.users.end(), over),
        retired.users.end());
    if (!retired.users.empty() ||
        (retired.table != nullptr &&
         // Acquire: the snapshots' reads are over.
         retired.table->snapshots.load(std::memory_order_acquire) != 0)) {
      continue;
    }
    TableBase* const table = retired.table;
    free_views_.push_back(std::move(retired.view));
    free_users_.push_back(std::move(retired.users));
    retired_.erase(retired_.begin() + static_cast<ptrdiff_t>(i));
    if (table != nullptr) {
      lock.unlock();
      table->Reset();
      lock.lock();
      free_tables_.push_back(table);
    }
    return true;
  }
  return false;
}

bool TableSet::MakeSpareLocked(Lock& lock) {
  if (spare_ != nullptr || (closed_ && CurrentLocked().active()->claimed.load(
                                           std::memory_order_relaxed) == 0)) {
    return false;
  }
  if (!free_tables_.empty()) {
    spare_ = free_tables_.back();
    free_tables_.pop_back();
  } else {
    const size_t most =
        static_cast<size_t>(options_.max_immutables) + kExtraTables;
    if (tables_.size() >= most || MonotonicNowNs() < make_again_ns_) {
      return false;
    }
    lock.unlock();
    absl::StatusOr<std::unique_ptr<TableBase>> table = make_table_();
    lock.lock();
    if (!table.ok()) {
      // No memory, or none left of the budget: a flush will free some.
      last_failure_ = table.status();
      make_again_ns_ = MonotonicNowNs() + kMakeAgainNs;
      return false;
    }
    spare_ = table->get();
    tables_.push_back(*std::move(table));
  }
  changed_.notify_all();
  return true;
}

bool TableSet::RotateDueLocked() {
  const TableBase* const active = CurrentLocked().active();
  if (closed_) {
    return false;
  }
  if (active->claimed.load(std::memory_order_relaxed) >=
      options_.threshold_records) {
    return RotateLocked(RotationReason::kSizeThreshold);
  }
  const int64_t first_ns =
      active->first_write_ns.load(std::memory_order_relaxed);
  return options_.flush_timeout_ms != 0 && first_ns != 0 &&
         MonotonicNowNs() - first_ns >=
             options_.flush_timeout_ms * kNanosPerMilli &&
         RotateLocked(RotationReason::kTimeout);
}

// Persists one batch of the oldest immutable table.
bool TableSet::FlushLocked(Lock& lock) {
  const View& view = CurrentLocked();
  if (view.count == 1 || MonotonicNowNs() < retry_ns_) {
    return false;
  }
  TableBase* const oldest = view.tables[view.count - 1];
  lock.unlock();
  if (!oldest->drained.load(std::memory_order_acquire)) {
    Drain();
  }
  const FlushStep step = oldest->FlushSome();
  lock.lock();
  if (!step.status.ok()) {
    ++failures_;
    ++metrics_.retries;
    last_failure_ = step.status;
    backoff_ms_ = backoff_ms_ == 0
                      ? options_.backoff_initial_ms
                      : std::min(backoff_ms_ * 2, options_.backoff_max_ms);
    retry_ns_ = MonotonicNowNs() + backoff_ms_ * kNanosPerMilli;
    changed_.notify_all();
    return true;
  }
  backoff_ms_ = 0;
  retry_ns_ = 0;
  metrics_.batches += step.changes > 0 ? 1 : 0;
  metrics_.flushed_changes += step.changes;
  if (step.done) {
    std::unique_ptr<View> next = NewViewLocked();
    *next = CurrentLocked();
    --next->count;
    PublishLocked(std::move(next), oldest);
    ++metrics_.flushes;
    changed_.notify_all();
    work_.notify_all();
  }
  return true;
}

int64_t TableSet::NextUpkeepLocked(int64_t now_ns) const {
  int64_t next_ns = kNever;
  if (!retired_.empty()) {
    next_ns = now_ns + kReclaimPollNs;
  }
  if (spare_ == nullptr && make_again_ns_ > now_ns) {
    next_ns = std::min(next_ns, make_again_ns_);
  }
  if (options_.flush_timeout_ms != 0 && !closed_) {
    // A table that is empty now cannot time out before a whole time-out.
    const int64_t first_ns = CurrentLocked().active()->first_write_ns.load(
        std::memory_order_relaxed);
    const int64_t due_ns = (first_ns == 0 ? now_ns : first_ns) +
                           options_.flush_timeout_ms * kNanosPerMilli;
    // When it is due already, only a spare table or a flush is missing.
    if (due_ns > now_ns) {
      next_ns = std::min(next_ns, due_ns);
    }
  }
  return next_ns;
}

}  // namespace opsbench::memtable::internal
