#ifndef OPSBENCH_SIDETABLE_PATH_H_
#define OPSBENCH_SIDETABLE_PATH_H_

// Dotted type paths such as `labs.result_webhooks.quest`, and their prefixes:
// `labs`, `labs.result_webhooks` and the path itself.
//
// Thread safety: pure functions.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace opsbench::sidetable {

// Longest path that the schema stores, in bytes (191 four-byte characters were
// what an InnoDB index of 767 bytes could hold).
inline constexpr size_t kMaxPathBytes = 191;

// Deepest path: level_columns has one column a level, and the set-based inserts
// expand as many.
inline constexpr int kMaxLevels = 5;

// InvalidArgument unless `path` is one to kMaxLevels components, each
// [a-z0-9_]+, joined by dots, and not too long. The message names the component
// that is wrong.
absl::Status ValidatePath(absl::string_view path);

// The number of components. REQUIRES: a valid path.
int Depth(absl::string_view path);

// The first `level` components: Prefix("a.b.c", 2) is "a.b".
// REQUIRES: a valid path, 1 <= level <= Depth(path).
absl::string_view Prefix(absl::string_view path, int level);

// All prefixes as a JSON array, shortest first: ["a","a.b"]. Replaces *json.
// REQUIRES: a valid path, which holds nothing that JSON would escape.
void PrefixesAsJson(absl::string_view path, std::string* json);

// The pattern for LIKE … ESCAPE '!' that matches what lies under `prefix`: _
// stands for any character in a pattern, and paths are full of it. Replaces
// *pattern. REQUIRES: a valid path.
void LikePattern(absl::string_view prefix, std::string* pattern);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_PATH_H_
