#include "opsbench/results/internal/ratios.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/numbers.h"

namespace opsbench::results::internal {
namespace {

constexpr absl::string_view kOurs = "opsbench";

int64_t NumberOf(const Measurement& measurement, absl::string_view key) {
  int64_t number = 0;
  return absl::SimpleAtoi(measurement.name.Value(key), &number) ? number : 0;
}

bool Comparable(const Measurement& measurement) {
  bool has_impl = false;
  for (const auto& [key, value] : measurement.name.keys) {
    has_impl = has_impl || key == "impl";
    if (key != "impl" && key != "items" && key != "threads") return false;
  }
  return has_impl && measurement.counters.count("bytes_per_row") == 0 &&
         measurement.state == Measurement::State::kMeasured &&
         measurement.real_time_ns > 0;
}

// The measurements of one family that are compared, by threads and impl.
using ByThreads = std::map<int64_t, std::map<std::string, const Measurement*>>;

ByThreads AtLargest(absl::Span<const Measurement> measurements,
                    absl::string_view family) {
  int64_t largest = 0;
  for (const Measurement& measurement : measurements) {
    if (measurement.name.family == family && Comparable(measurement)) {
      largest = std::max(largest, NumberOf(measurement, "items"));
    }
  }
  ByThreads by_threads;
  for (const Measurement& measurement : measurements) {
    if (measurement.name.family == family && Comparable(measurement) &&
        NumberOf(measurement, "items") == largest) {
      by_threads[NumberOf(measurement, "threads")]
                [std::string(measurement.name.Value("impl"))] = &measurement;
    }
  }
  return by_threads;
}

}  // namespace

Ratios ComputeRatios(absl::Span<const Measurement> measurements) {
  Ratios ratios;
  std::vector<std::string> families;
  for (const Measurement& measurement : measurements) {
    if (!Comparable(measurement)) continue;
    const std::string& family = measurement.name.family;
    if (std::count(families.begin(), families.end(), family) == 0) {
      families.push_back(family);
    }
    const std::string impl(measurement.name.Value("impl"));
    if (impl != kOurs &&
        std::count(ratios.rivals.begin(), ratios.rivals.end(), impl) == 0) {
      ratios.rivals.push_back(impl);
    }
  }
  for (const std::string& family : families) {
    const ByThreads by_threads = AtLargest(measurements, family);
    for (const auto& [threads, by_impl] : by_threads) {
      const auto ours = by_impl.find(std::string(kOurs));
      if (ours == by_impl.end() || by_impl.size() < 2) continue;
      if (threads > 2 && threads != by_threads.rbegin()->first) continue;
      Ratios::Row row;
      row.family = family;
      row.threads = std::string(ours->second->name.Value("threads"));
      for (const std::string& rival : ratios.rivals) {
        const auto theirs = by_impl.find(rival);
        row.ratios.push_back(
            theirs == by_impl.end()
                ? absl::nullopt
                : absl::optional<double>(theirs->second->real_time_ns /
                                         ours->second->real_time_ns));
      }
      ratios.rows.push_back(std::move(row));
    }
  }
  return ratios;
}

}  // namespace opsbench::results::internal
