#include "stress_inspect.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/format.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/stress/oracle.h"
#include "opsbench/stress/summary.h"
#include "stress_folder.h"

namespace opsbench::cli {
namespace {

using stress::Breadcrumb;
using stress::Replay;
using stress::UserLog;

// What a run has left.
struct Remains {
  Replay replay;
  std::vector<std::unique_ptr<UserLog>> logs;
};

absl::StatusOr<Remains> ReadRemains(const std::string& folder) {
  Remains remains;
  OPSBENCH_ASSIGN_OR_RETURN(remains.replay, ReadReplay(ReplayPath(folder)));
  absl::StatusOr<std::vector<std::unique_ptr<UserLog>>> logs =
      ReadUserLogs(folder, remains.replay);
  if (absl::IsNotFound(logs.status())) {
    return absl::NotFoundError(
        absl::StrCat(logs.status().message(),
                     ": the run ended before its users began, or its logs "
                     "were removed"));
  }
  OPSBENCH_RETURN_IF_ERROR(logs.status());
  remains.logs = *std::move(logs);
  return remains;
}

absl::StatusOr<Url> UrlOfRun(const StressFlags& flags, const Replay& replay) {
  const Engine engine = replay.config.engine;
  OPSBENCH_ASSIGN_OR_RETURN(const Environment environment, Environment::Load());
  OPSBENCH_ASSIGN_OR_RETURN(const absl::optional<Url> url,
                            ServerUrl(flags, environment, engine));
  if (url.has_value() && url->engine != engine) {
    return absl::InvalidArgumentError(
        absl::StrCat("--url ", url->Redacted(), " is no server of the run in ",
                     flags.folder, ", which was on ", EngineName(engine)));
  }
  if (url.has_value()) return *url;
  if (engine != Engine::kSqlite) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the run in ", flags.folder, " was on ", EngineName(engine),
        ": name its server by --url; a private server has ended with its run"));
  }
  Url folder;
  folder.database = flags.folder;
  return folder;
}

std::string DescribeStop(const Replay& replay) {
  return replay.stop_reason.has_value()
             ? std::string(StopReasonName(*replay.stop_reason))
             : "it did not end by itself";
}

void PrintCrumb(const stress::Plan& plan, const stress::User& user,
                const Breadcrumb& crumb) {
  const std::string took =
      crumb.end_ns == 0 ? "" : FormatLatency(crumb.end_ns - crumb.begin_ns);
  absl::PrintF(
      "    %8d  %-8s %-8s  %s\n", crumb.index, OutcomeName(crumb.outcome), took,
      DescribeOperation(plan.schema_of(user), plan.At(user, crumb.index)));
}

}  // namespace

absl::StatusOr<int> CheckStressFolder(const StressFlags& flags) {
  // Users at work would write what their logs do not say yet.
  OPSBENCH_ASSIGN_OR_RETURN(const FolderLock lock,
                            FolderLock::Take(flags.folder));
  OPSBENCH_ASSIGN_OR_RETURN(const Remains remains, ReadRemains(flags.folder));
  OPSBENCH_ASSIGN_OR_RETURN(const Url url, UrlOfRun(flags, remains.replay));
  const stress::Plan plan = remains.replay.MakePlan();
  const auto databases =
      stress::Databases::Name(url, static_cast<int>(plan.databases.size()));
  std::vector<const UserLog*> logs;
  for (const auto& log : remains.logs) logs.push_back(log.get());
  OPSBENCH_ASSIGN_OR_RETURN(const stress::OracleReport oracle,
                            stress::CheckDatabases(plan, databases, logs));
  absl::PrintF("Run:         %s, %d users, seed %d: %s\n%s",
               EngineName(url.engine), plan.users.size(), plan.options.seed,
               DescribeStop(remains.replay), stress::RenderOracle(oracle));
  return oracle.ok() ? kExitOk : kExitFailed;
}

absl::StatusOr<int> ShowStressFolder(const StressFlags& flags) {
  OPSBENCH_ASSIGN_OR_RETURN(const Remains remains, ReadRemains(flags.folder));
  const stress::Plan plan = remains.replay.MakePlan();
  absl::PrintF("%s, %d databases, seed %d: %s\n",
               EngineName(remains.replay.config.engine), plan.databases.size(),
               plan.options.seed, DescribeStop(remains.replay));
  for (size_t i = 0; i < remains.logs.size(); ++i) {
    const UserLog& log = *remains.logs[i];
    const stress::User& user = plan.users[i];
    absl::PrintF(
        "user %d, %s, database %d: %d operations begun, %d ended, %d writes "
        "not acknowledged, hash %016x\n",
        user.id, UserClassName(user.user_class), user.database, log.begun(),
        log.ended(), log.exceptions().size(), log.hash());
    const std::vector<Breadcrumb> crumbs = log.breadcrumbs();
    const auto last = std::min(crumbs.size(), static_cast<size_t>(flags.last));
    for (size_t c = crumbs.size() - last; c < crumbs.size(); ++c) {
      PrintCrumb(plan, user, crumbs[c]);
    }
  }
  return kExitOk;
}

}  // namespace opsbench::cli
