#include "opsbench/results/internal/headlines.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/format.h"
#include "opsbench/results/internal/pivot.h"
#include "opsbench/results/internal/ratios.h"

namespace opsbench::results::internal {
namespace {

constexpr size_t kMost = 6;

// "Memtable/Get": "Get".
std::string ShortName(const std::string& family) {
  const size_t slash = family.rfind('/');
  return slash == std::string::npos ? family : family.substr(slash + 1);
}

struct Ranked {
  size_t rivals = 0;
  Headline headline;
};

// Of each family the row with the most threads, which comes last.
std::vector<Ranked> OfRatios(const Ratios& ratios) {
  std::vector<Ranked> all;
  for (size_t i = 0; i < ratios.rows.size(); ++i) {
    const Ratios::Row& row = ratios.rows[i];
    if (i + 1 < ratios.rows.size() && ratios.rows[i + 1].family == row.family) {
      continue;
    }
    Ranked ranked;
    double smallest = 0;
    std::string fastest;
    for (size_t rival = 0; rival < row.ratios.size(); ++rival) {
      if (!row.ratios[rival]) continue;
      ++ranked.rivals;
      if (fastest.empty() || *row.ratios[rival] < smallest) {
        smallest = *row.ratios[rival];
        fastest = ratios.rivals[rival];
      }
    }
    if (fastest.empty()) continue;
    ranked.headline.value = absl::StrFormat(
        "%.*f ×", smallest < 1 ? 2 : (smallest < 10 ? 1 : 0), smallest);
    ranked.headline.label = ShortName(row.family);
    if (!row.threads.empty()) {
      absl::StrAppend(&ranked.headline.label, ", ", row.threads,
                      row.threads == "1" ? " thread" : " threads");
    }
    ranked.headline.detail =
        ranked.rivals == 1
            ? absl::StrCat("as fast as ", fastest)
            : absl::StrCat("as fast as ", fastest, ", the fastest of ",
                           ranked.rivals, " rivals");
    ranked.headline.behind = smallest < 1;
    all.push_back(std::move(ranked));
  }
  std::stable_sort(
      all.begin(), all.end(),
      [](const Ranked& a, const Ranked& b) { return a.rivals > b.rivals; });
  return all;
}

std::vector<Headline> OfRates(absl::Span<const Measurement> measurements) {
  std::vector<std::string> families;
  std::map<std::string, const Measurement*> highest;
  for (const Measurement& measurement : measurements) {
    if (measurement.state != Measurement::State::kMeasured ||
        !measurement.operations_per_second) {
      continue;
    }
    const std::string family = absl::StrCat(measurement.name.family, "|",
                                            measurement.name.Value("engine"));
    const Measurement*& best = highest[family];
    if (best == nullptr) families.push_back(family);
    if (best == nullptr ||
        *measurement.operations_per_second > *best->operations_per_second) {
      best = &measurement;
    }
  }
  std::vector<Headline> headlines;
  for (const std::string& family : families) {
    const Measurement& best = *highest[family];
    const std::vector<std::pair<std::string, std::string>>& keys =
        best.name.keys;
    headlines.push_back(
        {FormatRate(*best.operations_per_second), ShortName(best.name.family),
         absl::StrJoin(keys, ", ", absl::PairFormatter(" ")), false});
  }
  return headlines;
}

}  // namespace

std::vector<Headline> Headlines(absl::Span<const BenchmarkRow> rows) {
  const std::vector<Measurement> measurements = Summarize(rows);
  std::vector<Headline> headlines;
  for (Ranked& ranked : OfRatios(ComputeRatios(measurements))) {
    headlines.push_back(std::move(ranked.headline));
  }
  if (headlines.empty()) headlines = OfRates(measurements);
  if (headlines.size() > kMost) headlines.resize(kMost);
  return headlines;
}

}  // namespace opsbench::results::internal
