#include "opsbench/memtable/internal/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace opsbench::memtable::internal {
namespace {

constexpr uint64_t kHugePage = uint64_t{2} << 20;

uint64_t RoundUp(uint64_t bytes, uint64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

uint64_t PageBytes() {
  static const auto bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// Small tables stay small; large ones are committed in huge pages.
uint64_t CommitUnit(uint64_t reserved_bytes) {
  return reserved_bytes >= 4 * kHugePage ? kHugePage : PageBytes();
}

absl::StatusOr<char*> Map(uint64_t bytes, int protection) {
  void* const address =
      mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    return absl::ErrnoToStatus(
        errno, absl::StrCat("cannot map ", bytes, " bytes of memory"));
  }
  if (bytes >= kHugePage) {
    madvise(address, bytes, MADV_HUGEPAGE);  // A wish; refused is as well.
  }
  return static_cast<char*>(address);
}

}  // namespace

bool MemoryBudget::Take(uint64_t bytes) {
  const uint64_t before =
      used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (limit_bytes_ != 0 && before + bytes > limit_bytes_) {
    Give(bytes);
    return false;
  }
  return true;
}

void MemoryBudget::Give(uint64_t bytes) {
  used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

absl::StatusOr<Pages> Pages::Allocate(uint64_t bytes, MemoryBudget* budget) {
  Pages pages;
  bytes = RoundUp(std::max<uint64_t>(bytes, 1), PageBytes());
  if (!budget->Take(bytes)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no ", bytes, " bytes left of the memory budget"));
  }
  absl::StatusOr<char*> address = Map(bytes, PROT_READ | PROT_WRITE);
  if (!address.ok()) {
    budget->Give(bytes);
    return absl::ResourceExhaustedError(address.status().message());
  }
  pages.data_ = *address;
  pages.bytes_ = bytes;
  pages.budget_ = budget;
  return pages;
}

Pages::Pages(Pages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      budget_(other.budget_) {}

Pages& Pages::operator=(Pages&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(budget_, other.budget_);
  return *this;
}

Pages::~Pages() {
  if (data_ != nullptr) {
    munmap(data_, bytes_);
    budget_->Give(bytes_);
  }
}

absl::StatusOr<std::unique_ptr<Arena>> Arena::Create(uint64_t bytes,
                                                     MemoryBudget* budget) {
  bytes = RoundUp(bytes, CommitUnit(bytes));
  // Without access, it counts against no limit but that of addresses.
  absl::StatusOr<char*> base = Map(bytes, PROT_NONE);
  if (!base.ok()) {
    return absl::ResourceExhaustedError(base.status().message());
  }
  return std::unique_ptr<Arena>(new Arena(*base, bytes, budget));
}

Arena::~Arena() {
  munmap(base_, reserved_bytes_);
  budget_->Give(committed_bytes_.load(std::memory_order_relaxed));
}

char* Arena::Claim(uint64_t bytes, Failure* failure) {
  uint64_t start = top_.load(std::memory_order_relaxed);
  do {
    if (bytes > reserved_bytes_ - start) {
      *failure = Failure::kFull;
      return nullptr;
    }
    if (start + bytes > committed_bytes_.load(std::memory_order_acquire) &&
        !Commit(start + bytes)) {
      *failure = Failure::kNoMemory;
      return nullptr;
    }
  } while (!top_.compare_exchange_weak(start, start + bytes,
                                       std::memory_order_relaxed));
  *failure = Failure::kNone;
  return base_ + start;
}

bool Arena::Commit(uint64_t bytes) {
  const std::lock_guard<std::mutex> lock(commit_mutex_);
  const uint64_t committed = committed_bytes_.load(std::memory_order_relaxed);
  const uint64_t wanted =
      std::min(RoundUp(bytes, CommitUnit(reserved_bytes_)), reserved_bytes_);
  if (wanted <= committed) {
    return true;
  }
  if (!budget_->Take(wanted - committed)) {
    return false;
  }
  if (mprotect(base_ + committed, wanted - committed, PROT_READ | PROT_WRITE) !=
      0) {
    budget_->Give(wanted - committed);
    return false;
  }
  // Release: who sees the new size may use the memory.
  committed_bytes_.store(wanted, std::memory_order_release);
  return true;
}

void Arena::Prefault(uint64_t bytes) {
  const uint64_t before = committed_bytes_.load(std::memory_order_relaxed);
  bytes = std::min(bytes, reserved_bytes_);
  if (bytes <= before || !Commit(bytes)) {
    return;
  }
  const uint64_t after = committed_bytes_.load(std::memory_order_relaxed);
  for (uint64_t at = before; at < after; at += PageBytes()) {
    const_cast<volatile char*>(base_)[at] = 0;
  }
}

}  // namespace opsbench::memtable::internal
