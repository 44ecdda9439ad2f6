#ifndef OPSBENCH_TOOLS_CLI_COMMAND_H_
#define OPSBENCH_TOOLS_CLI_COMMAND_H_

// What the command groups share. Each group adds its subcommands to the app;
// the chosen subcommand's callback leaves an exit code in the context.
//
// Thread safety: the command line is read on the main thread alone.

#include <atomic>
#include <filesystem>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace opsbench::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // A regression, a failed check.
inline constexpr int kExitUsage = 2;   // Wrong usage, unusable data.
inline constexpr int kExitInconclusive = 3;

struct Context {
  int exit_code = kExitOk;
  // Where runs, baselines and kept servers live: `.opsbench` of the checkout
  // (OPSBENCH_ROOT, set by the bootstrap), else of the working directory.
  std::filesystem::path state_folder;
  // Where the benchmark binaries are: the folder of this program.
  std::filesystem::path binary_folder;
};

// Prints "opsbench: <message>" on one line of stderr and sets the exit code:
// kExitUsage unless another is given.
void Fail(Context& context, const absl::Status& status,
          int exit_code = kExitUsage);

// The end of a command: its exit code, or Fail() with kExitFailed where it is
// the world that failed (Internal, Unavailable, Cancelled, ResourceExhausted,
// Aborted, DeadlineExceeded), and with kExitUsage where it is what was asked.
void Finish(Context& context, const absl::StatusOr<int>& exit_code);

// InvalidArgument: the value of --filter is no extended regular expression.
absl::Status CheckFilter(const std::string& pattern);

// Set by SIGINT and SIGTERM once InstallStopSignals() was called; a second
// signal ends the process as usual.
extern std::atomic<bool> stop_requested;
void InstallStopSignals();

// Whether stderr is a terminal on which a progress line may be redrawn.
bool ProgressIsTerminal();
// Whether stdout is a terminal and NO_COLOR is unset.
bool ColorWanted();

// --stages: signals of stages on stderr, from then on.
void AddStagesFlag(CLI::App* command, bool* enabled);

// Adds every command there is.
void AddCommands(CLI::App& app, Context& context);

void AddServersCommand(CLI::App& app, Context& context);
void AddPipelineCommand(CLI::App& app, Context& context);
void AddStressCommand(CLI::App& app, Context& context);
void AddVectorCommand(CLI::App& app, Context& context);
void AddSidetableCommand(CLI::App& app, Context& context);
void AddRunCommand(CLI::App& app, Context& context);
void AddBaselineCommand(CLI::App& app, Context& context);
void AddCompareCommand(CLI::App& app, Context& context);
void AddGateCommand(CLI::App& app, Context& context);
void AddProfileCommand(CLI::App& app, Context& context);
void AddHistoryCommand(CLI::App& app, Context& context);
void AddMatrixCommand(CLI::App& app, Context& context);
void AddReportCommand(CLI::App& app, Context& context);
void AddCheckJsonCommand(CLI::App& app, Context& context);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_COMMAND_H_
