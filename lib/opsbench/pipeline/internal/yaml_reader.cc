#include "opsbench/pipeline/internal/yaml_reader.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "opsbench/base/edit_distance.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::pipeline::internal {
namespace {

bool IsVariableName(absl::string_view name) {
  return !name.empty() && !absl::ascii_isdigit(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

}  // namespace

std::string NearestName(absl::string_view name,
                        absl::Span<const std::string> names) {
  const auto distance = [name](const std::string& other) -> size_t {
    const bool part =
        absl::StartsWith(other, name) || absl::StartsWith(name, other);
    return part && !name.empty() ? 0 : EditDistance(name, other);
  };
  const auto nearest =
      std::min_element(names.begin(), names.end(),
                       [&](const std::string& a, const std::string& b) {
                         return distance(a) < distance(b);
                       });
  if (nearest == names.end() ||
      distance(*nearest) >= std::max(name.size(), nearest->size())) {
    return "";
  }
  return *nearest;
}

absl::Status YamlReader::ErrorAt(const YAML::Mark& mark,
                                 absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(
      source_, ":", mark.line + 1, ":", mark.column + 1, ": ", what));
}

absl::Status YamlReader::UnknownKey(const YAML::Node& node,
                                    const std::string& key,
                                    absl::string_view what,
                                    const Fields& fields) const {
  std::vector<std::string> names;
  for (const auto& [name, field] : fields) names.push_back(name);
  const std::string nearest = NearestName(key, names);
  return Error(
      node, absl::StrCat(
                "unknown key \"", key, "\" of ", what,
                nearest.empty()
                    ? absl::StrCat(": there are ", absl::StrJoin(names, ", "))
                    : absl::StrCat(": did you mean \"", nearest, "\"?")));
}

absl::Status YamlReader::Read(const YAML::Node& node, absl::string_view what,
                              const Fields& fields) const {
  if (!node.IsMap()) {
    return Error(node, absl::StrCat(what, ": expected keys with values"));
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return Error(entry.first, "expected a key");
    const std::string& key = entry.first.Scalar();
    const auto field = fields.find(key);
    if (field == fields.end()) {
      return UnknownKey(entry.first, key, what, fields);
    }
    if (!seen.insert(key).second) {
      return Error(entry.first,
                   absl::StrCat("key \"", key, "\" of ", what, " is twice"));
    }
    const absl::Status status = field->second(entry.second);
    if (!status.ok()) return WithKey(status, key, entry.second);
  }
  return absl::OkStatus();
}

// An error of a value names its key.
absl::Status YamlReader::WithKey(const absl::Status& status,
                                 const std::string& key,
                                 const YAML::Node& value) const {
  absl::string_view what = status.message();
  const std::string place(Error(value, "").message());
  if (!value.IsScalar() || !absl::ConsumePrefix(&what, place)) return status;
  return Error(value, absl::StrCat(key, ": ", what));
}

absl::StatusOr<std::string> YamlReader::Scalar(const YAML::Node& node) const {
  if (!node.IsScalar()) return Error(node, "expected a value");
  absl::string_view rest = node.Scalar();
  std::string value;
  while (true) {
    const size_t dollar = rest.find("${");
    if (dollar == absl::string_view::npos) break;
    if (dollar > 0 && rest[dollar - 1] == '$') {  // $${ stands for ${.
      absl::StrAppend(&value, rest.substr(0, dollar - 1), "${");
      rest.remove_prefix(dollar + 2);
      continue;
    }
    absl::StrAppend(&value, rest.substr(0, dollar));
    rest.remove_prefix(dollar + 2);
    const size_t end = rest.find('}');
    if (end == absl::string_view::npos) {
      return Error(node, "${ without its }");
    }
    absl::string_view name = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    absl::optional<absl::string_view> otherwise;
    if (const size_t at = name.find(":-"); at != absl::string_view::npos) {
      otherwise = name.substr(at + 2);
      name = name.substr(0, at);
    }
    if (!IsVariableName(name)) {
      return Error(node, absl::StrCat("${", name,
                                      "}: a variable is named by letters, "
                                      "digits and underscores"));
    }
    const absl::optional<std::string> found = lookup_(name);
    if (found.has_value() && (!found->empty() || !otherwise.has_value())) {
      absl::StrAppend(&value, *found);
    } else if (otherwise.has_value()) {
      absl::StrAppend(&value, *otherwise);
    } else {
      return Error(
          node,
          absl::StrCat("the environment variable ", name, " is not set, and ${",
                       name, "} gives no default: ${", name, ":-value}"));
    }
  }
  absl::StrAppend(&value, rest);
  return value;
}

YamlReader::Field YamlReader::Text(std::string* value) const {
  return [this, value](const YAML::Node& node) -> absl::Status {
    OPSBENCH_ASSIGN_OR_RETURN(*value, Scalar(node));
    return value->empty() ? Error(node, "expected a text") : absl::OkStatus();
  };
}

YamlReader::Field YamlReader::Texts(std::vector<std::string>* values) const {
  return [this, values](const YAML::Node& node) -> absl::Status {
    values->clear();
    if (node.IsScalar()) return Text(&values->emplace_back())(node);
    if (!node.IsSequence() || node.size() == 0) {
      return Error(node, "expected a list of texts");
    }
    for (const YAML::Node& element : node) {
      OPSBENCH_RETURN_IF_ERROR(Text(&values->emplace_back())(element));
    }
    return absl::OkStatus();
  };
}

YamlReader::Field YamlReader::Flag(bool* value) const {
  return [this, value](const YAML::Node& node) -> absl::Status {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string text, Scalar(node));
    if (text != "true" && text != "false") {
      return Error(node, "expected true or false");
    }
    *value = text == "true";
    return absl::OkStatus();
  };
}

YamlReader::Field YamlReader::Integer(int64_t low, int64_t high,
                                      int64_t* value) const {
  return [=, this](const YAML::Node& node) -> absl::Status {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string text, Scalar(node));
    const absl::StatusOr<int64_t> number = ParseWholeNumber(text, low, high);
    if (!number.ok()) return Error(node, number.status().message());
    *value = *number;
    return absl::OkStatus();
  };
}

YamlReader::Field YamlReader::SmallInteger(int low, int high,
                                           int* value) const {
  return [=, this](const YAML::Node& node) -> absl::Status {
    int64_t number = 0;
    OPSBENCH_RETURN_IF_ERROR(Integer(low, high, &number)(node));
    *value = static_cast<int>(number);
    return absl::OkStatus();
  };
}

YamlReader::Field YamlReader::Bytes(int64_t low, int64_t high,
                                    int64_t* value) const {
  return [=, this](const YAML::Node& node) -> absl::Status {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string text, Scalar(node));
    const absl::string_view view = text;
    const size_t digits =
        std::min(view.find_first_not_of("0123456789"), view.size());
    const std::string unit =
        absl::AsciiStrToLower(absl::StripAsciiWhitespace(view.substr(digits)));
    static const auto* const kShifts = new std::map<std::string, int>{
        {"", 0},    {"b", 0},    {"k", 10}, {"kb", 10}, {"kib", 10}, {"m", 20},
        {"mb", 20}, {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}};
    const auto shift = kShifts->find(unit);
    const absl::StatusOr<int64_t> number =
        ParseWholeNumber(view.substr(0, digits), 0, high);
    if (shift == kShifts->end() || !number.ok() ||
        *number > (high >> shift->second) || (*number << shift->second) < low) {
      return Error(node,
                   absl::StrCat("expected a size from ", low, " to ", high,
                                " bytes, as 64MiB, not ", QuoteBriefly(text)));
    }
    *value = *number << shift->second;
    return absl::OkStatus();
  };
}

YamlReader::Field YamlReader::Choice(absl::Span<const absl::string_view> names,
                                     int* index) const {
  std::vector<std::string> known(names.begin(), names.end());
  return [this, known, index](const YAML::Node& node) -> absl::Status {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string text, Scalar(node));
    const auto found = std::find(known.begin(), known.end(), text);
    if (found == known.end()) {
      return Error(node, absl::StrCat("\"", text, "\" is none of ",
                                      absl::StrJoin(known, ", ")));
    }
    *index = static_cast<int>(found - known.begin());
    return absl::OkStatus();
  };
}

}  // namespace opsbench::pipeline::internal
