#ifndef OPSBENCH_BASE_STAGE_H_
#define OPSBENCH_BASE_STAGE_H_

// Signals that tell an outside profiler which stage a process is in:
//
//   [STAGE:START] measure:Memtable/Get/impl:opsbench
//   [STAGE:END] measure:Memtable/Get/impl:opsbench duration=1.234s
//
// A name ends at the first colon; what follows is the tag, which may hold more
// of them. Stages may be nested and repeated. Each signal is one line in one
// write(), made before the stage's first instruction or after its last, so that
// lines of several threads or processes never mix.
//
// Off until EnableStageSignals(), and then one load of an atomic for a stage.
//
// Thread safety: safe; a Stage belongs to one thread at a time.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace opsbench {

// From now on signals are written to `fd`, which stays open and is the
// caller's: usually that of standard error. A negative one turns them off. A
// signal that cannot be written is dropped.
void EnableStageSignals(int fd);

bool StageSignalsEnabled();

// A stage from here to End() or the end of the scope.
class Stage {
 public:
  // `name`: a word such as "measure", without a colon; empty: no signal. `tag`:
  // of what, may be empty. Its blanks and control characters become "_".
  explicit Stage(absl::string_view name, absl::string_view tag = {});
  ~Stage() { End(); }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Ends it early. Nothing the second time.
  void End();

 private:
  std::string text_;  // Empty: signals are off, or it has ended.
  int64_t start_ns_ = 0;
};

}  // namespace opsbench

#endif  // OPSBENCH_BASE_STAGE_H_
