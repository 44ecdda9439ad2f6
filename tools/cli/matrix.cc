// opsbench matrix: the same benchmarks over a sweep of sizes.

#include "opsbench/results/matrix.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "area_run.h"
#include "command.h"
#include "numbers.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/summary.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  AreaRunOptions run;
  std::vector<int64_t> rows = {1'000, 10'000, 100'000};
};

// 0, or 1 when a benchmark failed or the sweep was interrupted.
absl::StatusOr<int> Sweep(const Flags& flags, const Context& context) {
  // Ascending, and each once: growth is told from one to the next.
  const std::set<int64_t> sizes(flags.rows.begin(), flags.rows.end());
  std::vector<results::MatrixPoint> points;
  bool fine = true;
  for (const int64_t rows : sizes) {
    absl::FPrintF(stderr, "rows %d\n", rows);
    AreaRunOptions options = flags.run;
    options.rows = rows;
    OPSBENCH_ASSIGN_OR_RETURN(AreaRun measured, MeasureAreas(options, context));
    fine = fine && !measured.failed && !measured.interrupted;
    points.push_back({rows, std::move(measured.run)});
    if (measured.interrupted) break;
  }
  absl::PrintF("%s", results::RenderMatrix(points));
  absl::PrintF("\nRuns:\n");
  for (const results::MatrixPoint& point : points) {
    absl::PrintF("  %d rows: %s\n", point.rows,
                 fs::proximate(point.run.folder).string());
    absl::PrintF("%s", results::RenderFailures(point.run));
  }
  return fine ? kExitOk : kExitFailed;
}

}  // namespace

void AddMatrixCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "matrix", "The same benchmarks over a sweep of sizes, with the growth");
  const auto flags = std::make_shared<Flags>();
  command
      ->add_option("--area", flags->run.areas,
                   absl::StrCat("Areas, with commas (all): ", AreaNames()))
      ->delimiter(',');
  command
      ->add_option("--rows", flags->rows,
                   "Sizes, with commas (1000,10000,100000)")
      ->delimiter(',')
      ->check(WholeNumber(1, 1'000'000'000));
  command
      ->add_option("--iterations", flags->run.iterations,
                   "Repetitions of each benchmark (1); medians are shown")
      ->check(WholeNumber(1, 1000));
  command
      ->add_option("--engines", flags->run.engines,
                   "Engines, with commas (all): sqlite, mysql, postgres")
      ->delimiter(',');
  command->add_option("--filter", flags->run.filter,
                      "Benchmarks whose names match this regular expression");
  command
      ->add_option("--scale", flags->run.scale,
                   "How long each is measured: smoke, quick, full (quick)")
      ->check(CLI::IsMember({"smoke", "quick", "full"}));
  command
      ->add_option("--seed", flags->run.seed, "Seed of data and requests (1)")
      ->check(SeedNumber());
  command->footer(
      "Each size is kept as a run of its own, and found in the history by\n"
      "--rows.\n"
      "Examples:\n"
      "  opsbench matrix --area sidetable --engines sqlite --filter Latest\n"
      "  opsbench matrix --area memtable --rows 1000,100000 --iterations 3\n");
  command->callback([flags, &context] {
    InstallStopSignals();
    Finish(context, Sweep(*flags, context));
  });
}

}  // namespace opsbench::cli
