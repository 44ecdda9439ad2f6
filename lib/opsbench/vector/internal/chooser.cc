#include "opsbench/vector/internal/chooser.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "opsbench/vector/internal/evidence.h"
#include "opsbench/vector/internal/median.h"

namespace opsbench::vector::internal {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Few points change lengths and noise much, many do not.
constexpr size_t kAlwaysSearch = 24;
constexpr size_t kSearchEach = 4;

// A decision rests on many comparisons, of which neighbours' are alike: as if
// there were so many independent ones (Bonferroni).
constexpr double kComparisons = 10;

// Nothing is called the best, or out of the race, on fewer measurements than
// whose median an outlier does not move.
constexpr size_t kSettled = 3;

// How far an outlier lies off, in logarithms.
constexpr double kOutlier = 0.3;

}  // namespace

Chooser::Chooser(const SettingSpace* space, const TuneOptions* options,
                 int evaluations)
    : space_(space),
      options_(options),
      reach_(NormalReach(1 - (1 - options->confidence) / kComparisons)),
      recall_(space, options->constraints.min_recall),
      states_(space->size()),
      qps_surface_({-1, 0.7, 0.05}),
      p99_surface_({1, 0.7, 0.08}),
      recall_surface_({0, 0.1, 0.004}) {
  size_t free = 0;
  for (const Parameter& parameter : space->parameters()) {
    free += parameter.values.size() > 1 ? 1 : 0;
  }
  first_look_ = std::min(2 * free + 2, static_cast<size_t>(evaluations) / 3);
}

void Chooser::Add(size_t setting, const Sample& sample) {
  State& state = states_[setting];
  if (state.recall.empty()) {
    measured_.push_back(setting);
  }
  state.log_qps.push_back(std::log(sample.qps));
  state.log_p99.push_back(LogP99(sample));
  state.recall.push_back(sample.recall);
  recall_.Add(setting, sample.recall);
  changed_.push_back(setting);
}

void Chooser::Fail(size_t setting) {
  states_[setting].failed = true;
  recall_.Fail(setting);
}

bool Chooser::MayRepeat(size_t setting) const {
  return !states_[setting].failed &&
         Repeats(setting) < static_cast<size_t>(options_->max_repeats);
}

absl::optional<size_t> Chooser::Fresh(absl::optional<size_t> rank) const {
  const auto fits = [this, rank](size_t setting) {
    return !states_[setting].failed && Repeats(setting) == 0 &&
           (!rank || recall_.RankOf(setting) == *rank);
  };
  // Another place each time: the surfaces learn from probes of recall as well.
  for (size_t n = measured_.size(); n < 2 * measured_.size() + 64; ++n) {
    const size_t place = space_->Spread(n);
    const size_t setting = rank ? recall_.WithRank(place, *rank) : place;
    if (fits(setting)) {
      return setting;
    }
  }
  for (size_t setting = 0; setting < states_.size(); ++setting) {
    if (fits(setting)) {
      return setting;
    }
  }
  return absl::nullopt;
}

std::vector<size_t> Chooser::Candidates() const {
  std::vector<size_t> candidates;
  const bool by_rank = recall_.holds();
  const size_t least = by_rank ? recall_.LeastRank() : 0;
  for (size_t setting = 0; setting < states_.size(); ++setting) {
    if (states_[setting].failed) {
      continue;
    }
    const size_t rank = recall_.RankOf(setting);
    if (!by_rank ||
        (rank >= least && rank <= least + window_ && !recall_.IsOut(rank))) {
      candidates.push_back(setting);
    }
  }
  return candidates;
}

absl::optional<size_t> Chooser::Explore(
    const std::vector<size_t>& candidates) const {
  const size_t seen = static_cast<size_t>(
      std::count_if(candidates.begin(), candidates.end(),
                    [this](size_t c) { return Repeats(c) > 0; }));
  if (seen >= std::min(first_look_, candidates.size())) {
    return absl::nullopt;
  }
  const absl::optional<size_t> fresh =
      recall_.holds() ? Fresh(recall_.LeastRank()) : Fresh(absl::nullopt);
  if (fresh) {
    return fresh;
  }
  const auto other = std::find_if(candidates.begin(), candidates.end(),
                                  [this](size_t c) { return Repeats(c) == 0; });
  return other == candidates.end() ? absl::nullopt
                                   : absl::optional<size_t>(*other);
}

Chooser::View Chooser::Look() {
  for (size_t setting : changed_) {
    const State& state = states_[setting];
    const Point point = space_->PointAt(setting);
    qps_surface_.Set(setting, point, state.log_qps);
    p99_surface_.Set(setting, point, state.log_p99);
    recall_surface_.Set(setting, point, state.recall);
  }
  changed_.clear();
  View view;
  view.candidates = Candidates();
  std::vector<Point> points;
  for (size_t candidate : view.candidates) {
    points.push_back(space_->PointAt(candidate));
  }
  const size_t n = measured_.size();
  const bool search = n <= kAlwaysSearch || n % kSearchEach == 0;
  qps_surface_.Fit(search);
  view.qps = qps_surface_.Predict(points);
  if (options_->constraints.max_p99_ms) {
    p99_surface_.Fit(search);
    view.p99 = p99_surface_.Predict(points);
  }
  if (!recall_.holds()) {
    recall_surface_.Fit(search);
    view.recall = recall_surface_.Predict(points);
  }
  return view;
}

double Chooser::Allowance(size_t setting) const {
  const size_t n = Repeats(setting);
  return n == 0 || n >= kSettled ? 0 : kOutlier / static_cast<double>(n);
}

double Chooser::Margin(const View& view, size_t i, double allowance) const {
  const State& state = states_[view.candidates[i]];
  // By how many deviations `mean` is below `limit`: that of the setting's own
  // measurements where it has some, for beliefs err where there is a cliff.
  const auto margin = [](double limit, const ResponseSurface::Belief& belief,
                         const std::vector<double>& own, double noise) {
    const double believed =
        (limit - belief.mean) / std::max(belief.deviation, 1e-9);
    if (own.empty()) {
      return believed;
    }
    const double measured = (limit - MedianOf(own)) / std::max(noise, 1e-9) *
                            std::sqrt(static_cast<double>(own.size()));
    return own.size() == 1 ? std::max(believed, measured) : measured;
  };
  double least = kInfinity;
  const Constraints& constraints = options_->constraints;
  if (constraints.max_p99_ms) {
    least = margin(std::log(*constraints.max_p99_ms) + allowance, view.p99[i],
                   state.log_p99, p99_surface_.noise());
  }
  if (!recall_.holds() && constraints.min_recall > 0) {
    std::vector<double> losses;
    for (double recall : state.recall) {
      losses.push_back(-recall);
    }
    ResponseSurface::Belief loss = view.recall[i];
    loss.mean = -loss.mean;
    least = std::min(least, margin(-constraints.min_recall, loss, losses,
                                   recall_surface_.noise()));
  }
  return least;
}

absl::optional<size_t> Chooser::Incumbent(const View& view) const {
  absl::optional<size_t> best;
  for (size_t i = 0; i < view.candidates.size(); ++i) {
    const size_t setting = view.candidates[i];
    if (Repeats(setting) == 0 || Margin(view, i) < 0) {
      continue;
    }
    const State& state = states_[setting];
    // Beliefs err where the surface has a cliff; the setting's own measurements
    // have the last word.
    if (options_->constraints.max_p99_ms &&
        MedianOf(state.log_p99) > std::log(*options_->constraints.max_p99_ms)) {
      continue;
    }
    if (!recall_.holds() &&
        MedianOf(state.recall) < options_->constraints.min_recall) {
      continue;
    }
    if (!best || view.qps[i].mean > view.qps[*best].mean) {
      best = i;
    }
  }
  return best;
}

Chooser::Choice Chooser::SearchFeasible(const View& view) const {
  absl::optional<size_t> likeliest;
  double most = -kInfinity;
  bool all_measured_out = true;
  for (size_t i = 0; i < view.candidates.size(); ++i) {
    const double margin = Margin(view, i);
    if (margin < -2 * reach_ && Repeats(view.candidates[i]) != 1) {
      continue;
    }
    if (!MayRepeat(view.candidates[i])) {
      all_measured_out = false;
      continue;
    }
    if (margin > most) {
      most = margin;
      likeliest = i;
    }
  }
  // One measurement of the likeliest does not rule everything out.
  if (likeliest &&
      (most >= -reach_ || Repeats(view.candidates[*likeliest]) < 2)) {
    return {view.candidates[*likeliest], ""};
  }
  return {absl::nullopt, all_measured_out ? "decided" : "repeats"};
}

absl::optional<size_t> Chooser::FreshNeighbor(const View& view,
                                              size_t setting) const {
  for (size_t p = 0; p < space_->parameters().size(); ++p) {
    const size_t rank = space_->Rank(setting, p);
    const size_t count = space_->parameters()[p].values.size();
    for (size_t other : {rank + 1, rank - 1}) {
      if (other >= count) {  // Also of rank 0 - 1.
        continue;
      }
      const size_t neighbor = space_->WithRank(setting, p, other);
      if (Repeats(neighbor) == 0 &&
          std::binary_search(view.candidates.begin(), view.candidates.end(),
                             neighbor)) {
        return neighbor;
      }
    }
  }
  return absl::nullopt;
}

absl::optional<size_t> Chooser::Rival(const View& view, size_t incumbent,
                                      bool allow, bool* exhausted) const {
  absl::optional<size_t> rival;
  double most = std::log1p(options_->tolerance);
  for (size_t i = 0; i < view.candidates.size(); ++i) {
    const size_t setting = view.candidates[i];
    const double allowance = allow ? Allowance(setting) : 0;
    if (i == incumbent || Margin(view, i, allowance) < -reach_) {
      continue;
    }
    const double lead = view.qps[i].mean - view.qps[incumbent].mean +
                        reach_ * view.qps.DeviationBetween(i, incumbent) +
                        allowance;
    if (lead <= most) {
      continue;
    }
    if (MayRepeat(setting)) {
      most = lead;
      rival = i;
    } else {
      *exhausted = true;
    }
  }
  return rival;
}

Chooser::Choice Chooser::Race(const View& view, size_t incumbent) const {
  const size_t leader = view.candidates[incumbent];
  bool exhausted = false;
  absl::optional<size_t> rival = Rival(view, incumbent, false, &exhausted);
  if (!rival && Repeats(leader) >= kSettled) {
    rival = Rival(view, incumbent, true, &exhausted);
  }
  const bool settled = !MayRepeat(leader) || (Repeats(leader) >= kSettled &&
                                              Margin(view, incumbent) > reach_);
  if (!rival) {
    if (!settled) {
      return {leader, ""};
    }
    if (const absl::optional<size_t> neighbor = FreshNeighbor(view, leader)) {
      return {neighbor, ""};
    }
    const bool keeps = Margin(view, incumbent) > reach_;
    return {absl::nullopt, exhausted || !keeps ? "repeats" : "decided"};
  }
  const bool leader_is_vaguer =
      view.qps[incumbent].deviation > view.qps[*rival].deviation ||
      Repeats(leader) < 2;
  return {
      leader_is_vaguer && MayRepeat(leader) ? leader : view.candidates[*rival],
      ""};
}

bool Chooser::Widen(const View& view, size_t incumbent) {
  if (!recall_.holds()) {
    return false;
  }
  const size_t setting = view.candidates[incumbent];
  const size_t top = recall_.LeastRank() + window_;
  if (recall_.RankOf(setting) < top || top + 1 >= recall_.ranks() ||
      Repeats(setting) < 2) {
    return false;
  }
  window_ *= 2;
  widened_ = true;
  return true;
}

Chooser::Choice Chooser::Next() {
  if (const absl::optional<size_t> doubt = recall_.Doubt()) {
    if (!states_[*doubt].failed) {
      return {doubt, ""};
    }
  }
  if (recall_.holds()) {
    if (const absl::optional<size_t> rank = recall_.NextRank()) {
      if (const absl::optional<size_t> probe = Fresh(*rank)) {
        return {probe, ""};
      }
    }
    if (recall_.LeastRank() == recall_.ranks()) {
      return {absl::nullopt, "decided"};
    }
  }
  const std::vector<size_t> candidates = Candidates();
  if (candidates.empty()) {
    return {absl::nullopt, "decided"};
  }
  if (const absl::optional<size_t> fresh = Explore(candidates)) {
    return {fresh, ""};
  }
  View view = Look();
  absl::optional<size_t> incumbent = Incumbent(view);
  if (incumbent && Widen(view, *incumbent)) {
    view = Look();
    incumbent = Incumbent(view);
  }
  return incumbent ? Race(view, *incumbent) : SearchFeasible(view);
}

absl::optional<size_t> Chooser::Best() {
  if (measured_.empty() ||
      (recall_.holds() &&
       (recall_.NextRank() || recall_.LeastRank() == recall_.ranks()))) {
    return absl::nullopt;
  }
  const View view = Look();
  const absl::optional<size_t> incumbent = Incumbent(view);
  return incumbent ? absl::optional<size_t>(view.candidates[*incumbent])
                   : absl::nullopt;
}

std::vector<std::string> Chooser::Notes() const {
  std::vector<std::string> notes;
  if (std::string note = recall_.Note(); !note.empty()) {
    notes.push_back(std::move(note));
  }
  if (widened_) {
    notes.push_back(
        "more recall was not slower everywhere: higher values were tried too");
  }
  if (qps_surface_.points() > 0) {
    notes.push_back(absl::StrCat(
        "queries per second of settings not measured are inferred from ",
        qps_surface_.points(), " that were; one measurement varies by ",
        std::round(qps_surface_.noise() * 1000) / 10, "%"));
  }
  return notes;
}

}  // namespace opsbench::vector::internal
