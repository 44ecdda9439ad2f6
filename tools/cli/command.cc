#include "command.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/stage.h"
#include "opsbench/results/gate_config.h"

namespace opsbench::cli {
namespace {

static_assert(std::atomic<bool>::is_always_lock_free,
              "a signal handler may write it");

void OnStopSignal(int signal_number) {
  stop_requested.store(true, std::memory_order_relaxed);
  signal(signal_number, SIG_DFL);
}

}  // namespace

std::atomic<bool> stop_requested{false};

void Fail(Context& context, const absl::Status& status, int exit_code) {
  absl::FPrintF(
      stderr, "opsbench: %s\n",
      absl::StrReplaceAll(status.message(), {{"\r", ""}, {"\n", "; "}}));
  context.exit_code = exit_code;
}

void Finish(Context& context, const absl::StatusOr<int>& exit_code) {
  if (exit_code.ok()) {
    context.exit_code = *exit_code;
    return;
  }
  switch (exit_code.status().code()) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
      return Fail(context, exit_code.status(), kExitFailed);
    default:
      return Fail(context, exit_code.status(), kExitUsage);
  }
}

absl::Status CheckFilter(const std::string& pattern) {
  const absl::Status status = results::gate::CheckPattern(pattern);
  return status.ok() ? status
                     : absl::InvalidArgumentError(
                           absl::StrCat("--filter ", status.message()));
}

void InstallStopSignals() {
  signal(SIGINT, OnStopSignal);
  signal(SIGTERM, OnStopSignal);
}

bool ProgressIsTerminal() { return isatty(STDERR_FILENO) == 1; }

bool ColorWanted() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 &&
         (no_color == nullptr || *no_color == '\0');
}

void AddStagesFlag(CLI::App* command, bool* enabled) {
  command
      ->add_flag("--stages", *enabled,
                 "Signal stages on stderr, for tools/stage-monitor")
      ->each([](const std::string&) { EnableStageSignals(STDERR_FILENO); });
}

}  // namespace opsbench::cli
