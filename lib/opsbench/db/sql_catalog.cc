#include "opsbench/db/sql_catalog.h"

#include <algorithm>
#include <functional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"

namespace opsbench {
namespace {

constexpr absl::string_view kSectionMark = "-- name: ";

bool IsNameChar(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// Calls on_parameter(name) for each :name outside of quotes and copies the rest
// to *out.
absl::Status Rewrite(
    absl::string_view sql, std::string* out,
    const std::function<absl::Status(absl::string_view)>& on_parameter) {
  for (size_t i = 0; i < sql.size();) {
    const char c = sql[i];
    if (c == '\'' || c == '"') {
      const size_t close = sql.find(c, i + 1);
      const size_t end = close == sql.npos ? sql.size() : close + 1;
      absl::StrAppend(out, sql.substr(i, end - i));
      i = end;
    } else if (c == ':' && i + 1 < sql.size() && sql[i + 1] == ':') {
      out->append("::");
      i += 2;
    } else if (c == ':' && i + 1 < sql.size() && IsNameChar(sql[i + 1])) {
      size_t end = i + 1;
      while (end < sql.size() && IsNameChar(sql[end])) ++end;
      OPSBENCH_RETURN_IF_ERROR(on_parameter(sql.substr(i + 1, end - i - 1)));
      i = end;
    } else {
      out->push_back(c);
      ++i;
    }
  }
  return absl::OkStatus();
}

// Writes placeholders. On PostgreSQL a name that comes again within a row is
// the same $n.
class Placeholders {
 public:
  Placeholders(Engine engine, std::string* out)
      : numbered_(engine == Engine::kPostgres), out_(out) {}

  absl::Status Add(absl::string_view name, std::vector<std::string>* names) {
    if (!numbered_) {
      out_->push_back('?');
      names->emplace_back(name);
      return absl::OkStatus();
    }
    auto found = std::find(names->begin(), names->end(), name);
    if (found == names->end()) {
      names->emplace_back(name);
      found = names->end() - 1;
    }
    absl::StrAppend(out_, "$", base_ + (found - names->begin()) + 1);
    return absl::OkStatus();
  }

  void NextRow(size_t row_parameters) { base_ += row_parameters; }

 private:
  const bool numbered_;
  std::string* const out_;
  size_t base_ = 0;
};

// Replaces {word}; {( … )} is left for the caller.
absl::StatusOr<std::string> Substitute(
    absl::string_view sql,
    const std::map<std::string, std::string>& replacements) {
  std::string out;
  for (size_t i = 0; i < sql.size();) {
    if (sql[i] != '{' || (i + 1 < sql.size() && !IsNameChar(sql[i + 1]))) {
      out.push_back(sql[i++]);
      continue;
    }
    const size_t end = sql.find('}', i);
    const std::string word(sql.substr(i + 1, end - i - 1));
    const auto found = replacements.find(word);
    if (end == sql.npos || found == replacements.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("no replacement for {", word, "}"));
    }
    out += found->second;
    i = end + 1;
  }
  return out;
}

absl::StatusOr<std::string> Literal(const Value& value, Engine engine) {
  switch (value.type()) {
    case Value::Type::kNull:
      return "NULL";
    case Value::Type::kText:
      if (value.text().find_first_of("'\\") != absl::string_view::npos) {
        return absl::InvalidArgumentError(absl::StrCat(
            "text with quotes cannot be a literal: ", value.text()));
      }
      return absl::StrCat("'", value.text(), "'");
    case Value::Type::kTimestamp:
      if (engine == Engine::kSqlite) return absl::StrCat(value.int64());
      return absl::StrCat("'", value.ToString(), "'");
    default:
      return value.ToString();
  }
}

}  // namespace

absl::StatusOr<SqlCatalog> SqlCatalog::Parse(absl::string_view text) {
  SqlCatalog catalog;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, kSectionMark)) {
      const absl::string_view name = absl::StripAsciiWhitespace(line);
      if (catalog.Has(name)) {
        return absl::InvalidArgumentError(
            absl::StrCat("section '", name, "' occurs twice"));
      }
      catalog.sections_.emplace_back(name, "");
    } else if (absl::StartsWith(line, "--")) {
      continue;
    } else if (!catalog.sections_.empty()) {
      absl::StrAppend(&catalog.sections_.back().second, line, "\n");
    } else if (!absl::StripAsciiWhitespace(line).empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("text before the first section: ", line));
    }
  }
  for (auto& [name, sql] : catalog.sections_) {
    absl::StripAsciiWhitespace(&sql);
    if (sql.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("section '", name, "' is empty"));
    }
  }
  return catalog;
}

bool SqlCatalog::Has(absl::string_view name) const {
  return std::any_of(sections_.begin(), sections_.end(),
                     [&](const auto& s) { return s.first == name; });
}

std::vector<std::string> SqlCatalog::NamesWithPrefix(
    absl::string_view prefix) const {
  std::vector<std::string> names;
  for (const auto& [name, sql] : sections_) {
    if (absl::StartsWith(name, prefix)) names.push_back(name);
  }
  return names;
}

absl::StatusOr<CompiledSql> SqlCatalog::Compile(
    absl::string_view name, Engine engine,
    const std::map<std::string, std::string>& replacements, int rows) const {
  const auto section =
      std::find_if(sections_.begin(), sections_.end(),
                   [&](const auto& s) { return s.first == name; });
  if (section == sections_.end()) {
    return absl::NotFoundError(absl::StrCat("no statement named ", name));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text,
                            Substitute(section->second, replacements));
  CompiledSql compiled;
  compiled.rows = rows;
  Placeholders placeholders(engine, &compiled.sql);
  const auto single = [&](absl::string_view parameter) {
    return placeholders.Add(parameter, &compiled.parameters);
  };
  const size_t open = text.find("{(");
  if (open == std::string::npos) {
    OPSBENCH_RETURN_IF_ERROR(Rewrite(text, &compiled.sql, single));
    return compiled;
  }
  const size_t close = text.find(")}", open);
  if (close == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("statement ", name, ": '{(' without ')}'"));
  }
  OPSBENCH_RETURN_IF_ERROR(
      Rewrite(absl::string_view(text).substr(0, open), &compiled.sql, single));
  const absl::string_view row =
      absl::string_view(text).substr(open + 1, close - open);
  for (int i = 0; i < rows; ++i) {
    if (i > 0) compiled.sql += ", ";
    compiled.row_parameters.clear();
    OPSBENCH_RETURN_IF_ERROR(
        Rewrite(row, &compiled.sql, [&](absl::string_view parameter) {
          return placeholders.Add(parameter, &compiled.row_parameters);
        }));
    placeholders.NextRow(compiled.row_parameters.size());
  }
  OPSBENCH_RETURN_IF_ERROR(Rewrite(absl::string_view(text).substr(close + 2),
                                   &compiled.sql, single));
  if (!compiled.parameters.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "statement ", name, ": parameters beside the repeated part"));
  }
  return compiled;
}

absl::StatusOr<std::string> SqlCatalog::Render(
    absl::string_view name, Engine engine,
    const std::map<std::string, std::string>& replacements,
    const std::map<std::string, Value>& values) const {
  const auto section =
      std::find_if(sections_.begin(), sections_.end(),
                   [&](const auto& s) { return s.first == name; });
  if (section == sections_.end()) {
    return absl::NotFoundError(absl::StrCat("no statement named ", name));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text,
                            Substitute(section->second, replacements));
  std::string out;
  OPSBENCH_RETURN_IF_ERROR(
      Rewrite(text, &out, [&](absl::string_view parameter) -> absl::Status {
        const auto value = values.find(std::string(parameter));
        if (value == values.end()) {
          return absl::InvalidArgumentError(
              absl::StrCat("no value for :", parameter));
        }
        OPSBENCH_ASSIGN_OR_RETURN(const std::string literal,
                                  Literal(value->second, engine));
        out += literal;
        return absl::OkStatus();
      }));
  return out;
}

}  // namespace opsbench
