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

// The incumbent is measured as often before it is called the best.
constexpr size_t kSettled = 3;

}  // namespace

Chooser::Chooser(const SettingSpace* space, const TuneOptions* options,
                 int evaluations)
    : space_(space),
      options_(options),
      reach_(NormalReach(options->confidence)),
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

double Chooser::Margin(const View& view, size_t i) const {
  double margin = kInfinity;
  if (options_->constraints.max_p99_ms) {
    const auto& belief = view.p99[i];
    margin = (std::log(*options_->constraints.max_p99_ms) - belief.mean) /
             std::max(belief.deviation, 1e-9);
  }
  if (!recall_.holds() && options_->constraints.min_recall > 0) {
    const auto& belief = view.recall[i];
    margin = std::min(margin, (belief.mean - options_->constraints.min_recall) /
                                  std::max(belief.deviation, 1e-9));
  }
  return margin;
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

Chooser::Choice Chooser::Race(const View& view, size_t incumbent) const {
  const size_t leader = view.candidates[incumbent];
  absl::optional<size_t> rival;
  double most = -kInfinity;
  bool exhausted = false;
  const double enough = std::log1p(options_->tolerance);
  for (size_t i = 0; i < view.candidates.size(); ++i) {
    if (i == incumbent || Margin(view, i) < -reach_) {
      continue;
    }
    const double lead = view.qps[i].mean - view.qps[incumbent].mean +
                        reach_ * view.qps.DeviationBetween(i, incumbent);
    if (lead <= enough) {
      continue;
    }
    if (!MayRepeat(view.candidates[i])) {
      exhausted = true;
    } else if (lead > most) {
      most = lead;
      rival = i;
    }
  }
  const bool settled = !MayRepeat(leader) || (Repeats(leader) >= kSettled &&
                                              Margin(view, incumbent) > reach_);
  if (!rival) {
    if (!settled) {
      return {leader, ""};
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
