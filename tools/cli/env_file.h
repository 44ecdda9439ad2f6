#ifndef OPSBENCH_TOOLS_CLI_ENV_FILE_H_
#define OPSBENCH_TOOLS_CLI_ENV_FILE_H_

// The lines that `opsbench servers up --env-file` adds to a file of variables,
// such as the user's own .env, and that `servers down` takes away. They stand
// in a block between two comments at the end of the file:
//
//   # opsbench servers up: /…/servers.json
//   OPSBENCH_REDIS_URL=redis://…
//   # opsbench servers up: end
//
// The first comment names the state file of the servers, and says "[new file]"
// or "[line ended]" when the file or the end of its last line is part of what
// was added. All else in the file stays as it is, byte for byte.
//
// Thread safety: pure functions, and functions on files that are safe as long
// as nobody else writes the same file at the same moment.

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace opsbench::cli {

struct EnvBlock {
  std::string state_file;  // Absolute; whose block it is.
  // Empty, to find a block whose servers are not known any more.
  std::map<std::string, std::string> variables;
};

// Takes the block out of `text`, with every line that it wrote, wherever it
// stands by now; lines that others put between stay. absl::nullopt: nothing is
// left of a file that was new.
absl::optional<std::string> WithoutEnvBlock(absl::string_view text,
                                            const EnvBlock& block);

// Puts the block at the end of `text`, in place of an earlier one of the same
// state file; absl::nullopt: there is no file yet.
std::string WithEnvBlock(absl::optional<absl::string_view> text,
                         const EnvBlock& block);

// FailedPrecondition: a line of the file sets one of the variables, which the
// block would override, or the block of other servers, which are up, does. Also
// what ResolveOutputFile() says of the path.
absl::Status CheckEnvFile(const std::string& path, const EnvBlock& block);

// Errors as results::WriteFileAtomically().
absl::Status AddEnvBlock(const std::string& path, const EnvBlock& block);
// OK when there is no such file or block.
absl::Status RemoveEnvBlock(const std::string& path, const EnvBlock& block);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_ENV_FILE_H_
