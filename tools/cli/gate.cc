// opsbench gate: did this change make anything slower? Builds the commit that
// the head left and the head, measures both in turns, and decides.

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "command.h"
#include "gate_rates.h"
#include "gate_run.h"
#include "inert_flags.h"
#include "numbers.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "outputs.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
namespace gate = results::gate;

absl::StatusOr<gate::GateConfig> ReadConfig(const GateFlags& flags,
                                            const fs::path& root) {
  // The project's own lies in the checkout, wherever the user stands.
  const fs::path own = root / flags.config;
  const fs::path path = fs::exists(flags.config) ? fs::path(flags.config) : own;
  const absl::StatusOr<std::string> text =
      results::ReadWholeFile(path.string());
  if (!text.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--config ", flags.config, ": ", text.status().message()));
  }
  OPSBENCH_ASSIGN_OR_RETURN(gate::GateConfig config,
                            gate::ParseGateConfig(*text, flags.config));
  std::vector<std::string> areas;
  for (const gate::BinaryConfig& binary : config.binaries) {
    areas.push_back(binary.area);
  }
  for (const std::string& area : flags.areas) {
    if (absl::c_linear_search(areas, area)) continue;
    return absl::InvalidArgumentError(absl::StrCat("--area ", area, ": ",
                                                   flags.config, " has ",
                                                   absl::StrJoin(areas, ", ")));
  }
  return config;
}

absl::Status CheckFlags(const CLI::App& command, const GateFlags& flags) {
  if (flags.self_test) {
    OPSBENCH_RETURN_IF_ERROR(RefuseFlags(
        command,
        {"--base", "--exact-base", "--allow-dirty", "--format", "--output",
         "--report-only", "--always", "--seed"},
        "does nothing with --self-test, which measures HEAD or --head"));
  } else {
    OPSBENCH_RETURN_IF_ERROR(RefuseFlags(command, {"--suites", "--plant"},
                                         "is for --self-test alone"));
  }
  OPSBENCH_RETURN_IF_ERROR(CheckFilter(flags.filter));
  if (!flags.refs.head.empty() && flags.refs.allow_dirty) {
    return absl::InvalidArgumentError(
        "--allow-dirty measures the working tree: leave out --head");
  }
  if (flags.formats.size() != flags.outputs.size() &&
      (flags.formats.size() > 1 || flags.outputs.size() > 1)) {
    return absl::InvalidArgumentError(
        "several reports need a --format and an --output each");
  }
  std::vector<std::pair<std::string, std::string>> outputs;
  for (const std::string& output : flags.outputs) {
    outputs.emplace_back("--output", output);
  }
  return CheckDistinctOutputs(outputs);
}

std::string Render(const std::string& format, const gate::GateReport& report,
                   bool color) {
  if (format == "markdown") return gate::RenderGateMarkdown(report);
  if (format == "json") return gate::RenderGateJson(report);
  if (format == "junit") return gate::RenderGateJUnit(report);
  return gate::RenderGateText(report, color);
}

absl::Status WriteReports(const GateFlags& flags,
                          const gate::GateReport& report) {
  const auto format = [&](size_t i) {
    return i < flags.formats.size() ? flags.formats[i] : std::string("text");
  };
  for (size_t i = 0; i < flags.outputs.size(); ++i) {
    OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
        flags.outputs[i], Render(format(i), report, /*color=*/false)));
  }
  absl::PrintF("%s", Render(flags.outputs.empty() ? format(0) : "text", report,
                            ColorWanted()));
  return absl::OkStatus();
}

int ExitCode(const gate::GateReport& report) {
  if (report.report_only) return kExitOk;
  switch (gate::Conclude(report.comparison, report.null_arm.fired)) {
    case gate::Conclusion::kPassed:
      return kExitOk;
    case gate::Conclusion::kFailed:
      return kExitFailed;
    case gate::Conclusion::kInconclusive:
      return kExitInconclusive;
  }
  return kExitInconclusive;
}

absl::StatusOr<int> Run(const CLI::App& command, const GateFlags& flags,
                        const Context& context) {
  OPSBENCH_RETURN_IF_ERROR(CheckFlags(command, flags));
  OPSBENCH_ASSIGN_OR_RETURN(
      const gate::GateConfig config,
      ReadConfig(flags, context.state_folder.parent_path()));
  if (flags.self_test) return RunSelfTest(flags, config, context.state_folder);
  OPSBENCH_ASSIGN_OR_RETURN(const gate::GateReport report,
                            RunGate(flags, config, context.state_folder));
  OPSBENCH_RETURN_IF_ERROR(WriteReports(flags, report));
  return ExitCode(report);
}

std::string CheckPlant(const std::string& text) {
  double effect = 0;
  return ParsePlant(text, &effect)
             ? ""
             : absl::StrCat(QuoteBriefly(text),
                            " is no slowdown from 0.1% to 100%, as 5%");
}

void AddOptions(CLI::App* command, GateFlags* flags) {
  command->add_option("--base", flags->refs.base,
                      "Commit to compare with, or the branch that the head "
                      "will go into: what both have in common is measured");
  command->add_option("--head", flags->refs.head, "Commit to judge (HEAD)");
  command->add_flag("--exact-base", flags->refs.exact_base,
                    "Measure --base itself, not the common commit");
  command->add_flag("--allow-dirty", flags->refs.allow_dirty,
                    "Judge the working tree with its uncommitted changes");
  command->add_option("--filter", flags->filter,
                      "Benchmarks whose names match this regular expression");
  command->add_option("--area", flags->areas, "Areas, with commas (all)")
      ->delimiter(',');
  command
      ->add_option_function<std::string>(
          "--budget",
          [flags](const std::string& text) {
            flags->budget_s = absl::ToDoubleSeconds(CheckedTime(text));
          },
          "Time to measure, without building (10m)")
      ->type_name("TIME")
      ->check(Time(absl::Seconds(1), absl::Hours(24)));
  command->add_option("--config", flags->config,
                      "Suite and thresholds (fixtures/gate.yaml)");
  command
      ->add_option("--format", flags->formats,
                   "text, markdown, json or junit (text); may come again, as "
                   "--output")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::IsMember({"text", "markdown", "json", "junit"}));
  command
      ->add_option("--output", flags->outputs,
                   "File for the report; the text still goes to stdout")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(OutputFile());
  command->add_flag("--report-only", flags->report_only,
                    "Describe, and never fail: compare two commits");
  command->add_flag("--always", flags->always,
                    "Measure also programs that are the same byte for byte");
  command->add_option("--preset", flags->preset, "CMake preset (release)");
  command
      ->add_option("--seed", flags->seed,
                   "Seed of the drawn orders (another one each time)")
      ->check(SeedNumber());
  command->add_flag("--self-test", flags->self_test,
                    "Show how often the gate errs on this machine: suites "
                    "without a change, and with planted slowdowns");
  command
      ->add_option("--suites", flags->suites,
                   "Of the self-test, for each kind (20)")
      ->check(WholeNumber(1, 100'000));
  command
      ->add_option("--plant", flags->plant,
                   "Slowdowns of the self-test (1%,2%,5%,10%)")
      ->delimiter(',')
      ->type_name("SHARE")
      ->check(CheckPlant);
}

}  // namespace

void AddGateCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "gate", "Did this change make a benchmark slower? For pull requests");
  const auto flags = std::make_shared<GateFlags>();
  AddOptions(command, flags.get());
  command->footer(
      "Exit codes: 0 passed, 1 something is slower, gone or broken, 2 "
      "unusable\n"
      "input or a commit that does not build, 3 too noisy to decide, or\n"
      "interrupted. The protocol is in lib/opsbench/results/GATE.md.\n"
      "Examples:\n"
      "  opsbench gate --base main\n"
      "  opsbench gate --base HEAD~1 --filter 'Memtable/Get' --budget 2m\n"
      "  opsbench gate --base main --allow-dirty\n"
      "  opsbench gate --base main --format markdown --output comment.md \\\n"
      "    --format junit --output gate.xml\n"
      "  opsbench gate --base v1 --head v2 --exact-base --report-only\n"
      "  opsbench gate --self-test --suites 50 --budget 8m\n");
  command->callback([command, flags, &context] {
    if (command->count("--base") == 0 && !flags->self_test) {
      Fail(context, absl::InvalidArgumentError(
                        "gate needs --base, the commit to compare with (see "
                        "opsbench gate --help)"));
      return;
    }
    InstallStopSignals();
    const absl::StatusOr<int> code = Run(*command, *flags, context);
    if (code.ok()) {
      context.exit_code = *code;
    } else if (absl::IsCancelled(code.status())) {
      Fail(context,
           absl::CancelledError("gate interrupted: nothing was decided"),
           kExitInconclusive);
    } else {
      Fail(context, code.status());
    }
  });
}

}  // namespace opsbench::cli
