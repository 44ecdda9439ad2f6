#ifndef OPSBENCH_TOOLS_CLI_GATE_BUILD_H_
#define OPSBENCH_TOOLS_CLI_GATE_BUILD_H_

// The benchmark binaries of a commit, built in a worktree of its own or taken
// from an earlier gate.
//
// Thread safety: for one thread.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gate_repository.h"
#include "opsbench/results/gate_config.h"
#include "progress.h"

namespace opsbench::cli {

struct BuildOptions {
  std::string preset = "release";
  // How many bytes of padding come before all code, which moves every function:
  // the layouts of one commit do the same work. A multiple of 16.
  int padding = 0;
};

// A commit's binaries by CMake target. A target that the commit does not have
// is missing.
using Binaries = std::map<std::string, std::filesystem::path>;

class GateBuilder {
 public:
  // `folder`: where worktrees and binaries go. All outlive this.
  GateBuilder(const GateRepository& repository, std::filesystem::path folder,
              std::vector<results::gate::BinaryConfig> binaries,
              ProgressLine* progress)
      : repository_(repository),
        folder_(std::move(folder)),
        binaries_(std::move(binaries)),
        progress_(progress) {}

  // Removes worktrees that a killed gate left, and all but the newest binaries.
  absl::Status RemoveLeftovers() const;

  // Builds what is not there yet. `side` names the worktree, "base" or "head":
  // it stays until this goes, for another build of it.
  //
  // FailedPrecondition: the commit does not build; the end of its log is on
  // stderr. Cancelled: the user wants to stop.
  absl::StatusOr<Binaries> Build(const std::string& side,
                                 const std::string& commit,
                                 const BuildOptions& options);

  // The same of a tree in which some file was edited: never kept.
  absl::StatusOr<Binaries> BuildTree(const std::filesystem::path& tree,
                                     const std::filesystem::path& output,
                                     const BuildOptions& options);

 private:
  absl::StatusOr<std::string> KeyOf(const BuildOptions& options) const;
  absl::Status Run(const std::filesystem::path& tree,
                   std::vector<std::string> arguments, const char* what);
  absl::StatusOr<std::filesystem::path> MakePadding(int bytes);
  absl::StatusOr<std::vector<std::string>> KnownTargets(
      const std::filesystem::path& build);
  Binaries Found(const std::filesystem::path& output) const;

  const GateRepository& repository_;
  const std::filesystem::path folder_;
  const std::vector<results::gate::BinaryConfig> binaries_;
  ProgressLine* const progress_;
  std::map<std::string, ScopedWorktree> worktrees_;  // By side.
};

// A hash of what is loaded when the program runs, its code and data, without
// debug information and build id. Equal hashes: the same program.
//
// InvalidArgument: no 64-bit ELF file. Otherwise as reading it fails.
absl::StatusOr<uint64_t> LoadedBytesHash(const std::filesystem::path& program);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_GATE_BUILD_H_
