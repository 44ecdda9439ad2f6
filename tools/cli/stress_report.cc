#include "stress_report.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "engine_facts.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/run_info.h"
#include "opsbench/results/run_store.h"
#include "opsbench/stress/databases.h"
#include "opsbench/stress/summary.h"
#include "opsbench/stress/timeline.h"
#include "report.h"
#include "stress_folder.h"

namespace opsbench::cli {
namespace {

// Of a server that is gone nothing can be asked; the run is told all the same.
results::EngineInfo FactsOf(const StressSetup& setup,
                            const StressTarget& target) {
  const Url url = stress::Databases::Name(target.url, 1).urls[0];
  absl::StatusOr<results::EngineInfo> facts = ReadEngineFacts(url);
  if (facts.ok()) return *std::move(facts);
  results::EngineInfo unknown;
  unknown.name = std::string(EngineName(setup.config.engine));
  unknown.version = target.description;
  return unknown;
}

// The oracle's word, on one line.
results::ReportCheck OracleCheck(const stress::StressReport& report) {
  if (!report.oracle.has_value()) {
    return {.text = absl::StrCat("Oracle: could not ask the databases: ",
                                 report.oracle_status.message())};
  }
  std::vector<std::string> lines;
  const std::string text = stress::RenderOracle(*report.oracle);
  for (const absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    lines.emplace_back(line);
    absl::RemoveExtraAsciiWhitespace(&lines.back());
  }
  return {.text = absl::StrJoin(lines, "; "), .ok = report.oracle->ok()};
}

}  // namespace

absl::Status WriteStressRun(const Context& context, const std::string& folder,
                            const StressSetup& setup,
                            const StressTarget& target,
                            const stress::StressReport& report) {
  results::RunInfo info =
      results::CollectRunInfo(context.state_folder.parent_path().string());
  info.status = report.stop_reason == stress::StopReason::kDurationElapsed
                    ? results::RunStatus::kComplete
                    : results::RunStatus::kInterrupted;
  info.scale = "custom";
  info.seed = setup.config.plan.seed;
  info.areas = {"stress"};
  info.engines = {FactsOf(setup, target)};
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
      absl::StrCat(folder, "/run.json"), results::FormatRunInfo(info)));
  results::ReportData data;
  OPSBENCH_ASSIGN_OR_RETURN(
      data.run, results::RunStore(context.state_folder).Load(folder));
  data.checks = {OracleCheck(report)};
  data.figures["stress"] = stress::TimelineFigures(report);
  data.commands = {
      absl::StrCat("tools/opsbench stress replay ", ReplayPath(folder))};
  return WriteReport(context, std::move(data),
                     absl::StrCat(folder, "/report.html"));
}

}  // namespace opsbench::cli
