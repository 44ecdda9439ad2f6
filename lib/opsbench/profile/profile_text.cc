#include "opsbench/profile/profile_text.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/format.h"
#include "opsbench/profile/cpp_name.h"

namespace opsbench::profile {
namespace {

constexpr int kSourceRows = 10;

double Share(int64_t part, int64_t whole) {
  return whole == 0
             ? 0
             : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// "12345678" as "12,345,678".
std::string Grouped(int64_t number) {
  std::string text = absl::StrCat(number);
  const size_t first = text[0] == '-' ? 1 : 0;
  for (size_t i = text.size(); i > first + 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string PerOperation(int64_t count, int64_t operations) {
  if (operations == 0) return "-";
  const double each =
      static_cast<double>(count) / static_cast<double>(operations);
  return absl::StrFormat("%.*f", each < 10 ? 3 : 1, each);
}

// Cut in its middle: both ends of a name say something.
std::string CutTo(const std::string& name, int columns) {
  if (DisplayWidth(name) <= columns) return name;
  const int head = (columns - 1) / 2;
  const int tail = columns - 1 - head;
  std::vector<std::string> letters;
  for (const char c : name) {
    if ((c & '\xc0') != '\x80' || letters.empty()) letters.emplace_back();
    letters.back().push_back(c);
  }
  std::string cut;
  for (int i = 0; i < head; ++i) cut += letters[static_cast<size_t>(i)];
  cut += "…";
  for (size_t i = letters.size() - static_cast<size_t>(tail);
       i < letters.size(); ++i) {
    cut += letters[i];
  }
  return cut;
}

// The last parts of a path, which tell files apart.
std::string FileName(absl::string_view path) {
  size_t begin = path.size();
  for (int parts = 0; parts < 3 && begin != absl::string_view::npos; ++parts) {
    begin = begin == 0 ? absl::string_view::npos : path.rfind('/', begin - 1);
  }
  if (begin != absl::string_view::npos) path.remove_prefix(begin + 1);
  return path.empty() ? "[unknown]" : std::string(path);
}

// Right-aligned figures, then a name in what is left of the line.
class Table {
 public:
  Table(std::vector<std::string> heads, int columns)
      : columns_(columns), rows_{std::move(heads)} {}

  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string Render() const {
    const size_t figures = rows_[0].size() - 1;
    std::vector<int> widths(figures);
    int left = columns_;
    for (size_t i = 0; i < figures; ++i) {
      for (const auto& row : rows_) {
        widths[i] = std::max(widths[i], DisplayWidth(row[i]));
      }
      left -= widths[i] + 2;
    }
    std::string text;
    for (const auto& row : rows_) {
      for (size_t i = 0; i < figures; ++i) {
        absl::StrAppend(&text, PadLeft(row[i], widths[i]), "  ");
      }
      absl::StrAppend(&text, CutTo(row[figures], std::max(left, 20)), "\n");
    }
    return text;
  }

 private:
  const int columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Functions of one short name together, those with most of `event` first.
std::vector<CallgrindCosts> Merged(const std::vector<CallgrindCosts>& all,
                                   size_t event, bool is_source) {
  std::map<std::string, CallgrindCosts> by_name;
  for (const CallgrindCosts& costs : all) {
    const std::string name =
        is_source ? FileName(costs.name) : ShortenCppName(costs.name);
    const auto [entry, is_new] = by_name.try_emplace(name, costs);
    entry->second.name = name;
    if (is_new) continue;
    CallgrindCosts& sum = entry->second;
    sum.calls += costs.calls;
    for (size_t i = 0; i < costs.self.size(); ++i) sum.self[i] += costs.self[i];
    // Instances that call each other would count twice.
    for (size_t i = 0; i < costs.total.size(); ++i) {
      sum.total[i] = std::max(sum.total[i] + costs.self[i], costs.total[i]);
    }
  }
  std::vector<CallgrindCosts> merged;
  for (auto& [name, costs] : by_name) merged.push_back(std::move(costs));
  std::stable_sort(merged.begin(), merged.end(),
                   [&](const CallgrindCosts& a, const CallgrindCosts& b) {
                     return a.self[event] > b.self[event];
                   });
  std::erase_if(merged, [&](const CallgrindCosts& costs) {
    return costs.self[event] == 0;
  });
  return merged;
}

struct Misses {
  int64_t first = 0;  // Of the first level's data cache.
  int64_t last = 0;   // Of the last level, instructions included.
};

// An event that the file does not count costs nothing.
int64_t Cost(const CallgrindProfile& profile, const std::vector<int64_t>& costs,
             absl::string_view event) {
  const int index = profile.EventIndex(event);
  return index < 0 ? 0 : costs[static_cast<size_t>(index)];
}

Misses MissesOf(const CallgrindProfile& profile,
                const std::vector<int64_t>& costs) {
  return {Cost(profile, costs, "D1mr") + Cost(profile, costs, "D1mw"),
          Cost(profile, costs, "ILmr") + Cost(profile, costs, "DLmr") +
              Cost(profile, costs, "DLmw")};
}

std::string RenderCacheTotals(const CallgrindProfile& profile,
                              const TableOptions& options) {
  const Misses misses = MissesOf(profile, profile.totals);
  const int64_t data = profile.TotalOf("Dr") + profile.TotalOf("Dw");
  Table table({"total", "per operation", "rate", "event"}, options.columns);
  const auto add = [&](const char* name, int64_t count, int64_t of) {
    table.Add({Grouped(count), PerOperation(count, options.operations),
               of == 0 ? "" : absl::StrFormat("%.2f%%", Share(count, of)),
               name});
  };
  add("instructions", profile.TotalOf("Ir"), 0);
  add("data reads", profile.TotalOf("Dr"), 0);
  add("data writes", profile.TotalOf("Dw"), 0);
  add("I1 misses (of instructions)", profile.TotalOf("I1mr"),
      profile.TotalOf("Ir"));
  add("D1 misses of reads", profile.TotalOf("D1mr"), profile.TotalOf("Dr"));
  add("D1 misses of writes", profile.TotalOf("D1mw"), profile.TotalOf("Dw"));
  add("D1 misses", misses.first, data);
  add("LL misses (of all references)", misses.last,
      data + profile.TotalOf("Ir"));
  return table.Render();
}

}  // namespace

std::string FormatWeight(int64_t weight, absl::string_view unit) {
  if (unit == "ns") return FormatLatency(weight);
  if (unit != "bytes") return absl::StrCat(Grouped(weight), " ", unit);
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto size = static_cast<double>(weight);
  size_t i = 0;
  for (; size >= 1024 && i + 1 < std::size(kUnits); ++i) size /= 1024;
  if (i == 0) return absl::StrCat(weight, " B");
  const int decimals = size < 10 ? 2 : size < 100 ? 1 : 0;
  return absl::StrFormat("%.*f %s", decimals, size, kUnits[i]);
}

std::string RenderFunctionTable(const StackProfile& profile,
                                const TableOptions& options) {
  // Instances of a template become one function before totals are summed up,
  // so that one that calls another counts once.
  StackProfile merged;
  std::vector<int> numbers;
  for (const Frame& frame : profile.frames()) {
    numbers.push_back(
        merged.Intern({ShortenCppName(frame.name), "", frame.kind, false}));
  }
  for (const StackProfile::Node& node : profile.nodes()) {
    if (node.self == 0) continue;
    std::vector<int> stack;
    for (const auto* at = &node; at->frame >= 0;
         at = &profile.nodes()[static_cast<size_t>(at->parent)]) {
      stack.push_back(numbers[static_cast<size_t>(at->frame)]);
    }
    std::reverse(stack.begin(), stack.end());
    merged.Add(stack, node.self);
  }
  std::vector<std::string> heads = {"self", "", "total", "kind", "function"};
  Table table(heads, options.columns);
  int rows = 0;
  for (const StackProfile::Function& function : merged.Functions()) {
    if (rows++ == options.rows) break;
    const Frame& frame = merged.frames()[static_cast<size_t>(function.frame)];
    table.Add({absl::StrFormat("%.1f%%", Share(function.self, merged.total())),
               FormatWeight(function.self, options.unit),
               absl::StrFormat("%.1f%%", Share(function.total, merged.total())),
               std::string(FrameKindName(frame.kind)), frame.name});
  }
  return table.Render();
}

std::string RenderInstructionTables(const CallgrindProfile& profile,
                                    const TableOptions& options) {
  const size_t event =
      static_cast<size_t>(std::max(0, profile.EventIndex("Ir")));
  const int64_t all = profile.totals[event];
  std::string text = absl::StrCat(Grouped(all), " instructions");
  if (options.operations > 0) {
    absl::StrAppend(&text, ", ", PerOperation(all, options.operations),
                    " per operation of ", Grouped(options.operations));
  }
  absl::StrAppend(&text, "\n\n");
  Table functions({"self", "per op", "total", "calls", "function"},
                  options.columns);
  int rows = 0;
  for (const CallgrindCosts& costs : Merged(profile.functions, event, false)) {
    if (rows++ == options.rows) break;
    functions.Add(
        {absl::StrFormat("%.1f%%", Share(costs.self[event], all)),
         PerOperation(costs.self[event], options.operations),
         absl::StrFormat("%.1f%%",
                         std::min(100.0, Share(costs.total[event], all))),
         Grouped(costs.calls), costs.name});
  }
  absl::StrAppend(&text, functions.Render(), "\n");
  Table sources({"self", "per op", "source, inlined code apart"},
                options.columns);
  rows = 0;
  for (const CallgrindCosts& costs : Merged(profile.sources, event, true)) {
    if (rows++ == std::min(options.rows, kSourceRows)) break;
    sources.Add({absl::StrFormat("%.1f%%", Share(costs.self[event], all)),
                 PerOperation(costs.self[event], options.operations),
                 costs.name});
  }
  return absl::StrCat(text, sources.Render());
}

std::string RenderCacheTables(const CallgrindProfile& profile,
                              const TableOptions& options) {
  std::string text;
  for (const std::string& cache : profile.caches) {
    absl::StrAppend(&text, cache, "\n");
  }
  absl::StrAppend(&text, "\n", RenderCacheTotals(profile, options));
  const Misses all = MissesOf(profile, profile.totals);
  for (const bool is_source : {false, true}) {
    Table table({"D1 misses", "per op", "LL misses", "per op",
                 is_source ? "source, inlined code apart" : "function"},
                options.columns);
    std::vector<std::pair<Misses, std::string>> found;
    for (const CallgrindCosts& costs : Merged(
             is_source ? profile.sources : profile.functions, 0, is_source)) {
      found.emplace_back(MissesOf(profile, costs.self), costs.name);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) {
                       return a.first.first > b.first.first;
                     });
    int rows = is_source ? std::min(options.rows, kSourceRows) : options.rows;
    for (const auto& [misses, name] : found) {
      if (rows-- == 0 || (misses.first == 0 && misses.last == 0)) break;
      table.Add({absl::StrFormat("%.1f%%", Share(misses.first, all.first)),
                 PerOperation(misses.first, options.operations),
                 absl::StrFormat("%.1f%%", Share(misses.last, all.last)),
                 PerOperation(misses.last, options.operations), name});
    }
    absl::StrAppend(&text, "\n", table.Render());
  }
  return text;
}

}  // namespace opsbench::profile
