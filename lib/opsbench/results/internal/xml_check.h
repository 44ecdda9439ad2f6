#ifndef OPSBENCH_RESULTS_INTERNAL_XML_CHECK_H_
#define OPSBENCH_RESULTS_INTERNAL_XML_CHECK_H_

// For tests: whether text is well-formed XML that follows the rules of JUnit's
// schema as Jenkins and Ant publish it, as far as readers rely on them.
//
// Thread safety: the functions keep no state.

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace opsbench::results::internal {

struct XmlElement {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::vector<XmlElement> children;
};

// A parser of elements, attributes, text and the entities that are written.
class XmlParser {
 public:
  explicit XmlParser(const std::string& text) : text_(text) {}

  // The fault, or nothing.
  std::string Parse(XmlElement* root) {
    if (text_.rfind("<?xml ", 0) == 0) place_ = text_.find("?>") + 2;
    SkipSpace();
    Element(root);
    SkipSpace();
    if (fault_.empty() && place_ != text_.size()) Fail("text after the end");
    return fault_;
  }

 private:
  void Fail(const std::string& what) {
    if (fault_.empty()) fault_ = absl::StrCat(what, " at ", place_);
  }
  bool Take(const std::string& token) {
    if (text_.compare(place_, token.size(), token) != 0) return false;
    place_ += token.size();
    return true;
  }
  void SkipSpace() {
    while (place_ < text_.size() &&
           (text_[place_] == ' ' || text_[place_] == '\n')) {
      ++place_;
    }
  }
  std::string Name() {
    const size_t begin = place_;
    while (place_ < text_.size() &&
           (isalnum(static_cast<unsigned char>(text_[place_])) != 0 ||
            text_[place_] == '-')) {
      ++place_;
    }
    if (place_ == begin) Fail("no name");
    return text_.substr(begin, place_ - begin);
  }
  bool AtEntity() const {
    for (const char* entity :
         {"&amp;", "&lt;", "&gt;", "&quot;", "&#9;", "&#10;", "&#13;"}) {
      if (text_.compare(place_, strlen(entity), entity) == 0) return true;
    }
    return false;
  }
  // Up to `end`, with entities left as they are.
  std::string Characters(char end) {
    const size_t begin = place_;
    for (; place_ < text_.size() && text_[place_] != end; ++place_) {
      const auto byte = static_cast<unsigned char>(text_[place_]);
      if (byte == '<') Fail("a bare <");
      if (byte < 0x20 && byte != '\n') Fail("a control");
      if (byte == '&' && !AtEntity()) {
        Fail("no entity");
      }
      if (byte == 0xff || byte == 0xfe) Fail("no UTF-8");
    }
    return text_.substr(begin, place_ - begin);
  }
  void Element(XmlElement* element) {
    if (!Take("<")) return Fail("no element");
    element->name = Name();
    for (SkipSpace(); fault_.empty() && !Take(">"); SkipSpace()) {
      if (Take("/>")) return;
      const std::string key = Name();
      if (!Take("=\"")) return Fail("no attribute");
      if (!element->attributes.emplace(key, Characters('"')).second) {
        Fail("an attribute twice");
      }
      if (!Take("\"")) return Fail("no end of an attribute");
    }
    while (fault_.empty()) {
      (void)Characters('<');
      if (Take(absl::StrCat("</", element->name, ">"))) return;
      element->children.emplace_back();
      Element(&element->children.back());
    }
  }

  const std::string& text_;
  size_t place_ = 0;
  std::string fault_;
};

inline std::string CaseFault(const XmlElement& one) {
  if (one.name == "system-out") return "";
  if (one.name != "testcase") return absl::StrCat("element ", one.name);
  for (const char* key : {"name", "classname"}) {
    const auto found = one.attributes.find(key);
    if (found == one.attributes.end() || found->second.empty()) {
      return absl::StrCat("a testcase without ", key);
    }
  }
  if (one.children.size() > 1) return "a testcase with two outcomes";
  for (const XmlElement& child : one.children) {
    if (child.name != "failure" && child.name != "error" &&
        child.name != "skipped") {
      return absl::StrCat("outcome ", child.name);
    }
    if (child.name != "skipped" && child.attributes.count("type") == 0) {
      return "an outcome without type";
    }
  }
  return "";
}

// The counts that a suite claims are those of its cases.
inline std::string SuiteFault(const XmlElement& suite) {
  if (suite.name != "testsuite") return absl::StrCat("element ", suite.name);
  std::map<std::string, int> counts = {
      {"tests", 0}, {"failures", 0}, {"errors", 0}};
  for (const XmlElement& one : suite.children) {
    std::string fault = CaseFault(one);
    if (!fault.empty()) return fault;
    if (one.name != "testcase") continue;
    ++counts["tests"];
    if (one.children.empty()) continue;
    counts["failures"] += one.children[0].name == "failure" ? 1 : 0;
    counts["errors"] += one.children[0].name == "error" ? 1 : 0;
  }
  if (suite.attributes.count("name") == 0) return "a suite without a name";
  for (const auto& [key, count] : counts) {
    const auto found = suite.attributes.find(key);
    int claimed = -1;
    if (found == suite.attributes.end() ||
        !absl::SimpleAtoi(found->second, &claimed) || claimed != count) {
      return absl::StrCat("wrong ", key);
    }
  }
  return "";
}

// The fault, or nothing.
inline std::string JunitFault(const std::string& text) {
  XmlElement root;
  std::string fault = XmlParser(text).Parse(&root);
  if (!fault.empty()) return fault;
  if (root.name != "testsuites") return absl::StrCat("root ", root.name);
  for (const XmlElement& suite : root.children) {
    fault = SuiteFault(suite);
    if (!fault.empty()) return fault;
  }
  return "";
}

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_XML_CHECK_H_
