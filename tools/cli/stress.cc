// opsbench stress: run, replay, check, show.

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "command.h"
#include "numbers.h"
#include "opsbench/base/format.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/stress/databases.h"
#include "opsbench/stress/simulation.h"
#include "opsbench/stress/summary.h"
#include "progress.h"
#include "stress_folder.h"
#include "stress_inspect.h"
#include "stress_report.h"
#include "stress_setup.h"

namespace opsbench::cli {
namespace {

using stress::Replay;
using stress::Setting;
using stress::StressConfig;
using stress::StressReport;

std::string LiveText(const StressConfig& config,
                     const stress::StressProgress& progress) {
  const LoadProgress& load = progress.load;
  std::string text = absl::StrFormat(
      "%.0f of %g s: %s operations, %s rows, p99 %s",
      absl::ToDoubleSeconds(load.elapsed), config.duration_s,
      FormatRate(static_cast<double>(load.last_second.operations)),
      FormatRate(static_cast<double>(load.last_second.rows)),
      FormatLatency(load.last_second.p99_ns));
  if (load.errors > 0) absl::StrAppend(&text, ", ", load.errors, " errors");
  if (progress.backpressure) absl::StrAppend(&text, ", back-pressure");
  if (progress.over_disk_budget) absl::StrAppend(&text, ", disk budget used");
  if (config.faults.total() > 0) {
    absl::StrAppend(&text, ", ", progress.faults, " of ", config.faults.total(),
                    " faults");
  }
  return text;
}

absl::StatusOr<StressReport> SimulateWithProgress(const StressSetup& setup,
                                                  const StressTarget& target,
                                                  const std::string& folder,
                                                  stress::Replace replace) {
  ProgressLine line;
  stress::SimulationOptions options;
  options.config = setup.config;
  options.plan = setup.MakePlan();
  options.url = target.url;
  options.server = target.server.get();
  options.replace = replace;
  options.log_folder = LogFolder(folder);
  options.stop = &stop_requested;
  options.on_step = [&line](absl::string_view step) {
    line.Update(std::string(step));
  };
  options.on_progress = [&](const stress::StressProgress& progress) {
    line.Update(LiveText(setup.config, progress));
  };
  absl::StatusOr<StressReport> report = Simulate(options);
  line.Clear();
  return report;
}

absl::Status WriteResults(const std::string& folder, const StressConfig& config,
                          const StressTarget& target, const Replay& replay,
                          const StressReport& report) {
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
      ReplayPath(folder), stress::FormatReplay(replay)));
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
      SummaryPath(folder),
      stress::FormatSummary(config, target.description, report)));
  results::BenchmarkFile rows = stress::ToBenchmarkFile(config, report);
  rows.context["opsbench_engine"] = target.description;
  return results::WriteFileAtomically(BenchmarkPath(folder),
                                      results::FormatBenchmarkJson(rows));
}

// Whether all users did what they did before.
absl::StatusOr<bool> CompareWithReplayed(const std::string& path,
                                         const Replay& before,
                                         const Replay& again) {
  OPSBENCH_ASSIGN_OR_RETURN(const stress::ReplayComparison comparison,
                            stress::CompareReplays(before, again));
  absl::PrintF("\nReplay of %s\n", path);
  for (const auto& user : comparison.users) {
    absl::PrintF(
        "  user %d, %s: %d operations compared, %s\n", user.user,
        UserClassName(
            before.users[static_cast<size_t>(user.user)].user.user_class),
        user.compared, user.equal ? "equal" : "DIFFERENT");
  }
  return comparison.equal();
}

void PrintHead(const StressSetup& setup, const StressTarget& target,
               const std::string& folder) {
  for (const std::string& note : setup.notes) {
    absl::FPrintF(stderr, "note: %s\n", note);
  }
  const StressConfig& config = setup.config;
  absl::PrintF("Stress on %s: %d users, %d databases, %g s, seed %d\n",
               target.description, config.users(), config.plan.databases,
               config.duration_s, config.plan.seed);
  absl::PrintF("Results go to %s\n\n", folder);
  std::fflush(stdout);
}

absl::StatusOr<int> Run(const StressFlags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const StressSetup setup, MakeStressSetup(flags));
  OPSBENCH_ASSIGN_OR_RETURN(
      OutputFolder folder, OutputFolder::Make(setup, flags.replace(), context));
  if (setup.wants_private_server()) {
    absl::FPrintF(stderr, "starting a private %s server\n",
                  EngineName(setup.config.engine));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const StressTarget target,
                            OpenStressTarget(setup, folder.path()));
  PrintHead(setup, target, folder.path());
  OPSBENCH_ASSIGN_OR_RETURN(
      const StressReport report,
      SimulateWithProgress(setup, target, folder.path(), flags.replace()));
  folder.Keep();
  absl::PrintF("%s", RenderStressReport(setup.config, report));
  const Replay replay =
      stress::MakeReplay(setup.config, setup.MakePlan(), &report);
  OPSBENCH_RETURN_IF_ERROR(
      WriteResults(folder.path(), setup.config, target, replay, report));
  OPSBENCH_RETURN_IF_ERROR(
      WriteStressRun(context, folder.path(), setup, target, report));
  absl::PrintF("Report:      %s/report.html\n", folder.path());
  bool equal = true;
  if (setup.replay.has_value()) {
    OPSBENCH_ASSIGN_OR_RETURN(
        equal,
        CompareWithReplayed(setup.config.replay_file, *setup.replay, replay));
  }
  if (setup.url.has_value() && !flags.keep) {
    const absl::Status dropped =
        stress::Databases::Name(target.url, setup.config.plan.databases).Drop();
    // Somebody else's tables stay, whatever the run's verdict.
    if (!dropped.ok()) {
      absl::FPrintF(stderr, "note: databases were kept: %s\n",
                    dropped.message());
    }
  }
  return report.ok() && equal &&
                 report.stop_reason == stress::StopReason::kDurationElapsed
             ? kExitOk
             : kExitFailed;
}

absl::StatusOr<int> Check(const StressFlags& flags, const Context&) {
  return CheckStressFolder(flags);
}

absl::StatusOr<int> Show(const StressFlags& flags, const Context&) {
  return ShowStressFolder(flags);
}

using Action = absl::StatusOr<int> (*)(const StressFlags&, const Context&);

CLI::App* AddAction(CLI::App& group, Context& context,
                    const std::shared_ptr<StressFlags>& flags, const char* name,
                    const char* help, Action action) {
  CLI::App* command = group.add_subcommand(name, help);
  command->callback([flags, &context, action] {
    InstallStopSignals();
    Finish(context, action(*flags, context));
  });
  return command;
}

// A flag for each setting but `left_out`.
void AddSettings(CLI::App* command, const std::shared_ptr<StressFlags>& flags,
                 absl::string_view left_out) {
  for (const Setting& setting : stress::Settings()) {
    if (setting.name == left_out) continue;
    const std::string usual =
        std::string(setting.name) == "seed" ? "" : setting.get({});
    const std::string note =
        usual.empty() ? absl::StrCat(" (", setting.variable, ")")
                      : absl::StrCat(" (", setting.variable, "; ", usual, ")");
    const std::string name = setting.name;
    command
        ->add_option_function<std::string>(
            "--" + name,
            [flags, name](const std::string& text) {
              flags->settings[name] = text;
            },
            setting.help + note)
        ->type_name(setting.value);
  }
  command->add_option("--url", flags->url,
                      "A server that runs already, instead of a private one");
  command->add_flag("--fresh", flags->fresh,
                    "Replace what an earlier run left: databases, results");
  command->add_flag("--replace-foreign", flags->replace_foreign,
                    "Also replace what opsbench did not make");
  command->add_flag("--keep", flags->keep,
                    "Leave the databases on the server of --url");
  AddStagesFlag(command, &flags->stages);
}

void AddFolder(CLI::App* command, const std::shared_ptr<StressFlags>& flags) {
  command->add_option("folder", flags->folder, "The --output-dir of the run")
      ->required();
}

}  // namespace

void AddStressCommand(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand(
      "stress",
      "Many users at once, drawn from one seed; every answer is checked, and "
      "at the end whatever was acknowledged");
  group->require_subcommand(1);
  const auto flags = std::make_shared<StressFlags>();

  CLI::App* run = AddAction(*group, context, flags, "run",
                            "Let users work, and check what they get", Run);
  AddSettings(run, flags, "");
  run->footer(
      "Each setting is also a variable, in the environment or in .env.\n"
      "Examples:\n"
      "  opsbench stress run\n"
      "  opsbench stress run --engine postgres --duration 120 --databases 5 "
      "--inserter-users 8 --query-users 6 --mixed-users 4 --seed 9999 "
      "--think-min-ms 0 --think-max-ms 5 --batch-min 1000 --batch-max 50000 "
      "--output-dir /tmp/stress_run\n"
      "  opsbench stress replay /tmp/stress_run/replay.json --output-dir "
      "/tmp/stress_replay\n"
      "  opsbench stress run --engine mysql --faults kill=2,reset=5\n");

  CLI::App* replay = AddAction(
      *group, context, flags, "replay",
      "Repeat a run from its seeds, and prove that users did the same", Run);
  replay
      ->add_option_function<std::string>(
          "file",
          [flags](const std::string& text) {
            flags->settings["replay-file"] = text;
          },
          "The replay.json that the run left")
      ->required();
  AddSettings(replay, flags, "replay-file");
  replay->footer(
      "All settings are the file's; --duration, --output-dir, --engine and\n"
      "--url change what does not change the operations.\n"
      "Example:\n"
      "  opsbench stress replay /tmp/stress_run/replay.json --duration 30\n");

  CLI::App* check = AddAction(
      *group, context, flags, "check",
      "Ask the databases whether all that was acknowledged is there, also "
      "after a crash; exit 1 when something is lost",
      Check);
  AddFolder(check, flags);
  check->add_option("--url", flags->url, "The server of a run by --url --keep");

  CLI::App* show =
      AddAction(*group, context, flags, "show",
                "How far each user is, and what it did last", Show);
  AddFolder(show, flags);
  show->add_option("--last", flags->last, "Operations of each user (5)")
      ->check(WholeNumber(0, stress::UserLog::kBreadcrumbs));
}

}  // namespace opsbench::cli
