#include "opsbench/results/sample_set.h"

#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/run_store.h"

namespace opsbench::results {
namespace {

constexpr absl::string_view kRealTime = "real_time_ns";
constexpr absl::string_view kCpuTime = "cpu_time_ns";

}  // namespace

// What has to be known of one file while it is read.
struct SampleSet::Reading {
  // All rows of one name.
  struct Name {
    // How many rows had each repetition index: a name whose indices begin again
    // is another benchmark's.
    std::vector<int32_t> seen;
    // Where its first benchmark stands in benchmarks_, once one row was added.
    absl::optional<size_t> place;
    bool measured = false;   // It has rows of repetitions.
    BenchmarkRow aggregate;  // Its median, or its mean.
    bool has_aggregate = false;
  };

  std::string area;
  absl::flat_hash_map<std::string, Name> names;
  std::vector<std::string> aggregated;  // In order.
  std::set<std::string> duplicated;
  // Rows of one benchmark follow each other.
  std::string last_name;
  Name* last = nullptr;
};

absl::Status SampleSet::AddFile(const std::string& path) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  return AddText(text, path);
}

absl::Status SampleSet::AddText(absl::string_view text,
                                const std::string& source) {
  sources_.push_back({.name = source});
  Reading reading;
  OPSBENCH_RETURN_IF_ERROR(VisitBenchmarkJson(
      text, source,
      [&](const BenchmarkRow& row) { return AddRow(row, &reading); },
      &sources_.back().context));
  TakeAggregates(&reading);
  if (reading.names.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(source, ": holds no benchmark"));
  }
  duplicates_.insert(duplicates_.end(), reading.duplicated.begin(),
                     reading.duplicated.end());
  return absl::OkStatus();
}

absl::Status SampleSet::AddRun(const std::string& folder) {
  const std::string info_path = absl::StrCat(folder, "/run.json");
  OPSBENCH_ASSIGN_OR_RETURN(const std::string info_text,
                            ReadWholeFile(info_path));
  OPSBENCH_ASSIGN_OR_RETURN(RunInfo info, ParseRunInfo(info_text, info_path));
  sources_.push_back({.name = folder, .info = std::move(info)});
  const RunInfo& run = *sources_.back().info;
  if (run.areas.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(info_path, ": names no area that was measured"));
  }
  for (const std::string& area : run.areas) {
    Reading reading = {.area = area};
    const absl::Status status = VisitArea(
        run, folder, area,
        [&](const BenchmarkRow& row) { return AddRow(row, &reading); },
        &sources_.back().context);
    TakeAggregates(&reading);
    if (!status.ok()) failures_[area] = std::string(status.message());
  }
  return absl::OkStatus();
}

absl::Status SampleSet::AddRow(const BenchmarkRow& row, Reading* reading) {
  if (reading->last == nullptr || reading->last_name != row.run_name) {
    reading->last_name = row.run_name;
    reading->last = nullptr;
  }
  if (reading->last == nullptr) reading->last = &reading->names[row.run_name];
  Reading::Name& name = *reading->last;
  if (row.run_type == "aggregate") {
    AddAggregate(row, reading);
    return absl::OkStatus();
  }
  name.measured = true;
  // Old files do not number repetitions: all rows of a name are taken for such.
  constexpr int64_t kMostRepetitions = 1'000'000;
  int32_t instance = 1;
  if (row.repetitions > 0 && row.repetition_index >= 0 &&
      row.repetition_index < kMostRepetitions) {
    const auto index = static_cast<size_t>(row.repetition_index);
    if (name.seen.size() <= index) name.seen.resize(index + 1);
    instance = ++name.seen[index];
  }
  if (instance == 1) {
    if (!name.place.has_value()) {
      name.place = Find(reading->area, row.run_name);
    }
    AddValues(row, &benchmarks_[*name.place]);
    return absl::OkStatus();
  }
  reading->duplicated.insert(row.run_name);
  const std::string numbered = absl::StrCat(row.run_name, " #", instance);
  AddValues(row, &benchmarks_[Find(reading->area, numbered)]);
  return absl::OkStatus();
}

void SampleSet::AddAggregate(const BenchmarkRow& row, Reading* reading) {
  const bool median = row.aggregate_name == "median";
  if (!median && row.aggregate_name != "mean") return;
  Reading::Name& name = *reading->last;
  if (!name.has_aggregate) {
    reading->aggregated.push_back(row.run_name);
  } else if (!median) {
    return;
  }
  name.has_aggregate = true;
  name.aggregate = row;
}

// Those of names of which the file has no repetitions.
void SampleSet::TakeAggregates(Reading* reading) {
  for (const std::string& run_name : reading->aggregated) {
    const Reading::Name& name = reading->names[run_name];
    if (name.measured) continue;
    BenchmarkSamples& samples = benchmarks_[Find(reading->area, run_name)];
    samples.aggregates_only = true;
    AddValues(name.aggregate, &samples);
  }
}

SampleSet SampleSet::OfProcesses(int64_t first, int64_t count) const {
  std::set<int32_t> chosen;
  int64_t place = 0;
  for (const auto& [key, process] : processes_) {
    if (place >= first && place < first + count) chosen.insert(process);
    ++place;
  }
  SampleSet part(name_);
  part.sources_ = sources_;
  for (const BenchmarkSamples& one : benchmarks_) {
    BenchmarkSamples kept = one;
    for (auto& [metric, samples] : kept.metrics) {
      const Samples all = std::exchange(samples, {});
      samples.not_finite = all.not_finite;
      for (size_t i = 0; i < all.values.size(); ++i) {
        if (chosen.count(all.processes[i]) == 0) continue;
        samples.values.push_back(all.values[i]);
        samples.processes.push_back(all.processes[i]);
      }
    }
    part.benchmarks_.push_back(std::move(kept));
  }
  return part;
}

size_t SampleSet::Find(const std::string& area, const std::string& name) {
  const auto [found, added] =
      places_.try_emplace({area, name}, benchmarks_.size());
  if (added) {
    benchmarks_.push_back({.area = area, .name = name, .skipped = true});
  }
  return found->second;
}

void SampleSet::AddValues(const BenchmarkRow& row, BenchmarkSamples* samples) {
  if (row.error_occurred) {
    if (!samples->failed) samples->error_message = row.error_message;
    samples->failed = true;
    samples->skipped = false;
    return;
  }
  if (row.skipped) {
    samples->skip_message = row.skip_message;
    return;
  }
  samples->skipped = false;
  const int32_t process =
      processes_
          .try_emplace({sources_.size(), row.process},
                       static_cast<int32_t>(processes_.size()) + 1)
          .first->second;
  const auto add = [&](absl::string_view metric, double value) {
    auto found = samples->metrics.find(metric);
    if (found == samples->metrics.end()) {
      found = samples->metrics.try_emplace(std::string(metric)).first;
    }
    Samples& kept = found->second;
    if (!std::isfinite(value)) {
      ++kept.not_finite;
      return;
    }
    kept.values.push_back(value);
    kept.processes.push_back(process);
  };
  add(kRealTime, ToNanoseconds(row.real_time, row.time_unit));
  add(kCpuTime, ToNanoseconds(row.cpu_time, row.time_unit));
  // A counter that is called as a time of ours must not mix with it.
  for (const auto& [counter, value] : row.counters) {
    if (counter == kRealTime || counter == kCpuTime) {
      add(absl::StrCat(counter, " (counter)"), value);
    } else {
      add(counter, value);
    }
  }
}

}  // namespace opsbench::results
