#include "comparison_flags.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/compare.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using results::Verdict;

absl::Status AddSource(const results::RunStore& store, const std::string& name,
                       results::SampleSet* side) {
  std::error_code error;
  if (fs::is_regular_file(name, error)) return side->AddFile(name);
  const absl::StatusOr<std::string> folder = store.Find(name);
  if (folder.ok()) return side->AddRun(*folder);
  if (!absl::IsNotFound(folder.status())) return folder.status();
  return absl::NotFoundError(
      absl::StrCat(folder.status().message(),
                   " nor a file: `opsbench baseline list` shows names"));
}

}  // namespace

absl::StatusOr<results::SampleSet> ReadSide(const results::RunStore& store,
                                            const std::string& names) {
  results::SampleSet side(names);
  std::error_code error;
  const std::vector<std::string> parts = fs::exists(names, error)
                                             ? std::vector<std::string>{names}
                                             : absl::StrSplit(names, ',');
  for (const std::string& part : parts) {
    if (part.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", names, "\" holds an empty name"));
    }
    OPSBENCH_RETURN_IF_ERROR(AddSource(store, part, &side));
  }
  return side;
}

int FailOn::ExitCode(const results::Comparison& comparison) const {
  int code = kExitOk;
  for (const Verdict verdict : verdicts) {
    if (results::CountVerdicts(comparison, verdict) == 0) continue;
    if (verdict != Verdict::kUnsure) return kExitFailed;
    code = kExitInconclusive;
  }
  // Sides that have nothing in common are no green check either.
  if (!verdicts.empty() && !results::ComparesAnything(comparison)) {
    code = kExitInconclusive;
  }
  return code;
}

absl::StatusOr<FailOn> ParseFailOn(const std::string& text) {
  FailOn fail_on;
  if (text == "none") return fail_on;
  for (const absl::string_view name : absl::StrSplit(text, ',')) {
    const size_t before = fail_on.verdicts.size();
    for (const Verdict verdict :
         {Verdict::kError, Verdict::kSlower, Verdict::kMissing,
          Verdict::kUnsure, Verdict::kImproved, Verdict::kNew,
          Verdict::kSame}) {
      if (results::VerdictName(verdict) == name) {
        fail_on.verdicts.push_back(verdict);
      }
    }
    if (fail_on.verdicts.size() > before) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--fail-on ", text,
                     ": say none, or of error, slower, missing, unsure, "
                     "improved, new, same those that fail, with commas"));
  }
  return fail_on;
}

}  // namespace opsbench::cli
