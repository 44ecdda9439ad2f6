#include "opsbench/vector/internal/recall_search.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/vector/internal/median.h"

namespace opsbench::vector::internal {
namespace {

// What recall differs by when the queries were the same, at least: threads end
// at different queries.
constexpr double kOrderNoise = 0.01;
// So near the constraint that it is measured three times.
constexpr double kNear = 0.003;
constexpr size_t kNearSamples = 3;

constexpr size_t kFailuresOfRank = 3;

}  // namespace

RecallSearch::RecallSearch(const SettingSpace* space, double min_recall)
    : space_(space), min_recall_(min_recall) {
  const std::vector<Parameter>& parameters = space->parameters();
  for (size_t p = 0; p < parameters.size(); ++p) {
    if (parameters[p].values.size() == 1 || parameters[p].recall_constant) {
      continue;
    }
    promised_ = promised_ && parameters[p].recall_rises && !rising_;
    rising_ = p;
  }
  holds_ = promised_;
  if (!promised_) {
    rising_.reset();
  }
  by_rank_.resize(rising_ ? parameters[*rising_].values.size() : 1);
}

size_t RecallSearch::RankOf(size_t setting) const {
  return rising_ ? space_->Rank(setting, *rising_) : 0;
}

size_t RecallSearch::WithRank(size_t setting, size_t rank) const {
  return rising_ ? space_->WithRank(setting, *rising_, rank) : setting;
}

void RecallSearch::Add(size_t setting, double recall) {
  Rank& rank = by_rank_[RankOf(setting)];
  rank.by_setting[setting].push_back(recall);
  ++rank.samples;
}

void RecallSearch::Fail(size_t setting) {
  ++by_rank_[RankOf(setting)].failures;
}

double RecallSearch::MedianRecall(size_t rank) const {
  std::vector<double> all;
  for (const auto& [setting, recalls] : by_rank_[rank].by_setting) {
    all.insert(all.end(), recalls.begin(), recalls.end());
  }
  return MedianOf(all);
}

bool RecallSearch::IsShort(size_t rank) const {
  return by_rank_[rank].samples > 0 && MedianRecall(rank) < min_recall_;
}

bool RecallSearch::IsBroken(const Rank& rank) const {
  return rank.samples == 0 &&
         rank.failures >= std::min(kFailuresOfRank, space_->size() / ranks());
}

bool RecallSearch::IsOut(size_t rank) const {
  return IsShort(rank) || IsBroken(by_rank_[rank]);
}

RecallSearch::Bounds RecallSearch::Find() const {
  Bounds bounds;
  const int count = static_cast<int>(by_rank_.size());
  for (int r = 0; r < count; ++r) {
    if (IsShort(static_cast<size_t>(r))) {
      bounds.lo = r;
    }
  }
  bounds.hi = bounds.lo + 1;
  while (bounds.hi < count) {
    const Rank& rank = by_rank_[static_cast<size_t>(bounds.hi)];
    if (rank.samples > 0 || IsBroken(rank) || min_recall_ <= 0) {
      break;
    }
    ++bounds.hi;
  }
  return bounds;
}

absl::optional<size_t> RecallSearch::NextRank() const {
  const Bounds bounds = Find();
  if (bounds.hi - bounds.lo <= 1) {
    return absl::nullopt;
  }
  return static_cast<size_t>((bounds.lo + bounds.hi) / 2);
}

size_t RecallSearch::LeastRank() const {
  const size_t hi = static_cast<size_t>(Find().hi);
  return hi < ranks() && IsOut(hi) ? ranks() : hi;
}

double RecallSearch::Noise(double least) const {
  double squares = 0;
  size_t freedom = 0;
  for (const Rank& rank : by_rank_) {
    for (const auto& [setting, recalls] : rank.by_setting) {
      const double median = MedianOf(recalls);
      for (double recall : recalls) {
        squares += (recall - median) * (recall - median);
      }
      freedom += recalls.size() - 1;
    }
  }
  return freedom == 0
             ? least
             : std::max(least,
                        4 * std::sqrt(squares / static_cast<double>(freedom)));
}

absl::optional<size_t> RecallSearch::DoubtOrder() {
  const double noise = Noise(kOrderNoise);
  absl::optional<size_t> highest;
  for (size_t r = 0; r < by_rank_.size(); ++r) {
    if (by_rank_[r].samples == 0) {
      continue;
    }
    if (highest && MedianRecall(*highest) > MedianRecall(r) + noise) {
      for (size_t doubtful : {*highest, r}) {
        if (by_rank_[doubtful].samples < 2) {
          return by_rank_[doubtful].by_setting.begin()->first;
        }
      }
      const Parameter& parameter = space_->parameters()[*rising_];
      holds_ = false;
      contradiction_ = absl::StrFormat(
          "recall does not rise with %s (%.4f at %d, %.4f at %d): each "
          "setting's own recall counts",
          parameter.name, MedianRecall(*highest), parameter.values[*highest],
          MedianRecall(r), parameter.values[r]);
      return absl::nullopt;
    }
    if (!highest || MedianRecall(r) > MedianRecall(*highest)) {
      highest = r;
    }
  }
  return absl::nullopt;
}

absl::optional<size_t> RecallSearch::DoubtConstancy() {
  const double noise = Noise(kOrderNoise);
  for (const Rank& rank : by_rank_) {
    if (rank.by_setting.size() < 2) {
      continue;
    }
    const auto [low, high] =
        std::minmax_element(rank.by_setting.begin(), rank.by_setting.end(),
                            [](const auto& a, const auto& b) {
                              return MedianOf(a.second) < MedianOf(b.second);
                            });
    const double lowest = MedianOf(low->second);
    const double highest = MedianOf(high->second);
    if (highest - lowest > noise) {
      for (const auto& extreme : {low, high}) {
        if (extreme->second.size() < 2) {
          return extreme->first;
        }
      }
      holds_ = false;
      contradiction_ = absl::StrFormat(
          "recall depends on more than %s (%.4f and %.4f at one value): each "
          "setting's own recall counts",
          rising_ ? space_->parameters()[*rising_].name : "was said", lowest,
          highest);
      return absl::nullopt;
    }
  }
  return absl::nullopt;
}

absl::optional<size_t> RecallSearch::DoubtBoundary() const {
  const double near = Noise(kNear);
  const Bounds bounds = Find();
  for (int r : {bounds.lo, bounds.hi}) {
    if (r < 0 || r >= static_cast<int>(by_rank_.size())) {
      continue;
    }
    const size_t index = static_cast<size_t>(r);
    const Rank& rank = by_rank_[index];
    if (rank.samples == 0) {
      continue;
    }
    // That the last value has too little is worth a second look at any rate.
    const bool ends = r == bounds.lo && index + 1 == by_rank_.size();
    const bool is_near = std::abs(MedianRecall(index) - min_recall_) < near;
    if (rank.samples < (is_near ? kNearSamples : ends ? 2 : 1)) {
      return rank.by_setting.begin()->first;
    }
  }
  return absl::nullopt;
}

absl::optional<size_t> RecallSearch::Doubt() {
  if (!holds_ || min_recall_ <= 0) {
    return absl::nullopt;
  }
  absl::optional<size_t> doubt = DoubtOrder();
  if (!doubt && holds_) {
    doubt = DoubtConstancy();
  }
  if (!doubt && holds_ && !NextRank()) {
    doubt = DoubtBoundary();
  }
  return doubt;
}

std::string RecallSearch::Note() const {
  if (!promised_) {
    return "nothing is known of what recall depends on: each setting's own "
           "recall counts";
  }
  if (!holds_) {
    return contradiction_;
  }
  if (min_recall_ <= 0 || !rising_ || NextRank()) {
    return "";
  }
  const Parameter& parameter = space_->parameters()[*rising_];
  const size_t measured = static_cast<size_t>(
      std::count_if(by_rank_.begin(), by_rank_.end(),
                    [](const Rank& rank) { return rank.samples > 0; }));
  const size_t least = LeastRank();
  const std::string found =
      least == ranks()
          ? absl::StrFormat("no %s reaches recall %g", parameter.name,
                            min_recall_)
          : absl::StrFormat("%s %d is the least with recall %g or more",
                            parameter.name, parameter.values[least],
                            min_recall_);
  return absl::StrCat("recall rose with ", parameter.name, " at the ", measured,
                      " values measured: ", found);
}

}  // namespace opsbench::vector::internal
