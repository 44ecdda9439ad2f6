#include "opsbench/results/run_store.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"

namespace opsbench::results {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kRunFile[] = "run.json";

absl::Status StatusOf(const std::error_code& error, const fs::path& path) {
  return absl::ErrnoToStatus(error.value(), path.string());
}

// A line of the history: the fields that a benchmark's row has, and of which
// run it is.
std::string HistoryLine(const Run& run, const std::string& area,
                        const BenchmarkRow& row) {
  Json json;
  json["timestamp"] = run.info.started;
  json["git_sha"] = run.info.git_sha;
  json["git_branch"] = run.info.git_branch;
  json["git_dirty"] = run.info.git_dirty;
  json["run"] = fs::path(run.folder).filename().string();
  json["scale"] = run.info.scale;
  json["area"] = area;
  json["name"] = row.name;
  json["run_type"] = row.run_type;
  if (row.error_occurred) {
    json["error_message"] = row.error_message;
  } else {
    json["real_time_ns"] = row.real_time_ns();
    json["cpu_time_ns"] = row.cpu_time_ns();
    for (const auto& [name, value] : row.counters) {
      if (std::isfinite(value)) json[name] = value;
    }
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

absl::Status CheckBaselineName(absl::string_view name) {
  const bool fine =
      !name.empty() && absl::ascii_isalnum(name[0]) &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
      });
  if (fine) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", name,
      "\" cannot name a baseline: use letters, digits, '.', '_' and '-', "
      "beginning with a letter or digit"));
}

RunStore::RunStore(fs::path folder) : folder_(std::move(folder)) {}

absl::StatusOr<std::string> RunStore::CreateRun(const RunInfo& info) {
  std::error_code error;
  fs::create_directories(folder_ / "runs", error);
  if (error) return StatusOf(error, folder_ / "runs");
  const std::string name =
      absl::StrCat(absl::StrReplaceAll(info.started, {{"-", ""}, {":", ""}}),
                   "-", info.git_short_sha);
  fs::path run_folder;
  for (int attempt = 1;; ++attempt) {
    run_folder = folder_ / "runs" /
                 (attempt == 1 ? name : absl::StrCat(name, "-", attempt));
    if (fs::create_directory(run_folder, error)) break;
    if (error) return StatusOf(error, run_folder);
  }
  OPSBENCH_RETURN_IF_ERROR(WriteFileAtomically((run_folder / kRunFile).string(),
                                               FormatRunInfo(info)));
  return run_folder.string();
}

absl::Status RunStore::FinishRun(const std::string& run_folder,
                                 const RunInfo& info) {
  OPSBENCH_RETURN_IF_ERROR(WriteFileAtomically(
      (fs::path(run_folder) / kRunFile).string(), FormatRunInfo(info)));
  OPSBENCH_ASSIGN_OR_RETURN(const Run run, Load(run_folder));
  return AppendHistory(run);
}

absl::Status RunStore::AppendHistory(const Run& run) {
  // One write with O_APPEND: runs that end together do not mix their lines.
  std::string lines;
  for (const auto& [area, file] : run.areas) {
    for (const BenchmarkRow& row : file.rows) {
      lines += HistoryLine(run, area, row);
    }
  }
  const std::string path = (folder_ / "history.jsonl").string();
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  const off_t before = lseek(fd, 0, SEEK_END);
  const ssize_t written = write(fd, lines.data(), lines.size());
  absl::Status status;
  if (written != static_cast<ssize_t>(lines.size())) {
    status =
        written < 0
            ? absl::ErrnoToStatus(errno, path)
            : absl::ResourceExhaustedError(absl::StrCat(path, ": no space"));
    // Half a line would spoil the file for its readers.
    if (written > 0 && ftruncate(fd, before) != 0) {
      status = absl::DataLossError(
          absl::StrCat(path, ": its last line is incomplete"));
    }
  }
  close(fd);
  return status;
}

absl::Status RunStore::Save(const std::string& run_folder,
                            const std::string& name) {
  OPSBENCH_RETURN_IF_ERROR(CheckBaselineName(name));
  OPSBENCH_ASSIGN_OR_RETURN(const Run run, Load(run_folder));
  if (run.info.status != RunStatus::kComplete) {
    return absl::FailedPreconditionError(
        absl::StrCat(run_folder, " is not a complete run"));
  }
  const fs::path baselines = folder_ / "baselines";
  std::error_code error;
  fs::create_directories(baselines, error);
  if (error) return StatusOf(error, baselines);
  // A name that no baseline can have: it begins with a dot.
  const std::string unique = absl::StrCat(name, ".", getpid());
  const fs::path staged = baselines / absl::StrCat(".new-", unique);
  const fs::path old = baselines / absl::StrCat(".old-", unique);
  fs::copy(run.folder, staged, fs::copy_options::recursive, error);
  if (!error && fs::exists(baselines / name)) {
    fs::rename(baselines / name, old, error);
  }
  if (!error) fs::rename(staged, baselines / name, error);
  std::error_code ignored;
  if (error) {
    if (fs::exists(old)) fs::rename(old, baselines / name, ignored);
    fs::remove_all(staged, ignored);
    return StatusOf(error, baselines / name);
  }
  fs::remove_all(old, ignored);
  return absl::OkStatus();
}

absl::StatusOr<Run> RunStore::Load(const std::string& folder_or_name) const {
  fs::path folder = folder_or_name;
  std::error_code error;
  if (!fs::exists(folder / kRunFile, error)) {
    folder = folder_ / "baselines" / folder_or_name;
  }
  if (!fs::exists(folder / kRunFile, error)) {
    return absl::NotFoundError(absl::StrCat(
        folder_or_name, " is neither a run's folder nor a baseline's name"));
  }
  Run run;
  run.folder = folder.string();
  const std::string run_file = (folder / kRunFile).string();
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text, ReadFile(run_file));
  OPSBENCH_ASSIGN_OR_RETURN(run.info, ParseRunInfo(text, run_file));
  for (const std::string& area : run.info.areas) {
    const fs::path path = folder / absl::StrCat(area, ".json");
    if (!fs::exists(path, error)) continue;
    OPSBENCH_ASSIGN_OR_RETURN(run.areas[area],
                              ReadBenchmarkFile(path.string()));
  }
  return run;
}

absl::StatusOr<std::vector<std::string>> RunStore::Baselines() const {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(folder_ / "baselines", error)) {
    const std::string name = entry.path().filename().string();
    if (CheckBaselineName(name).ok()) names.push_back(name);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return StatusOf(error, folder_ / "baselines");
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace opsbench::results
