#ifndef OPSBENCH_STRESS_CONFIG_H_
#define OPSBENCH_STRESS_CONFIG_H_

// The settings of a stress run, and where they come from: the program's own
// default, then the environment (or .env), then the command line. One table
// has a row for each; flags, variables, help, checks and replay.json all follow
// it.
//
// Thread safety: value types and pure functions.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"
#include "opsbench/db/url.h"
#include "opsbench/stress/fault_plan.h"
#include "opsbench/stress/plan.h"

namespace opsbench::stress {

// How users reach a server.
enum class Transport : uint8_t { kSocket, kTcp };

// How bulk inserts travel: the engine's fastest, or one of those that it has.
enum class DataFormat : uint8_t {
  kBest,
  kCopyBinary,
  kCopyText,
  kPipeline,
  kLoadData,
  kBulkBinding,
  kMultiRow,
};

// Groups of the figures that a monitor reads, as bits of `log_mode`.
inline constexpr int kLogClient = 1;
inline constexpr int kLogServer = 2;
inline constexpr int kLogDisk = 4;
inline constexpr int kLogPressure = 8;
inline constexpr int kLogEngine = 16;
inline constexpr int kLogHyperd = 32;
inline constexpr int kLogAll = 2'047;  // As hyperd's log_resource_usage_mode.

struct StressConfig {
  Engine engine = Engine::kSqlite;
  PlanOptions plan;
  double duration_s = 60;
  double think_min_ms = 10;
  double think_max_ms = 200;

  Transport transport = Transport::kSocket;
  DataFormat data_format = DataFormat::kBest;
  // Private servers: each commit survives a crash. SQLite: as it is by itself.
  bool durable = true;
  // Private servers: their cache, "512MiB" or "10%" of the machine's memory.
  std::string memory_limit = "1GiB";

  // Above these users pause; 0: no limit.
  double max_memory_mb = 4'096;
  double max_cpu_percent = 90;  // Of all cores.
  // Above this users write no more; 0: no limit.
  double max_disk_mb = 2'048;

  // Seconds between the points of the timeline.
  double log_interval_s = 0.25;
  // Which groups of figures summary.json keeps over time; peaks are of all.
  int log_mode = kLogAll;
  std::string hyperd_log;  // Its resource metrics are watched as well.

  FaultSpec faults;

  // Where results and SQLite's files go; empty: the program's own choice.
  std::string output_dir;
  // The replay.json that a run repeats; empty: none.
  std::string replay_file;

  int users() const {
    return plan.inserter_users + plan.query_users + plan.mixed_users;
  }
};

// "socket", "tcp"; "best", "copy_binary", ….
absl::string_view TransportName(Transport transport);
absl::string_view DataFormatName(DataFormat format);

BulkMethod BulkMethodOf(DataFormat format);

// One row of the table.
struct Setting {
  const char* name;      // "--think-min-ms" without its dashes.
  const char* variable;  // "STRESS_THINK_MIN_MS".
  const char* value;     // What --help calls it: "MS".
  const char* help;
  // Reads `text` into the config. InvalidArgument says what is allowed, without
  // naming the setting.
  std::function<absl::Status(absl::string_view text, StressConfig*)> set;
  // As `set` reads it back to the same.
  std::function<std::string(const StressConfig&)> get;
  // Whether it is part of what a run is, which replay.json and summary.json
  // keep; otherwise it says where that is kept.
  bool part_of_run = true;
};

// In the order of --help. Each name, variable and part of a StressConfig is
// there once.
absl::Span<const Setting> Settings();

// REQUIRES: there is one of this name.
const Setting& FindSetting(absl::string_view name);

// Sets `name` to `text`. InvalidArgument names the setting as `source` calls it
// ("--seed", "STRESS_SEED") and says what is allowed.
absl::Status Set(const Setting& setting, absl::string_view source,
                 absl::string_view text, StressConfig* config);

// Settings that contradict one another, or that the engine does not have:
// InvalidArgument names both and says what to do.
absl::Status CheckConfig(const StressConfig& config);

// CheckConfig() for faults, once it is known what they are meant for.
absl::Status CheckTarget(const StressConfig& config, bool has_private_server);

// Bytes of `memory_limit`: "512MiB", "2GiB", "10%" of the machine's memory, or
// a number of bytes. InvalidArgument: none of these, less than 1 MiB or more
// than the machine has.
absl::StatusOr<int64_t> CacheBytes(const std::string& memory_limit);

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_CONFIG_H_
