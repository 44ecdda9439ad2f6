#include "opsbench/vector/redis_features.h"

#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::vector {
namespace {

using Type = RedisReply::Type;

// The value of "name:value" among the lines of INFO; empty: there is none.
absl::string_view InfoValue(absl::string_view info, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(info, '\n')) {
    line = absl::StripSuffix(line, "\r");
    if (absl::ConsumePrefix(&line, name) && absl::ConsumePrefix(&line, ":")) {
      return line;
    }
  }
  return "";
}

// 21005 is 2.10.5, as Redis's modules count; valkey-search counts likewise in
// base 256: 0x010000 is 1.0.0.
std::string ModuleVersion(int64_t version, bool valkey) {
  if (version <= 0) return "";
  const int64_t base = valkey ? 256 : 100;
  return absl::StrCat(version / (base * base), ".", version / base % base, ".",
                      version % base);
}

// The version of the search module in the reply to MODULE LIST: a list of
// modules, each a list of names and values.
int64_t SearchModuleVersion(const RedisReply& modules) {
  for (const RedisReply& module : modules.elements) {
    bool is_search = false;
    int64_t version = 0;
    for (size_t i = 0; i + 1 < module.elements.size(); i += 2) {
      const RedisReply& value = module.elements[i + 1];
      if (module.elements[i].text == "name") {
        is_search = value.text == "search";
      } else if (module.elements[i].text == "ver") {
        version = value.integer;
      }
    }
    if (is_search) return version;
  }
  return 0;
}

bool IsCommand(const RedisReply& info) {
  return info.type == Type::kArray && !info.elements.empty();
}

}  // namespace

absl::StatusOr<RedisFeatures> DetectRedisFeatures(RedisSession& session) {
  OPSBENCH_ASSIGN_OR_RETURN(const RedisReply info,
                            session.Execute({"INFO", "server"}));
  RedisFeatures features;
  absl::string_view version = InfoValue(info.text, "valkey_version");
  features.valkey = !version.empty();
  if (!features.valkey) version = InfoValue(info.text, "redis_version");
  if (version.empty()) {
    return absl::InternalError(
        "Redis: the reply to INFO has neither redis_version nor "
        "valkey_version");
  }
  features.server =
      absl::StrCat(features.valkey ? "Valkey " : "Redis ", version);
  // Valkey has another word for it from 8 on.
  features.cluster = InfoValue(info.text, "redis_mode") == "cluster" ||
                     InfoValue(info.text, "server_mode") == "cluster";

  OPSBENCH_ASSIGN_OR_RETURN(const RedisReply commands,
                            session.Execute({"COMMAND", "INFO", "FT.CREATE",
                                             "FT.SEARCH", "VADD", "VSIM"}));
  if (commands.elements.size() != 4) {
    return absl::InternalError(
        absl::StrCat("Redis: the reply to COMMAND INFO of 4 commands has ",
                     commands.elements.size(), " elements"));
  }
  features.search =
      IsCommand(commands.elements[0]) && IsCommand(commands.elements[1]);
  features.vector_sets =
      IsCommand(commands.elements[2]) && IsCommand(commands.elements[3]);

  if (features.search) {
    // A user may lack the right to ask; then the version stays unknown.
    const auto modules = session.Execute({"MODULE", "LIST"});
    if (!modules.ok() && !session.alive()) return modules.status();
    if (modules.ok()) {
      features.search_version =
          ModuleVersion(SearchModuleVersion(*modules), features.valkey);
    }
  }
  return features;
}

}  // namespace opsbench::vector
