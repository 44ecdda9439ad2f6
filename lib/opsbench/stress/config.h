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
#include "opsbench/stress/faults.h"
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
  std::string hyperd_log;  // Its resource metrics are watched as well.

  FaultSpec faults;
};

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
};

absl::Span<const Setting> Settings();

// Sets `name` to `text`. InvalidArgument names the setting as `source` calls it
// ("--seed", "STRESS_SEED") and says what is allowed.
absl::Status Set(const Setting& setting, absl::string_view source,
                 absl::string_view text, StressConfig* config);

// Settings that contradict one another, or that the engine does not have:
// InvalidArgument names both and says what to do.
absl::Status CheckConfig(const StressConfig& config);

// Bytes of `memory_limit`.
absl::StatusOr<int64_t> CacheBytes(const std::string& memory_limit);

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_CONFIG_H_
