#include "opsbench/results/internal/name_filter.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace opsbench::results::internal {

absl::StatusOr<NameFilter> NameFilter::Compile(const std::string& pattern) {
  NameFilter filter;
  if (pattern.empty()) return filter;
  auto compiled = std::make_unique<regex_t>();
  const int code =
      regcomp(compiled.get(), pattern.c_str(), REG_EXTENDED | REG_NOSUB);
  if (code != 0) {
    char reason[200];
    regerror(code, compiled.get(), reason, sizeof(reason));
    return absl::InvalidArgumentError(
        absl::StrCat(pattern, " is no regular expression: ", reason));
  }
  filter.compiled_.reset(compiled.release());
  return filter;
}

bool NameFilter::Matches(const std::string& name) const {
  return compiled_ == nullptr ||
         regexec(compiled_.get(), name.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace opsbench::results::internal
