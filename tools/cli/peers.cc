#include "peers.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child_process.h"
#include "kept_servers.h"
#include "opsbench/base/status_macros.h"
#include "progress.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

// The parts of a URL, for tools that take none: a script cannot decode one.
void AddVariables(const Url& url, std::map<std::string, std::string>* to) {
  const std::string prefix =
      absl::StrCat("PEER_", absl::AsciiStrToUpper(EngineName(url.engine)), "_");
  (*to)[UrlVariable(url.engine)] = url.ToString();
  (*to)[prefix + "HOST"] = url.host.empty() ? "127.0.0.1" : url.host;
  (*to)[prefix + "PORT"] = absl::StrCat(url.EffectivePort());
  (*to)[prefix + "SOCKET"] = url.socket;
  (*to)[prefix + "USER"] = url.user;
  (*to)[prefix + "PASSWORD"] = url.password;
  (*to)[prefix + "DATABASE"] = url.database;
}

std::vector<fs::path> ScriptsOf(
    const fs::path& folder, const std::vector<std::string>& areas,
    const std::vector<std::unique_ptr<EngineHandle>>& engines) {
  std::vector<fs::path> scripts;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".sh") continue;
    const std::string name = entry.path().stem().string();
    for (const std::string& area : areas) {
      // What needs no server.
      if (absl::StartsWith(name, absl::StrCat(area, "_local_"))) {
        scripts.push_back(entry.path());
      }
      for (const auto& engine : engines) {
        if (absl::StartsWith(
                name,
                absl::StrCat(area, "_", EngineName(engine->engine()), "_"))) {
          scripts.push_back(entry.path());
        }
      }
    }
  }
  std::sort(scripts.begin(), scripts.end());
  return scripts;
}

}  // namespace

absl::StatusOr<bool> RunPeers(
    const Context& context, const std::vector<std::string>& areas,
    const std::vector<std::unique_ptr<EngineHandle>>& engines,
    const std::string& folder) {
  const fs::path scripts_folder =
      context.state_folder.parent_path() / "benchmarks" / "peers";
  if (!fs::is_directory(scripts_folder)) {
    return absl::NotFoundError(absl::StrCat("no ", scripts_folder.string(),
                                            ": peers need the sources; run ",
                                            "tools/opsbench of a checkout"));
  }
  std::map<std::string, std::string> variables = {
      {"OPSBENCH", (context.binary_folder / "opsbench").string()}};
  for (const auto& engine : engines) AddVariables(engine->url(), &variables);
  const fs::path logs = fs::path(folder) / "peers";
  fs::create_directories(logs);
  bool all_well = true;
  absl::PrintF("\nBeside other tools on the same work (ours / theirs)\n");
  for (const fs::path& script : ScriptsOf(scripts_folder, areas, engines)) {
    const std::string name = script.stem().string();
    const std::string log_path = (logs / (name + ".log")).string();
    std::ofstream log(log_path);
    std::string last;
    ProgressLine progress;
    ChildOptions options;
    options.arguments = {script.string()};
    options.environment = variables;
    options.stderr_path = log_path + ".stderr";
    options.on_line = [&](absl::string_view line) {
      log << line << std::endl;
      last = std::string(line);
      progress.Update(absl::StrCat(name, ": ", line));
    };
    OPSBENCH_ASSIGN_OR_RETURN(const int code, RunChild(options));
    progress.Clear();
    if (stop_requested) return absl::CancelledError("interrupted");
    if (code == 0) {
      absl::PrintF("  %-28s %s\n", name, last);
    } else {
      absl::PrintF("  %-28s failed with %d: see %s\n", name, code,
                   options.stderr_path);
      all_well = false;
    }
  }
  return all_well;
}

}  // namespace opsbench::cli
