#include "opsbench/db/url.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"

namespace opsbench {
namespace {

struct EngineInfo {
  Engine engine;
  absl::string_view name;
  int port;
};

constexpr EngineInfo kEngines[] = {
    {Engine::kSqlite, "sqlite", 0},
    {Engine::kMysql, "mysql", 3306},
    {Engine::kPostgres, "postgres", 5432},
    {Engine::kRedis, "redis", 6379},
};

constexpr std::pair<absl::string_view, Engine> kOtherNames[] = {
    {"mariadb", Engine::kMysql}, {"postgresql", Engine::kPostgres},
    {"pg", Engine::kPostgres},   {"sqlite3", Engine::kSqlite},
    {"valkey", Engine::kRedis},
};

const EngineInfo& InfoOf(Engine engine) {
  for (const EngineInfo& info : kEngines) {
    if (info.engine == engine) return info;
  }
  return kEngines[0];
}

bool IsUnreserved(char c) {
  return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~';
}

std::string Encode(absl::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

// For what stands behind the host, where a slash ends nothing.
std::string EncodePath(absl::string_view text) {
  return absl::StrReplaceAll(Encode(text), {{"%2F", "/"}});
}

// `part` names what is decoded, because the text itself may be a secret.
absl::StatusOr<std::string> Decode(absl::string_view part,
                                   absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) ||
        !absl::ascii_isxdigit(text[i + 2])) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the URL's ", part,
          " has a % that two hexadecimal digits do not follow: write %25 for "
          "a percent sign"));
    }
    const auto digit = [](char c) {
      return absl::ascii_isdigit(c) ? c - '0'
                                    : absl::ascii_tolower(c) - 'a' + 10;
    };
    out.push_back(
        static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
    i += 2;
  }
  if (out.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the URL's ", part, " has a zero byte"));
  }
  return out;
}

absl::Status ParseHostAndPort(absl::string_view text, Url* url) {
  absl::string_view port;
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t close = text.find(']');
    if (close == absl::string_view::npos) {
      return absl::InvalidArgumentError("the URL's host has '[' without ']'");
    }
    url->host = std::string(text.substr(0, close));
    port = text.substr(close + 1);
    if (!port.empty() && !absl::ConsumePrefix(&port, ":")) {
      return absl::InvalidArgumentError(
          "the URL has text between ']' of its host and ':' of its port");
    }
    if (port.empty()) return absl::OkStatus();
  } else {
    const size_t colon = text.find(':');
    OPSBENCH_ASSIGN_OR_RETURN(url->host, Decode("host", text.substr(0, colon)));
    if (colon == absl::string_view::npos) return absl::OkStatus();
    port = text.substr(colon + 1);
  }
  // What stands there may be a part of a password, so it is not shown.
  const absl::StatusOr<int64_t> number = ParseWholeNumber(port, 1, 65535);
  if (!number.ok()) {
    return absl::InvalidArgumentError(
        "the URL's port is not a number from 1 to 65535");
  }
  url->port = static_cast<int>(*number);
  return absl::OkStatus();
}

absl::Status ParseParameters(absl::string_view text, Url* url) {
  for (const absl::string_view pair :
       absl::StrSplit(text, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> split =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    OPSBENCH_ASSIGN_OR_RETURN(std::string name,
                              Decode("parameter name", split.first));
    OPSBENCH_ASSIGN_OR_RETURN(std::string value,
                              Decode("parameter", split.second));
    if (name.empty()) {
      return absl::InvalidArgumentError("the URL has a parameter without name");
    }
    if (name == "socket") {
      url->socket = std::move(value);
    } else {
      url->parameters[name] = std::move(value);
    }
  }
  return absl::OkStatus();
}

// A password with a raw slash or question mark would end up, in part, as the
// database or a parameter, which are shown.
absl::Status CheckCredentialsEnd(absl::string_view rest) {
  absl::ConsumePrefix(&rest, "//");
  const size_t end = rest.find_first_of("/?");
  if (end != absl::string_view::npos &&
      absl::StrContains(rest.substr(end), '@')) {
    return absl::InvalidArgumentError(
        "the URL has a @ behind its host: in a user or password write %2F for "
        "a slash and %3F for a question mark, and %40 for a @ elsewhere");
  }
  return absl::OkStatus();
}

absl::Status ParseAuthority(absl::string_view authority, Url* url) {
  const size_t at = authority.rfind('@');
  if (at != absl::string_view::npos) {
    const absl::string_view credentials = authority.substr(0, at);
    const size_t colon = credentials.find(':');
    OPSBENCH_ASSIGN_OR_RETURN(url->user,
                              Decode("user", credentials.substr(0, colon)));
    if (colon != absl::string_view::npos) {
      OPSBENCH_ASSIGN_OR_RETURN(
          url->password, Decode("password", credentials.substr(colon + 1)));
    }
    authority.remove_prefix(at + 1);
  }
  return ParseHostAndPort(authority, url);
}

// libpq takes secrets as parameters too: password, sslpassword.
bool IsSecret(absl::string_view parameter) {
  return absl::StrContains(absl::AsciiStrToLower(parameter), "pass");
}

std::string Render(const Url& url, bool redacted) {
  const auto secret = [&](absl::string_view text) {
    return redacted && !text.empty() ? "***" : Encode(text);
  };
  const std::string password = secret(url.password);
  std::string out = absl::StrCat(EngineName(url.engine), ":");
  if (url.engine == Engine::kSqlite) {
    // Parse() drops two slashes of three and more.
    if (absl::StartsWith(url.database, "//")) out += "//";
    absl::StrAppend(&out, url.database == ":memory:"
                              ? url.database
                              : EncodePath(url.database));
  } else {
    out += "//";
    if (!url.user.empty() || !password.empty()) {
      absl::StrAppend(&out, Encode(url.user));
      if (!password.empty()) absl::StrAppend(&out, ":", password);
      out += "@";
    }
    out += absl::StrContains(url.host, ':') ? absl::StrCat("[", url.host, "]")
                                            : Encode(url.host);
    if (url.port != 0) absl::StrAppend(&out, ":", url.port);
    if (!url.database.empty())
      absl::StrAppend(&out, "/", EncodePath(url.database));
  }
  char separator = '?';
  const auto add = [&](absl::string_view name, absl::string_view value) {
    absl::StrAppend(&out, std::string(1, separator), Encode(name), "=",
                    IsSecret(name) ? secret(value) : EncodePath(value));
    separator = '&';
  };
  if (!url.socket.empty()) add("socket", url.socket);
  for (const auto& [name, value] : url.parameters) add(name, value);
  return out;
}

}  // namespace

absl::string_view EngineName(Engine engine) { return InfoOf(engine).name; }

absl::StatusOr<Engine> ParseEngine(absl::string_view name) {
  for (const EngineInfo& info : kEngines) {
    if (absl::EqualsIgnoreCase(info.name, name)) return info.engine;
  }
  for (const auto& [other, engine] : kOtherNames) {
    if (absl::EqualsIgnoreCase(other, name)) return engine;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown engine '", name,
                   "': use sqlite, mysql (also MariaDB), postgres or redis"));
}

absl::StatusOr<Url> Url::Parse(absl::string_view text) {
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos || colon == 0) {
    return absl::InvalidArgumentError(
        "a URL begins with its engine and a colon, such as "
        "mysql://user:password@host:3306/database or sqlite:path.db");
  }
  Url url;
  OPSBENCH_ASSIGN_OR_RETURN(url.engine, ParseEngine(text.substr(0, colon)));
  absl::string_view rest = text.substr(colon + 1);
  if (url.engine != Engine::kSqlite) {
    OPSBENCH_RETURN_IF_ERROR(CheckCredentialsEnd(rest));
  }
  const size_t question = rest.find('?');
  if (question != absl::string_view::npos) {
    OPSBENCH_RETURN_IF_ERROR(ParseParameters(rest.substr(question + 1), &url));
    rest = rest.substr(0, question);
  }
  if (url.engine == Engine::kSqlite) {
    // sqlite:///absolute is how other tools write an absolute path.
    if (absl::StartsWith(rest, "///")) {
      rest.remove_prefix(2);
    } else if (absl::StartsWith(rest, "//")) {
      return absl::InvalidArgumentError(
          "the URL sqlite:// names a host: write sqlite:path.db or "
          "sqlite:/path.db");
    }
    OPSBENCH_ASSIGN_OR_RETURN(url.database, Decode("path", rest));
    if (url.database.empty()) {
      return absl::InvalidArgumentError(
          "the URL sqlite: names no file: write sqlite:path.db");
    }
    return url;
  }
  if (!absl::ConsumePrefix(&rest, "//")) {
    return absl::InvalidArgumentError(
        absl::StrCat("the URL has no // after ", EngineName(url.engine), ":"));
  }
  const size_t slash = rest.find('/');
  if (slash != absl::string_view::npos) {
    OPSBENCH_ASSIGN_OR_RETURN(url.database,
                              Decode("database", rest.substr(slash + 1)));
    rest = rest.substr(0, slash);
  }
  OPSBENCH_RETURN_IF_ERROR(ParseAuthority(rest, &url));
  return url;
}

int Url::EffectivePort() const {
  return port != 0 ? port : InfoOf(engine).port;
}

Url Url::WithDatabase(absl::string_view name) const {
  Url other = *this;
  other.database = std::string(name);
  return other;
}

std::string Url::ToString() const { return Render(*this, false); }

std::string Url::Redacted() const { return Render(*this, true); }

}  // namespace opsbench
