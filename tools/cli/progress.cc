#include "progress.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "command.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/stage.h"

namespace opsbench::cli {
namespace {

constexpr int64_t kPlainIntervalNs = 10 * kNanosPerSecond;

}  // namespace

ProgressLine::ProgressLine()
    : terminal_(ProgressIsTerminal() && !StageSignalsEnabled()),
      printed_ns_(MonotonicNowNs()) {}

ProgressLine::~ProgressLine() { Clear(); }

void ProgressLine::Update(absl::string_view text) {
  if (terminal_) {
    absl::FPrintF(stderr, "\r\x1b[K%s", text);
    std::fflush(stderr);
    drawn_ = true;
    return;
  }
  const int64_t now_ns = MonotonicNowNs();
  if (now_ns - printed_ns_ < kPlainIntervalNs) return;
  printed_ns_ = now_ns;
  // In one write, which stage signals of child processes do not break up.
  std::fputs(absl::StrCat(text, "\n").c_str(), stderr);
}

void ProgressLine::Clear() {
  if (!drawn_) return;
  absl::FPrintF(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace opsbench::cli
