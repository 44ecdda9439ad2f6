#include "gate_rates.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "command.h"
#include "gate_repository.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/gate_statistics.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
namespace gate = results::gate;

// Where the slowdown goes.
constexpr char kMark[] = "// opsbench gate --self-test: slow down here";
constexpr char kPlantedFile[] = "lib/opsbench/base/base_bench.cc";
constexpr char kPlantedTarget[] = "base_bench";
constexpr char kPlantedBenchmark[] = "Base/Histogram/Merge";

constexpr int kCalibrationBlocks = 40;
// How near a planted slowdown comes to what was asked for: of it, and no nearer
// than the calibration can tell.
constexpr double kPlantingError = 0.1;
constexpr double kLeastPlantingError = 0.003;
// The turns of the loop in what counts as unchanged: the same code as planted,
// byte by byte but for their number, so that nothing else moves.
constexpr int kUnchangedTurns = 1;
constexpr int kPlantingTries = 4;

constexpr int kRepetitions = 10;        // compare.py's way: of each side.
constexpr double kSignificance = 0.05;  // Its own.
constexpr double kConfidence = 0.95;

double NowSeconds() {
  return static_cast<double>(MonotonicNowNs()) / kNanosPerSecond;
}

// Suites of one kind: without a change, or with one slowdown.
struct Kind {
  double effect = 0;
  Binaries head;
  int suites = 0;
  int caught = 0;        // The planted benchmark failed.
  int false_alarms = 0;  // Suites in which another one failed.
  int open = 0;          // Suites that ended without a decision.
  int stage_alarms = 0;  // First stages of unchanged benchmarks that fired.
  int stages = 0;        // First stages of unchanged benchmarks.
  // compare.py's way on the same benchmarks at the same time.
  int u_caught = 0;
  int u_false_alarms = 0;
  int u_different = 0;            // Unchanged benchmarks called different.
  std::vector<double> estimates;  // Of the planted benchmark.
  double seconds = 0;
};

class SelfTest {
 public:
  SelfTest(const GateFlags& flags, const gate::GateConfig& config,
           const GateRepository& repository, const fs::path& folder,
           std::string commit)
      : flags_(flags),
        config_(config),
        repository_(repository),
        folder_(folder),
        commit_(std::move(commit)),
        builder_(repository, folder, config.binaries, &progress_),
        start_(NowSeconds()) {
    build_.preset = flags.preset;
  }

  absl::StatusOr<int> Run();

 private:
  absl::Status Prepare();
  absl::Status PlantAll();
  // Binaries with a loop of `turns` in the planted benchmark.
  absl::StatusOr<Binaries> BuildPlanted(GateBuilder& builder,
                                        const fs::path& tree, int turns);
  // The planted benchmark's time with these binaries over that without.
  absl::StatusOr<double> RatioOf(const Binaries& planted);
  absl::Status RunSuite(Kind* kind);
  absl::Status RunCompareScript(ProcessSampler& sampler, Kind* kind);
  bool TimeIsUp() const { return NowSeconds() - start_ >= flags_.budget_s; }
  void Print() const;
  int ExitCode() const;

  const GateFlags& flags_;
  const gate::GateConfig& config_;
  const GateRepository& repository_;
  const fs::path folder_;
  const std::string commit_;
  ProgressLine progress_;
  GateBuilder builder_;
  BuildOptions build_;
  double start_;
  Binaries plain_;
  std::vector<GateBenchmark> benchmarks_;
  int planted_ = -1;  // Of benchmarks_.
  std::vector<Kind> kinds_;
};

absl::Status SelfTest::Prepare() {
  OPSBENCH_RETURN_IF_ERROR(builder_.RemoveLeftovers());
  OPSBENCH_ASSIGN_OR_RETURN(plain_, builder_.Build("head", commit_, build_));
  GateFlags all = flags_;
  all.always = true;
  OPSBENCH_ASSIGN_OR_RETURN(const GateSuite suite,
                            MatchBenchmarks(config_, all, plain_, plain_));
  ProcessSampler sampler(config_, folder_ / "slices", plain_, plain_);
  std::vector<std::string> warnings;
  OPSBENCH_RETURN_IF_ERROR(
      CalibrateAll(suite.measured, &sampler, &progress_, &warnings));
  benchmarks_ = sampler.benchmarks();
  for (size_t i = 0; i < benchmarks_.size(); ++i) {
    if (benchmarks_[i].name == kPlantedBenchmark) {
      planted_ = static_cast<int>(i);
    }
  }
  if (planted_ < 0 && !flags_.plant.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the slowdown is planted into ", kPlantedBenchmark,
        ", which the suite does not have: see --filter and --area"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Binaries> SelfTest::BuildPlanted(GateBuilder& builder,
                                                const fs::path& tree,
                                                int turns) {
  const std::string path = (tree / kPlantedFile).string();
  OPSBENCH_ASSIGN_OR_RETURN(const std::string original,
                            results::ReadWholeFile(path));
  OPSBENCH_ASSIGN_OR_RETURN(const std::string edited,
                            PlantLoop(original, turns));
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(path, edited));
  const absl::StatusOr<Binaries> built = builder.BuildTree(
      tree, folder_ / "planted" / absl::StrCat(turns), build_);
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(path, original));
  OPSBENCH_RETURN_IF_ERROR(built.status());
  Binaries binaries = plain_;
  for (const auto& [target, program] : *built) binaries[target] = program;
  return binaries;
}

absl::StatusOr<double> SelfTest::RatioOf(const Binaries& planted) {
  ProcessSampler sampler(config_, folder_ / "slices", plain_, planted);
  sampler.set_benchmarks({benchmarks_[static_cast<size_t>(planted_)]});
  gate::ProcedureOptions options;
  options.seed = static_cast<uint64_t>(MonotonicNowNs());
  options.null_share = 0;
  options.min_blocks = kCalibrationBlocks;
  options.max_blocks = kCalibrationBlocks;
  gate::Procedure procedure(options, PlansOf(config_, sampler.benchmarks()),
                            &sampler);
  OPSBENCH_RETURN_IF_ERROR(procedure.RunFirstStage());
  OPSBENCH_RETURN_IF_ERROR(procedure.error(0, gate::Side::kBase));
  OPSBENCH_RETURN_IF_ERROR(procedure.error(0, gate::Side::kHead));
  return std::exp(procedure.first(0)[0].location.estimate);
}

absl::Status SelfTest::PlantAll() {
  std::vector<gate::BinaryConfig> only = config_.binaries;
  std::erase_if(only, [](const gate::BinaryConfig& binary) {
    return binary.target != kPlantedTarget;
  });
  GateBuilder builder(repository_, folder_, only, &progress_);
  OPSBENCH_ASSIGN_OR_RETURN(
      const ScopedWorktree tree,
      ScopedWorktree::Add(repository_, folder_ / "worktrees" / "planted",
                          commit_));
  OPSBENCH_ASSIGN_OR_RETURN(
      plain_, BuildPlanted(builder, tree.path(), kUnchangedTurns));
  // How much a turn costs, from as many as about double the time.
  constexpr int kManyTurns = 1000;
  OPSBENCH_ASSIGN_OR_RETURN(const Binaries many,
                            BuildPlanted(builder, tree.path(), kManyTurns));
  progress_.Update("gate: how much a turn of the planted loop costs");
  OPSBENCH_ASSIGN_OR_RETURN(const double ratio, RatioOf(many));
  const double effect_of_turn = (ratio - 1) / (kManyTurns - kUnchangedTurns);
  if (!(effect_of_turn > 1e-5)) {
    return absl::InternalError(absl::StrFormat(
        "a planted loop of %d turns changed the time by a factor of %.3f alone",
        kManyTurns, ratio));
  }
  for (const std::string& text : flags_.plant) {
    Kind kind;
    ParsePlant(text, &kind.effect);
    double turns = kUnchangedTurns + kind.effect / effect_of_turn;
    // The loop's end costs something as well, and a few turns may cost nothing.
    const double tolerance =
        std::max(kPlantingError * kind.effect, kLeastPlantingError);
    for (int i = 0; i < kPlantingTries && !TimeIsUp(); ++i) {
      OPSBENCH_ASSIGN_OR_RETURN(
          kind.head,
          BuildPlanted(builder, tree.path(),
                       std::max(kUnchangedTurns + 1, static_cast<int>(turns))));
      OPSBENCH_ASSIGN_OR_RETURN(const double planted, RatioOf(kind.head));
      const double missing = kind.effect - (planted - 1);
      if (std::fabs(missing) < tolerance) break;
      turns += missing / effect_of_turn;
    }
    kinds_.push_back(std::move(kind));
  }
  return absl::OkStatus();
}

absl::Status SelfTest::RunCompareScript(ProcessSampler& sampler, Kind* kind) {
  bool alarm = false;
  for (size_t i = 0; i < benchmarks_.size(); ++i) {
    std::vector<double> times[2];
    for (const gate::Side side : {gate::Side::kBase, gate::Side::kHead}) {
      OPSBENCH_ASSIGN_OR_RETURN(
          const results::BenchmarkFile file,
          sampler.RunOnce(benchmarks_[i],
                          sampler.ProgramOf(benchmarks_[i], side), {},
                          kRepetitions));
      for (const results::BenchmarkRow& row : file.rows) {
        times[side == gate::Side::kHead ? 1 : 0].push_back(row.real_time);
      }
    }
    const bool different =
        gate::MannWhitneyPValue(times[0], times[1]) < kSignificance;
    const bool slower =
        different && gate::Median(times[1]) > gate::Median(times[0]);
    if (kind->effect > 0 && static_cast<int>(i) == planted_) {
      kind->u_caught += slower ? 1 : 0;
    } else {
      alarm = alarm || slower;
      kind->u_different += different ? 1 : 0;
    }
  }
  kind->u_false_alarms += alarm ? 1 : 0;
  return absl::OkStatus();
}

absl::Status SelfTest::RunSuite(Kind* kind) {
  const double start = NowSeconds();
  ProcessSampler sampler(config_, folder_ / "slices", plain_, kind->head);
  sampler.set_benchmarks(benchmarks_);
  sampler.set_on_slice([&] {
    progress_.Update(
        absl::StrFormat("gate: self-test, suite %d of %.1f%%, %.0f s of %.0f s",
                        kind->suites + 1, 100 * kind->effect,
                        NowSeconds() - start_, flags_.budget_s));
  });
  gate::ProcedureOptions options;
  options.seed = static_cast<uint64_t>(MonotonicNowNs());
  options.promise = config_.promise;
  gate::Procedure procedure(options, PlansOf(config_, benchmarks_), &sampler);
  OPSBENCH_RETURN_IF_ERROR(procedure.RunFirstStage());
  OPSBENCH_RETURN_IF_ERROR(
      procedure.RunConfirmation(procedure.Candidates(), &sampler));
  results::Comparison comparison;
  bool alarm = false;
  for (int i = 0; i < procedure.size(); ++i) {
    for (const gate::Side side : {gate::Side::kBase, gate::Side::kHead}) {
      OPSBENCH_RETURN_IF_ERROR(procedure.error(i, side));
    }
    const bool planted = kind->effect > 0 && i == planted_;
    gate::Evidence evidence;
    evidence.first = procedure.first(i);
    evidence.second = procedure.confirmation(i);
    // The witnesses of a real gate only ever take a failure back.
    evidence.relinked = evidence.second;
    const results::MetricComparison verdict =
        gate::Judge(procedure.plan(i), 0, evidence, procedure.Promise(i, 0));
    const bool slower = verdict.verdict == results::Verdict::kSlower;
    comparison.metrics.push_back(verdict);
    if (planted) {
      kind->caught += slower ? 1 : 0;
      kind->estimates.push_back(
          std::expm1(evidence.first[0].location.estimate));
    } else {
      alarm = alarm || slower;
      ++kind->stages;
      kind->stage_alarms += evidence.first[0].slower ? 1 : 0;
    }
  }
  kind->seconds += NowSeconds() - start;
  OPSBENCH_RETURN_IF_ERROR(RunCompareScript(sampler, kind));
  ++kind->suites;
  kind->false_alarms += alarm ? 1 : 0;
  kind->open += gate::Conclude(comparison, procedure.null_arm().fired) ==
                        gate::Conclusion::kInconclusive
                    ? 1
                    : 0;
  return absl::OkStatus();
}

std::string Rate(int hits, int trials) {
  const gate::RateInterval interval =
      gate::ClopperPearson(hits, trials, kConfidence);
  return absl::StrFormat("%d of %d (%.1f to %.1f%%)", hits, trials,
                         100 * interval.low, 100 * interval.high);
}

void SelfTest::Print() const {
  absl::PrintF(
      "Gate's self-test: %d benchmarks a suite, slices of %.0f ms, %.0f s.\n"
      "Rates with their 95%% intervals (Clopper-Pearson). The U test is "
      "compare.py's way: %d repetitions\none after the other, Mann-Whitney at "
      "%.2f, a failure where the head is slower.\n",
      benchmarks_.size(), config_.slice_ms, NowSeconds() - start_, kRepetitions,
      kSignificance);
  for (const Kind& kind : kinds_) {
    if (kind.suites == 0) continue;
    if (kind.effect == 0) {
      absl::PrintF("\nIdentical code, %.0f s a suite\n",
                   kind.seconds / kind.suites);
    } else {
      absl::PrintF("\nPlanted %.1f%% in %s, measured %+.2f%% in the median\n",
                   100 * kind.effect, kPlantedBenchmark,
                   100 * gate::Median(kind.estimates));
      absl::PrintF("  caught by the gate          %s\n",
                   Rate(kind.caught, kind.suites));
      absl::PrintF("  caught by the U test        %s\n",
                   Rate(kind.u_caught, kind.suites));
    }
    absl::PrintF("  false alarms of the gate    %s of suites\n",
                 Rate(kind.false_alarms, kind.suites));
    absl::PrintF("  left open by the gate       %s of suites\n",
                 Rate(kind.open, kind.suites));
    absl::PrintF("  its first stages that fired %s of unchanged benchmarks\n",
                 Rate(kind.stage_alarms, kind.stages));
    absl::PrintF("  false alarms of the U test  %s of suites\n",
                 Rate(kind.u_false_alarms, kind.suites));
    absl::PrintF("  called different by it      %s of unchanged benchmarks\n",
                 Rate(kind.u_different, kind.stages));
  }
}

int SelfTest::ExitCode() const {
  for (const Kind& kind : kinds_) {
    const auto alarms =
        gate::ClopperPearson(kind.false_alarms, kind.suites, kConfidence);
    const auto caught =
        gate::ClopperPearson(kind.caught, kind.suites, kConfidence);
    if (alarms.low > 0.01) return kExitFailed;
    if (kind.effect >= config_.promise && caught.high < 0.95) {
      return kExitFailed;
    }
  }
  return kExitOk;
}

absl::StatusOr<int> SelfTest::Run() {
  OPSBENCH_RETURN_IF_ERROR(Prepare());
  kinds_.emplace_back();
  if (!flags_.plant.empty()) OPSBENCH_RETURN_IF_ERROR(PlantAll());
  kinds_[0].head = plain_;
  absl::Status status;
  // In turns, so that all kinds meet the same weather.
  for (int i = 0; i < flags_.suites && !TimeIsUp() && status.ok(); ++i) {
    for (Kind& kind : kinds_) {
      if (TimeIsUp()) break;
      status = RunSuite(&kind);
      if (!status.ok()) break;
    }
  }
  progress_.Clear();
  // What was measured before Ctrl-C is shown.
  if (!status.ok() && !absl::IsCancelled(status)) return status;
  Print();
  return status.ok() ? absl::StatusOr<int>(ExitCode()) : status;
}

}  // namespace

bool ParsePlant(const std::string& text, double* effect) {
  const absl::StatusOr<double> share = ParseShare(text, 0.001, 1);
  if (!share.ok() || !absl::EndsWith(text, "%")) return false;
  *effect = *share;
  return true;
}

absl::StatusOr<std::string> PlantLoop(const std::string& source, int turns) {
  const size_t mark = source.find(kMark);
  if (mark == std::string::npos) {
    return absl::NotFoundError(absl::StrCat(
        kPlantedFile, " of this commit has no mark where to plant: ", kMark));
  }
  // The compiler keeps a loop around an asm statement that is volatile, and
  // makes the same code of any number that went through one.
  std::string planted = source;
  planted.replace(
      mark, sizeof(kMark) - 1,
      absl::StrCat("int turns = ", turns,
                   "; asm volatile(\"\" : \"+r\"(turns)); "
                   "for (; turns > 0; --turns) asm volatile(\"\");"));
  return planted;
}

absl::StatusOr<int> RunSelfTest(const GateFlags& flags,
                                const gate::GateConfig& config,
                                const fs::path& state_folder) {
  OPSBENCH_ASSIGN_OR_RETURN(const GateRepository repository,
                            GateRepository::Open(state_folder.parent_path()));
  GateRefs refs = flags.refs;
  refs.base = "HEAD";
  OPSBENCH_ASSIGN_OR_RETURN(const GateCommits commits,
                            repository.Resolve(refs));
  const fs::path folder = state_folder / "gate";
  OPSBENCH_ASSIGN_OR_RETURN(const GateLock lock, GateLock::Take(folder));
  absl::StatusOr<int> code =
      SelfTest(flags, config, repository, folder, commits.head).Run();
  std::error_code ignored;
  for (const char* scratch : {"slices", "planted"}) {
    fs::remove_all(folder / scratch, ignored);
  }
  return code;
}

}  // namespace opsbench::cli
