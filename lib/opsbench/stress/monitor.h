#ifndef OPSBENCH_STRESS_MONITOR_H_
#define OPSBENCH_STRESS_MONITOR_H_

// Watches what a stress run uses, on a thread of its own: our process, the
// private server, disk, the kernel's pressure, the engine's own figures and
// hyperd's log. Above its thresholds it raises two flags that users of the run
// look at before each operation.
//
// The run never waits for it: an engine that does not answer is asked on a
// second thread, whose figures are absent meanwhile, and Stop() breaks that
// connection off. A server that crashes is connected to again when it is back.
//
// Thread safety: Start() and Stop() from one thread at a time; the flags and
// latest() from any.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "opsbench/db/url.h"
#include "opsbench/server/private_server.h"

namespace opsbench::stress {

// One look at all sources: figures by their names, whose suffixes are their
// units. What could not be read is absent.
//   client_*            our process: resident_bytes, cpu_pct, threads
//   server_*            the private server: the same, and disk_bytes
//   disk_bytes          server and paths together
//   psi_*_pct           /proc/pressure, avg10; psi_*_total_us: since the start
//   postgres_*, mysql_* the engine's own, cumulative unless they are counts of
//                       sessions
//   hyperd_*            of hyperd.log, see hyperd_log.h
// Processor time is in percent of all cores of the machine: 100 is all busy.
using Reading = std::map<std::string, double>;

struct MonitorThresholds {
  // Of the engine: hyperd's own figure, else that of the private server, else,
  // for an engine in our process, ours. Another's server is not measured.
  absl::optional<double> max_memory_mb;    // MiB, resident.
  absl::optional<double> max_cpu_percent;  // Of all cores.
  // hyperd's: 1 is all that it can do at once.
  absl::optional<double> max_overall_load;
  // All of `disk_bytes`, in MiB.
  absl::optional<double> max_disk_mb;

  // A flag that is up goes down at this part of its threshold, so that it does
  // not flutter.
  double release_at = 0.95;
};

struct MonitorOptions {
  // What to watch.

  // Must live until Stop(); may be paused, killed and restarted meanwhile.
  // nullptr: none.
  const PrivateServer* server = nullptr;
  // The engine whose figures are asked for; none for SQLite.
  absl::optional<Url> engine;
  // Whether the engine is part of our process (SQLite).
  bool engine_in_process = false;
  // Files (with SQLite's -wal, -shm and -journal beside them) and folders.
  std::vector<std::string> disk_paths;
  // The log of hyperd, which need not exist yet; empty: none. Only what is
  // written after Start() counts.
  std::string hyperd_log;

  MonitorThresholds thresholds;

  // How it goes about it.

  absl::Duration poll = absl::Milliseconds(250);
  // The series halves its resolution when it has so many points. At least 2.
  size_t max_points = 4'000;
};

struct MonitorPoint {
  double seconds = 0;  // Since Start().
  // As many as the report has metrics; NaN: absent.
  std::vector<double> values;
};

// A flag's record.
struct MonitorCondition {
  int64_t times = 0;         // That it went up.
  double first_seconds = 0;  // When it first went up; 0 when it never did.
  double last_seconds = 0;   // When it last did.
  double total_seconds = 0;  // That it was up.
};

struct MonitorEvent {
  double seconds = 0;
  // "backpressure", "over_disk_budget", "engine" or "hyperd_log".
  std::string source;
  // "on: server_resident_bytes 4,512 MiB above 4,096 MiB", "lost: …".
  std::string text;
};

struct MonitorReport {
  double seconds = 0;
  int64_t readings = 0;
  // Of all readings, also of those that the series has dropped.
  Reading peaks;

  std::vector<std::string> metrics;  // In the order of values; sorted.
  std::vector<MonitorPoint> points;

  MonitorCondition backpressure;
  MonitorCondition over_disk_budget;
  // The first 1,000.
  std::vector<MonitorEvent> events;
  int64_t dropped_events = 0;
};

// A source of figures other than the ones above.
class MonitorSource {
 public:
  virtual ~MonitorSource() = default;
  // Adds what it can read. Called on the monitor's thread; must not wait.
  virtual void Read(Reading* reading) = 0;
};

class ResourceMonitor {
 public:
  // Takes a first reading and starts the thread. InvalidArgument: an option
  // that makes no sense.
  static absl::StatusOr<std::unique_ptr<ResourceMonitor>> Start(
      const MonitorOptions& options,
      std::vector<std::unique_ptr<MonitorSource>> further = {});

  // Stops, if Stop() was not called.
  ~ResourceMonitor();
  ResourceMonitor(const ResourceMonitor&) = delete;
  ResourceMonitor& operator=(const ResourceMonitor&) = delete;

  // Memory, processor or load is above its threshold: users pause.
  const std::atomic<bool>& backpressure() const;
  // The disk is above its threshold: users write no more.
  const std::atomic<bool>& over_disk_budget() const;

  // The last reading, for people to look at.
  Reading latest() const;

  // Takes a last reading, ends the threads and reports; after 2 s at the
  // latest, in which an attempt to connect times out. Both flags are down
  // afterwards. A second call returns the same report.
  const MonitorReport& Stop();

 private:
  class Impl;
  explicit ResourceMonitor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_MONITOR_H_
