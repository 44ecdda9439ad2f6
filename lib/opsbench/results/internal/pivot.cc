#include "opsbench/results/internal/pivot.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "opsbench/results/internal/statistics.h"
#include "opsbench/results/metric.h"

namespace opsbench::results::internal {
namespace {

// What Google Benchmark appends to a name about how it measured. Not among
// them: `threads:8`, which is what was measured.
bool IsSuffix(absl::string_view part) {
  constexpr absl::string_view kClocks[] = {"real_time", "manual_time",
                                           "process_time"};
  constexpr absl::string_view kSettings[] = {"iterations", "repeats",
                                             "min_time", "min_warmup_time"};
  const absl::string_view key = part.substr(0, part.find(':'));
  return std::count(std::begin(kClocks), std::end(kClocks), part) > 0 ||
         (key.size() < part.size() &&
          std::count(std::begin(kSettings), std::end(kSettings), key) > 0);
}

// False for "std::sort", say.
bool SplitKey(absl::string_view part, std::string* key, std::string* value) {
  const size_t colon = part.find(':');
  if (colon == absl::string_view::npos || colon == 0 ||
      colon + 1 == part.size() || part[colon + 1] == ':') {
    return false;
  }
  *key = std::string(part.substr(0, colon));
  *value = std::string(part.substr(colon + 1));
  return std::all_of(key->begin(), key->end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

using Rows = std::vector<const BenchmarkRow*>;

// Those to be summed up: repetitions, else one aggregate.
Rows Chosen(const Rows& rows) {
  for (const absl::string_view aggregate : {"", "median", "mean"}) {
    const absl::string_view type =
        aggregate.empty() ? "iteration" : "aggregate";
    Rows chosen;
    for (const BenchmarkRow* row : rows) {
      if (row->run_type == type && row->aggregate_name == aggregate) {
        chosen.push_back(row);
      }
    }
    if (!chosen.empty()) return chosen;
  }
  return {};
}

Measurement SummarizeOne(const Rows& rows) {
  Measurement measurement;
  std::vector<double> times;
  std::vector<double> rates;
  std::map<std::string, std::vector<double>> counters;
  bool skipped = false;
  bool failed = false;
  for (const BenchmarkRow* row : rows) {
    for (const auto& [name, value] : row->counters) {
      if (!absl::EndsWith(name, "_per_second") && std::isfinite(value) &&
          DirectionOf(name).ok()) {
        counters[name].push_back(value);
      }
    }
    failed = failed || row->error_occurred;
    skipped = skipped || row->skipped;
    times.push_back(ToNanoseconds(row->real_time, row->time_unit));
    failed = failed || (!row->skipped && !std::isfinite(times.back()));
    const auto rate = row->counters.find("operations_per_second");
    if (rate != row->counters.end() && std::isfinite(rate->second)) {
      rates.push_back(rate->second);
    }
  }
  if (failed || skipped) {
    measurement.state =
        failed ? Measurement::State::kError : Measurement::State::kSkipped;
    return measurement;
  }
  measurement.real_time_ns = Median(times);
  if (!rates.empty()) measurement.operations_per_second = Median(rates);
  for (const auto& [name, values] : counters) {
    measurement.counters[name] = Median(values);
  }
  return measurement;
}

// The place of `value` in `values`, at the end of which it is put if new.
template <typename T>
size_t PlaceOf(const T& value, std::vector<T>* values) {
  const auto found = std::find(values->begin(), values->end(), value);
  if (found != values->end()) {
    return static_cast<size_t>(found - values->begin());
  }
  values->push_back(value);
  return values->size() - 1;
}

// The values of `keys`, in their order.
std::vector<std::string> ValuesOf(const NameParts& name,
                                  absl::Span<const std::string> keys) {
  std::vector<std::string> values;
  for (const std::string& key : keys) values.emplace_back(name.Value(key));
  return values;
}

// Column by column in the order of each value's first appearance, so that
// engines that come in turns still have their columns side by side.
std::vector<std::vector<std::string>> Columns(
    absl::Span<const Measurement* const> measurements,
    absl::Span<const std::string> keys) {
  std::vector<std::vector<std::string>> order(keys.size());
  std::map<std::vector<size_t>, std::vector<std::string>> columns;
  for (const Measurement* measurement : measurements) {
    const std::vector<std::string> values = ValuesOf(measurement->name, keys);
    std::vector<size_t> place;
    for (size_t i = 0; i < keys.size(); ++i) {
      place.push_back(PlaceOf(values[i], &order[i]));
    }
    columns[place] = values;
  }
  std::vector<std::vector<std::string>> sorted;
  sorted.reserve(columns.size());
  for (const auto& [place, values] : columns) sorted.push_back(values);
  return sorted;
}

}  // namespace

absl::string_view NameParts::Value(absl::string_view key) const {
  for (const auto& [name, value] : keys) {
    if (name == key) return value;
  }
  return "";
}

NameParts SplitName(absl::string_view run_name) {
  NameParts parts;
  std::string arguments;
  for (const absl::string_view part : absl::StrSplit(run_name, '/')) {
    std::string key;
    std::string value;
    double number;
    if (parts.family.empty()) {
      parts.family = std::string(part);  // Whatever it looks like.
    } else if (IsSuffix(part)) {
      continue;
    } else if (SplitKey(part, &key, &value)) {
      parts.keys.emplace_back(key, value);
    } else if (absl::SimpleAtod(part, &number)) {
      absl::StrAppend(&arguments, arguments.empty() ? "" : "/", part);
    } else {
      absl::StrAppend(&parts.family, "/", part);
    }
  }
  if (!arguments.empty()) parts.keys.emplace_back("args", arguments);
  return parts;
}

std::vector<Measurement> Summarize(absl::Span<const BenchmarkRow> rows) {
  std::vector<absl::string_view> names;  // In the order of the rows.
  std::vector<Rows> grouped;
  absl::flat_hash_map<absl::string_view, size_t> places;
  for (const BenchmarkRow& row : rows) {
    const auto [place, fresh] = places.try_emplace(row.run_name, names.size());
    if (fresh) {
      names.push_back(row.run_name);
      grouped.emplace_back();
    }
    grouped[place->second].push_back(&row);
  }
  std::vector<Measurement> measurements;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> taken;
  for (size_t i = 0; i < names.size(); ++i) {
    const Rows chosen = Chosen(grouped[i]);
    if (chosen.empty()) continue;
    Measurement measurement = SummarizeOne(chosen);
    NameParts name = SplitName(names[i]);
    const std::map<std::string, std::string> keys(name.keys.begin(),
                                                  name.keys.end());
    if (keys.size() < name.keys.size() ||
        !taken.emplace(name.family, keys).second) {
      name = {.family = std::string(names[i])};
    }
    measurement.name = std::move(name);
    measurements.push_back(std::move(measurement));
  }
  return measurements;
}

Grid Pivot(absl::Span<const Measurement* const> measurements,
           absl::Span<const std::string> column_keys) {
  Grid grid;
  for (const Measurement* measurement : measurements) {
    for (const auto& [key, value] : measurement->name.keys) {
      if (std::count(column_keys.begin(), column_keys.end(), key) == 0) {
        PlaceOf(key, &grid.row_keys);
      }
    }
  }
  grid.columns = Columns(measurements, column_keys);
  for (const Measurement* measurement : measurements) {
    const size_t row =
        PlaceOf(ValuesOf(measurement->name, grid.row_keys), &grid.rows);
    const size_t column =
        PlaceOf(ValuesOf(measurement->name, column_keys), &grid.columns);
    grid.cells.resize(grid.rows.size(),
                      std::vector<const Measurement*>(grid.columns.size()));
    grid.cells[row][column] = measurement;
  }
  return grid;
}

}  // namespace opsbench::results::internal
