#include "opsbench/base/stage.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/clock.h"

namespace opsbench {
namespace {

// Carries no other data, so that relaxed order is enough.
std::atomic<int> signal_fd{-1};

void WriteLine(const std::string& line) {
  const int fd = signal_fd.load(std::memory_order_relaxed);
  if (fd < 0) return;
  while (write(fd, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

void AppendWord(absl::string_view word, std::string* text) {
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    text->push_back(absl::ascii_iscntrl(byte) || c == ' ' ? '_' : c);
  }
}

}  // namespace

void EnableStageSignals(int fd) {
  signal_fd.store(fd, std::memory_order_relaxed);
}

bool StageSignalsEnabled() {
  return signal_fd.load(std::memory_order_relaxed) >= 0;
}

Stage::Stage(absl::string_view name, absl::string_view tag) {
  if (!StageSignalsEnabled() || name.empty()) return;
  AppendWord(name, &text_);
  if (!tag.empty()) {
    text_.push_back(':');
    AppendWord(tag, &text_);
  }
  WriteLine(absl::StrCat("[STAGE:START] ", text_, "\n"));
  start_ns_ = MonotonicNowNs();
}

void Stage::End() {
  if (text_.empty()) return;
  const int64_t duration_ns = MonotonicNowNs() - start_ns_;
  WriteLine(absl::StrFormat("[STAGE:END] %s duration=%.3fs\n", text_,
                            1e-9 * static_cast<double>(duration_ns)));
  text_.clear();
}

}  // namespace opsbench
