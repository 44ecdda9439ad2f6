#ifndef OPSBENCH_VECTOR_INTERNAL_CHOOSER_H_
#define OPSBENCH_VECTOR_INTERNAL_CHOOSER_H_

// Which setting to measure next: the method of TUNER.md.
//
// Thread safety: for one thread.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "opsbench/vector/internal/recall_search.h"
#include "opsbench/vector/internal/response_surface.h"
#include "opsbench/vector/internal/setting_space.h"
#include "opsbench/vector/tuner.h"

namespace opsbench::vector::internal {

class Chooser {
 public:
  // Both have to outlive this. `evaluations`: how many there will be at most.
  Chooser(const SettingSpace* space, const TuneOptions* options,
          int evaluations);

  void Add(size_t setting, const Sample& sample);
  // The setting cannot be measured.
  void Fail(size_t setting);

  struct Choice {
    absl::optional<size_t> next;
    std::string ended;  // Why there is no next: "decided" or "repeats".
  };
  Choice Next();

  // The setting that keeps the constraints and has the most queries per second
  // as far as is known. None: none that was measured keeps them.
  absl::optional<size_t> Best();

  // What the search rests on, a sentence each.
  std::vector<std::string> Notes() const;

 private:
  struct State {
    std::vector<double> log_qps;
    std::vector<double> log_p99;
    std::vector<double> recall;
    bool failed = false;
  };
  // What is believed of the candidates, by their place among them.
  struct View {
    std::vector<size_t> candidates;
    ResponseSurface::Prediction qps;
    ResponseSurface::Prediction p99;     // When there is a constraint.
    ResponseSurface::Prediction recall;  // When recall_ does not hold.
  };

  size_t Repeats(size_t setting) const {
    return states_[setting].recall.size();
  }
  bool MayRepeat(size_t setting) const;
  // One that was not measured yet, of that rank or any.
  absl::optional<size_t> Fresh(absl::optional<size_t> rank) const;
  absl::optional<size_t> Explore(const std::vector<size_t>& candidates) const;
  std::vector<size_t> Candidates() const;
  View Look();
  // By how many deviations a candidate is believed to keep the constraints;
  // infinite without any.
  double Margin(const View& view, size_t i, double allowance = 0) const;
  // How far off a setting's few measurements may be as outliers.
  double Allowance(size_t setting) const;
  absl::optional<size_t> Incumbent(const View& view) const;
  Choice SearchFeasible(const View& view) const;
  // One step away from `setting` and not measured yet.
  absl::optional<size_t> FreshNeighbor(const View& view, size_t setting) const;
  // Who may be better than the incumbent by more than the tolerance, most of
  // all; `allow`: if its measurements are outliers. Sets `exhausted` when such
  // a one was measured as often as it may be.
  absl::optional<size_t> Rival(const View& view, size_t incumbent, bool allow,
                               bool* exhausted) const;
  Choice Race(const View& view, size_t incumbent) const;
  bool Widen(const View& view, size_t incumbent);

  const SettingSpace* space_;
  const TuneOptions* options_;
  double reach_;       // Deviations of the confidence asked for.
  size_t first_look_;  // Candidates to be measured before surfaces are trusted.
  RecallSearch recall_;
  std::vector<State> states_;
  std::vector<size_t> changed_;  // Since the surfaces were last told.
  std::vector<size_t> measured_;
  ResponseSurface qps_surface_;
  ResponseSurface p99_surface_;
  ResponseSurface recall_surface_;
  // Ranks above the least with enough recall that are candidates.
  size_t window_ = 1;
  bool widened_ = false;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_CHOOSER_H_
