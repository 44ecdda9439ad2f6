#include "peers.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
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

// The number at the beginning of what follows `label` in a line.
absl::StatusOr<double> NumberAfter(absl::string_view label,
                                   absl::string_view line) {
  double number = 0;
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  if (words.size() < 2 || words[0] != label ||
      !absl::SimpleAtod(words[1], &number) || !std::isfinite(number) ||
      number <= 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("no \"", label, " <number above 0>\" but \"", line, "\""));
  }
  return number;
}

std::string LastLine(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

absl::StatusOr<PeerEnd> RunScript(
    const std::string& script, const std::string& name,
    const std::string& log_path, std::map<std::string, std::string> variables) {
  std::ofstream log(log_path);
  PeerEnd end;
  ProgressLine progress;
  ChildOptions options;
  options.arguments = {script};
  options.environment = std::move(variables);
  options.stderr_path = log_path + ".stderr";
  options.on_line = [&](absl::string_view line) {
    log << line << std::endl;
    end.before_last = std::move(end.last);
    end.last = std::string(line);
    progress.Update(absl::StrCat(name, ": ", line));
  };
  OPSBENCH_ASSIGN_OR_RETURN(end.exit_code, RunChild(options));
  progress.Clear();
  end.last_error = LastLine(options.stderr_path);
  return end;
}

}  // namespace

absl::StatusOr<std::string> PeerResult(const PeerEnd& end) {
  if (end.exit_code != 0) {
    return absl::FailedPreconditionError(
        end.last_error.empty() ? absl::StrCat("ended with ", end.exit_code)
                               : end.last_error);
  }
  if (end.before_last.empty() && absl::StartsWith(end.last, "left out: ")) {
    return end.last;
  }
  OPSBENCH_RETURN_IF_ERROR(NumberAfter("ratio", end.last).status());
  for (absl::string_view word : absl::StrSplit(end.last, ' ')) {
    double number = 0;
    if (absl::SimpleAtod(word, &number) && !std::isfinite(number)) {
      return absl::FailedPreconditionError(
          absl::StrCat("no number in \"", end.last, "\": ", word));
    }
  }
  OPSBENCH_RETURN_IF_ERROR(NumberAfter("effects:", end.before_last).status());
  return end.last;
}

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
  const std::vector<fs::path> scripts =
      ScriptsOf(scripts_folder, areas, engines);
  std::map<std::string, std::string> variables = {
      {"OPSBENCH", (context.binary_folder / "opsbench").string()}};
  for (const auto& engine : engines) AddVariables(engine->url(), &variables);
  const fs::path logs = fs::path(folder) / "peers";
  fs::create_directories(logs);
  bool all_well = true;
  absl::PrintF("\nBeside other tools on the same work (ours / theirs)\n");
  if (scripts.empty()) absl::PrintF("  none for these areas and engines\n");
  for (const fs::path& script : scripts) {
    const std::string name = script.stem().string();
    const std::string log_path = (logs / (name + ".log")).string();
    OPSBENCH_ASSIGN_OR_RETURN(
        const PeerEnd end,
        RunScript(script.string(), name, log_path, variables));
    if (stop_requested) return absl::CancelledError("interrupted");
    const absl::StatusOr<std::string> result = PeerResult(end);
    if (result.ok()) {
      absl::PrintF("  %-28s %s\n", name, *result);
    } else {
      absl::PrintF("  %-28s failed: %s; see %s.stderr\n", name,
                   result.status().message(), log_path);
      all_well = false;
    }
  }
  return all_well;
}

}  // namespace opsbench::cli
