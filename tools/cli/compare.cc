// opsbench compare: how two runs, baselines or files of Google Benchmark
// differ, and how sure that is.

#include "opsbench/results/compare.h"

#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "command.h"
#include "compare_rates.h"
#include "comparison_flags.h"
#include "inert_flags.h"
#include "numbers.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/render_comparison.h"
#include "opsbench/results/run_store.h"
#include "opsbench/results/sample_set.h"
#include "outputs.h"

namespace opsbench::cli {
namespace {

constexpr double kMaxThreshold = 100;
constexpr double kMinConfidence = 0.5;
constexpr double kMaxConfidence = 0.999999;

struct Flags {
  std::string base;
  std::string head;
  std::string filter;
  std::vector<std::string> metrics;
  std::string sort = "verdict";
  std::string threshold = "2%";
  std::string confidence = "99%";
  std::string format = "text";
  std::string output;
  std::string rival;
  std::string fail_on = "error";
  int64_t markdown_kib = 62;
  int64_t self_test = 0;  // Processes a side; 0: no self-test.
};

// Flags that were checked.
struct Plan {
  results::CompareOptions options;
  results::SortKey sort = results::SortKey::kVerdict;
  results::ComparisonFormat format = results::ComparisonFormat::kText;
  results::RenderComparisonOptions rendering;
  FailOn fail_on;
  results::Rivals rivals;
};

absl::StatusOr<results::Rivals> ParseRivals(const std::string& text) {
  // Names such as "items:8" hold no equals sign.
  const std::vector<std::string> parts = absl::StrSplit(text, '=');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--rival ", text,
        ": say two parts of names, such as impl:libcuckoo=impl:opsbench"));
  }
  return results::Rivals{.base = parts[0], .head = parts[1]};
}

// Refuses flags that cannot act with the others.
absl::Status CheckFlags(const CLI::App& command, const Flags& flags) {
  if (flags.self_test > 0) {
    return RefuseFlags(command,
                       {"HEAD", "--rival", "--sort", "--format", "--output",
                        "--markdown-kib", "--fail-on"},
                       "does nothing with --self-test, which prints how often "
                       "the processes of one side get a verdict");
  }
  OPSBENCH_ASSIGN_OR_RETURN(const results::ComparisonFormat format,
                            results::ParseComparisonFormat(flags.format));
  if (format != results::ComparisonFormat::kMarkdown) {
    OPSBENCH_RETURN_IF_ERROR(RefuseFlags(command, {"--markdown-kib"},
                                         "is for --format markdown alone"));
  }
  if (flags.rival.empty() == flags.head.empty()) {
    return absl::InvalidArgumentError(
        flags.head.empty()
            ? "name two sides, as in `opsbench compare before latest`; "
              "--rival A=B compares two benchmarks of one"
            : "--rival compares two benchmarks of one run: name one side");
  }
  return absl::OkStatus();
}

absl::StatusOr<Plan> MakePlan(const CLI::App& command, const Flags& flags) {
  OPSBENCH_RETURN_IF_ERROR(CheckFlags(command, flags));
  Plan plan;
  plan.options.filter = flags.filter;
  for (const std::string& metric : flags.metrics) {
    OPSBENCH_ASSIGN_OR_RETURN(results::MetricChoice choice,
                              results::ParseMetricChoice(metric));
    plan.options.metrics.push_back(std::move(choice));
  }
  OPSBENCH_ASSIGN_OR_RETURN(plan.options.threshold,
                            ParseShare(flags.threshold, 0, kMaxThreshold));
  OPSBENCH_ASSIGN_OR_RETURN(
      plan.options.confidence,
      ParseShare(flags.confidence, kMinConfidence, kMaxConfidence));
  OPSBENCH_ASSIGN_OR_RETURN(plan.format,
                            results::ParseComparisonFormat(flags.format));
  OPSBENCH_ASSIGN_OR_RETURN(plan.fail_on, ParseFailOn(flags.fail_on));
  plan.sort = flags.sort == "name"     ? results::SortKey::kName
              : flags.sort == "effect" ? results::SortKey::kEffect
                                       : results::SortKey::kVerdict;
  plan.rendering.color = ColorWanted() && flags.output.empty();
  plan.rendering.markdown_bytes =
      static_cast<size_t>(flags.markdown_kib) * 1024;
  if (!flags.rival.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(plan.rivals, ParseRivals(flags.rival));
  }
  return plan;
}

absl::StatusOr<results::Comparison> CompareSides(const Flags& flags,
                                                 const Plan& plan,
                                                 const Context& context) {
  const results::RunStore store(context.state_folder);
  if (flags.head.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(const results::SampleSet run,
                              ReadSide(store, flags.base));
    return results::CompareRivals(run, plan.rivals, plan.options);
  }
  // Large files take their time: both sides at once.
  auto reading_head = std::async(std::launch::async,
                                 [&] { return ReadSide(store, flags.head); });
  const absl::StatusOr<results::SampleSet> base = ReadSide(store, flags.base);
  const absl::StatusOr<results::SampleSet> head = reading_head.get();
  OPSBENCH_RETURN_IF_ERROR(base.status());
  OPSBENCH_RETURN_IF_ERROR(head.status());
  return results::Compare(*base, *head, plan.options);
}

absl::StatusOr<int> RunCompare(const CLI::App& command, const Flags& flags,
                               const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const Plan plan, MakePlan(command, flags));
  if (flags.self_test > 0) {
    OPSBENCH_ASSIGN_OR_RETURN(
        const results::SampleSet side,
        ReadSide(results::RunStore(context.state_folder), flags.base));
    OPSBENCH_ASSIGN_OR_RETURN(
        const std::string table,
        RenderFalseVerdicts(side, flags.self_test, plan.options));
    absl::PrintF("%s", table);
    return kExitOk;
  }
  OPSBENCH_ASSIGN_OR_RETURN(results::Comparison comparison,
                            CompareSides(flags, plan, context));
  results::SortMetrics(plan.sort, &comparison);
  const std::string text =
      results::RenderComparison(comparison, plan.format, plan.rendering);
  if (flags.output.empty()) {
    absl::PrintF("%s", text);
  } else {
    OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(flags.output, text));
  }
  return plan.fail_on.ExitCode(comparison);
}

void AddFlags(CLI::App* compare, const std::shared_ptr<Flags>& flags) {
  compare->add_option("BASE", flags->base, "What to compare with")->required();
  compare->add_option("HEAD", flags->head, "What to judge");
  compare->add_option("--filter", flags->filter,
                      "Benchmarks whose names match this regular expression");
  compare
      ->add_option("--metric", flags->metrics,
                   "Metrics, with commas (real_time_ns and all counters whose "
                   "unit says what is better); NAME:lower or NAME:higher says "
                   "it of others")
      ->delimiter(',');
  compare
      ->add_option("--sort", flags->sort,
                   "verdict, effect or name (default: verdict)")
      ->check(CLI::IsMember({"verdict", "effect", "name"}));
  compare
      ->add_option("--threshold", flags->threshold,
                   "A change up to this is no matter (2%)")
      ->type_name("SHARE")
      ->check(Share(0, kMaxThreshold));
  compare
      ->add_option("--confidence", flags->confidence,
                   "How sure verdicts are, all together (99%)")
      ->type_name("SHARE")
      ->check(Share(kMinConfidence, kMaxConfidence));
  compare->add_option("--format", flags->format,
                      "text, markdown, json, csv, junit, smaller or bigger: "
                      "the last two for github-action-benchmark "
                      "(default: text)");
  compare
      ->add_option("--output", flags->output,
                   "Write to this file instead, whole or not at all")
      ->type_name("FILE")
      ->check(OutputFile());
  compare
      ->add_option("--markdown-kib", flags->markdown_kib,
                   "The longest Markdown: 62 fits a comment of GitHub's, 1000 "
                   "a step's summary (62)")
      ->check(WholeNumber(4, 1'000'000));
  compare->add_option("--rival", flags->rival,
                      "A=B: compare benchmarks of one run whose names differ "
                      "in A and B alone");
  compare->add_option("--fail-on", flags->fail_on,
                      "Verdicts that make the exit code 1, with commas, or "
                      "none (error); unsure makes it 3");
  compare
      ->add_option("--self-test", flags->self_test,
                   "Rate of false verdicts: compare each N processes of BASE, "
                   "all of one build, with the next N")
      ->check(WholeNumber(1, 1000));
}

}  // namespace

void AddCompareCommand(CLI::App& app, Context& context) {
  CLI::App* compare = app.add_subcommand(
      "compare", "How two runs or result files differ, and how sure that is");
  const auto flags = std::make_shared<Flags>();
  AddFlags(compare, flags);
  compare->footer(
      "A side is a baseline, a run (its name, `latest`, `previous`), the\n"
      "folder of a run, or Google Benchmark's JSON of any project; several "
      "with\n"
      "commas are more processes, and a verdict takes 5 a side, more for many\n"
      "metrics. compare describes what it\n"
      "finds and fails on errors alone; `opsbench gate` measures both sides "
      "in\n"
      "turn and decides. lib/opsbench/results/COMPARE.md has the method.\n"
      "Examples:\n"
      "  opsbench compare before latest\n"
      "  opsbench compare old.json new.json --format markdown\n"
      "  opsbench compare a1.json,a2.json,a3.json b1.json,b2.json,b3.json\n"
      "  opsbench compare before latest --metric real_time,bytes_per_row \\\n"
      "    --threshold 5% --fail-on slower,missing,error\n"
      "  opsbench compare latest --rival impl:libcuckoo=impl:opsbench\n"
      "  opsbench compare latest --self-test 10\n");
  compare->callback([compare, flags, &context] {
    Finish(context, RunCompare(*compare, *flags, context));
  });
}

}  // namespace opsbench::cli
