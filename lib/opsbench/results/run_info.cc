#include "opsbench/results/run_info.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/build_info.h"

namespace opsbench::results {
namespace {

using Json = nlohmann::ordered_json;

constexpr absl::string_view kStatusNames[] = {"running", "complete",
                                              "interrupted"};

// The output of git without its last line's end; empty when it fails.
std::string Git(const std::string& root, std::vector<std::string> arguments) {
  // A container's checkout may belong to somebody else, which git mistrusts.
  arguments.insert(arguments.begin(),
                   {"git", "-C", root, "-c", "safe.directory=*"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) return "";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                   O_WRONLY, 0);
  pid_t child = 0;
  const int failed =
      posix_spawnp(&child, "git", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  std::string text;
  char chunk[4096];
  ssize_t bytes;
  while (failed == 0 && (bytes = read(output[0], chunk, sizeof(chunk))) > 0) {
    text.append(chunk, static_cast<size_t>(bytes));
  }
  close(output[0]);
  int status = 1;
  if (failed != 0 || waitpid(child, &status, 0) < 0 || status != 0) return "";
  return std::string(absl::StripAsciiWhitespace(text));
}

// The value behind `key` and a colon in a file such as /proc/cpuinfo.
std::string FieldOf(const char* path, absl::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const absl::string_view text = line;
    if (absl::StripAsciiWhitespace(text.substr(0, colon)) == key) {
      return std::string(absl::StripAsciiWhitespace(text.substr(colon + 1)));
    }
  }
  return "";
}

void CollectGit(const std::string& root, RunInfo* info) {
  const std::string sha = Git(root, {"rev-parse", "HEAD"});
  if (sha.empty()) return;
  info->git_sha = sha;
  info->git_short_sha = sha.substr(0, 9);
  info->git_branch = Git(root, {"rev-parse", "--abbrev-ref", "HEAD"});
  info->git_dirty = !Git(root, {"status", "--porcelain"}).empty();
}

}  // namespace

RunInfo CollectRunInfo(const std::string& source_root) {
  RunInfo info;
  info.started =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  CollectGit(source_root, &info);
  info.compiler = internal::kCompiler;
  info.flags = std::string(absl::StripAsciiWhitespace(internal::kFlags));
  info.build_type = internal::kBuildType;
  info.cpu_model = FieldOf("/proc/cpuinfo", "model name");
  info.cores = static_cast<int>(std::thread::hardware_concurrency());
  info.memory_bytes =
      int64_t{sysconf(_SC_PHYS_PAGES)} * int64_t{sysconf(_SC_PAGESIZE)};
  utsname system;
  if (uname(&system) == 0) {
    info.kernel = absl::StrCat(system.sysname, " ", system.release);
  }
  return info;
}

std::string FormatRunInfo(const RunInfo& info) {
  Json json;
  json["schema_version"] = info.schema_version;
  json["status"] = std::string(kStatusNames[static_cast<size_t>(info.status)]);
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
  json["engines"] = Json::array();
  for (const EngineInfo& engine : info.engines) {
    json["engines"].push_back({{"name", engine.name},
                               {"version", engine.version},
                               {"settings", engine.settings}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<RunInfo> ParseRunInfo(absl::string_view text,
                                     absl::string_view source) {
  try {
    const Json json = Json::parse(text.begin(), text.end());
    RunInfo info;
    json.at("schema_version").get_to(info.schema_version);
    if (info.schema_version > kRunSchemaVersion) {
      return absl::FailedPreconditionError(absl::StrCat(
          source, " was written by a later opsbench (schema version ",
          info.schema_version, ", this one knows ", kRunSchemaVersion, ")"));
    }
    const auto status = json.at("status").get<std::string>();
    bool known = false;
    for (size_t i = 0; i < std::size(kStatusNames); ++i) {
      if (status != kStatusNames[i]) continue;
      info.status = static_cast<RunStatus>(i);
      known = true;
    }
    if (!known) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ": unknown status ", status));
    }
    json.at("started").get_to(info.started);
    json.at("git_sha").get_to(info.git_sha);
    json.at("git_short_sha").get_to(info.git_short_sha);
    json.at("git_branch").get_to(info.git_branch);
    json.at("git_dirty").get_to(info.git_dirty);
    json.at("compiler").get_to(info.compiler);
    json.at("flags").get_to(info.flags);
    json.at("build_type").get_to(info.build_type);
    json.at("cpu_model").get_to(info.cpu_model);
    json.at("cores").get_to(info.cores);
    json.at("memory_bytes").get_to(info.memory_bytes);
    json.at("kernel").get_to(info.kernel);
    json.at("scale").get_to(info.scale);
    json.at("seed").get_to(info.seed);
    json.at("areas").get_to(info.areas);
    for (const Json& engine : json.at("engines")) {
      info.engines.push_back(
          {engine.at("name"), engine.at("version"),
           engine.at("settings").get<std::map<std::string, std::string>>()});
    }
    return info;
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, " does not describe a run: ", error.what()));
  }
}

}  // namespace opsbench::results
