#ifndef OPSBENCH_TOOLS_CLI_GATE_REPOSITORY_H_
#define OPSBENCH_TOOLS_CLI_GATE_REPOSITORY_H_

// What the gate wants of git: which commits to measure, and checkouts of them
// beside the user's own, which it never touches.
//
// Thread safety: for one thread.

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::cli {

// The path of a program that PATH leads to.
//
// NotFound: there is none.
absl::StatusOr<std::string> FindProgram(absl::string_view name);

struct GateRefs {
  std::string base = "HEAD";
  std::string head;  // Empty: HEAD, or with allow_dirty the working tree.
  // Whether changes that are not committed may be there, and are measured.
  bool allow_dirty = false;
  // Compare with `base` itself, and not with where the head left it.
  bool exact_base = false;
};

struct GateCommits {
  std::string base;  // Full ids.
  std::string head;
  std::string base_name;  // "main (merge base 0123456789)".
  std::string head_name;
};

class GateRepository {
 public:
  // FailedPrecondition: `folder` is in no git checkout, or there is no git.
  static absl::StatusOr<GateRepository> Open(
      const std::filesystem::path& folder);

  const std::filesystem::path& root() const { return root_; }

  // FailedPrecondition: the working tree has changes and they are not allowed,
  // or the two have no common commit, as in a shallow clone.
  // InvalidArgument: no such ref.
  absl::StatusOr<GateCommits> Resolve(const GateRefs& refs) const;

  // A new checkout of a commit in the folder `path`.
  absl::Status AddWorktree(const std::filesystem::path& path,
                           const std::string& commit) const;

  // Removes it, whatever is in it, and what git knows of it. Succeeds when
  // there is none.
  absl::Status RemoveWorktree(const std::filesystem::path& path) const;

 private:
  GateRepository(std::string git, std::filesystem::path root)
      : git_(std::move(git)), root_(std::move(root)) {}

  // Output of `git -C root arguments…` without its last newline.
  absl::StatusOr<std::string> Git(std::vector<std::string> arguments) const;

  std::string git_;
  std::filesystem::path root_;
};

// A worktree that is removed when this goes.
class ScopedWorktree {
 public:
  static absl::StatusOr<ScopedWorktree> Add(const GateRepository& repository,
                                            std::filesystem::path path,
                                            const std::string& commit);
  ~ScopedWorktree();
  ScopedWorktree(ScopedWorktree&& other) noexcept;
  ScopedWorktree& operator=(ScopedWorktree&&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  ScopedWorktree(const GateRepository& repository, std::filesystem::path path)
      : repository_(&repository), path_(std::move(path)) {}

  const GateRepository* repository_;
  std::filesystem::path path_;  // Empty: moved from.
};

// A folder in which one gate works at a time.
class GateLock {
 public:
  // Unavailable: another process has it; the message says which.
  static absl::StatusOr<GateLock> Take(const std::filesystem::path& folder);
  ~GateLock();
  GateLock(GateLock&& other) noexcept;
  GateLock& operator=(GateLock&&) = delete;

 private:
  explicit GateLock(int file) : file_(file) {}

  int file_;
};

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_GATE_REPOSITORY_H_
