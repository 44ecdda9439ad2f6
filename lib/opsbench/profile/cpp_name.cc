#include "opsbench/profile/cpp_name.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace opsbench::profile {
namespace {

constexpr absl::string_view kUnnamed = "(anonymous namespace)";
constexpr absl::string_view kOperator = "operator";

bool IsWordChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// Reads a demangled name from left to right and keeps what is wanted.
class Shortener {
 public:
  explicit Shortener(absl::string_view name) : rest_(name) {}

  // Empty when the brackets do not match.
  std::string Shorten() {
    while (!rest_.empty()) {
      if (!Step()) return "";
    }
    return kept_;
  }

 private:
  void Keep(size_t count) {
    absl::StrAppend(&kept_, rest_.substr(0, count));
    rest_.remove_prefix(count);
    after_parameters_ = false;
  }

  bool Step() {
    if (absl::ConsumePrefix(&rest_, kUnnamed)) {
      kept_ += "{anon}";
      return true;
    }
    if (StartsOperator()) return KeepOperator();
    switch (rest_[0]) {
      case '<':
        if (!SkipBrackets()) return false;
        kept_ += "<…>";
        return true;
      case '(':
        after_parameters_ = SkipBrackets();
        return after_parameters_;
      case '[':  // An ABI tag, or a clone's name behind a space.
        return SkipBrackets();
      case '{':
        return KeepLambda();
      case ' ':
        Space();
        return true;
      case ')':
      case '>':
      case ']':
      case '}':
        return false;
      default:
        Keep(1);
        return true;
    }
  }

  bool StartsOperator() const {
    if (!absl::StartsWith(rest_, kOperator)) return false;
    if (!kept_.empty() && IsWordChar(kept_.back())) return false;
    return rest_.size() > kOperator.size() &&
           !IsWordChar(rest_[kOperator.size()]);
  }

  // The operator's symbol, whose brackets are none; or the type of a
  // conversion, up to its parameters.
  bool KeepOperator() {
    Keep(kOperator.size());
    if (absl::StartsWith(rest_, "()") || absl::StartsWith(rest_, "[]")) {
      Keep(2);
      return true;
    }
    if (rest_[0] != ' ') {
      size_t count = 0;
      while (count < rest_.size() &&
             absl::string_view("<>=!&|+-*/%^~,").find(rest_[count]) !=
                 absl::string_view::npos) {
        ++count;
      }
      // Of "operator< <int>" and "operator-<int>" the last one opens a list.
      if (count > 1 && rest_[count - 1] == '<' &&
          !absl::StartsWith(rest_, "<<")) {
        --count;
      }
      Keep(count);
      if (absl::StartsWith(rest_, " <")) rest_.remove_prefix(1);
      return true;
    }
    while (!rest_.empty() && rest_[0] != '(') {
      if (rest_[0] == '<') {
        if (!SkipBrackets()) return false;
        kept_ += "<…>";
      } else {
        Keep(1);
      }
    }
    return true;
  }

  // "{lambda(int)#1}" is "{lambda#1}"; other braces stay.
  bool KeepLambda() {
    const absl::string_view before = rest_;
    if (!SkipBrackets()) return false;
    const absl::string_view whole =
        before.substr(0, before.size() - rest_.size());
    const size_t open = whole.find('(');
    const size_t number = whole.rfind('#');
    if (open == absl::string_view::npos || number == absl::string_view::npos) {
      absl::StrAppend(&kept_, whole);
    } else {
      absl::StrAppend(&kept_, whole.substr(0, open), whole.substr(number));
    }
    return true;
  }

  // What stood before a space was a return type, unless a function's qualifiers
  // follow.
  void Space() {
    rest_.remove_prefix(1);
    if (after_parameters_) {
      for (const absl::string_view qualifier :
           {"const", "volatile", "&&", "&", "noexcept"}) {
        if (absl::ConsumePrefix(&rest_, qualifier)) return;
      }
    }
    if (absl::StartsWith(rest_, "[clone ") ||
        absl::StartsWith(rest_, "[abi:")) {
      return;
    }
    kept_.clear();
    after_parameters_ = false;
  }

  // Removes the bracket that rest_ begins with, all that is in it, and its end.
  bool SkipBrackets() {
    std::string open;  // The closing brackets that are due.
    for (size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (c == '<' || c == '(' || c == '[' || c == '{') {
        open.push_back(c == '<' ? '>' : c == '(' ? ')' : c == '[' ? ']' : '}');
      } else if (c == '>' && (rest_[i - 1] == '-' || open.back() != '>')) {
        continue;  // Of "->", or a comparison in parentheses.
      } else if (c == '>' || c == ')' || c == ']' || c == '}') {
        // "(a<b)" has a bracket that is a comparison.
        while (!open.empty() && open.back() == '>' && c != '>') open.pop_back();
        if (open.empty() || open.back() != c) return false;
        open.pop_back();
        if (open.empty()) {
          rest_.remove_prefix(i + 1);
          return true;
        }
      }
    }
    return false;
  }

  absl::string_view rest_;
  std::string kept_;
  bool after_parameters_ = false;
};

// "_ZN3foo3barI…" is "foo::bar<…>": of a name that cannot be demangled, the
// identifiers that stand in it in plain text. Empty when there are none.
std::string PlainPrefix(absl::string_view symbol) {
  if (!absl::ConsumePrefix(&symbol, "_ZN")) return "";
  if (symbol.find_first_not_of("KVRO") != absl::string_view::npos) {
    symbol.remove_prefix(symbol.find_first_not_of("KVRO"));  // Qualifiers.
  }
  std::vector<absl::string_view> parts;
  size_t length = 0;
  for (;;) {
    const size_t digits =
        std::min(symbol.find_first_not_of("0123456789"), symbol.size());
    if (!absl::SimpleAtoi(symbol.substr(0, digits), &length) ||
        length > symbol.size() - digits) {
      break;
    }
    parts.push_back(symbol.substr(digits, length));
    symbol.remove_prefix(digits + length);
  }
  if (parts.empty()) return "";
  return absl::StrCat(absl::StrJoin(parts, "::"),
                      absl::StartsWith(symbol, "I") ? "<…>" : "");
}

}  // namespace

std::string Demangle(absl::string_view symbol) {
  if (!absl::StartsWith(symbol, "_Z")) return std::string(symbol);
  const std::string mangled(symbol.substr(0, symbol.find('.')));
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status),
      &std::free);
  return status == 0 ? std::string(name.get()) : std::string(symbol);
}

std::string ShortenCppName(absl::string_view name) {
  if (absl::StartsWith(name, "_Z")) {
    std::string prefix = PlainPrefix(name);
    return prefix.empty() ? std::string(name) : prefix;
  }
  if (name.find_first_of("<(") == absl::string_view::npos ||
      absl::StartsWith(name, "[") || absl::StartsWith(name, "/") ||
      name == "(below main)") {
    return std::string(name);
  }
  const std::string kept = Shortener(name).Shorten();
  if (kept.empty()) return std::string(name);
  return absl::StrReplaceAll(
      kept, {{"std::__cxx11::", "std::"}, {"absl::debian3::", "absl::"}});
}

}  // namespace opsbench::profile
