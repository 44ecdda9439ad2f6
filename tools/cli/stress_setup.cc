#include "stress_setup.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine_facts.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "stress_flags.h"
#include "stress_folder.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using stress::Setting;
using stress::StressConfig;

// Connections beside those of users: the monitor's, the faults', the oracle's,
// and those that PostgreSQL keeps for superusers.
constexpr int kFurtherConnections = 32;
constexpr int kUsualConnections = 100;

std::string FlagOf(const Setting& setting) {
  return absl::StrCat("--", setting.name);
}

const std::string* Given(const StressFlags& flags, const std::string& name) {
  const auto found = flags.settings.find(name);
  return found == flags.settings.end() ? nullptr : &found->second;
}

absl::Status SetFromFlag(const StressFlags& flags, const Setting& setting,
                         StressConfig* config) {
  const std::string* text = Given(flags, setting.name);
  return text == nullptr ? absl::OkStatus()
                         : stress::Set(setting, FlagOf(setting), *text, config);
}

// Flags over the environment over .env over the defaults.
absl::StatusOr<StressConfig> ReadSettings(const StressFlags& flags,
                                          const Environment& environment) {
  StressConfig config;
  std::random_device system;
  config.plan.seed = uint64_t{system()} << 32 | system();
  for (const Setting& setting : stress::Settings()) {
    if (Given(flags, setting.name) != nullptr) {
      OPSBENCH_RETURN_IF_ERROR(SetFromFlag(flags, setting, &config));
    } else if (const auto text = environment.Get(setting.variable)) {
      OPSBENCH_RETURN_IF_ERROR(
          stress::Set(setting, setting.variable, *text, &config));
    }
  }
  return config;
}

// Variables that a replay does not take from its file.
constexpr absl::string_view kReplayVariables[] = {"output-dir", "replay-file"};

// What another engine than the file's does not have is left out.
void AdaptToEngine(Engine engine, StressSetup* setup) {
  StressConfig& config = setup->config;
  if (config.engine == engine) return;
  config.engine = engine;
  StressConfig defaults;
  defaults.engine = engine;
  for (const char* name : {"data-format", "transport", "durable"}) {
    const Setting& setting = stress::FindSetting(name);
    const std::string value = setting.get(config);
    StressConfig alone = defaults;
    if (setting.set(value, &alone).ok() && stress::CheckConfig(alone).ok()) {
      continue;
    }
    setup->notes.push_back(absl::StrCat(
        FlagOf(setting), " ", value,
        " of the replay is left out: ", EngineName(engine), " has none"));
    setting.set(setting.get(defaults), &config).IgnoreError();
  }
}

absl::Status LoadReplay(const StressFlags& flags,
                        const Environment& environment, StressSetup* setup) {
  const std::string path = setup->config.replay_file;
  const std::string output_dir = setup->config.output_dir;
  const Engine engine = setup->config.engine;
  OPSBENCH_ASSIGN_OR_RETURN(setup->replay, ReadReplay(path));
  setup->config = setup->replay->config;
  setup->config.replay_file = path;
  setup->config.output_dir = output_dir;
  OPSBENCH_RETURN_IF_ERROR(
      SetFromFlag(flags, stress::FindSetting("duration"), &setup->config));
  if (Given(flags, "engine") != nullptr) AdaptToEngine(engine, setup);
  // Flags are refused (stress_flags.h); variables may be meant for other runs.
  std::vector<std::string> ignored;
  for (const Setting& setting : stress::Settings()) {
    if (Given(flags, setting.name) == nullptr &&
        environment.Get(setting.variable).has_value() &&
        std::find(std::begin(kReplayVariables), std::end(kReplayVariables),
                  setting.name) == std::end(kReplayVariables)) {
      ignored.emplace_back(setting.variable);
    }
  }
  if (!ignored.empty()) {
    setup->notes.push_back(absl::StrCat("a replay takes its settings from ",
                                        path, ": ignored ",
                                        absl::StrJoin(ignored, ", ")));
  }
  return absl::OkStatus();
}

absl::Status CheckUrl(const StressFlags& flags, StressSetup* setup) {
  if (!setup->url.has_value()) return absl::OkStatus();
  const Url& url = *setup->url;
  if (!flags.url.empty() && Given(flags, "engine") != nullptr &&
      setup->config.engine != url.engine) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--engine ", EngineName(setup->config.engine), " contradicts --url ",
        url.Redacted(), ": leave out one of them"));
  }
  if (setup->config.transport == stress::Transport::kTcp &&
      !url.socket.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--transport (STRESS_TRANSPORT) tcp contradicts the server's URL ",
        url.Redacted(), ", which names a socket: take it out of the URL"));
  }
  return absl::OkStatus();
}

// A replay on a target that lacks its faults does the same operations without
// them; a new run that asks for them is refused.
absl::Status CheckFaultsOfTarget(StressSetup* setup) {
  absl::Status status =
      stress::CheckTarget(setup->config, setup->wants_private_server());
  if (status.ok() || !setup->replay.has_value()) return status;
  setup->notes.push_back(
      absl::StrCat("the replay goes without its faults: ", status.message()));
  setup->config.faults = stress::FaultSpec();
  return absl::OkStatus();
}

// --- Servers ---

absl::StatusOr<StressTarget> StartPrivateServer(const StressConfig& config) {
  ServerOptions options;
  options.kind = config.engine == Engine::kMysql ? ServerKind::kMysql
                                                 : ServerKind::kPostgres;
  options.durable = config.durable;
  options.delayable_disk =
      config.faults.count(stress::FaultKind::kSlowDisk) > 0;
  OPSBENCH_ASSIGN_OR_RETURN(options.cache_bytes,
                            stress::CacheBytes(config.memory_limit));
  options.settings["max_connections"] = absl::StrCat(
      std::max(kUsualConnections, config.users() + kFurtherConnections));
  StressTarget target;
  OPSBENCH_ASSIGN_OR_RETURN(target.server, PrivateServer::Start(options));
  const bool tcp = config.transport == stress::Transport::kTcp;
  OPSBENCH_ASSIGN_OR_RETURN(
      target.url,
      Url::Parse(tcp ? target.server->url() : target.server->socket_url()));
  target.description = absl::StrCat(target.server->description(), ", private, ",
                                    stress::TransportName(config.transport));
  return target;
}

}  // namespace

stress::Plan StressSetup::MakePlan() const {
  return replay.has_value() ? replay->MakePlan()
                            : stress::Plan::Make(config.plan);
}

absl::StatusOr<absl::optional<Url>> ServerUrl(const StressFlags& flags,
                                              const Environment& environment,
                                              Engine engine) {
  if (flags.url.empty()) {
    // A database file of SQLite's is no place for several of ours.
    if (engine == Engine::kSqlite) return absl::optional<Url>();
    return environment.EngineUrl(engine);
  }
  absl::StatusOr<Url> url = Url::Parse(flags.url);
  if (!url.ok()) {
    return absl::Status(url.status().code(),
                        absl::StrCat("--url: ", url.status().message()));
  }
  if (url->engine != Engine::kMysql && url->engine != Engine::kPostgres) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--url is for a server of MySQL, MariaDB or PostgreSQL, not ",
        url->Redacted(), ": SQLite's files go into --output-dir"));
  }
  return absl::make_optional(*std::move(url));
}

absl::StatusOr<StressSetup> MakeStressSetup(const StressFlags& flags) {
  StressSetup setup;
  OPSBENCH_ASSIGN_OR_RETURN(const Environment environment, Environment::Load());
  OPSBENCH_ASSIGN_OR_RETURN(setup.config, ReadSettings(flags, environment));
  if (!setup.config.replay_file.empty()) {
    OPSBENCH_RETURN_IF_ERROR(LoadReplay(flags, environment, &setup));
  }
  OPSBENCH_ASSIGN_OR_RETURN(setup.url,
                            ServerUrl(flags, environment, setup.config.engine));
  OPSBENCH_RETURN_IF_ERROR(CheckUrl(flags, &setup));
  OPSBENCH_RETURN_IF_ERROR(CheckFlagsAct(flags, setup));
  if (setup.url.has_value()) {
    if (setup.replay.has_value()) {
      AdaptToEngine(setup.url->engine, &setup);
    } else {
      setup.config.engine = setup.url->engine;
    }
  }
  OPSBENCH_RETURN_IF_ERROR(CheckFaultsOfTarget(&setup));
  OPSBENCH_RETURN_IF_ERROR(stress::CheckConfig(setup.config));
  return setup;
}

absl::StatusOr<std::vector<std::unique_ptr<stress::UserLog>>> ReadUserLogs(
    const std::string& folder, const stress::Replay& replay) {
  std::vector<std::unique_ptr<stress::UserLog>> logs;
  for (const stress::ReplayUser& user : replay.users) {
    const std::string path =
        stress::UserLogPath(LogFolder(folder), user.user.id);
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<stress::UserLog> log,
                              stress::UserLog::Read(path));
    if (log->user().seed != user.user.seed || log->user().id != user.user.id) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, " is of another run than ", ReplayPath(folder)));
    }
    logs.push_back(std::move(log));
  }
  return logs;
}

absl::StatusOr<stress::Replay> ReadReplay(const std::string& path) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text,
                            results::ReadWholeFile(path));
  OPSBENCH_ASSIGN_OR_RETURN(stress::Replay replay,
                            stress::ParseReplay(text, path));
  if (replay.stop_reason.has_value()) return replay;
  const auto logs = ReadUserLogs(fs::path(path).parent_path().string(), replay);
  if (!logs.ok()) return replay;
  const stress::Plan plan = replay.MakePlan();
  for (size_t i = 0; i < logs->size(); ++i) {
    replay.users[i].operations = (*logs)[i]->begun();
    replay.users[i].hash = (*logs)[i]->hash();
    // Killed after the hash had moved and before the count had.
    const stress::ReplayUser& user = replay.users[i];
    uint64_t hash = 0;
    for (int64_t index = 0; index < user.operations; ++index) {
      hash = HashOperation(hash, index, plan.At(user.user, index));
    }
    if (hash != user.hash &&
        HashOperation(hash, user.operations,
                      plan.At(user.user, user.operations)) == user.hash) {
      ++replay.users[i].operations;
    }
  }
  return replay;
}

absl::StatusOr<StressTarget> OpenStressTarget(const StressSetup& setup,
                                              const std::string& folder) {
  if (setup.wants_private_server()) return StartPrivateServer(setup.config);
  StressTarget target;
  Url asked;  // SQLite's version needs no file.
  if (setup.url.has_value()) {
    target.url = asked = *setup.url;
  } else {
    target.url.database = folder;
    asked.database = ":memory:";
  }
  OPSBENCH_ASSIGN_OR_RETURN(const results::EngineInfo info,
                            ReadEngineFacts(asked));
  target.description =
      setup.url.has_value()
          ? absl::StrCat(info.name, " ", info.version, ", ", asked.Redacted())
          : info.version;
  return target;
}

}  // namespace opsbench::cli
