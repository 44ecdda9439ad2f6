#include "opsbench/results/run_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/internal/posix_file.h"

namespace opsbench::results {
namespace {

namespace fs = std::filesystem;
using internal::ErrnoStatus;

// Whether a folder of that name may be a baseline or a run.
bool IsName(absl::string_view name) {
  return !name.empty() && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  c == '.' || c == '_' || c == '-';
         });
}

bool IsAlias(absl::string_view name) {
  return name == "latest" || name == "previous";
}

// "20260131T120000Z-…".
bool IsRunName(absl::string_view name) {
  constexpr absl::string_view kShape = "00000000T000000Z-";
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (i >= name.size()) return false;
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(name[i]));
    if (kShape[i] == '0' ? !digit : name[i] != kShape[i]) return false;
  }
  return true;
}

// The area whose benchmarks are called so, or empty.
std::string AreaOfNames(const RunInfo& info, absl::string_view name) {
  const std::string family =
      absl::AsciiStrToLower(name.substr(0, name.find('/')));
  return absl::c_linear_search(info.areas, family) ? family : "";
}

// A library call that failed, under errno's own codes.
absl::Status FileError(absl::string_view what, const fs::path& path,
                       const std::error_code& error) {
  errno = error.value();
  return ErrnoStatus(what, path.string());
}

absl::Status MakeFolders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return FileError("cannot make", folder, error);
  return absl::OkStatus();
}

std::string RunFile(const std::string& folder) { return folder + "/run.json"; }

absl::StatusOr<RunInfo> ReadRunInfo(const std::string& folder) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text,
                            ReadWholeFile(RunFile(folder)));
  return ParseRunInfo(text, RunFile(folder));
}

// The results of every area of `run->info`.
void ReadAreas(Run* run) {
  for (const std::string& area : run->info.areas) {
    BenchmarkFile file;
    const absl::Status status = VisitArea(
        run->info, run->folder, area,
        [&file](const BenchmarkRow& row) {
          file.rows.push_back(row);
          return absl::OkStatus();
        },
        &file.context);
    if (status.ok()) {
      run->areas[area] = std::move(file);
    } else {
      run->failed_areas[area] = status;
    }
  }
}

// A line of the history, or nothing for a row that is no measurement: a
// fraction such as a coefficient of variation, a fit, a skipped row.
std::string HistoryLine(const Run& run, const std::string& area,
                        const BenchmarkRow& row) {
  nlohmann::ordered_json json;
  json["timestamp"] = run.info.started;
  json["git_sha"] = run.info.git_sha;
  json["git_branch"] = run.info.git_branch;
  json["git_dirty"] = run.info.git_dirty;
  json["scale"] = run.info.scale;
  json["run"] = fs::path(run.folder).filename().string();
  json["area"] = area;
  json["name"] = row.name;
  if (row.run_type == "aggregate") json["aggregate"] = row.aggregate_name;
  if (row.error_occurred) {
    json["error"] = row.error_message;
  } else {
    const double real_time_ns = ToNanoseconds(row.real_time, row.time_unit);
    const double cpu_time_ns = ToNanoseconds(row.cpu_time, row.time_unit);
    if (row.skipped || row.aggregate_unit == "percentage" ||
        !std::isfinite(real_time_ns)) {
      return "";
    }
    json["real_time_ns"] = real_time_ns;
    if (std::isfinite(cpu_time_ns)) json["cpu_time_ns"] = cpu_time_ns;
    json["counters"] = nlohmann::ordered_json::object();
    for (const auto& [name, value] : row.counters) {
      if (std::isfinite(value)) json["counters"][name] = value;
    }
  }
  return json.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

// Appends to a file that other processes append to at the same time: a write()
// under O_APPEND is not torn apart.
absl::Status AppendHistory(const fs::path& path, const Run& run) {
  const int file =
      open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return ErrnoStatus("cannot write", path.string());
  absl::Cleanup closer = [file] { (void)close(file); };
  // A disk that was full may have cut the last line short. Ended here, it
  // spoils itself alone.
  char last = '\n';
  const off_t size = lseek(file, 0, SEEK_END);
  if (size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n') {
    OPSBENCH_RETURN_IF_ERROR(internal::WriteAll(file, "\n", path.string()));
  }
  for (const auto& [area, results] : run.areas) {
    for (const BenchmarkRow& row : results.rows) {
      OPSBENCH_RETURN_IF_ERROR(
          internal::WriteAll(file, HistoryLine(run, area, row), path.string()));
    }
  }
  return absl::OkStatus();
}

// Puts `staged` in the place of `target`, which may exist, in one step where
// the file system can exchange two folders. Elsewhere there is none of the name
// for a moment, and the old one comes back if the new one cannot take over.
// What `target` was is left at `staged` or `aside`.
absl::Status Replace(const fs::path& staged, const fs::path& target,
                     const fs::path& aside) {
  if (rename(staged.c_str(), target.c_str()) == 0) return absl::OkStatus();
  if (errno != ENOTEMPTY && errno != EEXIST) {
    return ErrnoStatus("cannot write", target.string());
  }
  if (renameat2(AT_FDCWD, staged.c_str(), AT_FDCWD, target.c_str(),
                RENAME_EXCHANGE) == 0) {
    return absl::OkStatus();
  }
  if (rename(target.c_str(), aside.c_str()) != 0) {
    return ErrnoStatus("cannot replace", target.string());
  }
  if (rename(staged.c_str(), target.c_str()) == 0) return absl::OkStatus();
  absl::Status status = ErrnoStatus("cannot write", target.string());
  (void)rename(aside.c_str(), target.c_str());
  return status;
}

// Lists the files that Save() put into a baseline, one a line. What has no such
// list is not opsbench's, nor is what stands beside the files on it.
constexpr char kFileList[] = ".files";

// FailedPrecondition: the folder is no baseline, or holds what Save() did not
// put there.
absl::Status CheckOwnBaseline(const fs::path& folder) {
  const absl::StatusOr<std::string> list =
      ReadWholeFile((folder / kFileList).string());
  const auto foreign = [&](absl::string_view what) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder.string(), what,
                     ", which opsbench did not put there: move it away first"));
  };
  std::error_code error;
  // One of before there were lists holds files alone.
  if (!list.ok() && !fs::exists(folder / "run.json", error)) {
    return foreign(" has no run.json: it is a folder");
  }
  // `opsbench report` writes into the folder of what it reports on.
  const std::string known =
      absl::StrCat("\n", list.value_or(""), kFileList, "\nreport.html\n");
  for (const fs::directory_entry& entry :
       fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const bool ours =
        entry.is_regular_file() && !entry.is_symlink() &&
        (!list.ok() ||
         absl::StrContains(known, absl::StrCat("\n", name, "\n")));
    if (!ours) return foreign(absl::StrCat(" holds ", name));
  }
  if (error) return FileError("cannot read", folder, error);
  return absl::OkStatus();
}

// Removes copies of which nothing was heard for an hour: their process was
// killed. What was set aside (Replace) may be a baseline's last copy, and
// stays.
void RemoveLeftovers(const fs::path& baselines) {
  const auto young = fs::file_time_type::clock::now() - std::chrono::hours(1);
  std::error_code ignored;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(baselines, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name[0] != '.' || absl::EndsWith(name, ".old")) continue;
    const fs::file_time_type written = entry.last_write_time(ignored);
    if (ignored || written >= young || !entry.is_directory(ignored)) continue;
    const bool empty = fs::is_empty(entry.path(), ignored);
    if (empty || (fs::exists(entry.path() / kFileList, ignored) &&
                  CheckOwnBaseline(entry.path()).ok())) {
      fs::remove_all(entry.path(), ignored);
    }
  }
}

// The runs or baselines in `folder`, in any order. Copies that are under way
// have no name.
absl::StatusOr<std::vector<StoredRun>> ListFolders(const fs::path& folder) {
  std::vector<StoredRun> found;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error == std::errc::no_such_file_or_directory) return found;
  for (; !error && entries != fs::directory_iterator();
       entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    std::error_code ignored;
    if (!IsName(name) || !entries->is_directory(ignored)) continue;
    found.push_back({.name = name,
                     .folder = entries->path().string(),
                     .info = ReadRunInfo(entries->path().string())});
  }
  if (error) return FileError("cannot read", folder, error);
  return found;
}

absl::Status CopyFiles(const fs::path& from, const fs::path& to) {
  std::error_code error;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name != kFileList) names.push_back(name);
  }
  if (error) return FileError("cannot read", from, error);
  // The list comes first: a copy that is cut off is known for one.
  std::string list;
  for (const std::string& name : names) absl::StrAppend(&list, name, "\n");
  OPSBENCH_RETURN_IF_ERROR(
      WriteFileAtomically((to / kFileList).string(), list));
  for (const std::string& name : names) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string text,
                              ReadWholeFile((from / name).string()));
    OPSBENCH_RETURN_IF_ERROR(WriteFileAtomically((to / name).string(), text));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckWhole(const Run& run) {
  if (run.info.areas.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(RunFile(run.folder), ": names no area that was measured"));
  }
  for (const auto& [area, status] : run.failed_areas) {
    return absl::FailedPreconditionError(
        absl::StrCat("no results of ", area, ": ", status.message()));
  }
  return absl::OkStatus();
}

absl::Status CheckBaselineName(absl::string_view name) {
  absl::string_view why;
  if (!IsName(name) || name.front() == '-') {
    why =
        "use letters, digits, '.', '_' and '-', and begin with a letter, a "
        "digit or '_'";
  } else if (IsAlias(name)) {
    why = "it stands for a run: choose another name";
  } else if (IsRunName(name)) {
    why = "it looks like the name of a run: choose another name";
  } else if (absl::EndsWith(name, ".json")) {
    why = "it looks like a file of results: leave out .json";
  } else {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "\" cannot name a baseline: ", why));
}

absl::Status VisitArea(const RunInfo& info, const std::string& folder,
                       const std::string& area, RowVisitor visit,
                       std::map<std::string, std::string>* context) {
  const std::string path = RunStore::AreaFile(folder, area);
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  std::map<std::string, std::string> own_context;
  std::set<std::tuple<std::string, std::string, int64_t, int64_t>> seen;
  std::string twice;
  std::string other;
  OPSBENCH_RETURN_IF_ERROR(VisitBenchmarkJson(
      text, path,
      [&](const BenchmarkRow& row) {
        if (!seen.emplace(row.run_name, row.aggregate_name, row.process,
                          row.repetition_index)
                 .second) {
          twice = row.name;
        }
        const std::string named = AreaOfNames(info, row.run_name);
        if (!named.empty() && named != area) other = named;
        return visit(row);
      },
      &own_context));
  if (const auto found = own_context.find("executable");
      found != own_context.end() && absl::EndsWith(found->second, "_bench")) {
    const std::string binary = fs::path(found->second).filename();
    if (binary != absl::StrCat(area, "_bench")) other = binary;
  }
  std::string fault;
  if (seen.empty()) fault = "holds no benchmark";
  if (!twice.empty()) fault = absl::StrCat("holds ", twice, " twice");
  if (!other.empty()) fault = absl::StrCat("holds results of ", other);
  if (!fault.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(path, " ", fault));
  }
  if (context != nullptr) context->merge(own_context);
  return absl::OkStatus();
}

RunStore::RunStore(fs::path state_folder)
    : state_folder_(std::move(state_folder)) {}

std::string RunStore::AreaFile(absl::string_view folder,
                               absl::string_view area) {
  return absl::StrCat(folder, "/", area, ".json");
}

absl::StatusOr<std::string> RunStore::CreateRun(const RunInfo& info) {
  absl::Time started;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, info.started, &started, &error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("started is \"", info.started, "\": ", error));
  }
  if (!IsName(info.git_short_sha)) {
    return absl::InvalidArgumentError(
        absl::StrCat("git_short_sha is \"", info.git_short_sha, "\""));
  }
  OPSBENCH_RETURN_IF_ERROR(MakeFolders(state_folder_ / "runs"));
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<StoredRun> before, ListRuns());
  int64_t sequence = 1;
  for (const StoredRun& run : before) {
    if (run.info.ok()) sequence = std::max(sequence, run.info->sequence + 1);
  }
  const std::string base =
      (state_folder_ / "runs" /
       absl::StrCat(
           absl::FormatTime("%Y%m%dT%H%M%SZ", started, absl::UTCTimeZone()),
           "-", info.git_short_sha))
          .string();
  // Under a name of its own only once it is whole: no reader ever meets a run
  // without its run.json.
  std::string staged = state_folder_ / "runs" / ".new-XXXXXX";
  if (mkdtemp(staged.data()) == nullptr)
    return ErrnoStatus("cannot make", staged);
  absl::Cleanup remove = [&staged] {
    std::error_code ignored;
    fs::remove_all(staged, ignored);
  };
  // mkdtemp keeps others out.
  struct stat state;
  if (stat((state_folder_ / "runs").c_str(), &state) != 0 ||
      chmod(staged.c_str(), state.st_mode & 0777) != 0) {
    return ErrnoStatus("cannot make", staged);
  }
  RunInfo running = info;
  running.status = RunStatus::kRunning;
  running.sequence = sequence;
  OPSBENCH_RETURN_IF_ERROR(
      WriteFileAtomically(RunFile(staged), FormatRunInfo(running)));
  std::string folder = base;
  for (int copy = 2; rename(staged.c_str(), folder.c_str()) != 0; ++copy) {
    if (errno != EEXIST && errno != ENOTEMPTY) {
      return ErrnoStatus("cannot make", folder);
    }
    folder = absl::StrCat(base, "-", copy);
  }
  return folder;
}

absl::Status RunStore::FinishRun(const std::string& folder,
                                 const RunInfo& info) {
  OPSBENCH_ASSIGN_OR_RETURN(const RunInfo begun, ReadRunInfo(folder));
  if (begun.status != RunStatus::kRunning) {
    return absl::FailedPreconditionError(absl::StrCat(
        folder, ": the run is ", RunStatusName(begun.status), " already"));
  }
  Run run = {.folder = folder, .info = info};
  run.info.sequence = begun.sequence;
  ReadAreas(&run);
  if (!run.failed_areas.empty()) run.info.status = RunStatus::kInterrupted;
  if (run.info.status == RunStatus::kRunning) {
    run.info.status = RunStatus::kComplete;
  }
  OPSBENCH_RETURN_IF_ERROR(
      WriteFileAtomically(RunFile(folder), FormatRunInfo(run.info)));
  return AppendHistory(state_folder_ / "history.jsonl", run);
}

absl::Status RunStore::CheckSave(const std::string& name) const {
  OPSBENCH_RETURN_IF_ERROR(CheckBaselineName(name));
  const fs::path folder = state_folder_ / "baselines" / name;
  std::error_code error;
  return fs::exists(fs::symlink_status(folder, error))
             ? CheckOwnBaseline(folder)
             : absl::OkStatus();
}

absl::Status RunStore::Save(const std::string& folder,
                            const std::string& name) {
  OPSBENCH_RETURN_IF_ERROR(CheckSave(name));
  OPSBENCH_ASSIGN_OR_RETURN(const RunInfo info, ReadRunInfo(folder));
  if (info.status != RunStatus::kComplete) {
    return absl::FailedPreconditionError(absl::StrCat(
        folder, ": the run is ", RunStatusName(info.status),
        ", not complete: a baseline without all results would hide what went "
        "missing"));
  }
  Run run = {.folder = folder, .info = info};
  ReadAreas(&run);
  OPSBENCH_RETURN_IF_ERROR(CheckWhole(run));
  const fs::path baselines = state_folder_ / "baselines";
  OPSBENCH_RETURN_IF_ERROR(MakeFolders(baselines));
  RemoveLeftovers(baselines);
  // No baseline's name begins with a dot.
  std::string staged = baselines / absl::StrCat(".", name, "-XXXXXX");
  if (mkdtemp(staged.data()) == nullptr) {
    return ErrnoStatus("cannot make", staged);
  }
  const std::string aside = staged + ".old";
  absl::Cleanup remove = [&staged, &aside] {
    std::error_code ignored;
    fs::remove_all(staged, ignored);
    fs::remove_all(aside, ignored);
  };
  // mkdtemp keeps others out; a baseline is as readable as the run that it was.
  struct stat state;
  if (stat(folder.c_str(), &state) != 0 ||
      chmod(staged.c_str(), state.st_mode & 0777) != 0) {
    return ErrnoStatus("cannot make", staged);
  }
  OPSBENCH_RETURN_IF_ERROR(CopyFiles(folder, staged));
  OPSBENCH_RETURN_IF_ERROR(Replace(staged, baselines / name, aside));
  internal::SyncFolder(baselines.string());
  return absl::OkStatus();
}

absl::Status RunStore::Remove(const std::string& name) {
  // What could be saved once can be removed, also when it no longer could.
  if (!IsName(name)) return CheckBaselineName(name);
  const fs::path baselines = state_folder_ / "baselines";
  RemoveLeftovers(baselines);
  std::error_code error;
  if (!fs::exists(baselines / name, error)) {
    return absl::NotFoundError(absl::StrCat("there is no baseline \"", name,
                                            "\" in ", baselines.string()));
  }
  OPSBENCH_RETURN_IF_ERROR(CheckOwnBaseline(baselines / name));
  // Out of sight in one step, then file by file.
  std::string aside = baselines / absl::StrCat(".", name, "-XXXXXX");
  if (mkdtemp(aside.data()) == nullptr) {
    return ErrnoStatus("cannot remove", (baselines / name).string());
  }
  absl::Cleanup remove = [&aside] {
    std::error_code ignored;
    fs::remove_all(aside, ignored);
  };
  if (rename((baselines / name).c_str(), aside.c_str()) != 0) {
    return ErrnoStatus("cannot remove", (baselines / name).string());
  }
  internal::SyncFolder(baselines.string());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StoredRun>> RunStore::ListBaselines() const {
  OPSBENCH_ASSIGN_OR_RETURN(std::vector<StoredRun> baselines,
                            ListFolders(state_folder_ / "baselines"));
  absl::c_sort(baselines, [](const StoredRun& a, const StoredRun& b) {
    return a.name < b.name;
  });
  return baselines;
}

absl::StatusOr<std::vector<StoredRun>> RunStore::ListRuns() const {
  OPSBENCH_ASSIGN_OR_RETURN(std::vector<StoredRun> runs,
                            ListFolders(state_folder_ / "runs"));
  // By the order of creation. Names begin with the time, of a clock that may
  // have been wrong; those of one second end in -2, -3 … -10. Runs of older
  // versions know no sequence, and came before.
  constexpr size_t kTime = sizeof("20260131T120000Z") - 1;
  const auto key = [](const StoredRun& run) {
    return std::tuple(run.info.ok() ? run.info->sequence : 0,
                      run.name.substr(0, kTime), run.name.size(), run.name);
  };
  absl::c_sort(runs, [&](const StoredRun& a, const StoredRun& b) {
    return key(a) < key(b);
  });
  return runs;
}

// The folder of the newest complete run, or of the one before.
absl::StatusOr<std::string> RunStore::FindAlias(
    const std::string& alias) const {
  OPSBENCH_ASSIGN_OR_RETURN(std::vector<StoredRun> runs, ListRuns());
  // One that cannot be read has no place in the order: it may be the one.
  for (const StoredRun& run : runs) {
    if (run.info.ok()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("which run is ", alias,
                     " cannot be told: ", run.info.status().message(),
                     "; remove ", run.folder, " or name the run"));
  }
  std::erase_if(runs, [](const StoredRun& run) {
    return run.info->status != RunStatus::kComplete;
  });
  const size_t back = alias == "latest" ? 1 : 2;
  if (runs.size() >= back) return runs[runs.size() - back].folder;
  return absl::NotFoundError(absl::StrCat(
      "there is no ", alias, " run: ", (state_folder_ / "runs").string(),
      " holds ", runs.size(), " complete runs; `opsbench run` makes one"));
}

absl::StatusOr<std::string> RunStore::Find(
    const std::string& folder_or_name) const {
  if (IsAlias(folder_or_name)) return FindAlias(folder_or_name);
  std::vector<fs::path> places;
  if (IsName(folder_or_name)) {
    places = {state_folder_ / "baselines" / folder_or_name,
              state_folder_ / "runs" / folder_or_name};
  }
  places.emplace_back(folder_or_name);
  for (const fs::path& place : places) {
    std::error_code error;
    if (fs::exists(place / "run.json", error)) return place.string();
  }
  return absl::NotFoundError(absl::StrCat(
      "\"", folder_or_name, "\" is neither a baseline nor a run of ",
      state_folder_.string(), " nor a folder with a run.json"));
}

absl::StatusOr<Run> RunStore::Load(const std::string& folder_or_name) const {
  Run run;
  OPSBENCH_ASSIGN_OR_RETURN(run.folder, Find(folder_or_name));
  OPSBENCH_ASSIGN_OR_RETURN(run.info, ReadRunInfo(run.folder));
  ReadAreas(&run);
  return run;
}

}  // namespace opsbench::results
