#include "opsbench/stress/simulation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::stress {
namespace {

// Calls `on_connected` once all users are, on the thread of the last one.
class ConnectedWorkload : public Workload {
 public:
  ConnectedWorkload(Workload& users, size_t count,
                    std::function<absl::Status()> on_connected)
      : users_(users),
        missing_(count),
        on_connected_(std::move(on_connected)) {}

  absl::StatusOr<std::unique_ptr<Client>> Connect(int worker) override {
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<Client> client,
                              users_.Connect(worker));
    if (missing_.fetch_sub(1) == 1) {
      OPSBENCH_RETURN_IF_ERROR(on_connected_());
    }
    return client;
  }

 private:
  Workload& users_;
  std::atomic<size_t> missing_;
  const std::function<absl::Status()> on_connected_;
};

// The parts of a run that live while its users do.
class Run {
 public:
  explicit Run(const SimulationOptions& options)
      : options_(options),
        plan_(options.plan),
        databases_(Databases::Name(options.url,
                                   static_cast<int>(plan_.databases.size()))) {}

  absl::Status Prepare() {
    Step(absl::StrCat("creating ", plan_.databases.size(), " databases"));
    OPSBENCH_RETURN_IF_ERROR(databases_.Create(plan_, options_.replace));
    for (const User& user : plan_.users) {
      OPSBENCH_ASSIGN_OR_RETURN(
          std::unique_ptr<UserLog> log,
          UserLog::Create(UserLogPath(options_.log_folder, user.id), user));
      logs_.push_back(std::move(log));
    }
    OPSBENCH_ASSIGN_OR_RETURN(monitor_,
                              ResourceMonitor::Start(MonitorOptionsOf()));
    return absl::OkStatus();
  }

  absl::StatusOr<StressReport> Execute() {
    StressWorkload workload(
        {.plan = &plan_,
         .databases = databases_,
         .logs = LogPointers(),
         .bulk_method = BulkMethodOf(options_.config.data_format),
         .over_disk_budget = &monitor_->over_disk_budget(),
         .stop = &ending_});
    OPSBENCH_ASSIGN_OR_RETURN(engine_, LoadEngine::Create(MakeLoadOptions()));
    StressReport report;
    report.started = absl::Now();
    // A fault while users connect would be an error of the start.
    ConnectedWorkload connected(workload, plan_.users.size(),
                                [this] { return StartFaults(); });
    OPSBENCH_ASSIGN_OR_RETURN(report.load, engine_->Run(connected));
    ending_ = true;
    if (injector_ != nullptr) {
      report.faults = injector_->Stop();
    }
    report.monitor = monitor_->Stop();
    for (size_t i = 0; i < plan_.users.size(); ++i) {
      report.users.push_back({.user = plan_.users[i],
                              .operations = logs_[i]->begun(),
                              .hash = logs_[i]->hash(),
                              .result = workload.result(static_cast<int>(i))});
    }
    SetStopReason(&report);
    CheckDatabasesInto(&report);
    return report;
  }

 private:
  void Step(absl::string_view text) const {
    if (options_.on_step) options_.on_step(text);
  }

  std::vector<UserLog*> LogPointers() const {
    std::vector<UserLog*> logs;
    for (const std::unique_ptr<UserLog>& log : logs_) logs.push_back(log.get());
    return logs;
  }

  MonitorOptions MonitorOptionsOf() const {
    const StressConfig& config = options_.config;
    MonitorOptions options;
    options.server = options_.server;
    options.engine_in_process = config.engine == Engine::kSqlite;
    if (!options.engine_in_process) options.engine = options_.url;
    options.disk_paths = databases_.files();
    options.hyperd_log = config.hyperd_log;
    options.poll = absl::Seconds(config.log_interval_s);
    const auto limit = [](double value) {
      return value > 0 ? absl::optional<double>(value) : absl::nullopt;
    };
    options.thresholds.max_memory_mb = limit(config.max_memory_mb);
    options.thresholds.max_cpu_percent = limit(config.max_cpu_percent);
    options.thresholds.max_disk_mb = limit(config.max_disk_mb);
    return options;
  }

  LoadOptions MakeLoadOptions() {
    const StressConfig& config = options_.config;
    LoadOptions options = LoadOptionsOf(plan_);
    options.duration = absl::Seconds(config.duration_s);
    options.think_min = absl::Milliseconds(config.think_min_ms);
    options.think_max = absl::Milliseconds(config.think_max_ms);
    options.hold = &monitor_->backpressure();
    options.stop = options_.stop;
    options.stage_tag = std::string(EngineName(config.engine));
    options.on_progress = [this](const LoadProgress& progress) {
      Watch(progress);
    };
    return options;
  }

  // Once a second, on the thread of Run().
  void Watch(const LoadProgress& progress) {
    if (injector_ != nullptr && injector_->server_lost()) {
      engine_->RequestStop();
      ending_ = true;
    }
    if (options_.stop != nullptr && options_.stop->load()) ending_ = true;
    if (!options_.on_progress) return;
    options_.on_progress(
        {.load = progress,
         .backpressure = monitor_->backpressure().load(),
         .over_disk_budget = monitor_->over_disk_budget().load(),
         .faults = injector_ == nullptr
                       ? 0
                       : static_cast<int>(injector_->events().size())});
  }

  absl::Status StartFaults() {
    const StressConfig& config = options_.config;
    if (config.faults.total() == 0) return absl::OkStatus();
    FaultInjectorOptions options;
    options.faults = PlanFaults(config.faults, absl::Seconds(config.duration_s),
                                plan_.options.seed);
    options.server = options_.server;
    options.admin = options_.url;
    options.stop = options_.stop;
    OPSBENCH_ASSIGN_OR_RETURN(injector_, FaultInjector::Start(options));
    return absl::OkStatus();
  }

  void SetStopReason(StressReport* report) const {
    if (injector_ != nullptr && injector_->server_lost()) {
      report->stop_reason = StopReason::kCrashDetected;
      report->stop_detail = "the server did not come back";
    } else if (options_.server != nullptr && !options_.server->running()) {
      report->stop_reason = StopReason::kCrashDetected;
      report->stop_detail =
          absl::StrCat("the server has ended; the end of its log:\n",
                       options_.server->LogTail(10));
    } else if (!report->load.ended_early.ok()) {
      report->stop_reason = StopReason::kCrashDetected;
      report->stop_detail = std::string(report->load.ended_early.message());
    } else if (report->load.interrupted) {
      report->stop_reason = StopReason::kInterrupted;
    }
  }

  void CheckDatabasesInto(StressReport* report) const {
    Step("checking what was acknowledged");
    std::vector<const UserLog*> logs;
    for (const std::unique_ptr<UserLog>& log : logs_) logs.push_back(log.get());
    absl::StatusOr<OracleReport> oracle =
        CheckDatabases(plan_, databases_, logs);
    if (oracle.ok()) {
      report->oracle = *std::move(oracle);
    } else {
      report->oracle_status = std::move(oracle).status();
    }
  }

  const SimulationOptions& options_;
  const Plan& plan_;
  const Databases databases_;
  std::vector<std::unique_ptr<UserLog>> logs_;
  std::unique_ptr<ResourceMonitor> monitor_;
  std::unique_ptr<FaultInjector> injector_;
  std::unique_ptr<LoadEngine> engine_;
  std::atomic<bool> ending_{false};  // Lost connections stay lost.
};

}  // namespace

absl::string_view StopReasonName(StopReason reason) {
  constexpr absl::string_view kNames[] = {"DurationElapsed", "CrashDetected",
                                          "Interrupted"};
  return kNames[static_cast<size_t>(reason)];
}

int64_t StressReport::wrong_answers() const {
  int64_t sum = 0;
  for (const UserReport& user : users) sum += user.result.wrong_answers;
  return sum;
}

int64_t StressReport::failures() const {
  int64_t sum = 0;
  for (const OperationReport& operation : load.operations) {
    for (const auto& [kind, count] : operation.errors_by_kind) {
      if (kind != "UNAVAILABLE") sum += count;
    }
  }
  return sum;
}

bool StressReport::ok() const {
  bool explained = load.errors() == 0 || !faults.empty();
  for (const UserReport& user : users) {
    explained = explained && user.result.log_status.ok();
  }
  return explained && failures() == 0 && wrong_answers() == 0 &&
         stop_reason != StopReason::kCrashDetected && oracle.has_value() &&
         oracle->ok();
}

std::string UserLogPath(const std::string& folder, int user) {
  return absl::StrFormat("%s/user-%04d.log", folder, user);
}

absl::StatusOr<StressReport> Simulate(const SimulationOptions& options) {
  Run run(options);
  OPSBENCH_RETURN_IF_ERROR(run.Prepare());
  return run.Execute();
}

}  // namespace opsbench::stress
