#ifndef OPSBENCH_TOOLS_CLI_PROGRESS_H_
#define OPSBENCH_TOOLS_CLI_PROGRESS_H_

// One line of progress on stderr: redrawn on a terminal, else, and where stage
// signals go to stderr as well, printed at most every ten seconds.
//
// Thread safety: not thread-safe.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace opsbench::cli {

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Update(absl::string_view text);
  // Removes the line from the terminal, so that other output can follow.
  void Clear();

 private:
  const bool terminal_;
  bool drawn_ = false;
  int64_t printed_ns_;
};

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_PROGRESS_H_
