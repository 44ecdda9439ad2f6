#include "opsbench/results/internal/environment.h"

#include <cmath>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace opsbench::results::internal {
namespace {

using Values = std::set<std::string>;
// What each side says of each fact. Facts stand in the order of their labels.
using Facts = std::map<std::string, Values>;

// What Google Benchmark says of the machine and itself, as readers know it.
// Others that it writes differ between any two runs.
constexpr struct {
  absl::string_view key;
  absl::string_view label;
  bool run_info_knows;  // Better than the file.
} kContext[] = {{"host_name", "host", true},
                {"num_cpus", "processors", true},
                {"library_build_type", "build of Google Benchmark", false},
                {"library_version", "version of Google Benchmark", false},
                {"cpu_scaling_enabled", "CPU frequency scaling", false},
                {"aslr_enabled", "address space randomisation", false},
                {"opsbench_scale", "scale", true},
                {"opsbench_seed", "seed", true}};

void AddRunFacts(const RunInfo& info, Facts* facts) {
  (*facts)["CPU"].insert(info.cpu_model);
  (*facts)["cores"].insert(absl::StrCat(info.cores));
  (*facts)["kernel"].insert(info.kernel);
  (*facts)["compiler"].insert(info.compiler);
  (*facts)["flags"].insert(info.flags);
  (*facts)["build type"].insert(info.build_type);
  (*facts)["scale"].insert(info.scale);
  (*facts)["seed"].insert(absl::StrCat(info.seed));
  for (const EngineInfo& engine : info.engines) {
    (*facts)[absl::StrCat("version of ", engine.name)].insert(engine.version);
    for (const auto& [name, value] : engine.settings) {
      (*facts)[absl::StrCat("setting ", name, " of ", engine.name)].insert(
          value);
    }
  }
}

Facts FactsOf(const SampleSet& set) {
  Facts facts;
  for (const SampleSource& source : set.sources()) {
    if (source.info.has_value()) AddRunFacts(*source.info, &facts);
    for (const auto& [key, label, run_info_knows] : kContext) {
      const auto found = source.context.find(std::string(key));
      if (found == source.context.end()) continue;
      if (run_info_knows && source.info.has_value()) continue;
      facts[std::string(label)].insert(found->second);
    }
  }
  return facts;
}

std::string Joined(const Values& values) {
  return absl::StrJoin(values, " and ");
}

// Frequencies that are measured anew by each process differ by a little.
constexpr double kFrequencyTolerance = 0.05;

Values Frequencies(const SampleSet& set) {
  Values values;
  for (const SampleSource& source : set.sources()) {
    const auto found = source.context.find("mhz_per_cpu");
    if (found != source.context.end()) values.insert(found->second);
  }
  return values;
}

// Whether all are within the tolerance of each other.
bool Alike(const Values& frequencies) {
  double least = HUGE_VAL;
  double most = 0;
  for (const std::string& text : frequencies) {
    double mhz = 0;
    if (!absl::SimpleAtod(text, &mhz)) continue;
    least = std::fmin(least, mhz);
    most = std::fmax(most, mhz);
  }
  return most <= least * (1 + kFrequencyTolerance);
}

void AddDifference(const std::string& label, const Values& base,
                   const Values& head, std::vector<std::string>* warnings) {
  if (base == head) {
    if (base.size() > 1) {
      warnings->push_back(
          absl::StrCat("both sides mix runs: ", label, " ", Joined(base)));
    }
    return;
  }
  // A fact that one side does not tell may still be the same.
  if (base.empty() || head.empty()) return;
  warnings->push_back(absl::StrCat("other ", label, ": base ", Joined(base),
                                   ", head ", Joined(head)));
}

// What is wrong with one side, whatever the other is.
void AddFaults(absl::string_view side, const SampleSet& set,
               std::vector<std::string>* warnings) {
  for (const SampleSource& source : set.sources()) {
    const auto scaling = source.context.find("cpu_scaling_enabled");
    if (scaling != source.context.end() && scaling->second == "true") {
      warnings->push_back(absl::StrCat(
          side, ": CPU frequency scaling was on, which makes times noisy (",
          source.name, ")"));
    }
    if (!source.info.has_value()) continue;
    const RunInfo& info = *source.info;
    if (info.git_dirty) {
      warnings->push_back(
          absl::StrCat(side, ": measured with uncommitted changes on top of ",
                       info.git_short_sha, " (", source.name, ")"));
    }
    if (absl::EqualsIgnoreCase(info.build_type, "debug")) {
      warnings->push_back(
          absl::StrCat(side, ": a debug build says nothing about speed (",
                       source.name, ")"));
    }
    if (info.status != RunStatus::kComplete) {
      warnings->push_back(absl::StrCat(side, ": the run is ",
                                       RunStatusName(info.status),
                                       ", not complete (", source.name, ")"));
    }
  }
  for (const auto& [area, reason] : set.failures()) {
    warnings->push_back(
        absl::StrCat(side, ": no results of ", area, ": ", reason));
  }
}

}  // namespace

std::vector<std::string> EnvironmentWarnings(const SampleSet& base,
                                             const SampleSet& head) {
  std::vector<std::string> warnings;
  const bool one_set = &base == &head;
  Facts base_facts = FactsOf(base);
  Facts head_facts = FactsOf(head);
  for (const auto& [label, values] : base_facts) {
    AddDifference(label, values, head_facts[label], &warnings);
  }
  Values frequencies = Frequencies(base);
  frequencies.merge(Frequencies(head));
  if (!Alike(frequencies)) {
    AddDifference("CPU frequency (MHz)", Frequencies(base), Frequencies(head),
                  &warnings);
  }
  AddFaults(one_set ? "run" : "base", base, &warnings);
  if (!one_set) AddFaults("head", head, &warnings);
  return warnings;
}

}  // namespace opsbench::results::internal
