#include "opsbench/profile/folded_stacks.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "opsbench/profile/cpp_name.h"

namespace opsbench::profile {

absl::Status AddFoldedStack(absl::string_view line, StackProfile* profile) {
  line = absl::StripAsciiWhitespace(line);
  if (line.empty()) return absl::OkStatus();
  const size_t blank = line.rfind(' ');
  int64_t weight = 0;
  if (blank == absl::string_view::npos ||
      !absl::SimpleAtoi(line.substr(blank + 1), &weight) || weight < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("no weight at the end of a stack: ", line.substr(0, 80)));
  }
  if (weight == 0) return absl::OkStatus();
  std::vector<int> stack;
  for (const absl::string_view name :
       absl::StrSplit(line.substr(0, blank), ';', absl::SkipEmpty())) {
    Frame frame;
    frame.name = Demangle(absl::StripAsciiWhitespace(name));
    const bool is_plain = !absl::StrContains(frame.name, "::") &&
                          frame.name != "main" && frame.name != "[unknown]";
    frame.kind = is_plain ? FrameKind::kLibrary : KindOf(frame.name, "");
    stack.push_back(profile->Intern(frame));
  }
  profile->Add(stack, weight);
  return absl::OkStatus();
}

std::string FormatFoldedStacks(const StackProfile& profile) {
  std::vector<std::string> paths(profile.nodes().size());
  std::string text;
  for (size_t i = 1; i < profile.nodes().size(); ++i) {
    const StackProfile::Node& node = profile.nodes()[i];
    paths[i] = absl::StrCat(
        paths[node.parent], node.parent == 0 ? "" : ";",
        absl::StrReplaceAll(profile.frames()[node.frame].name, {{";", ":"}}));
    if (node.self > 0) absl::StrAppend(&text, paths[i], " ", node.self, "\n");
  }
  return text;
}

}  // namespace opsbench::profile
