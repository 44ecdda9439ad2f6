#include "opsbench/results/run_info.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/internal/build_facts.h"
#include "opsbench/results/internal/command_output.h"

namespace opsbench::results {
namespace {

using Json = nlohmann::ordered_json;

// One call tells commit, branch and changes. Untracked files are left out, and
// the index is not refreshed on disk, which would need its lock.
void CollectGit(const std::string& source_root, RunInfo* info) {
  const absl::StatusOr<std::string> output = internal::CommandOutput(
      {"git", "-C", source_root, "-c", "safe.directory=*",
       "--no-optional-locks", "status", "--porcelain=v2", "--branch",
       "--untracked-files=no"});
  if (!output.ok()) return;
  for (absl::string_view line : absl::StrSplit(*output, '\n')) {
    if (absl::ConsumePrefix(&line, "# branch.oid ")) {
      if (line == "(initial)") continue;  // Nothing is committed yet.
      constexpr size_t kShort = 10;
      info->git_sha = std::string(line);
      info->git_short_sha = info->git_sha.substr(0, kShort);
    } else if (absl::ConsumePrefix(&line, "# branch.head ")) {
      info->git_branch = line == "(detached)" ? "HEAD" : std::string(line);
    } else if (!line.empty() && !absl::StartsWith(line, "#")) {
      info->git_dirty = true;
    }
  }
}

void CollectMachine(RunInfo* info) {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    // "model name" on x86; ARM has no such line, some boards "Model".
    if (!absl::StartsWith(line, "model name") &&
        !absl::StartsWith(line, "Model")) {
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    info->cpu_model = std::string(absl::StripAsciiWhitespace(parts.second));
    break;
  }
  info->cores = static_cast<int>(std::thread::hardware_concurrency());
  info->memory_bytes =
      int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  utsname name;
  if (uname(&name) == 0) {
    info->kernel = absl::StrCat(name.sysname, " ", name.release);
  }
}

Json EngineJson(const EngineInfo& engine) {
  Json json;
  json["name"] = engine.name;
  json["version"] = engine.version;
  json["settings"] = engine.settings;
  return json;
}

absl::StatusOr<RunStatus> RunStatusOf(absl::string_view name) {
  for (const RunStatus status :
       {RunStatus::kRunning, RunStatus::kInterrupted, RunStatus::kComplete}) {
    if (RunStatusName(status) == name) return status;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"status\" is \"", name, "\""));
}

// As get_to(), but refuses numbers that T cannot hold: those of nlohmann are
// cut off, or worse.
template <typename T>
void GetInteger(const Json& json, const char* key, T* value) {
  const Json& number = json.at(key);
  const bool fits = number.is_number_unsigned()
                        ? std::in_range<T>(number.get<uint64_t>())
                        : number.is_number_integer() &&
                              std::in_range<T>(number.get<int64_t>());
  if (!fits) {
    throw Json::type_error::create(
        302, absl::StrCat("\"", key, "\" is not an integer in range"), &json);
  }
  *value = number.get<T>();
}

// Throws what nlohmann throws of a missing key or a wrong type.
absl::StatusOr<RunInfo> FromJson(const Json& json) {
  RunInfo info;
  GetInteger(json, "schema_version", &info.schema_version);
  if (info.schema_version > kRunSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "written by a later opsbench: schema version ", info.schema_version,
        ", this one reads up to ", kRunSchemaVersion));
  }
  OPSBENCH_ASSIGN_OR_RETURN(info.status,
                            RunStatusOf(json.at("status").get<std::string>()));
  json.at("started").get_to(info.started);
  json.at("git_sha").get_to(info.git_sha);
  json.at("git_short_sha").get_to(info.git_short_sha);
  json.at("git_branch").get_to(info.git_branch);
  json.at("git_dirty").get_to(info.git_dirty);
  json.at("compiler").get_to(info.compiler);
  json.at("flags").get_to(info.flags);
  json.at("build_type").get_to(info.build_type);
  json.at("cpu_model").get_to(info.cpu_model);
  GetInteger(json, "cores", &info.cores);
  GetInteger(json, "memory_bytes", &info.memory_bytes);
  json.at("kernel").get_to(info.kernel);
  json.at("scale").get_to(info.scale);
  GetInteger(json, "seed", &info.seed);
  json.at("areas").get_to(info.areas);
  // Later than the first files of this version, which lack them.
  info.filter = json.value("filter", info.filter);
  if (json.contains("sequence")) GetInteger(json, "sequence", &info.sequence);
  if (json.contains("rows")) GetInteger(json, "rows", &info.rows);
  if (json.contains("repetitions")) {
    GetInteger(json, "repetitions", &info.repetitions);
  }
  for (const Json& engine : json.at("engines")) {
    EngineInfo read;
    engine.at("name").get_to(read.name);
    engine.at("version").get_to(read.version);
    engine.at("settings").get_to(read.settings);
    info.engines.push_back(std::move(read));
  }
  return info;
}

}  // namespace

absl::string_view RunStatusName(RunStatus status) {
  switch (status) {
    case RunStatus::kRunning:
      return "running";
    case RunStatus::kInterrupted:
      return "interrupted";
    case RunStatus::kComplete:
      return "complete";
  }
  return "";
}

RunInfo CollectRunInfo(const std::string& source_root) {
  RunInfo info;
  info.started =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  CollectGit(source_root, &info);
  info.compiler = internal::kCompiler;
  info.flags = internal::kFlags;
  info.build_type = internal::kBuildType;
  CollectMachine(&info);
  return info;
}

std::string FormatRunInfo(const RunInfo& info) {
  Json json;
  json["schema_version"] = info.schema_version;
  json["status"] = std::string(RunStatusName(info.status));
  json["sequence"] = info.sequence;
  json["started"] = info.started;
  json["git_sha"] = info.git_sha;
  json["git_short_sha"] = info.git_short_sha;
  json["git_branch"] = info.git_branch;
  json["git_dirty"] = info.git_dirty;
  json["compiler"] = info.compiler;
  json["flags"] = info.flags;
  json["build_type"] = info.build_type;
  json["cpu_model"] = info.cpu_model;
  json["cores"] = info.cores;
  json["memory_bytes"] = info.memory_bytes;
  json["kernel"] = info.kernel;
  json["scale"] = info.scale;
  json["seed"] = info.seed;
  json["areas"] = info.areas;
  json["filter"] = info.filter;
  json["rows"] = info.rows;
  json["repetitions"] = info.repetitions;
  json["engines"] = Json::array();
  for (const EngineInfo& engine : info.engines) {
    json["engines"].push_back(EngineJson(engine));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<RunInfo> ParseRunInfo(absl::string_view text,
                                     absl::string_view source) {
  try {
    absl::StatusOr<RunInfo> info = FromJson(Json::parse(text));
    if (info.ok()) return info;
    return absl::Status(info.status().code(),
                        absl::StrCat(source, ": ", info.status().message()));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": no run.json: ", error.what()));
  }
}

}  // namespace opsbench::results
