// opsbench history: how measurements went from run to run.

#include "opsbench/results/history.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "command.h"
#include "numbers.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/render_history.h"

namespace opsbench::cli {
namespace {

struct Flags {
  results::HistoryQuery query;
  std::string metric;
  std::string format = "text";
};

absl::Status Show(const Flags& flags, const Context& context) {
  const std::string path = (context.state_folder / "history.jsonl").string();
  absl::StatusOr<results::History> history = results::ReadHistory(path);
  if (absl::IsNotFound(history.status())) {
    return absl::NotFoundError(
        absl::StrCat("no history at ", path, ": run `opsbench run` first"));
  }
  OPSBENCH_RETURN_IF_ERROR(history.status());
  OPSBENCH_ASSIGN_OR_RETURN(const results::HistoryView view,
                            results::SelectHistory(*history, flags.query));
  if (!flags.metric.empty() && !results::HasMetric(view, flags.metric)) {
    return absl::NotFoundError(absl::StrCat(
        "--metric ", flags.metric, ": no such metric in what was selected"));
  }
  results::RenderHistoryOptions options;
  options.metric = flags.metric;
  options.color = ColorWanted();
  options.bad_lines = history->bad_lines;
  if (flags.format == "text") {
    absl::PrintF("%s", results::RenderHistoryText(view, options));
  } else if (flags.format == "json") {
    absl::PrintF("%s", results::RenderHistoryJson(view, options));
  } else {
    absl::PrintF("%s", results::RenderHistoryCsv(view, options));
    for (const results::BadHistoryLine& bad : options.bad_lines) {
      absl::FPrintF(stderr, "opsbench: %s, line %d skipped: %s\n", path,
                    bad.line, bad.problem);
    }
  }
  return absl::OkStatus();
}

}  // namespace

void AddHistoryCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "history", "How measurements went from run to run, with change points");
  const auto flags = std::make_shared<Flags>();
  command
      ->add_option("--last", flags->query.last,
                   "The last N runs (all); change points are those of all")
      ->check(WholeNumber(1, 1'000'000'000));
  command
      ->add_option("--sha", flags->query.shas,
                   "These commits alone, with commas: medians of their runs")
      ->delimiter(',');
  command
      ->add_option("--rows", flags->query.rows,
                   "Benchmarks of this size (items:N, rows:N …)")
      ->check(WholeNumber(1, 1'000'000'000));
  command->add_option("--area", flags->query.area, "One area");
  command->add_option("--scale", flags->query.scale, "Runs of this scale")
      ->check(CLI::IsMember({"smoke", "quick", "full"}));
  command->add_option("--filter", flags->query.filter,
                      "Benchmarks whose names match this regular expression");
  command->add_option("--metric", flags->metric,
                      "One metric, such as real_time_ns or p99_us");
  command->add_option("--format", flags->format, "text, json or csv (text)")
      ->check(CLI::IsMember({"text", "json", "csv"}));
  command->footer(
      "Reads .opsbench/history.jsonl, which every run appends to. Lines that\n"
      "are no use are named and skipped.\n"
      "Examples:\n"
      "  opsbench history --last 5\n"
      "  opsbench history --area memtable --filter /Get/ --rows 100000\n"
      "  opsbench history --sha abc1234,def5678 --metric real_time_ns\n"
      "  opsbench history --format csv > history.csv\n");
  command->callback([flags, &context] {
    const absl::Status status = Show(*flags, context);
    if (!status.ok()) Fail(context, status);
  });
}

}  // namespace opsbench::cli
