#ifndef OPSBENCH_TOOLS_CLI_COMPARISON_FLAGS_H_
#define OPSBENCH_TOOLS_CLI_COMPARISON_FLAGS_H_

// What `opsbench compare` and `opsbench run --compare` share: sides by name,
// and verdicts that fail a command.
//
// Thread safety: the functions keep no state.

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "command.h"
#include "opsbench/results/comparison.h"
#include "opsbench/results/run_store.h"
#include "opsbench/results/sample_set.h"

namespace opsbench::cli {

// One side: baselines, runs, folders of runs and files, with commas; each is
// one process. InvalidArgument, NotFound and others: one of them cannot be
// read; the message names it.
absl::StatusOr<results::SampleSet> ReadSide(const results::RunStore& store,
                                            const std::string& names);

// The verdicts that fail a command.
struct FailOn {
  std::vector<results::Verdict> verdicts;

  // kExitFailed if one of them occurs; kExitInconclusive if the only one that
  // does is unsure, or nothing was compared; else kExitOk.
  int ExitCode(const results::Comparison& comparison) const;
};

// Names of verdicts with commas, or "none". InvalidArgument: another word.
absl::StatusOr<FailOn> ParseFailOn(const std::string& text);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_COMPARISON_FLAGS_H_
