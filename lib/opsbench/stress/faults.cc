#include "opsbench/stress/faults.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/breaker.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/stress/internal/faults_sql_files.h"

namespace opsbench::stress {
namespace {

// Between the list and the order to end it, a connection may end by itself.
constexpr int kResetAttempts = 3;

// Stop() waits for a connection that is being made.
constexpr int kConnectTimeoutMs = 5'000;

absl::StatusOr<SqlCatalog> LoadSql(Engine engine) {
  const std::string name = absl::StrCat(EngineName(engine), "/stress/faults");
  for (const SqlFile& file : internal::faults_sql::SqlFiles()) {
    if (file.name == name) return SqlCatalog::Parse(file.content);
  }
  return absl::UnimplementedError(
      absl::StrCat("no connection to reset on ", EngineName(engine)));
}

absl::Status CheckOptions(const FaultInjectorOptions& options) {
  FaultSpec spec;
  absl::Duration last = absl::ZeroDuration();
  for (const PlannedFault& fault : options.faults) {
    ++spec.counts[static_cast<size_t>(fault.kind)];
    if (fault.begin < last || fault.begin == absl::InfiniteDuration() ||
        fault.length < absl::ZeroDuration()) {
      return absl::InvalidArgumentError(
          "faults must be in the order of their moments");
    }
    last = fault.begin;
  }
  OPSBENCH_RETURN_IF_ERROR(
      CheckFaults(options.admin.engine, options.server != nullptr, spec));
  if (spec.count(FaultKind::kSlowDisk) == 0) return absl::OkStatus();
  return options.server->SetDiskDelay(absl::ZeroDuration());
}

// The session that ends others. Not thread-safe, but for Break().
class ConnectionResetter {
 public:
  ConnectionResetter(Url admin, std::string database_prefix)
      : admin_(std::move(admin)),
        database_prefix_(std::move(database_prefix)) {}

  // Connects, unless it is connected.
  absl::Status Open();

  // Ends one connection and says in `target` which one.
  absl::Status Reset(uint64_t pick, std::string* target);

  // Ends a wait for the server, now and from now on.
  void Break() {
    broken_.store(true);
    breaker_.Break();
  }

 private:
  absl::Status TryReset(uint64_t pick, std::string* target);
  absl::Status Terminate(int64_t connection);

  const Url admin_;
  const std::string database_prefix_;
  ConnectionBreaker breaker_;
  std::atomic<bool> broken_{false};
  absl::StatusOr<SqlCatalog> sql_ = absl::UnknownError("not loaded");
  std::unique_ptr<Session> session_;
};

absl::Status ConnectionResetter::Open() {
  if (session_ != nullptr) return absl::OkStatus();
  if (!sql_.ok()) sql_ = LoadSql(admin_.engine);
  OPSBENCH_RETURN_IF_ERROR(sql_.status());
  ConnectOptions options;
  options.connect_timeout_ms = kConnectTimeoutMs;
  options.breaker = &breaker_;
  OPSBENCH_ASSIGN_OR_RETURN(session_, Connect(admin_, options));
  return absl::OkStatus();
}

absl::Status ConnectionResetter::Terminate(int64_t connection) {
  OPSBENCH_ASSIGN_OR_RETURN(
      const CompiledSql compiled,
      sql_->Compile("terminate", admin_.engine,
                    {{"connection", absl::StrCat(connection)}}));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session_->Query(compiled.sql, &rows));
  if (rows.row_count() == 1 && rows.at(0, 0).int64() == 0) {
    return absl::NotFoundError(
        absl::StrCat("connection ", connection, " has ended by itself"));
  }
  return absl::OkStatus();
}

absl::Status ConnectionResetter::TryReset(uint64_t pick, std::string* target) {
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled,
                            sql_->Compile("connections", admin_.engine));
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Statement> statement,
                            session_->Prepare(compiled.sql));
  const std::vector<Value> parameters(compiled.parameters.size(),
                                      Value::Text(database_prefix_));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(statement->Execute(parameters, &rows).status());
  if (rows.row_count() == 0) {
    return absl::NotFoundError(absl::StrCat("no connection to a database ",
                                            database_prefix_, "… to reset"));
  }
  const size_t row = pick % rows.row_count();
  const int64_t connection = rows.at(row, 0).int64();
  OPSBENCH_RETURN_IF_ERROR(Terminate(connection));
  *target =
      absl::StrCat("connection ", connection, " of ", rows.at(row, 1).text());
  return absl::OkStatus();
}

absl::Status ConnectionResetter::Reset(uint64_t pick, std::string* target) {
  absl::Status status;
  for (int i = 0; i < kResetAttempts; ++i) {
    status = Open();
    if (status.ok()) status = TryReset(pick, target);
    // The server may have been killed since the last reset.
    if (absl::IsUnavailable(status)) session_.reset();
    if (!absl::IsUnavailable(status) && !absl::IsNotFound(status)) break;
    if (broken_.load()) break;
  }
  return status;
}

}  // namespace

class FaultInjector::Impl {
 public:
  explicit Impl(const FaultInjectorOptions& options)
      : options_(options), resetter_(options.admin, options.database_prefix) {}

  absl::Status Start();
  const std::vector<FaultEvent>& Stop();
  bool server_lost() const { return server_lost_.load(); }
  std::vector<FaultEvent> events() const;

 private:
  void Run();
  FaultEvent Inject(const PlannedFault& fault);
  absl::Status Kill(std::string* target);
  absl::Status Pause(absl::Duration length, std::string* target);
  absl::Status SlowDown(const PlannedFault& fault, std::string* target);

  // False when Stop() came first.
  bool WaitUntil(int64_t ns_since_start);
  int64_t NowNs() const { return MonotonicNowNs() - start_ns_; }
  void Lose() { server_lost_.store(true); }

  const FaultInjectorOptions options_;
  ConnectionResetter resetter_;
  int64_t start_ns_ = 0;
  std::atomic<bool> server_lost_{false};

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable stop_called_;
  bool stopping_ = false;
  std::vector<FaultEvent> events_;

  std::thread thread_;
};

absl::Status FaultInjector::Impl::Start() {
  OPSBENCH_RETURN_IF_ERROR(CheckOptions(options_));
  if (std::any_of(options_.faults.begin(), options_.faults.end(),
                  [](const PlannedFault& fault) {
                    return fault.kind == FaultKind::kReset;
                  })) {
    OPSBENCH_RETURN_IF_ERROR(resetter_.Open());
  }
  start_ns_ = MonotonicNowNs();
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

const std::vector<FaultEvent>& FaultInjector::Impl::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_called_.notify_all();
  resetter_.Break();
  if (thread_.joinable()) {
    thread_.join();
    if (options_.server != nullptr && !options_.server->running()) Lose();
  }
  return events_;
}

std::vector<FaultEvent> FaultInjector::Impl::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

bool FaultInjector::Impl::WaitUntil(int64_t ns_since_start) {
  // The steady clock of libstdc++ is CLOCK_MONOTONIC.
  const std::chrono::steady_clock::time_point deadline{
      std::chrono::nanoseconds(start_ns_ + ns_since_start)};
  std::unique_lock lock(mutex_);
  return !stop_called_.wait_until(lock, deadline, [&] { return stopping_; });
}

void FaultInjector::Impl::Run() {
  for (const PlannedFault& fault : options_.faults) {
    const bool go_on = !server_lost() &&
                       WaitUntil(absl::ToInt64Nanoseconds(fault.begin)) &&
                       (options_.stop == nullptr || !options_.stop->load());
    FaultEvent event;
    if (go_on) {
      event = Inject(fault);
    } else {
      event.kind = fault.kind;
      event.begin_seconds = event.end_seconds = NowNs() * 1e-9;
      event.status = absl::CancelledError(
          server_lost() ? "not injected: the server was lost before it"
                        : "not injected: the run ended before it");
    }
    event.planned_seconds = absl::ToDoubleSeconds(fault.begin);
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
}

FaultEvent FaultInjector::Impl::Inject(const PlannedFault& fault) {
  FaultEvent event;
  event.kind = fault.kind;
  event.begin_seconds = NowNs() * 1e-9;
  if (options_.server != nullptr && !options_.server->running()) {
    // Another fault would hide what happened: a restart, for instance.
    Lose();
    event.status = absl::UnavailableError(
        absl::StrCat("the server had ended by itself; the end of its log:\n",
                     options_.server->LogTail(12)));
  } else {
    switch (fault.kind) {
      case FaultKind::kKill:
        event.status = Kill(&event.target);
        break;
      case FaultKind::kReset:
        event.status = resetter_.Reset(fault.pick, &event.target);
        break;
      case FaultKind::kPause:
        event.status = Pause(fault.length, &event.target);
        break;
      case FaultKind::kSlowDisk:
        event.status = SlowDown(fault, &event.target);
        break;
    }
  }
  event.end_seconds = NowNs() * 1e-9;
  return event;
}

absl::Status FaultInjector::Impl::Kill(std::string* target) {
  PrivateServer& server = *options_.server;
  const std::string process = absl::StrCat("process ", server.pid());
  absl::Status killed = server.Kill();
  if (server.running()) return killed;
  *target = process;
  absl::Status restarted = server.Restart();
  if (!restarted.ok()) {
    Lose();
    return restarted;
  }
  return killed;
}

absl::Status FaultInjector::Impl::Pause(absl::Duration length,
                                        std::string* target) {
  PrivateServer& server = *options_.server;
  OPSBENCH_RETURN_IF_ERROR(server.Pause());
  *target = absl::StrCat("process ", server.pid());
  WaitUntil(NowNs() + absl::ToInt64Nanoseconds(length));
  absl::Status resumed = server.Resume();
  if (!resumed.ok()) Lose();
  return resumed;
}

absl::Status FaultInjector::Impl::SlowDown(const PlannedFault& fault,
                                           std::string* target) {
  PrivateServer& server = *options_.server;
  OPSBENCH_RETURN_IF_ERROR(server.SetDiskDelay(fault.disk_delay));
  *target = absl::StrCat(absl::FormatDuration(fault.disk_delay), " each sync");
  WaitUntil(NowNs() + absl::ToInt64Nanoseconds(fault.length));
  return server.SetDiskDelay(absl::ZeroDuration());
}

FaultInjector::FaultInjector(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

FaultInjector::~FaultInjector() { Stop(); }

absl::StatusOr<std::unique_ptr<FaultInjector>> FaultInjector::Start(
    const FaultInjectorOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  OPSBENCH_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<FaultInjector>(new FaultInjector(std::move(impl)));
}

bool FaultInjector::server_lost() const { return impl_->server_lost(); }

std::vector<FaultEvent> FaultInjector::events() const {
  return impl_->events();
}

const std::vector<FaultEvent>& FaultInjector::Stop() { return impl_->Stop(); }

}  // namespace opsbench::stress
