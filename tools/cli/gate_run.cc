#include "gate_run.h"

#include <map>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "command.h"
#include "gate_repository.h"
#include "gate_witness.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
namespace gate = results::gate;

// Of the budget, after which nothing is measured that only could warn.
constexpr double kWarningShare = 0.85;
// What both stages found slower is counted even if they took all of the budget:
// that takes seconds, and linking again, which would follow, two builds.
constexpr double kWitnessShare = 1.25;

double NowSeconds() {
  return static_cast<double>(MonotonicNowNs()) / kNanosPerSecond;
}

absl::StatusOr<std::vector<std::string>> NamesIn(
    const gate::BinaryConfig& binary, const Binaries& binaries,
    const std::string& filter) {
  const auto found = binaries.find(binary.target);
  if (found == binaries.end()) return std::vector<std::string>();
  OPSBENCH_ASSIGN_OR_RETURN(std::vector<std::string> names,
                            ListBenchmarks(found->second, binary));
  std::erase_if(names, [&](const std::string& name) {
    return !filter.empty() && !gate::MatchesPart(filter, name);
  });
  return names;
}

bool SameCode(const std::string& target, const Binaries& base,
              const Binaries& head) {
  const auto in_base = base.find(target);
  const auto in_head = head.find(target);
  if (in_base == base.end() || in_head == head.end()) return false;
  const auto base_hash = LoadedBytesHash(in_base->second);
  const auto head_hash = LoadedBytesHash(in_head->second);
  return base_hash.ok() && head_hash.ok() && *base_hash == *head_hash;
}

// What one gate goes through, from binaries to verdicts.
class GateRun {
 public:
  GateRun(const GateFlags& flags, const gate::GateConfig& config,
          const GateCommits& commits, const fs::path& folder,
          const GateRepository& repository)
      : flags_(flags),
        config_(config),
        commits_(commits),
        folder_(folder),
        builder_(repository, folder, config.binaries, &progress_),
        start_(NowSeconds()) {
    build_.preset = flags.preset;
  }

  absl::StatusOr<gate::GateReport> Run();

 private:
  absl::Status MeasureAll(const GateSuite& suite, const Binaries& base,
                          const Binaries& head);
  // Until this share of the budget is spent.
  absl::Status CountInstructions(const std::vector<int>& benchmarks,
                                 double share);
  absl::Status MeasureRelinked(const std::vector<int>& benchmarks);
  // Those that both stages found slower.
  std::vector<int> Confirmed() const;
  void AddVerdicts(const GateSuite& suite);
  void AddUnmeasured(const std::vector<GateBenchmark>& benchmarks,
                     results::Verdict verdict, const char* note);
  void Tell(const std::string& what);

  const GateFlags& flags_;
  const gate::GateConfig& config_;
  const GateCommits& commits_;
  const fs::path folder_;
  ProgressLine progress_;
  GateBuilder builder_;
  BuildOptions build_;
  const double start_;
  double measuring_start_ = 0;
  std::unique_ptr<ProcessSampler> sampler_;
  std::unique_ptr<gate::Procedure> procedure_;
  std::vector<gate::Evidence> evidence_;
  gate::GateReport report_;
};

void GateRun::Tell(const std::string& what) {
  progress_.Update(absl::StrFormat("gate: %s, %.0f s of %.0f s", what,
                                   NowSeconds() - measuring_start_,
                                   flags_.budget_s));
}

absl::StatusOr<gate::GateReport> GateRun::Run() {
  OPSBENCH_RETURN_IF_ERROR(builder_.RemoveLeftovers());
  OPSBENCH_ASSIGN_OR_RETURN(const Binaries base,
                            builder_.Build("base", commits_.base, build_));
  OPSBENCH_ASSIGN_OR_RETURN(const Binaries head,
                            builder_.Build("head", commits_.head, build_));
  OPSBENCH_ASSIGN_OR_RETURN(const GateSuite suite,
                            MatchBenchmarks(config_, flags_, base, head));
  report_.report_only = flags_.report_only;
  report_.comparison.base_name = commits_.base_name;
  report_.comparison.head_name = commits_.head_name;
  measuring_start_ = NowSeconds();
  if (!suite.measured.empty()) {
    OPSBENCH_RETURN_IF_ERROR(MeasureAll(suite, base, head));
  }
  AddVerdicts(suite);
  progress_.Clear();
  report_.seconds = NowSeconds() - start_;
  return report_;
}

absl::Status GateRun::MeasureAll(const GateSuite& suite, const Binaries& base,
                                 const Binaries& head) {
  sampler_ =
      std::make_unique<ProcessSampler>(config_, folder_ / "slices", base, head);
  OPSBENCH_RETURN_IF_ERROR(CalibrateAll(suite.measured, sampler_.get(),
                                        &progress_,
                                        &report_.comparison.warnings));
  gate::ProcedureOptions options;
  options.seed =
      flags_.seed != 0 ? flags_.seed : static_cast<uint64_t>(MonotonicNowNs());
  options.promise = config_.promise;
  // Calibrating was part of it.
  options.budget_s = flags_.budget_s - (NowSeconds() - measuring_start_);
  procedure_ = std::make_unique<gate::Procedure>(
      options, PlansOf(config_, suite.measured), sampler_.get());
  evidence_.resize(suite.measured.size());

  sampler_->set_on_slice([this] { Tell("first stage"); });
  OPSBENCH_RETURN_IF_ERROR(procedure_->RunFirstStage());
  report_.null_arm = procedure_->null_arm();
  const std::vector<int> candidates = procedure_->Candidates();
  sampler_->set_on_slice([this] { Tell("second stage"); });
  OPSBENCH_RETURN_IF_ERROR(
      procedure_->RunConfirmation(candidates, sampler_.get()));
  for (int i = 0; i < procedure_->size(); ++i) {
    gate::Evidence& evidence = evidence_[static_cast<size_t>(i)];
    evidence.first = procedure_->first(i);
    evidence.second = procedure_->confirmation(i);
  }
  const std::vector<int> confirmed = Confirmed();
  OPSBENCH_RETURN_IF_ERROR(CountInstructions(confirmed, kWitnessShare));
  OPSBENCH_RETURN_IF_ERROR(MeasureRelinked(confirmed));
  // The others as far as the budget lasts: more instructions in the same time
  // are a warning.
  std::vector<int> others;
  for (int i = 0; i < procedure_->size(); ++i) {
    if (!absl::c_linear_search(confirmed, i)) others.push_back(i);
  }
  OPSBENCH_RETURN_IF_ERROR(CountInstructions(others, kWarningShare));
  for (int i = 0; i < procedure_->size(); ++i) {
    gate::Evidence& evidence = evidence_[static_cast<size_t>(i)];
    evidence.base_error = procedure_->error(i, gate::Side::kBase);
    evidence.head_error = procedure_->error(i, gate::Side::kHead);
  }
  return absl::OkStatus();
}

std::vector<int> GateRun::Confirmed() const {
  std::vector<int> confirmed;
  for (const int candidate : procedure_->Candidates()) {
    const size_t metrics = procedure_->plan(candidate).metrics.size();
    bool slower = false;
    for (size_t m = 0; m < metrics; ++m) {
      slower = slower || procedure_->Confirmed(candidate, static_cast<int>(m));
    }
    if (slower) confirmed.push_back(candidate);
  }
  return confirmed;
}

absl::Status GateRun::CountInstructions(const std::vector<int>& benchmarks,
                                        double share) {
  for (const int benchmark : benchmarks) {
    if (NowSeconds() - measuring_start_ >= share * flags_.budget_s) break;
    Tell("counting instructions");
    const absl::StatusOr<double> change = InstructionChange(
        *sampler_, sampler_->benchmarks()[static_cast<size_t>(benchmark)]);
    if (absl::IsCancelled(change.status())) return change.status();
    if (absl::IsNotFound(change.status())) {
      report_.comparison.warnings.push_back(absl::StrCat(
          "instructions were not counted: ", change.status().message()));
      break;
    }
    if (change.ok()) {
      evidence_[static_cast<size_t>(benchmark)].instructions = *change;
    }
  }
  return absl::OkStatus();
}

absl::Status GateRun::MeasureRelinked(const std::vector<int>& benchmarks) {
  std::vector<int> open;
  for (const int benchmark : benchmarks) {
    if (gate::NeedsRelinking(procedure_->plan(benchmark),
                             evidence_[static_cast<size_t>(benchmark)])) {
      open.push_back(benchmark);
    }
  }
  if (open.empty()) return absl::OkStatus();
  BuildOptions build = build_;
  // An odd number of 16 bytes: functions that lay at the begin of a line of the
  // cache, or of what is decoded at once, lie elsewhere.
  build.padding =
      16 *
      (1 + 2 * static_cast<int>(
                   Random(static_cast<uint64_t>(MonotonicNowNs())).Below(2)));
  OPSBENCH_ASSIGN_OR_RETURN(const Binaries base,
                            builder_.Build("base", commits_.base, build));
  OPSBENCH_ASSIGN_OR_RETURN(const Binaries head,
                            builder_.Build("head", commits_.head, build));
  ProcessSampler relinked(config_, folder_ / "relinked", base, head);
  relinked.set_benchmarks(sampler_->benchmarks());
  relinked.set_on_slice([this] { Tell("third stage, linked otherwise"); });
  OPSBENCH_RETURN_IF_ERROR(procedure_->RunConfirmation(open, &relinked));
  for (const int benchmark : open) {
    evidence_[static_cast<size_t>(benchmark)].relinked =
        procedure_->confirmation(benchmark);
  }
  return absl::OkStatus();
}

void GateRun::AddUnmeasured(const std::vector<GateBenchmark>& benchmarks,
                            results::Verdict verdict, const char* note) {
  for (const GateBenchmark& benchmark : benchmarks) {
    for (const gate::MetricPlan& metric :
         gate::MetricsOf(config_, benchmark.name)) {
      results::MetricComparison comparison;
      comparison.area =
          config_.binaries[static_cast<size_t>(benchmark.binary)].area;
      comparison.benchmark = benchmark.name;
      comparison.metric = metric.name;
      comparison.higher_is_better = metric.higher_is_better;
      comparison.threshold = metric.threshold;
      comparison.verdict = verdict;
      comparison.note = note;
      report_.comparison.metrics.push_back(std::move(comparison));
    }
  }
}

void GateRun::AddVerdicts(const GateSuite& suite) {
  results::Comparison& comparison = report_.comparison;
  for (int i = 0; procedure_ != nullptr && i < procedure_->size(); ++i) {
    const gate::BenchmarkPlan& plan = procedure_->plan(i);
    const gate::Evidence& evidence = evidence_[static_cast<size_t>(i)];
    for (int m = 0; m < static_cast<int>(plan.metrics.size()); ++m) {
      comparison.metrics.push_back(
          gate::Judge(plan, m, evidence, procedure_->Promise(i, m)));
    }
    comparison.confidence = 1 - 2 * procedure_->alpha();
    if (evidence.instructions.value_or(0) > gate::kSameInstructions &&
        comparison.metrics.back().verdict == results::Verdict::kSame) {
      comparison.warnings.push_back(absl::StrFormat(
          "%s executes %.1f%% more instructions in about the same time",
          plan.name, 100 * *evidence.instructions));
    }
  }
  AddUnmeasured(suite.only_base, results::Verdict::kMissing,
                "the head has no such benchmark");
  AddUnmeasured(suite.only_head, results::Verdict::kNew, "");
  AddUnmeasured(suite.same_code, results::Verdict::kSame,
                "the program is the same, byte for byte");
}

}  // namespace

absl::StatusOr<GateSuite> MatchBenchmarks(const gate::GateConfig& config,
                                          const GateFlags& flags,
                                          const Binaries& base,
                                          const Binaries& head) {
  GateSuite suite;
  bool any = false;
  for (size_t i = 0; i < config.binaries.size(); ++i) {
    const gate::BinaryConfig& binary = config.binaries[i];
    if (!flags.areas.empty() &&
        !absl::c_linear_search(flags.areas, binary.area)) {
      continue;
    }
    if (base.count(binary.target) + head.count(binary.target) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(flags.config, ": neither side has the target ",
                       binary.target, ": mend its name"));
    }
    OPSBENCH_ASSIGN_OR_RETURN(const std::vector<std::string> in_base,
                              NamesIn(binary, base, flags.filter));
    OPSBENCH_ASSIGN_OR_RETURN(const std::vector<std::string> in_head,
                              NamesIn(binary, head, flags.filter));
    const bool same = !flags.always && SameCode(binary.target, base, head);
    for (const std::string& name : in_base) {
      GateBenchmark benchmark;
      benchmark.binary = static_cast<int>(i);
      benchmark.name = name;
      any = true;
      const bool both = absl::c_linear_search(in_head, name);
      (both ? same ? suite.same_code : suite.measured : suite.only_base)
          .push_back(std::move(benchmark));
    }
    for (const std::string& name : in_head) {
      if (absl::c_linear_search(in_base, name)) continue;
      any = true;
      suite.only_head.push_back({static_cast<int>(i), name, 0});
    }
  }
  if (any) return suite;
  return absl::InvalidArgumentError(
      flags.filter.empty()
          ? "the configuration selects no benchmark"
          : absl::StrCat("--filter ", flags.filter,
                         " matches no benchmark of the gate's suite: see ",
                         flags.config));
}

absl::Status CalibrateAll(std::vector<GateBenchmark> benchmarks,
                          ProcessSampler* sampler, ProgressLine* progress,
                          std::vector<std::string>* warnings) {
  std::set<std::string> untold;
  for (GateBenchmark& benchmark : benchmarks) {
    progress->Update(absl::StrCat("gate: calibrating ", benchmark.name));
    const absl::Status status = sampler->Calibrate(&benchmark);
    if (absl::IsCancelled(status)) return status;
    // Its first slice will say so again, and on which side.
    if (!status.ok()) benchmark.iterations = 1;
    if (status.ok() && benchmark.iterations == 0) {
      untold.insert(benchmark.name.substr(0, benchmark.name.find('/')));
    }
  }
  if (!untold.empty()) {
    warnings->push_back(absl::StrCat(
        "the base takes no fixed number of iterations (it is older than the "
        "gate) for ",
        absl::StrJoin(untold, ", "),
        ": both sides ran for as long instead, and instructions are not "
        "counted"));
  }
  sampler->set_benchmarks(std::move(benchmarks));
  return absl::OkStatus();
}

std::vector<gate::BenchmarkPlan> PlansOf(
    const gate::GateConfig& config,
    const std::vector<GateBenchmark>& benchmarks) {
  std::vector<gate::BenchmarkPlan> plans;
  for (const GateBenchmark& benchmark : benchmarks) {
    plans.push_back(
        {config.binaries[static_cast<size_t>(benchmark.binary)].area,
         benchmark.name, gate::MetricsOf(config, benchmark.name)});
  }
  return plans;
}

absl::StatusOr<gate::GateReport> RunGate(const GateFlags& flags,
                                         const gate::GateConfig& config,
                                         const fs::path& state_folder) {
  OPSBENCH_ASSIGN_OR_RETURN(const GateRepository repository,
                            GateRepository::Open(state_folder.parent_path()));
  const fs::path folder = state_folder / "gate";
  OPSBENCH_ASSIGN_OR_RETURN(const GateCommits commits,
                            repository.Resolve(flags.refs));
  OPSBENCH_ASSIGN_OR_RETURN(const GateLock lock, GateLock::Take(folder));
  GateRun run(flags, config, commits, folder, repository);
  absl::StatusOr<gate::GateReport> report = run.Run();
  std::error_code ignored;
  for (const char* scratch : {"slices", "relinked"}) {
    fs::remove_all(folder / scratch, ignored);
  }
  return report;
}

}  // namespace opsbench::cli
