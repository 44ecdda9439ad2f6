#include "outputs.h"

#include <filesystem>
#include <map>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "opsbench/base/output_target.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using Resolve = absl::StatusOr<OutputTarget> (*)(const std::string&);

CLI::Validator MakeValidator(Resolve resolve) {
  return CLI::Validator(
      [resolve](std::string& path) {
        const absl::Status status = resolve(path).status();
        return status.ok()
                   ? std::string()
                   : absl::StrCat("\"", path,
                                  "\" cannot be written: ", status.message());
      },
      "");
}

}  // namespace

CLI::Validator OutputFile() { return MakeValidator(ResolveOutput); }

CLI::Validator RegularOutputFile() { return MakeValidator(ResolveOutputFile); }

absl::Status CheckOutputFolder(const std::string& flag,
                               const std::string& folder) {
  const auto bad = [&](absl::string_view what) {
    return absl::FailedPreconditionError(
        absl::StrCat(flag, " ", folder, ": ", what));
  };
  std::error_code error;
  const bool is_folder = fs::is_directory(folder, error);
  if (is_folder && !fs::is_empty(folder, error)) {
    return bad("is not empty: name another folder");
  }
  // A file in it, or in the folder that it is made in.
  const fs::path named = fs::path(folder) / "";
  const absl::StatusOr<OutputTarget> target = ResolveOutput(
      (is_folder ? named / "results" : named.parent_path()).string());
  if (!target.ok()) return bad(target.status().message());
  return target->kind == OutputTarget::Kind::kNew ? absl::OkStatus()
                                                  : bad("is no folder");
}

absl::Status CheckDistinctOutputs(
    const std::vector<std::pair<std::string, std::string>>& flags_and_paths) {
  std::map<std::string, std::string> flag_of;
  for (const auto& [flag, path] : flags_and_paths) {
    if (path.empty()) continue;
    const absl::StatusOr<OutputTarget> target = ResolveOutput(path);
    if (!target.ok()) {
      return absl::Status(
          target.status().code(),
          absl::StrCat(flag, " ", path, ": ", target.status().message()));
    }
    if (!target->is_replaced()) continue;
    const auto [other, added] = flag_of.emplace(target->path, flag);
    if (added) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(other->second, " and ", flag, " both name ", path,
                     ": one would replace the other"));
  }
  return absl::OkStatus();
}

}  // namespace opsbench::cli
