#include "opsbench/server/process_sampling.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;

struct ProcessStat {
  pid_t parent = 0;
  int64_t cpu_ticks = 0;
  int threads = 0;
  int64_t start_ticks = 0;
};

// False for a process that has ended, reaped or not.
//
// Fields 3, 4, 14 to 17, 20 and 22 of /proc/<pid>/stat (man 5 proc). The second
// field, the name, may hold anything: the others are counted from its end.
bool ReadStat(pid_t pid, ProcessStat* stat) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string line;
  if (!std::getline(file, line)) return false;
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= line.size()) {
    return false;
  }
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(line).substr(name_end + 2), ' ');
  constexpr size_t kFirstField = 3;
  if (fields.size() <= 22 - kFirstField || fields[0] == "Z") return false;
  const auto number = [&fields](size_t field) {
    int64_t value = 0;
    (void)absl::SimpleAtoi(fields[field - kFirstField], &value);
    return value;
  };
  stat->parent = static_cast<pid_t>(number(4));
  stat->cpu_ticks = number(14) + number(15) + number(16) + number(17);
  stat->threads = static_cast<int>(number(20));
  stat->start_ticks = number(22);
  return true;
}

struct ProcessMemory {
  int64_t anonymous = 0;
  int64_t file = 0;
  int64_t shared = 0;
};

ProcessMemory ReadMemory(pid_t pid) {
  ProcessMemory memory;
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    int64_t kib = 0;
    fields >> name >> kib;
    if (name == "RssAnon:") memory.anonymous = kib * 1024;
    if (name == "RssFile:") memory.file = kib * 1024;
    if (name == "RssShmem:") memory.shared = kib * 1024;
  }
  return memory;
}

}  // namespace

std::vector<pid_t> ProcessTree(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    pid_t pid = 0;
    ProcessStat stat;
    if (absl::SimpleAtoi(entry.path().filename().string(), &pid) &&
        ReadStat(pid, &stat)) {
      children.emplace(stat.parent, pid);
      if (pid == root) children.emplace(-1, pid);
    }
  }
  std::vector<pid_t> tree;
  std::vector<pid_t> parents = {-1};
  while (!parents.empty()) {
    const auto [begin, end] = children.equal_range(parents.back());
    parents.pop_back();
    for (auto child = begin; child != end; ++child) {
      tree.push_back(child->second);
      parents.push_back(child->second);
    }
    // Taken out, so that a pid that was used again cannot make a circle.
    children.erase(begin, end);
  }
  return tree;
}

absl::StatusOr<ServerSample> SampleProcesses(pid_t root) {
  ServerSample sample;
  int64_t largest_file = 0;
  int64_t largest_shared = 0;
  const int64_t tick_ns = 1'000'000'000 / sysconf(_SC_CLK_TCK);
  for (const pid_t pid : ProcessTree(root)) {
    ProcessStat stat;
    if (!ReadStat(pid, &stat)) continue;
    sample.cpu_ns += stat.cpu_ticks * tick_ns;
    sample.threads += stat.threads;
    const ProcessMemory memory = ReadMemory(pid);
    sample.resident_bytes += memory.anonymous;
    largest_file = std::max(largest_file, memory.file);
    largest_shared = std::max(largest_shared, memory.shared);
  }
  if (sample.threads == 0) {
    return absl::NotFoundError(absl::StrCat("no process ", root));
  }
  sample.resident_bytes += largest_file + largest_shared;
  return sample;
}

int64_t ProcessStartTicks(pid_t pid) {
  ProcessStat stat;
  return ReadStat(pid, &stat) ? stat.start_ticks : 0;
}

int64_t DiskBytes(const std::string& folder) {
  int64_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entry(
      folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    struct stat state;
    if (lstat(entry->path().c_str(), &state) == 0) {
      bytes += int64_t{state.st_blocks} * 512;
    }
  }
  return bytes;
}

}  // namespace opsbench
