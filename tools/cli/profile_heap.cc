#include "profile_heap.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "child_process.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/profile/folded_stacks.h"
#include "profile_perf.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

// heaptrack appends the ending of how it compresses.
absl::StatusOr<std::string> FindRecording(const std::string& folder) {
  for (const char* ending : {".zst", ".gz", ""}) {
    const std::string path = absl::StrCat(folder, "/heap", ending);
    if (fs::exists(path)) return path;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("heaptrack left no recording: ", LastLine(folder + "/log")));
}

// heaptrack writes "function (file)", or an address where it knows neither.
std::string WithoutFiles(absl::string_view line) {
  const size_t blank = line.rfind(' ');
  std::vector<std::string> names;
  for (absl::string_view name : absl::StrSplit(line.substr(0, blank), ';')) {
    const size_t file = name.rfind(" (");
    if (absl::EndsWith(name, ")") && file != absl::string_view::npos &&
        name.find_first_of("(): ", file + 2) == name.size() - 1) {
      name = name.substr(0, file);
    }
    // What a library without symbols allocates is its known caller's.
    if (!absl::StartsWith(name, "0x")) names.emplace_back(name);
  }
  if (names.empty()) names.emplace_back("[unknown]");
  return absl::StrCat(
      absl::StrJoin(names, ";"),
      blank == absl::string_view::npos ? "" : line.substr(blank));
}

// Stacks by what they cost; the lines of heaptrack's summary go to `*summary`.
absl::StatusOr<profile::StackProfile> ReadStacks(
    const std::string& recording, const char* cost, const std::string& folder,
    std::vector<std::string>* summary) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string print,
                            FindTool("heaptrack_print", "heaptrack"));
  const std::string stacks = absl::StrCat(folder, "/", cost, ".stacks");
  ChildOptions child;
  child.arguments = {print, "-f", recording, "-t",
                     "0",   "-p", "0",       "-a",
                     "0",   "-T", "0",       "--flamegraph-cost-type",
                     cost,  "-F", stacks};
  child.stderr_path = absl::StrCat(folder, "/heaptrack_print.log");
  summary->clear();
  child.on_line = [&](absl::string_view line) {
    for (const char* begin :
         {"calls to allocation functions:", "temporary memory allocations:",
          "peak heap memory consumption:", "peak RSS ",
          "total memory leaked:"}) {
      if (absl::StartsWith(line, begin)) summary->emplace_back(line);
    }
  };
  OPSBENCH_ASSIGN_OR_RETURN(const int code, RunChild(child));
  std::ifstream file(stacks);
  if (code != 0 || !file) {
    return absl::FailedPreconditionError(
        absl::StrCat("heaptrack_print failed: ", LastLine(child.stderr_path)));
  }
  profile::StackProfile profile;
  for (std::string line; std::getline(file, line);) {
    OPSBENCH_RETURN_IF_ERROR(
        profile::AddFoldedStack(WithoutFiles(line), &profile));
  }
  return profile;
}

}  // namespace

absl::StatusOr<HeapProfile> RecordHeap(const HeapOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string heaptrack,
                            FindTool("heaptrack", "heaptrack"));
  ChildOptions child;
  child.arguments = {heaptrack, "-o", absl::StrCat(options.folder, "/heap")};
  child.arguments.insert(child.arguments.end(), options.command.begin(),
                         options.command.end());
  child.environment = options.environment;
  child.stderr_path = absl::StrCat(options.folder, "/log");
  HeapProfile heap;
  OPSBENCH_ASSIGN_OR_RETURN(heap.exit_code, RunChild(child));
  OPSBENCH_ASSIGN_OR_RETURN(const std::string recording,
                            FindRecording(options.folder));
  OPSBENCH_ASSIGN_OR_RETURN(
      heap.peak, ReadStacks(recording, "peak", options.folder, &heap.summary));
  OPSBENCH_ASSIGN_OR_RETURN(
      heap.allocations,
      ReadStacks(recording, "allocations", options.folder, &heap.summary));
  return heap;
}

}  // namespace opsbench::cli
