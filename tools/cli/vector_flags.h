#ifndef OPSBENCH_TOOLS_CLI_VECTOR_FLAGS_H_
#define OPSBENCH_TOOLS_CLI_VECTOR_FLAGS_H_

// The command line of `opsbench vector`: what was typed, and what it means.
//
// Thread safety: for the main thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "command.h"
#include "opsbench/engines/engines.h"
#include "opsbench/vector/benchmark.h"
#include "opsbench/vector/benchmark_config.h"
#include "opsbench/vector/tuner.h"

namespace opsbench::cli {

// Of what is measured, and of a search for the best.
inline constexpr absl::Duration kShortest = absl::Milliseconds(1);
inline constexpr absl::Duration kLongest = absl::Hours(24 * 7);

enum class VectorAction { kLoad, kQuery, kTune, kGrid };

struct VectorFlags {
  VectorAction action = VectorAction::kQuery;
  vector::BenchmarkConfig config;
  // As typed; empty: not given.
  std::string metric, filter_number, seconds, warmup, budget;
  std::string ef, clients, threads, pipeline;  // One value or several.
  absl::optional<int64_t> filter_tag;
  double min_recall = 0.95;
  absl::optional<double> max_p99_ms;
  double tolerance = 0.05;
  int max_evaluations = 0;
  int repeats = 1;
  std::vector<std::string> keep;  // Of a grid: "recall>=0.95".
  bool replace = false;
  bool replace_foreign = false;
  std::vector<std::string> outputs;
  std::string output_dir;
  bool stages = false;
  std::set<std::string> given;  // "--ef".
};

// Adds every flag of the command.
void AddVectorOptions(CLI::App* command, VectorAction action,
                      VectorFlags* flags);

// Fills in which flags were typed.
void NoteGiven(const CLI::App& command, VectorFlags* flags);

// InvalidArgument: a flag that was given does nothing with the others; one line
// names it. `config` is ConfigOf(flags).
absl::Status CheckVectorFlags(const VectorFlags& flags,
                              const vector::BenchmarkConfig& config);

// Whether what was left open is looked for: a search, and no rate.
bool LooksForBest(const VectorFlags& flags,
                  const vector::BenchmarkConfig& config);

// "5", "1,2,4", "10..500" (all of them, or 128 that grow by about the same
// factor) or "10..500:10" (in steps). They ascend.
absl::StatusOr<std::vector<int64_t>> ParseValues(absl::string_view text);

// "qps>=1000", "p99_ms<5", "recall>=0.95": all have to hold.
absl::StatusOr<std::function<bool(const vector::Evidence&)>> ParseKeep(
    const std::vector<std::string>& conditions);

// The configuration, but for parameters that have several values. Nothing is
// connected to or made.
absl::StatusOr<vector::BenchmarkConfig> ConfigOf(const VectorFlags& flags);

// What a load may take the place of.
vector::Replace ReplaceOf(const VectorFlags& flags);

// A --backend that is the name of an engine ("redis", "postgres") becomes the
// URL that the environment has, or that of a private server, which lives as
// long as what is returned; null: nothing was started.
absl::StatusOr<std::unique_ptr<EngineHandle>> ResolveBackend(
    vector::BenchmarkConfig* config);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_VECTOR_FLAGS_H_
