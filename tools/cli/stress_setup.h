#ifndef OPSBENCH_TOOLS_CLI_STRESS_SETUP_H_
#define OPSBENCH_TOOLS_CLI_STRESS_SETUP_H_

// What `opsbench stress` has to know and to make before anything runs: its
// settings from flags, environment and a replay file, and its server.
//
// Thread safety: not thread-safe.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "command.h"
#include "opsbench/engines/engines.h"
#include "opsbench/server/private_server.h"
#include "opsbench/stress/config.h"
#include "opsbench/stress/databases.h"
#include "opsbench/stress/replay.h"
#include "opsbench/stress/user_log.h"

namespace opsbench::cli {

struct StressFlags {
  // As they were given, by the name of the setting.
  std::map<std::string, std::string> settings;
  std::string url;
  std::string folder;  // Of `check` and `show`.
  int last = 5;        // Of `show`.
  bool fresh = false;
  bool replace_foreign = false;
  bool keep = false;

  stress::Replace replace() const {
    return replace_foreign ? stress::Replace::kForeign
           : fresh         ? stress::Replace::kOurs
                           : stress::Replace::kNothing;
  }
  bool stages = false;
};

struct StressSetup {
  stress::StressConfig config;
  absl::optional<Url> url;  // Another's server.
  // The run to repeat.
  absl::optional<stress::Replay> replay;
  // For people: what was ignored or left out.
  std::vector<std::string> notes;

  bool wants_private_server() const {
    return !url.has_value() && config.engine != Engine::kSqlite;
  }
  stress::Plan MakePlan() const;
};

// Sends nothing and makes nothing.
absl::StatusOr<StressSetup> MakeStressSetup(const StressFlags& flags);

// --url, else what the environment names for `engine`, if anything; none for
// SQLite. InvalidArgument: a --url that is none, or is SQLite's.
absl::StatusOr<absl::optional<Url>> ServerUrl(const StressFlags& flags,
                                              const Environment& environment,
                                              Engine engine);

// A replay file; of a run that never ended, with what the users' logs beside it
// say.
absl::StatusOr<stress::Replay> ReadReplay(const std::string& path);

// The logs of all users of a run's folder. NotFound: one is missing.
// InvalidArgument: they are another run's.
absl::StatusOr<std::vector<std::unique_ptr<stress::UserLog>>> ReadUserLogs(
    const std::string& folder, const stress::Replay& replay);

struct StressTarget {
  Url url;
  std::unique_ptr<PrivateServer> server;  // Null: another's, or SQLite.
  std::string description;                // "postgres 15.18, private, tcp".
};

// For SQLite the files of `folder`.
absl::StatusOr<StressTarget> OpenStressTarget(const StressSetup& setup,
                                              const std::string& folder);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_STRESS_SETUP_H_
