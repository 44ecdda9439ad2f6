#include "opsbench/db/internal/mysql_server.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace opsbench::internal {

absl::Status ParseMysqlVersion(absl::string_view text,
                               Capabilities* capabilities) {
  const bool mariadb = absl::StrContains(text, "MariaDB");
  if (mariadb) absl::ConsumePrefix(&text, "5.5.5-");
  const auto end = std::find_if_not(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(c) || c == '.';
  });
  const std::vector<absl::string_view> parts =
      absl::StrSplit(text.substr(0, end - text.begin()), '.');
  int numbers[3] = {0, 0, 0};
  for (size_t i = 0; i < std::min<size_t>(parts.size(), 3); ++i) {
    if (absl::SimpleAtoi(parts[i], &numbers[i])) continue;
    // "8.0.mysql_aurora.3.05.2" has no third number, but a first it must have.
    if (i > 0) break;
    return absl::InternalError(absl::StrCat(
        "MySQL: the server calls its version \"", text, "\", not a number"));
  }
  capabilities->engine = Engine::kMysql;
  capabilities->flavour = mariadb ? "MariaDB" : "MySQL";
  capabilities->version = std::string(text);
  capabilities->version_number =
      numbers[0] * 10'000 + numbers[1] * 100 + numbers[2];
  capabilities->descending_index =
      capabilities->version_number >= (mariadb ? 100'800 : 80'000);
  return absl::OkStatus();
}

absl::Status CheckMysqlUrl(const Url& url) {
  if (url.parameters.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("MySQL: unknown parameter \"", url.parameters.begin()->first,
                   "\" in the URL; there is only socket"));
}

}  // namespace opsbench::internal
