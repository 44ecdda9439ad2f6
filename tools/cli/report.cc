// opsbench report: a run as one HTML file.

#include "report.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/compare.h"
#include "opsbench/results/history.h"
#include "opsbench/results/run_store.h"
#include "opsbench/results/sample_set.h"
#include "outputs.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::string run;
  std::string compare;
  std::string output;
};

// The run that began last.
absl::StatusOr<std::string> LastRun(const results::RunStore& store,
                                    const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<results::StoredRun> runs,
                            store.ListRuns());
  if (!runs.empty()) return runs.back().folder;
  return absl::NotFoundError(
      absl::StrCat("no run in ", (context.state_folder / "runs").string(),
                   ": run `opsbench run` first"));
}

absl::Status Report(const Flags& flags, const Context& context) {
  const results::RunStore store(context.state_folder);
  std::string name = flags.run;
  if (name.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(name, LastRun(store, context));
  }
  results::ReportData data;
  OPSBENCH_ASSIGN_OR_RETURN(data.run, store.Load(name));
  if (!flags.compare.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(data.base, store.Load(flags.compare));
    results::SampleSet base(data.base->info.started);
    OPSBENCH_RETURN_IF_ERROR(base.AddRun(data.base->folder));
    results::SampleSet head(data.run.info.started);
    OPSBENCH_RETURN_IF_ERROR(head.AddRun(data.run.folder));
    OPSBENCH_ASSIGN_OR_RETURN(data.comparison,
                              results::Compare(base, head, {}));
  }
  const std::string path = flags.output.empty()
                               ? absl::StrCat(data.run.folder, "/report.html")
                               : flags.output;
  // The report tells what is missing; so does the exit code.
  absl::Status whole = results::CheckWhole(data.run);
  if (whole.ok() && data.base) whole = results::CheckWhole(*data.base);
  OPSBENCH_RETURN_IF_ERROR(WriteReport(context, std::move(data), path));
  absl::PrintF("Report: %s\n", fs::proximate(path).string());
  return whole;
}

}  // namespace

absl::Status WriteReport(const Context& context, results::ReportData data,
                         const std::string& path) {
  absl::StatusOr<results::History> history =
      results::ReadHistory((context.state_folder / "history.jsonl").string());
  if (history.ok()) {
    absl::StatusOr<results::HistoryView> view =
        results::SelectHistory(*history, {.scale = data.run.info.scale});
    if (view.ok()) data.history = *std::move(view);
    data.bad_history_lines = std::move(history->bad_lines);
  }
  return results::WriteFileAtomically(path, results::RenderHtmlReport(data));
}

void AddReportCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "report", "A run as one HTML file: charts, tables, history");
  const auto flags = std::make_shared<Flags>();
  command->add_option("run", flags->run,
                      "A run, a baseline or a folder (the last run)");
  command->add_option("--compare", flags->compare,
                      "The run, baseline or folder to compare it with");
  command
      ->add_option("--output", flags->output,
                   "Where to write it (report.html in the run's folder)")
      ->type_name("FILE")
      ->check(OutputFile());
  command->footer(
      "The file opens offline and holds all that it needs. `opsbench run`\n"
      "writes one at its end.\n"
      "Examples:\n"
      "  opsbench report\n"
      "  opsbench report --compare before --output report.html\n");
  command->callback([flags, &context] {
    const absl::Status status = Report(*flags, context);
    if (!status.ok()) Fail(context, status);
  });
}

}  // namespace opsbench::cli
