#include "stress_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/stress/simulation.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

// Whatever is wrong with it has to be told before anything runs.
absl::Status BadFolder(const std::string& path, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat("--output-dir ", path, ": ", what));
}

// A text that is in each file of this name that a run wrote.
struct ResultFile {
  const char* name;
  const char* signature;
};
constexpr ResultFile kResultFiles[] = {
    {"replay.json", "\"think-min-ms\""},
    {"summary.json", "\"think-min-ms\""},
    {"stress.json", "\"opsbench_stop_reason\""},
    {"run.json", "\"schema_version\""},
    {"report.html", "<p class=\"product\">opsbench</p>"},
};

bool IsOurs(const fs::path& path, absl::string_view signature) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(path, error))) return false;
  if (fs::file_size(path, error) == 0) return true;  // Nothing to lose.
  const absl::StatusOr<std::string> text =
      results::ReadWholeFile(path.string());
  return text.ok() && absl::StrContains(*text, signature);
}

// The files below `path` that have the names of those that a run makes there,
// but for SQLite's, and what tells that one did.
std::vector<std::pair<fs::path, absl::string_view>> ResultsIn(
    const std::string& path) {
  std::vector<std::pair<fs::path, absl::string_view>> found;
  std::error_code error;
  const auto add = [&](const fs::path& file, absl::string_view signature) {
    if (fs::exists(fs::symlink_status(file, error))) {
      found.emplace_back(file, signature);
    }
  };
  for (const ResultFile& file : kResultFiles) {
    add(fs::path(path) / file.name, file.signature);
  }
  for (int user = 0; user < stress::kMaxUsers; ++user) {
    add(stress::UserLogPath(LogFolder(path), user), stress::kUserLogMagic);
  }
  return found;
}

// Removes what a run made, and nothing else; with kForeign also what has the
// names of that. FailedPrecondition: something has such a name, and no run made
// it; then nothing was removed.
absl::Status RemoveResults(const std::string& path, stress::Replace replace) {
  const auto files = ResultsIn(path);
  std::error_code error;
  if (replace != stress::Replace::kForeign) {
    for (const auto& [file, signature] : files) {
      if (IsOurs(file, signature)) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("holds ", file.lexically_relative(path).string(),
                       ", which no run made: move it away, or add "
                       "--replace-foreign to replace it"));
    }
    if (fs::exists(fs::symlink_status(LogFolder(path), error)) &&
        !fs::is_directory(fs::symlink_status(LogFolder(path), error))) {
      return absl::FailedPreconditionError(
          "holds users, which is no folder: move it away");
    }
  }
  Url folder;
  folder.database = path;
  OPSBENCH_RETURN_IF_ERROR(
      stress::Databases::Name(folder, stress::kMaxDatabases).Drop(replace));
  for (const auto& [file, signature] : files) {
    if (!fs::remove(file, error) && error) {
      return absl::ErrnoToStatus(error.value(),
                                 absl::StrCat("cannot remove ", file.string()));
    }
  }
  fs::remove(LogFolder(path), error);  // When nothing else is left in it.
  return absl::OkStatus();
}

std::string NewFolder(const Context& context, Engine engine) {
  const std::string stem =
      (context.state_folder / "stress" /
       absl::StrCat(
           absl::FormatTime("%Y%m%dT%H%M%SZ", absl::Now(), absl::UTCTimeZone()),
           "-", EngineName(engine)))
          .string();
  std::string path = stem;
  for (int i = 2; fs::exists(path); ++i) path = absl::StrCat(stem, "-", i);
  return path;
}

absl::Status CheckExisting(const std::string& path, stress::Replace replace) {
  std::error_code error;
  const bool empty = fs::is_empty(path, error);
  if (error) return BadFolder(path, error.message());
  if (empty) return absl::OkStatus();
  if (replace == stress::Replace::kNothing) {
    return BadFolder(path,
                     "is not empty: add --fresh to replace the results in it, "
                     "or name another folder");
  }
  const absl::Status removed = RemoveResults(path, replace);
  return removed.ok() ? removed : BadFolder(path, removed.message());
}

// Whether `file` lies in `folder`; an empty name lies nowhere.
bool Holds(const fs::path& folder, const std::string& file) {
  std::error_code error;
  return !file.empty() &&
         fs::equivalent(fs::absolute(file).parent_path(), folder, error);
}

}  // namespace

std::string ReplayPath(const std::string& folder) {
  return folder + "/replay.json";
}
std::string SummaryPath(const std::string& folder) {
  return folder + "/summary.json";
}
std::string BenchmarkPath(const std::string& folder) {
  return folder + "/stress.json";
}
std::string LogFolder(const std::string& folder) { return folder + "/users"; }

absl::StatusOr<FolderLock> FolderLock::Take(const std::string& folder) {
  FolderLock lock(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.fd_ < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", folder));
  }
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a run is under way in ", folder, ": wait until it has ended"));
  }
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock ", folder));
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<OutputFolder> OutputFolder::Make(const StressSetup& setup,
                                                stress::Replace replace,
                                                const Context& context) {
  std::string path = setup.config.output_dir;
  std::error_code error;
  if (path.empty()) {
    path = NewFolder(context, setup.config.engine);
    fs::create_directories(fs::path(path).parent_path(), error);
  }
  // Without the slash that would make it its own parent.
  const fs::path absolute = fs::absolute(path).lexically_normal();
  const fs::path named =
      absolute.has_filename() ? absolute : absolute.parent_path();
  const bool exists = fs::exists(named, error);
  if (exists && !fs::is_directory(named, error)) {
    return BadFolder(path, "is no folder");
  }
  if (!exists && !fs::exists(named.parent_path(), error)) {
    return BadFolder(
        path, absl::StrCat("there is no folder ", named.parent_path().string(),
                           " to make it in"));
  }
  if (!exists && !fs::create_directory(named, error)) {
    return BadFolder(path, absl::StrCat("cannot make it: ", error.message()));
  }
  if (Holds(named, setup.config.replay_file)) {
    return BadFolder(path, absl::StrCat("holds ", setup.config.replay_file,
                                        ", which is to be repeated: name "
                                        "another folder"));
  }
  absl::StatusOr<FolderLock> lock = FolderLock::Take(named.string());
  if (!lock.ok()) return BadFolder(path, lock.status().message());
  if (exists) OPSBENCH_RETURN_IF_ERROR(CheckExisting(path, replace));
  OutputFolder folder(named.string(), !exists, *std::move(lock));
  fs::create_directory(LogFolder(folder.path()), error);
  if (error) {
    return BadFolder(path, absl::StrCat("cannot write: ", error.message()));
  }
  const absl::Status written = results::WriteFileAtomically(
      ReplayPath(folder.path()), stress::FormatReplay(stress::MakeReplay(
                                     setup.config, setup.MakePlan(), nullptr)));
  if (!written.ok()) return BadFolder(path, written.message());
  return folder;
}

OutputFolder::OutputFolder(OutputFolder&& other) noexcept
    : path_(std::move(other.path_)),
      made_(other.made_),
      lock_(std::move(other.lock_)),
      kept_(std::exchange(other.kept_, true)) {}

OutputFolder::~OutputFolder() {
  if (kept_) return;
  RemoveResults(path_, stress::Replace::kOurs).IgnoreError();
  std::error_code ignored;
  if (made_) fs::remove(path_, ignored);
}

}  // namespace opsbench::cli
