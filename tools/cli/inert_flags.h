#ifndef OPSBENCH_TOOLS_CLI_INERT_FLAGS_H_
#define OPSBENCH_TOOLS_CLI_INERT_FLAGS_H_

// Flags that cannot act with the others that are given.
//
// Thread safety: for the main thread.

#include <initializer_list>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace opsbench::cli {

// InvalidArgument: one of `flags`, names such as "--plant", was given. `why`
// ends the sentence that the flag's name begins.
inline absl::Status RefuseFlags(const CLI::App& command,
                                std::initializer_list<const char*> flags,
                                absl::string_view why) {
  for (const char* flag : flags) {
    if (command.count(flag) == 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(flag, " ", why));
  }
  return absl::OkStatus();
}

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_INERT_FLAGS_H_
