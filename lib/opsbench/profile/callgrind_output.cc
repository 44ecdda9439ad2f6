#include "opsbench/profile/callgrind_output.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/profile/cpp_name.h"

namespace opsbench::profile {
namespace {

void AddTo(const std::vector<int64_t>& costs, std::vector<int64_t>* sum) {
  for (size_t i = 0; i < costs.size(); ++i) (*sum)[i] += costs[i];
}

// "(12) name" gives the name a number; "(12)" alone stands for it.
class NameTable {
 public:
  bool Resolve(absl::string_view text, std::string* name) {
    if (!absl::StartsWith(text, "(")) {
      *name = std::string(text);
      return true;
    }
    const size_t end = text.find(')');
    int number = 0;
    // A name such as "(below main)" without a number.
    if (end == absl::string_view::npos ||
        !absl::SimpleAtoi(text.substr(1, end - 1), &number)) {
      *name = std::string(text);
      return true;
    }
    text = absl::StripLeadingAsciiWhitespace(text.substr(end + 1));
    if (!text.empty()) names_[number] = std::string(text);
    const auto found = names_.find(number);
    if (found == names_.end()) return false;
    *name = found->second;
    return true;
  }

 private:
  std::map<int, std::string> names_;
};

class Reader {
 public:
  absl::StatusOr<CallgrindProfile> Read(absl::string_view text,
                                        absl::string_view source);

 private:
  using Key = std::pair<std::string, std::string>;  // Function, object.

  bool AddLine(absl::string_view line);
  bool AddHeader(absl::string_view key, absl::string_view value);
  bool AddPosition(absl::string_view key, absl::string_view value);
  bool AddCosts(absl::string_view line);
  bool ParseNumbers(absl::string_view text, std::vector<int64_t>* costs) const;
  CallgrindCosts& FunctionOf(const Key& key);
  absl::Status Finish(absl::string_view source);

  CallgrindProfile profile_;
  size_t positions_ = 1;  // Columns before the costs.
  bool is_callgrind_ = false;
  std::vector<int64_t> stated_;  // The file's own sum; empty: none.
  NameTable objects_;
  NameTable files_;
  NameTable functions_;
  Key current_;
  std::string file_;         // Of the next line of costs.
  std::string called_name_;  // Of the next call.
  std::string called_object_;
  bool call_is_next_ = false;
  std::map<Key, CallgrindCosts> by_function_;
  std::map<std::string, CallgrindCosts> by_file_;
};

CallgrindCosts& Reader::FunctionOf(const Key& key) {
  CallgrindCosts& costs = by_function_[key];
  costs.self.resize(profile_.events.size());
  costs.total.resize(profile_.events.size());
  return costs;
}

bool Reader::ParseNumbers(absl::string_view text,
                          std::vector<int64_t>* costs) const {
  costs->clear();
  for (const absl::string_view word :
       absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    int64_t cost = 0;
    if (!absl::SimpleAtoi(word, &cost) || cost < 0) return false;
    costs->push_back(cost);
  }
  if (costs->empty() || costs->size() > profile_.events.size()) return false;
  costs->resize(profile_.events.size());  // Zeros at the end are left out.
  return true;
}

bool Reader::AddHeader(absl::string_view key, absl::string_view value) {
  value = absl::StripAsciiWhitespace(value);
  if (key == "events") {
    profile_.events = absl::StrSplit(value, ' ', absl::SkipEmpty());
    profile_.totals.assign(profile_.events.size(), 0);
    return !profile_.events.empty();
  }
  if (key == "positions") {
    const std::vector<absl::string_view> columns =
        absl::StrSplit(value, ' ', absl::SkipEmpty());
    positions_ = columns.size();
  } else if (key == "version" || key == "creator") {
    is_callgrind_ = true;
  } else if (key == "cmd") {
    profile_.command = std::string(value);
  } else if (key == "desc" && absl::StrContains(value, " cache: ")) {
    profile_.caches.emplace_back(value);
  } else if (key == "totals" || (key == "summary" && stated_.empty())) {
    return ParseNumbers(value, &stated_);
  }
  return true;
}

bool Reader::AddPosition(absl::string_view key, absl::string_view value) {
  if (key == "ob") return objects_.Resolve(value, &current_.second);
  if (key == "fl") return files_.Resolve(value, &file_);
  if (key == "fi" || key == "fe") return files_.Resolve(value, &file_);
  if (key == "fn") {
    if (!functions_.Resolve(value, &current_.first)) return false;
    FunctionOf(current_);
    called_object_ = current_.second;
    return true;
  }
  if (key == "cob") return objects_.Resolve(value, &called_object_);
  std::string unused;
  if (key == "cfi" || key == "cfl") return files_.Resolve(value, &unused);
  if (key == "cfn") return functions_.Resolve(value, &called_name_);
  if (key == "calls") {
    int64_t calls = 0;
    if (!absl::SimpleAtoi(value.substr(0, value.find(' ')), &calls)) {
      return false;
    }
    FunctionOf({called_name_, called_object_}).calls += calls;
    call_is_next_ = true;
    return true;
  }
  return false;
}

bool Reader::AddCosts(absl::string_view line) {
  for (size_t i = 0; i < positions_; ++i) {
    const size_t blank = line.find(' ');
    if (blank == absl::string_view::npos) return i + 1 == positions_;
    line = line.substr(blank + 1);
  }
  std::vector<int64_t> costs;
  if (profile_.events.empty() || !ParseNumbers(line, &costs)) return false;
  CallgrindCosts& function = FunctionOf(current_);
  if (call_is_next_) {
    call_is_next_ = false;
    // What a function that calls itself spends there is in its own self.
    if (Key(called_name_, called_object_) != current_) {
      AddTo(costs, &function.total);
    }
    called_object_ = current_.second;
    return true;
  }
  AddTo(costs, &function.self);
  AddTo(costs, &function.total);
  AddTo(costs, &profile_.totals);
  CallgrindCosts& file = by_file_[file_];
  file.self.resize(profile_.events.size());
  AddTo(costs, &file.self);
  return true;
}

bool Reader::AddLine(absl::string_view line) {
  line = absl::StripTrailingAsciiWhitespace(line);
  if (line.empty() || line[0] == '#') return true;
  if (absl::ascii_isdigit(static_cast<unsigned char>(line[0])) ||
      line[0] == '+' || line[0] == '-' || line[0] == '*') {
    return AddCosts(line);
  }
  const size_t mark = line.find_first_of(":=");
  if (mark == absl::string_view::npos) return false;
  const absl::string_view key = line.substr(0, mark);
  const absl::string_view value = line.substr(mark + 1);
  return line[mark] == '=' ? AddPosition(key, value) : AddHeader(key, value);
}

std::vector<CallgrindCosts> Sorted(std::vector<CallgrindCosts> all) {
  std::stable_sort(all.begin(), all.end(),
                   [](const CallgrindCosts& a, const CallgrindCosts& b) {
                     return a.self[0] > b.self[0];
                   });
  return all;
}

absl::Status Reader::Finish(absl::string_view source) {
  if (!is_callgrind_ || profile_.events.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": not written by callgrind"));
  }
  if (stated_ != profile_.totals) {
    return absl::DataLossError(absl::StrCat(
        source, ": its costs do not add up to its own sum: it was cut off"));
  }
  std::vector<CallgrindCosts> functions;
  for (auto& [key, costs] : by_function_) {
    costs.name = Demangle(key.first);
    costs.object = key.second;
    for (size_t i = 0; i < costs.total.size(); ++i) {
      costs.total[i] = std::min(costs.total[i], profile_.totals[i]);
    }
    functions.push_back(std::move(costs));
  }
  profile_.functions = Sorted(std::move(functions));
  std::vector<CallgrindCosts> sources;
  for (auto& [name, costs] : by_file_) {
    costs.name = name;
    sources.push_back(std::move(costs));
  }
  profile_.sources = Sorted(std::move(sources));
  return absl::OkStatus();
}

absl::StatusOr<CallgrindProfile> Reader::Read(absl::string_view text,
                                              absl::string_view source) {
  int64_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (!AddLine(line)) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ":", number,
                       ": not of callgrind's format: ", line.substr(0, 80)));
    }
  }
  OPSBENCH_RETURN_IF_ERROR(Finish(source));
  return std::move(profile_);
}

}  // namespace

int CallgrindProfile::EventIndex(absl::string_view event) const {
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i] == event) return static_cast<int>(i);
  }
  return -1;
}

int64_t CallgrindProfile::TotalOf(absl::string_view event) const {
  const int index = EventIndex(event);
  return index < 0 ? 0 : totals[static_cast<size_t>(index)];
}

absl::StatusOr<CallgrindProfile> ParseCallgrind(absl::string_view text,
                                                absl::string_view source) {
  return Reader().Read(text, source);
}

}  // namespace opsbench::profile
