#include "opsbench/stress/fault_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/edit_distance.h"
#include "opsbench/base/number.h"
#include "opsbench/base/random.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::stress {
namespace {

constexpr std::array<FaultKind, kFaultKinds> kKinds = {
    FaultKind::kKill, FaultKind::kReset, FaultKind::kPause,
    FaultKind::kSlowDisk};

constexpr absl::string_view kAll = "all";

// "faults": no worker has this number, so no user draws from these streams.
constexpr uint64_t kFaultStream = 0x6661756c7473;

struct Range {
  absl::Duration low;
  absl::Duration high;
};

constexpr Range kPauseLength = {absl::Milliseconds(200), absl::Seconds(2)};
constexpr Range kSlowDiskLength = {absl::Seconds(1), absl::Seconds(5)};
constexpr Range kDiskDelay = {absl::Milliseconds(1), absl::Milliseconds(20)};

absl::Duration Draw(const Range& range, Random& random) {
  return absl::Nanoseconds(
      random.Between(absl::ToInt64Nanoseconds(range.low),
                     absl::ToInt64Nanoseconds(range.high)));
}

// From a range that is made to end at `longest`.
absl::Duration DrawLength(const Range& range, absl::Duration longest,
                          Random& random) {
  return Draw({std::min(range.low, longest), std::min(range.high, longest)},
              random);
}

absl::Status UnknownFault(absl::string_view name) {
  std::vector<absl::string_view> known = {kAll};
  for (const FaultKind kind : kKinds) known.push_back(FaultKindName(kind));
  const absl::string_view nearest =
      *std::min_element(known.begin(), known.end(), [&](auto a, auto b) {
        return EditDistance(name, a) < EditDistance(name, b);
      });
  return absl::InvalidArgumentError(
      absl::StrCat("unknown fault \"", name, "\": did you mean \"", nearest,
                   "\"? Faults are kill, reset, pause, slow_disk; all is one "
                   "of each"));
}

// "kill" and "kill=3".
absl::StatusOr<std::pair<absl::string_view, int>> ParsePart(
    absl::string_view part) {
  const size_t equals = part.find('=');
  const absl::string_view name =
      absl::StripAsciiWhitespace(part.substr(0, equals));
  if (equals == absl::string_view::npos) return std::make_pair(name, 1);
  const absl::string_view digits =
      absl::StripAsciiWhitespace(part.substr(equals + 1));
  const absl::StatusOr<int64_t> count =
      ParseWholeNumber(digits, 1, kMaxFaultsOfKind);
  if (!count.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("fault \"", name, "\": the count must be from 1 to ",
                     kMaxFaultsOfKind, ", got ", QuoteBriefly(digits)));
  }
  return std::make_pair(name, static_cast<int>(*count));
}

}  // namespace

absl::string_view FaultKindName(FaultKind kind) {
  switch (kind) {
    case FaultKind::kKill:
      return "kill";
    case FaultKind::kReset:
      return "reset";
    case FaultKind::kPause:
      return "pause";
    case FaultKind::kSlowDisk:
      return "slow_disk";
  }
  return "unknown";
}

int FaultSpec::total() const {
  return std::accumulate(counts.begin(), counts.end(), 0);
}

std::string FaultSpec::ToString() const {
  std::vector<std::string> parts;
  for (const FaultKind kind : kKinds) {
    if (count(kind) == 0) continue;
    parts.push_back(absl::StrCat(FaultKindName(kind), "=", count(kind)));
  }
  return absl::StrJoin(parts, ",");
}

absl::StatusOr<FaultSpec> ParseFaults(absl::string_view text) {
  FaultSpec spec;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    OPSBENCH_ASSIGN_OR_RETURN(const auto parsed, ParsePart(part));
    const auto& [name, count] = parsed;
    bool known = false;
    for (const FaultKind kind : kKinds) {
      if (name != kAll && name != FaultKindName(kind)) continue;
      known = true;
      int& planned = spec.counts[static_cast<size_t>(kind)];
      if (planned != 0) {
        return absl::InvalidArgumentError(absl::StrCat(
            "faults \"", text, "\": ", FaultKindName(kind), " is there twice",
            name == kAll ? ", as all includes it" : ""));
      }
      planned = count;
    }
    if (!known) return UnknownFault(name);
  }
  return spec;
}

absl::Status CheckFaults(Engine engine, bool has_private_server,
                         const FaultSpec& spec) {
  if (spec.total() == 0) return absl::OkStatus();
  if (engine != Engine::kMysql && engine != Engine::kPostgres) {
    return absl::InvalidArgumentError(
        absl::StrCat("no faults on ", EngineName(engine), ", got \"",
                     spec.ToString(), "\": they are for mysql and postgres"));
  }
  if (has_private_server || spec.total() == spec.count(FaultKind::kReset)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a server that opsbench did not start allows only the fault reset, got "
      "\"",
      spec.ToString(), "\": leave out the others, or the server's URL"));
}

std::vector<PlannedFault> PlanFaults(const FaultSpec& spec, absl::Duration run,
                                     uint64_t seed) {
  std::vector<FaultKind> kinds;
  for (const FaultKind kind : kKinds) {
    kinds.insert(kinds.end(), static_cast<size_t>(spec.count(kind)), kind);
  }
  if (kinds.empty()) return {};
  Random order = Random::Stream(seed, kFaultStream);
  for (size_t i = kinds.size() - 1; i > 0; --i) {
    std::swap(kinds[i], kinds[order.Below(i + 1)]);
  }

  const absl::Duration first = run / 20;
  const absl::Duration slot =
      (run * 9 / 10 - first) / static_cast<int64_t>(kinds.size());
  const absl::Duration longest = std::min(run / 10, slot / 2);
  std::vector<PlannedFault> faults;
  for (size_t i = 0; i < kinds.size(); ++i) {
    Random random = Random::Stream(seed, kFaultStream, i + 1);
    PlannedFault& fault = faults.emplace_back();
    fault.kind = kinds[i];
    if (fault.kind == FaultKind::kPause) {
      fault.length = DrawLength(kPauseLength, longest, random);
    } else if (fault.kind == FaultKind::kSlowDisk) {
      fault.length = DrawLength(kSlowDiskLength, longest, random);
      fault.disk_delay =
          absl::Trunc(Draw(kDiskDelay, random), absl::Microseconds(1));
    } else if (fault.kind == FaultKind::kReset) {
      fault.pick = random.Next();
    }
    const Range room = {absl::ZeroDuration(), slot - fault.length};
    fault.begin = first + slot * static_cast<int64_t>(i) + Draw(room, random);
  }
  return faults;
}

}  // namespace opsbench::stress
