// opsbench baseline: runs that are kept under a name to compare with.

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "command.h"
#include "opsbench/base/format.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/run_store.h"
#include "opsbench/results/summary.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::string name;
  std::string run = "latest";
};

absl::Status Save(const Flags& flags, const Context& context) {
  results::RunStore store(context.state_folder);
  OPSBENCH_RETURN_IF_ERROR(results::CheckBaselineName(flags.name));
  OPSBENCH_ASSIGN_OR_RETURN(const std::string folder, store.Find(flags.run));
  OPSBENCH_RETURN_IF_ERROR(store.Save(folder, flags.name));
  absl::PrintF("Saved %s as baseline %s\n", fs::proximate(folder).string(),
               flags.name);
  return absl::OkStatus();
}

// One line of `list`.
std::string Line(const results::StoredRun& baseline, int name_width) {
  std::string line = PadRight(baseline.name, name_width);
  if (!baseline.info.ok()) {
    return absl::StrCat(line,
                        "  unreadable: ", baseline.info.status().message());
  }
  const results::RunInfo& info = *baseline.info;
  return absl::StrCat(line, "  ", info.started, "  ", info.git_short_sha,
                      info.git_dirty ? "+" : " ", "  ", PadRight(info.scale, 5),
                      "  ", absl::StrJoin(info.areas, ","));
}

absl::Status List(const Flags& /*flags*/, const Context& context) {
  const results::RunStore store(context.state_folder);
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<results::StoredRun> baselines,
                            store.ListBaselines());
  int width = 0;
  for (const results::StoredRun& baseline : baselines) {
    width = std::max(width, DisplayWidth(baseline.name));
  }
  for (const results::StoredRun& baseline : baselines) {
    absl::PrintF("%s\n", Line(baseline, width));
  }
  if (baselines.empty()) {
    absl::PrintF("No baselines: `opsbench baseline save NAME` keeps a run\n");
  }
  return absl::OkStatus();
}

absl::Status Show(const Flags& flags, const Context& context) {
  // Not by RunStore::Find(), which takes runs for baselines.
  const fs::path folder = context.state_folder / "baselines" / flags.name;
  std::error_code error;
  if (flags.name.empty() || absl::StrContains(flags.name, '/') ||
      absl::StartsWith(flags.name, ".") || !fs::exists(folder, error)) {
    return absl::NotFoundError(absl::StrCat(
        "there is no baseline \"", flags.name,
        "\": `opsbench baseline list` shows those that there are"));
  }
  OPSBENCH_ASSIGN_OR_RETURN(
      const results::Run run,
      results::RunStore(context.state_folder).Load(folder.string()));
  results::SummaryOptions summary;
  summary.color = ColorWanted();
  absl::PrintF("%s", results::RenderSummary(run, summary));
  return results::CheckWhole(run);
}

absl::Status Remove(const Flags& flags, const Context& context) {
  OPSBENCH_RETURN_IF_ERROR(
      results::RunStore(context.state_folder).Remove(flags.name));
  absl::PrintF("Removed baseline %s\n", flags.name);
  return absl::OkStatus();
}

using Action = absl::Status (*)(const Flags& flags, const Context& context);

CLI::App* AddAction(CLI::App* group, Context& context,
                    const std::shared_ptr<Flags>& flags, const char* name,
                    const char* help, Action action) {
  CLI::App* command = group->add_subcommand(name, help);
  command->callback([flags, action, &context] {
    const absl::Status status = action(*flags, context);
    if (!status.ok()) Fail(context, status);
  });
  return command;
}

}  // namespace

void AddBaselineCommand(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand(
      "baseline", "Runs that are kept under a name to compare with");
  group->require_subcommand(1);
  const auto flags = std::make_shared<Flags>();
  CLI::App* save = AddAction(group, context, flags, "save",
                             "Keep a run; replaces what had the name", Save);
  save->add_option("NAME", flags->name, "Letters, digits, '.', '_', '-'")
      ->required();
  save->add_option("--run", flags->run,
                   "A run's name or folder (the newest complete one)");
  save->footer(
      "Examples:\n"
      "  opsbench baseline save before\n"
      "  opsbench baseline save v1.2 --run 20260131T120000Z-0123456789\n");
  AddAction(group, context, flags, "list",
            "Names, with when and what was measured", List)
      ->footer(
          "A + after the commit: it was measured with uncommitted changes.\n"
          "Example:\n"
          "  opsbench baseline list\n");
  CLI::App* show = AddAction(group, context, flags, "show",
                             "What a baseline measured", Show);
  show->add_option("NAME", flags->name, "The baseline")->required();
  show->footer("Example:\n  opsbench baseline show before\n");
  CLI::App* remove = AddAction(group, context, flags, "remove",
                               "Remove a baseline; its run stays", Remove);
  remove->add_option("NAME", flags->name, "The baseline")->required();
  remove->footer("Example:\n  opsbench baseline remove before\n");
  group->footer(
      "Examples:\n"
      "  opsbench baseline save before\n"
      "  opsbench compare before latest\n");
}

}  // namespace opsbench::cli
