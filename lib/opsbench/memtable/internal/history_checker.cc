#include "opsbench/memtable/internal/history_checker.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace opsbench::memtable::internal {
namespace {

using Kind = HistoryEntry::Kind;

// A bit for each operation under way that has had its moment, and the key's
// value then.
using State = std::pair<uint64_t, uint64_t>;

struct UnderWay {
  const HistoryEntry* entry;
  uint64_t bit;
};

// Whether `entry` may have its moment at `value`, which it then changes.
bool Apply(const HistoryEntry& entry, uint64_t* value) {
  switch (entry.kind) {
    case Kind::kUpsert:
      *value = entry.wrote;
      return true;
    case Kind::kDelete:
      *value = 0;
      return true;
    case Kind::kInsert:
      if (entry.ok != (*value == 0)) {
        return false;
      }
      *value = entry.ok ? entry.wrote : *value;
      return true;
    case Kind::kUpdate:
      if (!entry.ok) {
        return *value == 0;
      }
      if (*value == 0 || *value != entry.read) {
        return false;
      }
      *value = entry.wrote;
      return true;
    case Kind::kGet:
      return *value == entry.read;
  }
  return false;
}

std::string Describe(const HistoryEntry& entry) {
  static constexpr const char* kNames[] = {"upsert", "delete", "insert",
                                           "update", "get"};
  return absl::StrCat("thread ", static_cast<int>(entry.thread), " ",
                      kNames[static_cast<size_t>(entry.kind)],
                      entry.ok ? "" : " (refused)", " read ", entry.read,
                      " wrote ", entry.wrote, " from ", entry.call_ns, " to ",
                      entry.return_ns, "\n");
}

// Adds what follows from `state` when operations under way have their moments.
void Expand(const State& state, const std::vector<UnderWay>& under_way,
            std::set<State>* states) {
  if (!states->insert(state).second) {
    return;
  }
  for (const auto& [entry, bit] : under_way) {
    uint64_t value = state.second;
    if ((state.first & bit) == 0 && Apply(*entry, &value)) {
      Expand({state.first | bit, value}, under_way, states);
    }
  }
}

}  // namespace

std::string CheckHistory(std::vector<HistoryEntry> history, uint64_t initial) {
  struct Event {
    int64_t ns;
    bool returns;
    size_t entry;
  };
  std::vector<Event> events;
  for (size_t i = 0; i < history.size(); ++i) {
    events.push_back({history[i].call_ns, false, i});
    events.push_back({history[i].return_ns, true, i});
  }
  // Calls before returns of the same time: what may overlap does.
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.ns != b.ns ? a.ns < b.ns : a.returns < b.returns;
  });
  std::vector<UnderWay> under_way;
  uint64_t free_bits = ~uint64_t{0};
  std::set<State> states = {{0, initial}};
  for (const Event& event : events) {
    const HistoryEntry& entry = history[event.entry];
    if (!event.returns) {
      if (free_bits == 0) {
        return "more than 64 operations at once";
      }
      const uint64_t lowest = free_bits & -free_bits;
      free_bits &= ~lowest;
      under_way.push_back({&entry, lowest});
      continue;
    }
    const auto returning = std::find_if(
        under_way.begin(), under_way.end(),
        [&](const UnderWay& other) { return other.entry == &entry; });
    const uint64_t bit = returning->bit;
    std::set<State> expanded;
    for (const State& state : states) {
      Expand(state, under_way, &expanded);
    }
    std::set<State> kept;
    for (const State& state : expanded) {
      if ((state.first & bit) != 0) {
        kept.insert({state.first & ~bit, state.second});
      }
    }
    if (kept.empty()) {
      std::string text = absl::StrCat("no order explains ", Describe(entry));
      for (const State& state : states) {
        absl::StrAppend(&text, "possible before: ", state.second, "\n");
      }
      for (const UnderWay& other : under_way) {
        absl::StrAppend(&text, "beside ", Describe(*other.entry));
      }
      return text;
    }
    states = std::move(kept);
    free_bits |= bit;
    under_way.erase(returning);
  }
  return "";
}

}  // namespace opsbench::memtable::internal
