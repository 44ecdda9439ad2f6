#ifndef OPSBENCH_STRESS_INTERNAL_MONITOR_SOURCES_H_
#define OPSBENCH_STRESS_INTERNAL_MONITOR_SOURCES_H_

// The sources that a machine has by itself.
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "opsbench/server/private_server.h"
#include "opsbench/stress/monitor.h"

namespace opsbench::stress::internal {

// The share of all cores that a process used between two calls.
class CpuShare {
 public:
  // The processor time at `now_ns`. Adds nothing for the first call, for one
  // within 100 ms of the last that counted, nor when the time has gone back,
  // which is another process.
  void Add(int64_t now_ns, int64_t cpu_ns, const std::string& metric,
           Reading* reading);
  void Forget() { last_ns_ = -1; }

 private:
  int64_t last_ns_ = -1;
  int64_t last_cpu_ns_ = 0;
};

// This process.
class ClientSource : public MonitorSource {
 public:
  void Read(Reading* reading) override;

 private:
  CpuShare cpu_;
};

// A private server, and the files and folders of an engine without one.
class ServerSource : public MonitorSource {
 public:
  ServerSource(const PrivateServer* server, std::vector<std::string> paths)
      : server_(server), paths_(std::move(paths)) {}
  void Read(Reading* reading) override;

 private:
  const PrivateServer* const server_;
  const std::vector<std::string> paths_;
  CpuShare cpu_;
};

// Adds the figures of one file of /proc/pressure:
//   some avg10=1.53 avg60=1.20 avg300=0.40 total=272536751
// https://docs.kernel.org/accounting/psi.html
void ParsePressure(absl::string_view resource, absl::string_view text,
                   Reading* reading);

// /proc/pressure, where the kernel has it; totals count from the first call.
class PressureSource : public MonitorSource {
 public:
  void Read(Reading* reading) override;

 private:
  Reading first_;
};

}  // namespace opsbench::stress::internal

#endif  // OPSBENCH_STRESS_INTERNAL_MONITOR_SOURCES_H_
