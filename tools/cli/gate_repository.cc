#include "gate_repository.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "child_process.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

// Commits are named by ten digits, as in the runs' own files.
std::string Short(absl::string_view commit) {
  return std::string(commit.substr(0, 10));
}

}  // namespace

absl::StatusOr<std::string> FindProgram(absl::string_view name) {
  const char* path = std::getenv("PATH");
  for (const absl::string_view folder :
       absl::StrSplit(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    std::string candidate = absl::StrCat(folder, "/", name);
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return absl::NotFoundError(absl::StrCat("no program ", name, " in PATH"));
}

absl::StatusOr<std::string> GateRepository::Git(
    std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {git_, "-C", root_.string()});
  std::string output;
  ChildOptions options;
  options.arguments = std::move(arguments);
  // What a hook would bind git to is the checkout of somebody else.
  options.environment = {{"GIT_TERMINAL_PROMPT", "0"}};
  options.stderr_path = "/dev/null";
  options.passes_stop_on = false;
  options.on_line = [&](absl::string_view line) {
    absl::StrAppend(&output, output.empty() ? "" : "\n", line);
  };
  OPSBENCH_ASSIGN_OR_RETURN(const int code, RunChild(options));
  if (code == 0) return output;
  return absl::UnavailableError(
      absl::StrCat("git ", options.arguments[3], " failed"));
}

absl::StatusOr<GateRepository> GateRepository::Open(const fs::path& folder) {
  const absl::StatusOr<std::string> git = FindProgram("git");
  if (!git.ok()) {
    return absl::FailedPreconditionError("the gate needs git: install it");
  }
  // git in a hook would look at the hook's repository instead.
  for (const char* variable : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE",
                               "GIT_COMMON_DIR", "GIT_PREFIX"}) {
    unsetenv(variable);
  }
  GateRepository repository(*git, folder);
  const absl::StatusOr<std::string> root =
      repository.Git({"rev-parse", "--show-toplevel"});
  if (!root.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder.string(),
                     " is in no git checkout: run the gate in "
                     "one (a container may need git's safe.directory)"));
  }
  repository.root_ = *root;
  return repository;
}

absl::StatusOr<GateCommits> GateRepository::Resolve(
    const GateRefs& refs) const {
  const auto commit_of =
      [&](const std::string& ref) -> absl::StatusOr<std::string> {
    absl::StatusOr<std::string> commit =
        Git({"rev-parse", "--verify", "--quiet", "--end-of-options",
             ref + "^{commit}"});
    if (commit.ok()) return commit;
    return absl::InvalidArgumentError(
        absl::StrCat("no commit ", ref, " in ", root_.string(),
                     ": see git branch -a, or fetch it"));
  };
  GateCommits commits;
  OPSBENCH_ASSIGN_OR_RETURN(const std::string base, commit_of(refs.base));
  OPSBENCH_ASSIGN_OR_RETURN(commits.head,
                            commit_of(refs.head.empty() ? "HEAD" : refs.head));
  commits.head_name = absl::StrCat(refs.head.empty() ? "HEAD" : refs.head, " (",
                                   Short(commits.head), ")");
  if (refs.head.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(
        const std::string changes,
        Git({"status", "--porcelain", "--untracked-files=no"}));
    if (!changes.empty() && !refs.allow_dirty) {
      return absl::FailedPreconditionError(
          "the working tree has changes that are not committed: commit them, "
          "name a --head, or measure them with --allow-dirty");
    }
    if (!changes.empty()) {
      // A commit of the tree as it is, which no branch knows.
      OPSBENCH_ASSIGN_OR_RETURN(commits.head, Git({"stash", "create"}));
      commits.head_name =
          absl::StrCat("working tree (", Short(commits.head), ")");
    }
  }
  const absl::StatusOr<std::string> fork =
      refs.exact_base ? base : Git({"merge-base", base, commits.head});
  if (!fork.ok() || fork->empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(refs.base, " and ", commits.head_name,
                     " have no common commit here: fetch the whole history "
                     "(fetch-depth: 0)"));
  }
  commits.base = *fork;
  commits.base_name =
      commits.base == base
          ? absl::StrCat(refs.base, " (", Short(base), ")")
          : absl::StrCat(refs.base, " (merge base ", Short(commits.base), ")");
  return commits;
}

absl::Status GateRepository::AddWorktree(const fs::path& path,
                                         const std::string& commit) const {
  OPSBENCH_RETURN_IF_ERROR(RemoveWorktree(path));
  const auto added = Git({"-c", "core.hooksPath=/dev/null", "worktree", "add",
                          "--force", "--detach", path.string(), commit});
  if (added.ok()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("git worktree add ", path.string(), " ", Short(commit),
                   " failed: is there room, and may it be written?"));
}

absl::Status GateRepository::RemoveWorktree(const fs::path& path) const {
  // By its name alone: `git worktree prune` would forget worktrees of the
  // user's that are on a disk which is not there now.
  std::error_code error;
  const bool removed =
      Git({"worktree", "remove", "--force", "--force", path.string()}).ok();
  if (removed || !fs::exists(path, error)) return absl::OkStatus();
  // A worktree that git has forgotten still names its repository in a file.
  if (!fs::is_regular_file(path / ".git", error)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path.string(), " is no worktree of the gate's: move it away first"));
  }
  fs::remove_all(path, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot remove ", path.string(), ": ", error.message()));
}

absl::StatusOr<ScopedWorktree> ScopedWorktree::Add(
    const GateRepository& repository, fs::path path,
    const std::string& commit) {
  ScopedWorktree worktree(repository, std::move(path));
  OPSBENCH_RETURN_IF_ERROR(repository.AddWorktree(worktree.path_, commit));
  return worktree;
}

ScopedWorktree::~ScopedWorktree() {
  if (path_.empty()) return;
  // What is left is removed by the next gate.
  (void)repository_->RemoveWorktree(path_);
}

ScopedWorktree::ScopedWorktree(ScopedWorktree&& other) noexcept
    : repository_(other.repository_),
      path_(std::exchange(other.path_, fs::path())) {}

absl::StatusOr<GateLock> GateLock::Take(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  const std::string path = (folder / "lock").string();
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot write ", path, ": see its permissions"));
  }
  GateLock lock(file);
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    const absl::StatusOr<std::string> owner = results::ReadWholeFile(path);
    return absl::UnavailableError(absl::StrCat(
        "another gate is under way here (process ",
        owner.ok() ? absl::StripAsciiWhitespace(*owner) : "unknown",
        "): two at once would measure one another; wait for it"));
  }
  const std::string process = absl::StrCat(getpid(), "\n");
  if (ftruncate(file, 0) != 0 ||
      pwrite(file, process.data(), process.size(), 0) < 0) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path));
  }
  return lock;
}

GateLock::~GateLock() {
  if (file_ >= 0) close(file_);
}

GateLock::GateLock(GateLock&& other) noexcept
    : file_(std::exchange(other.file_, -1)) {}

}  // namespace opsbench::cli
