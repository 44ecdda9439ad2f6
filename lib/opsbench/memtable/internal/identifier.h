#ifndef OPSBENCH_MEMTABLE_INTERNAL_IDENTIFIER_H_
#define OPSBENCH_MEMTABLE_INTERNAL_IDENTIFIER_H_

// Names that go into statements and keys as they are.
//
// Thread safety: may be called from any thread.

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace opsbench::memtable::internal {

// InvalidArgument unless `name` is [a-z0-9_]+; `what` says what it names.
inline absl::Status CheckIdentifier(absl::string_view what,
                                    absl::string_view name) {
  const bool fits = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
  });
  if (fits && !name.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " '", name, "': a name is [a-z0-9_]+"));
}

// Likewise of a prefix of keys, which may have parts: [a-z0-9_:]+.
inline absl::Status CheckPrefix(absl::string_view prefix) {
  const bool fits = std::all_of(prefix.begin(), prefix.end(), [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' ||
           c == ':';
  });
  if (fits && !prefix.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("prefix '", prefix, "': a prefix is [a-z0-9_:]+"));
}

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_IDENTIFIER_H_
