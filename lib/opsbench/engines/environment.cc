#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/engines/engines.h"

namespace opsbench {
namespace {

bool IsName(absl::string_view name) {
  if (name.empty() || absl::ascii_isdigit(name[0])) return false;
  for (unsigned char c : name) {
    if (!absl::ascii_isalnum(c) && c != '_') return false;
  }
  return true;
}

// What may follow a closing quote.
bool IsBlankOrComment(absl::string_view text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  return text.empty() || text[0] == '#';
}

// The value of a line, as a shell would read it but without expansion. In
// double quotes a backslash escapes a quote and itself.
absl::StatusOr<std::string> ParseValue(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return std::string();
  const char quote = text[0];
  if (quote != '"' && quote != '\'') {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '#' && (i == 0 || absl::ascii_isspace(text[i - 1]))) {
        text = absl::StripTrailingAsciiWhitespace(text.substr(0, i));
      }
    }
    return std::string(text);
  }
  std::string value;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      if (IsBlankOrComment(text.substr(i + 1))) return value;
      return absl::InvalidArgumentError("text after the closing quote");
    }
    const bool escapes = quote == '"' && text[i] == '\\' &&
                         i + 1 < text.size() &&
                         (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escapes) ++i;
    value += text[i];
  }
  return absl::InvalidArgumentError("the closing quote is missing");
}

// Adds the variable of a line, if it has one. Errors leave out the value, which
// may be a password.
absl::Status ParseLine(absl::string_view line,
                       std::map<std::string, std::string>* variables) {
  line = absl::StripAsciiWhitespace(line);
  if (line.empty() || line[0] == '#') return absl::OkStatus();
  constexpr absl::string_view kExport = "export";
  if (absl::StartsWith(line, kExport) && line.size() > kExport.size() &&
      absl::ascii_isspace(line[kExport.size()])) {
    line = absl::StripLeadingAsciiWhitespace(line.substr(kExport.size()));
  }
  const size_t equals = line.find('=');
  if (equals == absl::string_view::npos) {
    return absl::InvalidArgumentError("expected NAME=value");
  }
  const absl::string_view name = line.substr(0, equals);
  if (!IsName(name)) {
    return absl::InvalidArgumentError(
        "expected a name of letters, digits and underscores before the =");
  }
  OPSBENCH_ASSIGN_OR_RETURN((*variables)[std::string(name)],
                            ParseValue(line.substr(equals + 1)));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Environment> Environment::Load(const std::string& path) {
  Environment environment;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return environment;
  std::ifstream file(path);
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const absl::Status status = ParseLine(line, &environment.file_);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": ", status.message()));
    }
  }
  if (!file.eof()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  }
  return environment;
}

absl::optional<std::string> Environment::Get(absl::string_view name) const {
  const std::string key(name);
  const char* own = std::getenv(key.c_str());
  if (own != nullptr && *own != '\0') return std::string(own);
  const auto found = file_.find(key);
  if (found == file_.end() || found->second.empty()) return absl::nullopt;
  return found->second;
}

absl::StatusOr<absl::optional<int64_t>> Environment::GetInt(
    absl::string_view name, int64_t low, int64_t high) const {
  const absl::optional<std::string> text = Get(name);
  if (!text.has_value()) return absl::optional<int64_t>();
  const absl::StatusOr<int64_t> value = ParseWholeNumber(*text, low, high);
  if (!value.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": ", value.status().message()));
  }
  return absl::make_optional(*value);
}

absl::StatusOr<absl::optional<Url>> Environment::EngineUrl(
    Engine engine) const {
  const std::string name = absl::StrCat(
      "OPSBENCH_", absl::AsciiStrToUpper(EngineName(engine)), "_URL");
  if (const absl::optional<std::string> text = Get(name)) {
    absl::StatusOr<Url> url = Url::Parse(*text);
    if (!url.ok()) {
      return absl::Status(url.status().code(),
                          absl::StrCat(name, ": ", url.status().message()));
    }
    if (url->engine != engine) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is the URL of a ", EngineName(url->engine)));
    }
    return absl::optional<Url>(*std::move(url));
  }
  const absl::optional<std::string> host = Get("DB_HOST");
  if (engine != Engine::kMysql || !host.has_value()) {
    return absl::optional<Url>();
  }
  Url url;
  url.engine = engine;
  url.host = *host;
  OPSBENCH_ASSIGN_OR_RETURN(const absl::optional<int64_t> port,
                            GetInt("DB_PORT", 1, 65535));
  url.port = static_cast<int>(port.value_or(0));
  url.user = Get("DB_USER").value_or("");
  url.password = Get("DB_PASSWORD").value_or("");
  url.database = Get("DB_NAME").value_or("opsbench");
  return absl::optional<Url>(std::move(url));
}

}  // namespace opsbench
