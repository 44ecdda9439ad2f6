#include "opsbench/stress/monitor.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/stress/hyperd_log.h"
#include "opsbench/stress/internal/engine_figures.h"
#include "opsbench/stress/internal/monitor_record.h"
#include "opsbench/stress/internal/monitor_sources.h"

namespace opsbench::stress {
namespace {

// Hyper writes a line each 5 s by default; older ones say nothing of now.
constexpr int64_t kHyperdFreshNs = 30 * kNanosPerSecond;

absl::Status CheckThreshold(absl::string_view name,
                            const absl::optional<double>& threshold) {
  if (!threshold.has_value() || *threshold > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " must be above 0, got ", *threshold));
}

absl::Status Check(const MonitorOptions& options) {
  const MonitorThresholds& thresholds = options.thresholds;
  OPSBENCH_RETURN_IF_ERROR(
      CheckThreshold("max_memory_mb", thresholds.max_memory_mb));
  OPSBENCH_RETURN_IF_ERROR(
      CheckThreshold("max_cpu_percent", thresholds.max_cpu_percent));
  OPSBENCH_RETURN_IF_ERROR(
      CheckThreshold("max_overall_load", thresholds.max_overall_load));
  OPSBENCH_RETURN_IF_ERROR(
      CheckThreshold("max_disk_mb", thresholds.max_disk_mb));
  if (!(thresholds.release_at > 0 && thresholds.release_at <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "release_at is above 0 and at most 1, got ", thresholds.release_at));
  }
  if (options.poll < absl::Milliseconds(1) || options.poll > absl::Hours(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the monitor's poll is from 1 ms to 1 h, got ",
                     absl::FormatDuration(options.poll)));
  }
  if (options.max_points < 2) {
    return absl::InvalidArgumentError("a series needs 2 points at least");
  }
  return absl::OkStatus();
}

}  // namespace

class ResourceMonitor::Impl {
 public:
  Impl(const MonitorOptions& options,
       std::vector<std::unique_ptr<MonitorSource>> further)
      : options_(options), record_(options), start_ns_(MonotonicNowNs()) {
    sources_.push_back(std::make_unique<internal::ClientSource>());
    sources_.push_back(std::make_unique<internal::ServerSource>(
        options.server, options.disk_paths));
    sources_.push_back(std::make_unique<internal::PressureSource>());
    for (auto& source : further) sources_.push_back(std::move(source));
    if (!options.hyperd_log.empty()) {
      hyperd_ = std::make_unique<HyperdLogTail>(options.hyperd_log, true);
    }
    if (options.engine.has_value() &&
        internal::HasEngineFigures(options.engine->engine)) {
      engine_ = std::make_unique<internal::EngineFigures>(*options.engine,
                                                          options.poll);
    }
    ReadAll();
    thread_ = std::thread([this] { Run(); });
  }
  ~Impl() { Stop(); }

  const MonitorReport& Stop() {
    if (!thread_.joinable()) return report_;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
    ReadAll();
    engine_.reset();
    report_ = record_.Finish(Seconds());
    return report_;
  }

  const internal::MonitorRecord& record() const { return record_; }
  Reading latest() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return latest_;
  }

 private:
  void Run() {
    const std::chrono::nanoseconds poll =
        absl::ToChronoNanoseconds(options_.poll);
    auto next = std::chrono::steady_clock::now();
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      // A round that took long is not made up for.
      next = std::max(next + poll, std::chrono::steady_clock::now());
      if (changed_.wait_until(lock, next, [this] { return stopping_; })) return;
      lock.unlock();
      ReadAll();
      lock.lock();
    }
  }

  double Seconds() const {
    return static_cast<double>(MonotonicNowNs() - start_ns_) / kNanosPerSecond;
  }

  void ReadAll() {
    Reading reading;
    for (const auto& source : sources_) source->Read(&reading);
    if (hyperd_ != nullptr) ReadHyperd(&reading);
    if (engine_ != nullptr) {
      std::vector<std::string> events;
      engine_->Take(&reading, &events);
      for (std::string& event : events) {
        record_.AddEvent(Seconds(), "engine", std::move(event));
      }
    }
    record_.Add(Seconds(), reading);
    const std::lock_guard<std::mutex> lock(mutex_);
    latest_ = std::move(reading);
  }

  void ReadHyperd(Reading* reading) {
    Reading figures;
    const int64_t now_ns = MonotonicNowNs();
    if (hyperd_->Poll(&figures) > 0) {
      if (hyperd_ns_ == 0) {
        record_.AddEvent(Seconds(), "hyperd_log", "first resource metrics");
      }
      hyperd_figures_ = std::move(figures);
      hyperd_ns_ = now_ns;
    } else if (now_ns - hyperd_ns_ > kHyperdFreshNs) {
      hyperd_figures_.clear();
    }
    reading->insert(hyperd_figures_.begin(), hyperd_figures_.end());
  }

  const MonitorOptions options_;
  internal::MonitorRecord record_;
  const int64_t start_ns_;
  std::vector<std::unique_ptr<MonitorSource>> sources_;
  std::unique_ptr<HyperdLogTail> hyperd_;
  Reading hyperd_figures_;
  int64_t hyperd_ns_ = 0;  // When they came; 0: none has.
  std::unique_ptr<internal::EngineFigures> engine_;
  MonitorReport report_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // Both under mutex_.
  Reading latest_;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<ResourceMonitor>> ResourceMonitor::Start(
    const MonitorOptions& options,
    std::vector<std::unique_ptr<MonitorSource>> further) {
  OPSBENCH_RETURN_IF_ERROR(Check(options));
  return std::unique_ptr<ResourceMonitor>(
      new ResourceMonitor(std::make_unique<Impl>(options, std::move(further))));
}

ResourceMonitor::ResourceMonitor(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

ResourceMonitor::~ResourceMonitor() = default;

const std::atomic<bool>& ResourceMonitor::backpressure() const {
  return impl_->record().backpressure();
}
const std::atomic<bool>& ResourceMonitor::over_disk_budget() const {
  return impl_->record().over_disk_budget();
}
Reading ResourceMonitor::latest() const { return impl_->latest(); }
const MonitorReport& ResourceMonitor::Stop() { return impl_->Stop(); }

}  // namespace opsbench::stress
