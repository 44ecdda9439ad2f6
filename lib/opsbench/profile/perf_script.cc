#include "opsbench/profile/perf_script.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace opsbench::profile {
namespace {

constexpr absl::string_view kBlanks = " \t";

// Takes the last word off `*text`.
absl::string_view TakeLastWord(absl::string_view* text) {
  *text = absl::StripTrailingAsciiWhitespace(*text);
  const size_t blank = text->find_last_of(kBlanks);
  const size_t begin = blank == absl::string_view::npos ? 0 : blank + 1;
  const absl::string_view word = text->substr(begin);
  text->remove_suffix(word.size());
  return word;
}

bool IsNumber(absl::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == absl::string_view::npos;
}

// From the end, because only the thread's name may hold anything.
bool ParseHeader(absl::string_view line, PerfSample* sample) {
  absl::string_view event = TakeLastWord(&line);
  if (!absl::ConsumeSuffix(&event, ":") || event.empty()) return false;
  if (!absl::SimpleAtoi(TakeLastWord(&line), &sample->period) ||
      sample->period < 0) {
    return false;
  }
  absl::string_view time = TakeLastWord(&line);
  if (!absl::ConsumeSuffix(&time, ":") ||
      time.find_first_not_of("0123456789.") != absl::string_view::npos) {
    return false;
  }
  absl::string_view id = TakeLastWord(&line);
  if (absl::StartsWith(id, "[") && absl::EndsWith(id, "]")) {
    id = TakeLastWord(&line);  // That was the processor.
  }
  const size_t slash = id.find('/');
  if (!IsNumber(id.substr(0, slash)) ||
      (slash != absl::string_view::npos && !IsNumber(id.substr(slash + 1)))) {
    return false;
  }
  sample->thread = std::string(absl::StripAsciiWhitespace(line));
  sample->event = std::string(event);
  return true;
}

// The module is the last thing in parentheses: a path or a name in brackets,
// which may itself hold " (deleted)".
size_t FindModule(absl::string_view text) {
  size_t found = absl::string_view::npos;
  for (const absl::string_view begin : {" (/", " ([", " (inlined)"}) {
    const size_t at = text.rfind(begin);
    if (at != absl::string_view::npos &&
        (found == absl::string_view::npos || at > found)) {
      found = at;
    }
  }
  return found != absl::string_view::npos ? found : text.rfind(" (");
}

bool ParseFrame(absl::string_view line, PerfFrame* frame) {
  line = absl::StripAsciiWhitespace(line);
  const size_t blank = line.find_first_of(kBlanks);
  if (blank == absl::string_view::npos ||
      !absl::SimpleHexAtoi(line.substr(0, blank), &frame->address)) {
    return false;
  }
  line = absl::StripLeadingAsciiWhitespace(line.substr(blank));
  frame->module = "[unknown]";
  if (absl::EndsWith(line, ")")) {
    const size_t module =
        absl::StartsWith(line, "(") ? 0 : FindModule(line) + 1;
    if (module != 0 || absl::StartsWith(line, "(")) {
      frame->module =
          std::string(line.substr(module + 1, line.size() - module - 2));
      line = absl::StripTrailingAsciiWhitespace(line.substr(0, module));
    }
  }
  const size_t offset = line.rfind("+0x");
  if (offset != absl::string_view::npos &&
      line.find_first_not_of("0123456789abcdef", offset + 3) ==
          absl::string_view::npos) {
    line = line.substr(0, offset);
  }
  frame->symbol = line.empty() ? "[unknown]" : std::string(line);
  frame->inlined = frame->module == "inlined";
  return true;
}

// Inlined frames stand before the one that they are inlined into.
void NameInlinedModules(std::vector<PerfFrame>* frames) {
  std::string module = "[unknown]";
  for (auto frame = frames->rbegin(); frame != frames->rend(); ++frame) {
    if (frame->inlined) {
      frame->module = module;
    } else {
      module = frame->module;
    }
  }
}

}  // namespace

absl::Status PerfScriptReader::AddLine(absl::string_view line) {
  if (!bad_line_.ok()) return bad_line_;  // It was not the last one.
  ++line_number_;
  if (line.empty()) {
    Emit();
    return absl::OkStatus();
  }
  if (absl::StartsWith(line, "#")) return absl::OkStatus();
  if (open_ && (line[0] == '\t' || line[0] == ' ')) {
    PerfFrame frame;
    if (ParseFrame(line, &frame)) {
      sample_.frames.push_back(std::move(frame));
      return absl::OkStatus();
    }
  }
  PerfSample next;
  if (ParseHeader(line, &next)) {
    Emit();  // The one before it had no stack.
    sample_ = std::move(next);
    open_ = true;
    return absl::OkStatus();
  }
  bad_line_ = absl::InvalidArgumentError(absl::StrCat(
      "line ", line_number_,
      " of perf script is neither a sample nor a frame: ", line.substr(0, 80)));
  return absl::OkStatus();
}

absl::Status PerfScriptReader::Finish() {
  if (open_ || !bad_line_.ok()) ++truncated_;
  open_ = false;
  if (samples_ > 0) return absl::OkStatus();
  if (!bad_line_.ok()) return bad_line_;
  return absl::InvalidArgumentError("perf recorded no sample");
}

void PerfScriptReader::Emit() {
  if (!open_) return;
  open_ = false;
  ++samples_;
  NameInlinedModules(&sample_.frames);
  on_sample_(sample_);
}

}  // namespace opsbench::profile
