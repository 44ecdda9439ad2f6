#ifndef OPSBENCH_TOOLS_CLI_STRESS_FOLDER_H_
#define OPSBENCH_TOOLS_CLI_STRESS_FOLDER_H_

// The folder that a stress run leaves its results in.
//
// Thread safety: not thread-safe.

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "command.h"
#include "opsbench/stress/databases.h"
#include "stress_setup.h"

namespace opsbench::cli {

// The files of a run below its folder.
std::string ReplayPath(const std::string& folder);
std::string SummaryPath(const std::string& folder);
std::string BenchmarkPath(const std::string& folder);
std::string LogFolder(const std::string& folder);

// Held on a folder while a run works in it: gone with its process, however that
// ends.
class FolderLock {
 public:
  // FailedPrecondition: another process holds it.
  static absl::StatusOr<FolderLock> Take(const std::string& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}

  int fd_;
};

// The folder that results go into. Unless Keep() is called it removes in the
// end what it made.
class OutputFolder {
 public:
  // `config.output_dir`, or a new folder below the state's. Of what is in it
  // already, results of a run are removed as `replace` allows.
  // FailedPrecondition and InvalidArgument say in one line why it will not do.
  static absl::StatusOr<OutputFolder> Make(const StressSetup& setup,
                                           stress::Replace replace,
                                           const Context& context);
  ~OutputFolder();
  OutputFolder(OutputFolder&& other) noexcept;
  OutputFolder& operator=(OutputFolder&&) = delete;

  const std::string& path() const { return path_; }
  void Keep() { kept_ = true; }

 private:
  OutputFolder(std::string path, bool made, FolderLock lock)
      : path_(std::move(path)), made_(made), lock_(std::move(lock)) {}

  std::string path_;
  bool made_;
  FolderLock lock_;
  bool kept_ = false;
};

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_STRESS_FOLDER_H_
