// opsbench servers: up, status, down.

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "command.h"
#include "env_file.h"
#include "kept_servers.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/status_macros.h"
#include "opsbench/server/process_sampling.h"
#include "outputs.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::string engines;  // Empty: those that are up, else all.
  std::string parent_folder;
  std::string state_file;  // Empty: servers.json in the state folder.
  std::string env_file;
  bool durable = false;
  bool fresh = false;
  bool print_exports = false;
  bool json = false;
};

fs::path StateFile(const Flags& flags, const Context& context) {
  return fs::absolute(flags.state_file.empty()
                          ? context.state_folder / "servers.json"
                          : fs::path(flags.state_file));
}

std::string Absolute(const std::string& path) {
  return path.empty() ? "" : fs::absolute(path).string();
}

absl::StatusOr<std::vector<Engine>> ParseEngines(const std::string& text) {
  std::vector<Engine> engines;
  if (text.empty()) return engines;
  for (absl::string_view name : absl::StrSplit(text, ',')) {
    OPSBENCH_ASSIGN_OR_RETURN(const Engine engine, ParseEngine(name));
    if (engine == Engine::kSqlite) {
      return absl::InvalidArgumentError(
          "sqlite is embedded and has no server: use mysql, postgres, redis");
    }
    if (!absl::c_linear_search(engines, engine)) engines.push_back(engine);
  }
  return engines;
}

std::string Redacted(const KeptServer& server) {
  const absl::StatusOr<Url> url = Url::Parse(server.url);
  return url.ok() ? url->Redacted() : "?";
}

// Single quotes for the shell; a URL has none, being percent-encoded, but the
// shell must not depend on it.
std::string ShellQuoted(const std::string& text) {
  return absl::StrCat("'", absl::StrJoin(absl::StrSplit(text, '\''), "'\\''"),
                      "'");
}

void PrintServers(const KeptServers& kept, bool print_exports) {
  for (const KeptServer& server : kept.servers) {
    if (print_exports) {
      absl::PrintF("export %s=%s\n", UrlVariable(server.engine),
                   ShellQuoted(server.url));
    } else {
      absl::PrintF("%-9s %-20s %s\n", EngineName(server.engine),
                   server.description, Redacted(server));
    }
  }
  if (!print_exports) {
    absl::PrintF(
        "Use them in this shell:  eval \"$(opsbench servers up --export)\"\n");
  }
}

// FailedPrecondition: the user's own settings would be overridden.
absl::Status CheckEnv(const KeepOptions& options) {
  if (options.env_file.empty()) return absl::OkStatus();
  EnvBlock block = {options.state_file.string(), {}};
  for (const Engine engine : options.engines) {
    block.variables[UrlVariable(engine)] = "";
  }
  const absl::Status status = CheckEnvFile(options.env_file, block);
  return status.ok()
             ? status
             : absl::Status(status.code(),
                            absl::StrCat("--env-file ", options.env_file, ": ",
                                         status.message()));
}

// Whether the servers that are kept serve this request as well.
absl::Status CheckKept(const KeptServers& kept, const KeepOptions& wanted) {
  constexpr char kAdvice[] =
      ": run `opsbench servers down` first, or add --fresh";
  for (const KeptServer& server : kept.servers) {
    if (!server.process.running()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the kept ", EngineName(server.engine),
                       " server has ended", kAdvice));
    }
  }
  for (const Engine engine : wanted.engines) {
    if (absl::c_none_of(kept.servers, [engine](const KeptServer& server) {
          return server.engine == engine;
        })) {
      return absl::FailedPreconditionError(
          absl::StrCat("servers are up, but no ", EngineName(engine), kAdvice));
    }
  }
  if (wanted.durable && !kept.durable) {
    return absl::FailedPreconditionError(
        absl::StrCat("the servers are up without --durable", kAdvice));
  }
  if (!wanted.env_file.empty() && wanted.env_file != kept.env_file) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the servers are up with ",
        kept.env_file.empty() ? "no --env-file" : kept.env_file, kAdvice));
  }
  if (!wanted.parent_folder.empty() &&
      wanted.parent_folder != kept.parent_folder) {
    return absl::FailedPreconditionError(
        absl::StrCat("the servers are up, their data not in ",
                     wanted.parent_folder, kAdvice));
  }
  return absl::OkStatus();
}

absl::Status Up(const Flags& flags, const Context& context) {
  KeepOptions options;
  OPSBENCH_ASSIGN_OR_RETURN(options.engines, ParseEngines(flags.engines));
  options.durable = flags.durable;
  options.parent_folder = Absolute(flags.parent_folder);
  options.state_file = StateFile(flags, context);
  options.env_file = Absolute(flags.env_file);
  OPSBENCH_ASSIGN_OR_RETURN(const StateLock lock,
                            StateLock::Take(options.state_file));
  OPSBENCH_ASSIGN_OR_RETURN(absl::optional<KeptServers> kept,
                            ReadState(options.state_file));
  if (kept.has_value() && (flags.fresh || !kept->keeper.running())) {
    OPSBENCH_RETURN_IF_ERROR(StopKeeper(*kept, options.state_file));
    kept.reset();
  }
  if (kept.has_value()) {
    OPSBENCH_RETURN_IF_ERROR(CheckKept(*kept, options));
    if (!options.env_file.empty()) {
      OPSBENCH_RETURN_IF_ERROR(WriteEnvFile(*kept, options.state_file));
    }
    absl::FPrintF(stderr, "The servers were up already.\n");
  } else {
    if (options.engines.empty()) {
      options.engines = {Engine::kMysql, Engine::kPostgres, Engine::kRedis};
    }
    OPSBENCH_RETURN_IF_ERROR(CheckEnv(options));
    OPSBENCH_ASSIGN_OR_RETURN(kept, StartKeeper(options));
  }
  PrintServers(*kept, flags.print_exports);
  return absl::OkStatus();
}

std::string FormatUptime(absl::Duration uptime) {
  return absl::FormatDuration(absl::Trunc(uptime, absl::Seconds(1)));
}

nlohmann::json StatusJson(const absl::optional<KeptServers>& kept) {
  nlohmann::json servers = nlohmann::json::array();
  if (kept.has_value()) {
    for (const KeptServer& server : kept->servers) {
      const auto sample = SampleProcesses(server.process.pid);
      const bool running = server.process.running() && sample.ok();
      servers.push_back(
          {{"engine", EngineName(server.engine)},
           {"description", server.description},
           {"url", Redacted(server)},
           {"pid", server.process.pid},
           {"running", running},
           {"resident_bytes", running ? sample->resident_bytes : 0},
           {"uptime_s",
            running ? absl::ToInt64Seconds(absl::Now() - server.started) : 0}});
    }
  }
  return {{"up", kept.has_value()},
          {"durable", kept.has_value() && kept->durable},
          {"servers", servers}};
}

// Fails when a server has ended that should be up.
absl::Status Status(const Flags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(absl::optional<KeptServers> kept,
                            ReadState(StateFile(flags, context)));
  if (kept.has_value() && !kept->keeper.running()) kept.reset();
  const nlohmann::json status = StatusJson(kept);
  if (flags.json) {
    absl::PrintF("%s\n", status.dump(2));
  } else if (!kept.has_value()) {
    absl::PrintF("No servers are up.\n");
  }
  std::string ended;
  for (const nlohmann::json& server : status["servers"]) {
    const bool running = server["running"];
    if (!running) ended = server["engine"];
    if (flags.json) continue;
    absl::PrintF(
        "%-9s %-20s pid %-8d %8s %8s  %s\n",
        server["engine"].get<std::string>(),
        server["description"].get<std::string>(), server["pid"].get<int>(),
        running ? absl::StrFormat(
                      "%.0f MiB",
                      server["resident_bytes"].get<double>() / (1 << 20))
                : "",
        running ? FormatUptime(absl::Seconds(server["uptime_s"].get<int64_t>()))
                : "ended",
        server["url"].get<std::string>());
  }
  if (ended.empty()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the kept ", ended, " server has ended"));
}

absl::Status Down(const Flags& flags, const Context& context) {
  const fs::path state_file = StateFile(flags, context);
  if (!fs::exists(state_file)) {
    absl::PrintF("No servers were up.\n");
    return absl::OkStatus();
  }
  OPSBENCH_ASSIGN_OR_RETURN(const StateLock lock, StateLock::Take(state_file));
  OPSBENCH_ASSIGN_OR_RETURN(const absl::optional<KeptServers> kept,
                            ReadState(state_file));
  if (!kept.has_value()) return absl::OkStatus();
  const bool were_up = kept->keeper.running();
  OPSBENCH_RETURN_IF_ERROR(StopKeeper(*kept, state_file));
  absl::PrintF("%s\n",
               were_up ? "The servers are down." : "No servers were up.");
  return absl::OkStatus();
}

using Action = absl::Status (*)(const Flags&, const Context&);

CLI::App* AddAction(CLI::App& group, Context& context,
                    const std::shared_ptr<Flags>& flags, const char* name,
                    const char* help, Action action) {
  CLI::App* command = group.add_subcommand(name, help);
  command
      ->add_option("--state-file", flags->state_file,
                   "Where the servers are noted down "
                   "(servers.json in the state folder)")
      ->type_name("FILE");
  command->callback([flags, &context, action] {
    const absl::Status status = action(*flags, context);
    if (status.ok()) return;
    Fail(context, status,
         absl::IsUnavailable(status) ? kExitFailed : kExitUsage);
  });
  return command;
}

}  // namespace

void AddServersCommand(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand(
      "servers", "Private MySQL, PostgreSQL and Redis, kept for a while");
  group->require_subcommand(1);
  const auto flags = std::make_shared<Flags>();

  CLI::App* up = AddAction(*group, context, flags, "up",
                           "Start them and return when they answer", Up);
  up->add_option("--engines", flags->engines,
                 "Which, separated by commas (mysql,postgres,redis)");
  up->add_flag("--durable", flags->durable,
               "Survive power loss at each commit, instead of flushing the log "
               "about once a second");
  up->add_flag("--fresh", flags->fresh, "Stop those that are up first");
  up->add_flag("--export", flags->print_exports,
               "Print export lines for the shell's eval, with passwords");
  up->get_option("--state-file")->check(RegularOutputFile());
  up->add_option("--env-file", flags->env_file,
                 "Add OPSBENCH_<ENGINE>_URL=... lines to this file, such as "
                 ".env, until they are down")
      ->type_name("FILE")
      ->check(RegularOutputFile());
  up->add_option("--parent-folder", flags->parent_folder,
                 "Where the data goes (TMPDIR or /tmp)")
      ->check(CLI::ExistingDirectory);
  up->footer(
      "Examples:\n"
      "  opsbench servers up --engines mysql,postgres\n"
      "  eval \"$(opsbench servers up --export)\"\n");

  CLI::App* status = AddAction(*group, context, flags, "status",
                               "What is up, with memory and uptime", Status);
  status->add_flag("--json", flags->json, "As JSON");

  AddAction(*group, context, flags, "down", "Stop them and remove their data",
            Down);
}

}  // namespace opsbench::cli
