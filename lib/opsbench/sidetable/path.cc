#include "opsbench/sidetable/path.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace opsbench::sidetable {

absl::Status ValidatePath(absl::string_view path) {
  if (path.size() > kMaxPathBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("path of ", path.size(), " bytes is longer than ",
                     kMaxPathBytes, ": ", path.substr(0, 40), "…"));
  }
  const std::vector<absl::string_view> components = absl::StrSplit(path, '.');
  for (const absl::string_view component : components) {
    const bool ok = std::all_of(component.begin(), component.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (component.empty() || !ok) {
      return absl::InvalidArgumentError(absl::StrCat(
          "component '", component, "' of path '", path,
          "' is not [a-z0-9_]+: use lower-case letters, digits and _"));
    }
  }
  if (components.size() > kMaxLevels) {
    return absl::InvalidArgumentError(
        absl::StrCat("path '", path, "' has ", components.size(),
                     " levels, at most ", kMaxLevels, " are stored"));
  }
  return absl::OkStatus();
}

int Depth(absl::string_view path) {
  return 1 + static_cast<int>(std::count(path.begin(), path.end(), '.'));
}

absl::string_view Prefix(absl::string_view path, int level) {
  size_t end = 0;
  for (int i = 0; i < level; ++i) {
    end = path.find('.', end + (i > 0));
    if (end == absl::string_view::npos) return path;
  }
  return path.substr(0, end);
}

void PrefixesAsJson(absl::string_view path, std::string* json) {
  json->clear();
  json->push_back('[');
  const int depth = Depth(path);
  for (int level = 1; level <= depth; ++level) {
    absl::StrAppend(json, level > 1 ? ",\"" : "\"", Prefix(path, level), "\"");
  }
  json->push_back(']');
}

void LikePattern(absl::string_view prefix, std::string* pattern) {
  pattern->clear();
  for (const char c : prefix) {
    if (c == '_') pattern->push_back('!');
    pattern->push_back(c);
  }
  pattern->append(".%");
}

}  // namespace opsbench::sidetable
