#include "opsbench/pipeline/internal/mysql_native_type.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace opsbench::pipeline::internal {
namespace {

constexpr absl::string_view kNumbered[] = {
    "tinyint",    "smallint",  "mediumint", "int",       "bigint",   "bit",
    "year",       "float",     "double",    "decimal",   "date",     "time",
    "datetime",   "timestamp", "char",      "varchar",   "tinytext", "text",
    "mediumtext", "longtext",  "binary",    "varbinary", "tinyblob", "blob",
    "mediumblob", "longblob",  "json",      "uuid",      "inet4",    "inet6",
};
constexpr absl::string_view kEnumerated[] = {"enum", "set"};

template <size_t N>
bool IsOneOf(absl::string_view word, const absl::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

absl::string_view TakeName(absl::string_view* text) {
  size_t size = 0;
  while (size < text->size() &&
         (absl::ascii_isalnum(static_cast<unsigned char>((*text)[size])) ||
          (*text)[size] == '_')) {
    ++size;
  }
  const absl::string_view name = text->substr(0, size);
  text->remove_prefix(size);
  return name;
}

bool TakeNumber(absl::string_view* text) {
  size_t size = 0;
  while (size < text->size() &&
         absl::ascii_isdigit(static_cast<unsigned char>((*text)[size]))) {
    ++size;
  }
  text->remove_prefix(size);
  return size > 0;
}

// A text literal as the sessions of this library read it: quotes are doubled or
// behind a backslash, which stands before another character always.
bool TakeLiteral(absl::string_view* text) {
  if (!absl::ConsumePrefix(text, "'")) return false;
  while (!text->empty()) {
    const char c = text->front();
    text->remove_prefix(1);
    if (c == '\0') return false;
    if (c == '\\') {
      if (text->empty() || text->front() == '\0') return false;
      text->remove_prefix(1);
    } else if (c == '\'' && !absl::ConsumePrefix(text, "'")) {
      return true;
    }
  }
  return false;
}

template <typename Take>
bool TakeList(absl::string_view* text, Take take) {
  do {
    if (!take(text)) return false;
  } while (absl::ConsumePrefix(text, ","));
  return absl::ConsumePrefix(text, ")");
}

}  // namespace

bool IsMysqlNativeType(absl::string_view text) {
  const absl::string_view name = TakeName(&text);
  if (IsOneOf(name, kEnumerated)) {
    if (!absl::ConsumePrefix(&text, "(") || !TakeList(&text, TakeLiteral)) {
      return false;
    }
  } else if (!IsOneOf(name, kNumbered)) {
    return false;
  } else if (absl::ConsumePrefix(&text, "(") && !TakeList(&text, TakeNumber)) {
    return false;
  }
  absl::ConsumePrefix(&text, " unsigned");
  absl::ConsumePrefix(&text, " zerofill");
  if (absl::ConsumePrefix(&text, " CHARACTER SET ") &&
      (TakeName(&text).empty() || !absl::ConsumePrefix(&text, " COLLATE ") ||
       TakeName(&text).empty())) {
    return false;
  }
  if (absl::ConsumePrefix(&text, " COMMENT ") && !TakeLiteral(&text)) {
    return false;
  }
  return text.empty();
}

}  // namespace opsbench::pipeline::internal
