#include "opsbench/stress/internal/monitor_sources.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/clock.h"
#include "opsbench/server/process_sampling.h"

namespace opsbench::stress::internal {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int64_t Nanoseconds(const timeval& time) {
  return int64_t{time.tv_sec} * kNanosPerSecond + int64_t{time.tv_usec} * 1'000;
}

// A folder's files, or a file with those that SQLite has beside it.
int64_t PathBytes(const std::string& path) {
  struct stat state;
  if (stat(path.c_str(), &state) == 0 && S_ISDIR(state.st_mode)) {
    return DiskBytes(path);
  }
  int64_t bytes = 0;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    if (stat(absl::StrCat(path, suffix).c_str(), &state) == 0) {
      bytes += int64_t{state.st_blocks} * 512;
    }
  }
  return bytes;
}

}  // namespace

void CpuShare::Add(int64_t now_ns, int64_t cpu_ns, const std::string& metric,
                   Reading* reading) {
  static const int cores =
      static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  // The kernel counts in ticks of 10 ms: over less than ten of them a share
  // would be a matter of luck, and could be above all there is.
  constexpr int64_t kShortestNs = 100'000'000;
  const bool same = last_ns_ >= 0 && cpu_ns >= last_cpu_ns_;
  if (same && now_ns - last_ns_ < kShortestNs) return;
  if (same) {
    (*reading)[metric] = 100.0 * static_cast<double>(cpu_ns - last_cpu_ns_) /
                         static_cast<double>(now_ns - last_ns_) / cores;
  }
  last_ns_ = now_ns;
  last_cpu_ns_ = cpu_ns;
}

void ClientSource::Read(Reading* reading) {
  for (absl::string_view line :
       absl::StrSplit(ReadText("/proc/self/status"), '\n')) {
    double number = 0;
    if (absl::ConsumePrefix(&line, "VmRSS:") &&
        absl::SimpleAtod(absl::StripSuffix(line, " kB"), &number)) {
      (*reading)["client_resident_bytes"] = number * 1024;
    } else if (absl::ConsumePrefix(&line, "Threads:") &&
               absl::SimpleAtod(line, &number)) {
      (*reading)["client_threads"] = number;
    }
  }
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    cpu_.Add(MonotonicNowNs(),
             Nanoseconds(usage.ru_utime) + Nanoseconds(usage.ru_stime),
             "client_cpu_pct", reading);
  }
}

void ServerSource::Read(Reading* reading) {
  if (server_ == nullptr && paths_.empty()) return;
  double disk_bytes = 0;
  for (const std::string& path : paths_) {
    disk_bytes += static_cast<double>(PathBytes(path));
  }
  if (server_ != nullptr) {
    const absl::StatusOr<ServerSample> sample = server_->Sample();
    if (sample.ok()) {
      (*reading)["server_resident_bytes"] =
          static_cast<double>(sample->resident_bytes);
      (*reading)["server_threads"] = sample->threads;
      (*reading)["server_disk_bytes"] = static_cast<double>(sample->disk_bytes);
      disk_bytes += static_cast<double>(sample->disk_bytes);
      cpu_.Add(MonotonicNowNs(), sample->cpu_ns, "server_cpu_pct", reading);
    } else {
      // It has crashed: the files stay, and may not be looked for in vain.
      disk_bytes += static_cast<double>(DiskBytes(server_->data_folder()));
      cpu_.Forget();
    }
  }
  (*reading)["disk_bytes"] = disk_bytes;
}

void ParsePressure(absl::string_view resource, absl::string_view text,
                   Reading* reading) {
  for (const absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    for (absl::string_view field : fields) {
      const std::string name = absl::StrCat("psi_", resource, "_", fields[0]);
      double number = 0;
      if (absl::ConsumePrefix(&field, "avg10=") &&
          absl::SimpleAtod(field, &number)) {
        (*reading)[absl::StrCat(name, "_pct")] = number;
      } else if (absl::ConsumePrefix(&field, "total=") &&
                 absl::SimpleAtod(field, &number)) {
        (*reading)[absl::StrCat(name, "_total_us")] = number;
      }
    }
  }
}

void PressureSource::Read(Reading* reading) {
  Reading pressure;
  for (const char* resource : {"cpu", "memory", "io"}) {
    ParsePressure(resource, ReadText(absl::StrCat("/proc/pressure/", resource)),
                  &pressure);
  }
  if (first_.empty()) first_ = pressure;
  for (const auto& [name, value] : pressure) {
    const bool total = absl::EndsWith(name, "_total_us");
    (*reading)[name] = total ? value - first_[name] : value;
  }
}

}  // namespace opsbench::stress::internal
