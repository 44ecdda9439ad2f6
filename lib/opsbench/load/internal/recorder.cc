#include "opsbench/load/internal/recorder.h"

#include <algorithm>
#include <utility>

namespace opsbench::load_internal {

void SecondRing::Clear(SecondCounts& counts) {
  counts.rows = 0;
  counts.errors = 0;
  counts.holds = 0;
  counts.held_ns = 0;
  counts.latency.Reset();
}

void SecondRing::Advance(int64_t second) {
  if (!current_->empty()) {
    const uint64_t produced = produced_.load(std::memory_order_relaxed);
    // Acquire: the coordinator has emptied the slot that comes next.
    const uint64_t consumed = consumed_.load(std::memory_order_acquire);
    if (produced + 1 - consumed == kSlots) return;
    // Release: hands over the counts with the slot.
    produced_.store(produced + 1, std::memory_order_release);
    current_ = &slots_[(produced + 1) % kSlots];
  }
  current_->second = second;
}

Recorder::Recorder(size_t operations, bool waits)
    : operations_(operations), services_(waits ? operations : 0) {}

void Recorder::Start(int64_t start_ns) {
  started_ = true;
  start_ns_ = start_ns;
  second_end_ns_ = start_ns + kNanosPerSecond;
}

void Recorder::BeginSecond(int64_t now_ns) {
  const int64_t second = (now_ns - start_ns_) / kNanosPerSecond;
  ring_.Advance(second);
  second_end_ns_ = start_ns_ + (second + 1) * kNanosPerSecond;
}

void Recorder::Success(int operation, Timing timing, int64_t rows,
                       int64_t now_ns) {
  LiveCounts& live = live_[started_];
  LiveCounts::Add(live.operations, 1);
  LiveCounts::Add(live.rows, rows);
  if (!started_) return;
  RollTo(now_ns);
  Operation& kind = operations_[static_cast<size_t>(operation)];
  kind.latency.Record(timing.latency_ns);
  kind.rows += rows;
  if (!services_.empty()) {
    services_[static_cast<size_t>(operation)].Record(timing.service_ns);
  }
  SecondCounts& second = ring_.current();
  second.latency.Record(timing.latency_ns);
  second.rows += rows;
}

void Recorder::Failure(int operation, const absl::Status& status,
                       int64_t now_ns) {
  LiveCounts::Add(live_[started_].errors, 1);
  if (!started_) return;
  RollTo(now_ns);
  Operation& kind = operations_[static_cast<size_t>(operation)];
  ++kind.errors[static_cast<size_t>(status.code())];
  if (kind.first_error_ns == INT64_MAX) {
    kind.first_error_ns = now_ns;
    kind.first_error = std::string(status.message());
  }
  ++ring_.current().errors;
}

void Recorder::Skip(int operation) {
  if (started_) ++operations_[static_cast<size_t>(operation)].skipped;
}

void Recorder::Hold(int64_t held_ns, int64_t now_ns) {
  if (!started_) return;
  RollTo(now_ns);
  ++holds_;
  held_ns_ += held_ns;
  SecondCounts& second = ring_.current();
  ++second.holds;
  second.held_ns += held_ns;
}

void Recorder::Operation::AddTo(OperationReport& report) const {
  report.latency.Merge(latency);
  report.rows += rows;
  report.skipped += skipped;
  for (int code = 0; code < kStatusCodes; ++code) {
    const int64_t count = errors[static_cast<size_t>(code)];
    if (count == 0) continue;
    report.errors += count;
    report.errors_by_kind[absl::StatusCodeToString(
        static_cast<absl::StatusCode>(code))] += count;
  }
}

std::vector<OperationReport> Recorder::Merge(
    absl::Span<const WeightedOperation> mix,
    absl::Span<const Recorder* const> recorders) {
  std::vector<OperationReport> reports(mix.size());
  for (size_t i = 0; i < mix.size(); ++i) {
    reports[i].name = mix[i].name;
    int64_t first_error_ns = INT64_MAX;
    for (const Recorder* recorder : recorders) {
      const Operation& operation = recorder->operations_[i];
      operation.AddTo(reports[i]);
      reports[i].service.Merge(recorder->services_.empty()
                                   ? operation.latency
                                   : recorder->services_[i]);
      if (operation.first_error_ns < first_error_ns) {
        first_error_ns = operation.first_error_ns;
        reports[i].first_error = operation.first_error;
      }
    }
  }
  return reports;
}

Series::Series() : open_(static_cast<size_t>(kOpenSeconds)) {}

void Series::Append() {
  const auto second = static_cast<int64_t>(seconds_.size());
  if (second >= kOpenSeconds) {
    Close(second - kOpenSeconds);
    LatencyOf(second).Reset();
  }
  seconds_.emplace_back();
}

void Series::Close(int64_t second) {
  seconds_[static_cast<size_t>(second)] = Peek(second);
}

void Series::Add(const SecondCounts& counts) {
  while (counts.second >= static_cast<int64_t>(seconds_.size())) Append();
  LoadSecond& second = seconds_[static_cast<size_t>(counts.second)];
  second.operations += static_cast<int64_t>(counts.latency.count());
  second.rows += counts.rows;
  second.errors += counts.errors;
  second.holds += counts.holds;
  second.held_ns += counts.held_ns;
  second.max_ns = std::max(second.max_ns, counts.latency.max_ns());
  if (IsOpen(counts.second)) LatencyOf(counts.second).Merge(counts.latency);
}

LoadSecond Series::Peek(int64_t second) const {
  if (second < 0 || second >= static_cast<int64_t>(seconds_.size())) return {};
  LoadSecond result = seconds_[static_cast<size_t>(second)];
  if (IsOpen(second)) {
    const Histogram& latency =
        open_[static_cast<size_t>(second % kOpenSeconds)];
    result.p50_ns = latency.Percentile(50);
    result.p99_ns = latency.Percentile(99);
  }
  return result;
}

std::vector<LoadSecond> Series::Finish(int64_t count) {
  while (static_cast<int64_t>(seconds_.size()) < count) Append();
  const auto size = static_cast<int64_t>(seconds_.size());
  for (int64_t i = std::max<int64_t>(0, size - kOpenSeconds); i < size; ++i) {
    Close(i);
  }
  return std::move(seconds_);
}

}  // namespace opsbench::load_internal
