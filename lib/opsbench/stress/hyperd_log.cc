#include "opsbench/stress/hyperd_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "nlohmann/json.hpp"

namespace opsbench::stress {
namespace {

using Json = nlohmann::json;

constexpr size_t kChunkBytes = size_t{64} << 10;
constexpr size_t kPollBytes = size_t{16} << 20;
constexpr size_t kMaxLineBytes = size_t{1} << 20;
constexpr double kBytesPerMb = 1 << 20;

constexpr struct {
  const char* figure;
  const char* path;  // Below "v", as a JSON pointer.
  double factor;
} kFigures[] = {
    {"hyperd_memory_bytes", "/memory/process_physical_memory_mb", kBytesPerMb},
    {"hyperd_overall_load", "/load/overall_load", 1},
    {"hyperd_scheduler_load", "/load/scheduler_load", 1},
    {"hyperd_memory_load", "/load/memory_load", 1},
    {"hyperd_threads_active",
     "/scheduler-thread-count/scheduler_thread_count/active", 1},
    {"hyperd_threads_inactive",
     "/scheduler-thread-count/scheduler_thread_count/inactive", 1},
    {"hyperd_waiting_jobs",
     "/scheduler-thread-count/scheduler_waiting_jobs_count", 1},
    {"hyperd_process_cpu_pct", "/cpu/process_cpu_utilization", 1},
    {"hyperd_system_cpu_pct", "/cpu/system_cpu_utilization", 1},
};

}  // namespace

bool ParseHyperdLine(absl::string_view line,
                     std::map<std::string, double>* figures) {
  // Most lines are of other kinds, and parsing them costs.
  if (!absl::StrContains(line, "resource-metrics")) return false;
  const Json json = Json::parse(line.begin(), line.end(), nullptr, false);
  if (!json.is_object()) return false;
  const auto kind = json.find("k");
  const auto value = json.find("v");
  if (kind == json.end() || *kind != "resource-metrics" ||
      value == json.end() || !value->is_object()) {
    return false;
  }
  for (const auto& [figure, path, factor] : kFigures) {
    const Json::json_pointer pointer(path);
    if (!value->contains(pointer)) continue;
    const Json& number = (*value)[pointer];
    if (!number.is_number()) continue;
    const double reading = number.get<double>() * factor;
    // A log that is written to while it is read may hold anything.
    if (std::isfinite(reading) && reading >= 0) (*figures)[figure] = reading;
  }
  return true;
}

HyperdLogTail::HyperdLogTail(std::string path, bool skip_existing)
    : path_(std::move(path)) {
  if (skip_existing) Open(-1);
}

HyperdLogTail::~HyperdLogTail() {
  if (fd_ >= 0) close(fd_);
}

bool HyperdLogTail::Open(off_t offset) {
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat state;
  if (fd < 0 || fstat(fd, &state) != 0 || !S_ISREG(state.st_mode)) {
    if (fd >= 0) close(fd);
    return false;
  }
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  device_ = state.st_dev;
  inode_ = state.st_ino;
  offset_ = offset < 0 ? state.st_size : offset;
  line_.clear();
  // A line that has begun before belongs to what does not count.
  char before = '\n';
  skipping_line_ =
      offset_ > 0 && pread(fd_, &before, 1, offset_ - 1) == 1 && before != '\n';
  return true;
}

int HyperdLogTail::Poll(std::map<std::string, double>* figures) {
  if (fd_ < 0 && !Open(0)) return 0;
  struct stat state;
  if (fstat(fd_, &state) == 0 && state.st_size < offset_) {
    offset_ = 0;
    line_.clear();
    skipping_line_ = false;
  }
  int lines = ReadToEnd(kPollBytes, figures);
  const bool replaced = stat(path_.c_str(), &state) == 0 &&
                        (state.st_dev != device_ || state.st_ino != inode_);
  // Once more: lines may have come to the old one before it was renamed.
  if (replaced) {
    lines += ReadToEnd(kPollBytes, figures);
    if (Open(0)) lines += ReadToEnd(kPollBytes, figures);
  }
  return lines;
}

int HyperdLogTail::ReadToEnd(size_t budget,
                             std::map<std::string, double>* figures) {
  int lines = 0;
  std::string chunk(kChunkBytes, '\0');
  while (budget > 0) {
    const ssize_t size =
        pread(fd_, chunk.data(), std::min(budget, chunk.size()), offset_);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    offset_ += size;
    budget -= static_cast<size_t>(size);
    lines += TakeLines({chunk.data(), static_cast<size_t>(size)}, figures);
  }
  return lines;
}

int HyperdLogTail::TakeLines(absl::string_view bytes,
                             std::map<std::string, double>* figures) {
  int lines = 0;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const absl::string_view part = bytes.substr(0, end);
    if (!skipping_line_) line_.append(part.data(), part.size());
    if (line_.size() > kMaxLineBytes) {
      line_.clear();
      skipping_line_ = true;
    }
    if (end == absl::string_view::npos) break;
    std::map<std::string, double> found;
    if (!skipping_line_ && ParseHyperdLine(line_, &found)) {
      ++lines;
      for (const auto& [name, value] : found) {
        const auto [figure, added] = figures->emplace(name, value);
        if (!added) figure->second = std::max(figure->second, value);
      }
    }
    line_.clear();
    skipping_line_ = false;
    bytes.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace opsbench::stress
