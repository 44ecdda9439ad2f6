#include "opsbench/results/internal/benchmark_sax.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"
#include "rapidjson/error/en.h"
#include "rapidjson/memorystream.h"
#include "rapidjson/reader.h"

namespace opsbench::results::internal {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// How a number that is no JSON is spelled, and the JSON that stands for it: a
// list, which no row holds otherwise. No stand-in is longer than its number, so
// that the places in error messages stay those of the file.
struct Spelling {
  absl::string_view number;
  absl::string_view stand_in;
};
constexpr std::array<Spelling, 8> kSpellings = {{{"-Infinity", "[-1]"},
                                                 {"Infinity", "[1]"},
                                                 {"-NaN", "[]"},
                                                 {"NaN", "[]"},
                                                 {"-inf", "[-1]"},
                                                 {"inf", "[1]"},
                                                 {"-nan", "[]"},
                                                 {"nan", "[]"}}};

bool BeginsSpelling(char c) {
  return c == 'N' || c == 'n' || c == 'I' || c == 'i' || c == '-';
}

// Past the end of the string that begins at text[begin], or text.size().
size_t EndOfString(absl::string_view text, size_t begin) {
  size_t i = begin + 1;
  for (;;) {
    const void* quote = i < text.size()
                            ? memchr(text.data() + i, '"', text.size() - i)
                            : nullptr;
    if (quote == nullptr) return text.size();
    const size_t end =
        static_cast<size_t>(static_cast<const char*>(quote) - text.data());
    size_t backslashes = 0;
    while (end - backslashes > i && text[end - backslashes - 1] == '\\') {
      ++backslashes;
    }
    i = end + 1;
    if (backslashes % 2 == 0) return i;
  }
}

// `text` with the NaN and infinities outside strings replaced by their
// stand-ins, kept in `copy` if there are any.
absl::string_view WithStandIns(absl::string_view text, std::string* copy) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      i = EndOfString(text, i) - 1;
      continue;
    }
    if (!BeginsSpelling(text[i])) continue;
    for (const auto& [number, stand_in] : kSpellings) {
      if (!absl::StartsWith(text.substr(i), number)) continue;
      if (copy->empty()) copy->assign(text.data(), text.size());
      std::string padded(stand_in);
      padded.resize(number.size(), ' ');
      copy->replace(i, number.size(), padded);
      i += number.size() - 1;
      break;
    }
  }
  return copy->empty() ? text : absl::string_view(*copy);
}

// What a field of a row holds, and where it belongs.
struct Field {
  std::string BenchmarkRow::*text = nullptr;
  bool BenchmarkRow::*flag = nullptr;
  int64_t BenchmarkRow::*count = nullptr;
  double BenchmarkRow::*number = nullptr;
  // Where a row stands in a run says nothing about what was measured.
  bool ignored = false;
};

const Field* FieldNamed(const std::string& key) {
  using Row = BenchmarkRow;
  static const auto* const kFields =
      new absl::flat_hash_map<std::string, Field>{
          {"name", {.text = &Row::name}},
          {"run_name", {.text = &Row::run_name}},
          {"run_type", {.text = &Row::run_type}},
          {"aggregate_name", {.text = &Row::aggregate_name}},
          {"aggregate_unit", {.text = &Row::aggregate_unit}},
          {"time_unit", {.text = &Row::time_unit}},
          {"label", {.text = &Row::label}},
          {"error_message", {.text = &Row::error_message}},
          {"skip_message", {.text = &Row::skip_message}},
          {"error_occurred", {.flag = &Row::error_occurred}},
          {"skipped", {.flag = &Row::skipped}},
          {"repetitions", {.count = &Row::repetitions}},
          {"repetition_index", {.count = &Row::repetition_index}},
          {"opsbench_process", {.count = &Row::process}},
          {"threads", {.count = &Row::threads}},
          {"iterations", {.count = &Row::iterations}},
          {"real_time", {.number = &Row::real_time}},
          {"cpu_time", {.number = &Row::cpu_time}},
          {"family_index", {.ignored = true}},
          {"per_family_instance_index", {.ignored = true}}};
  const auto found = kFields->find(key);
  return found == kFields->end() ? nullptr : &found->second;
}

// As a new row is before its fields are read. Keeps the capacity of its texts.
void Clear(BenchmarkRow* row) {
  for (std::string* text :
       {&row->name, &row->run_name, &row->run_type, &row->aggregate_name,
        &row->aggregate_unit, &row->label, &row->error_message,
        &row->skip_message}) {
    text->clear();
  }
  row->time_unit = "ns";
  row->error_occurred = row->skipped = false;
  row->repetitions = row->repetition_index = row->iterations = 0;
  row->process = 0;
  row->threads = 1;
  row->real_time = row->cpu_time = kNan;
  row->counters.clear();
}

// Before version 1.5 neither run_type nor run_name was written: both follow
// from the name. A file that gives one of them is believed.
void DeduceRunType(BenchmarkRow* row) {
  absl::string_view run_name = row->name;
  absl::string_view found;
  if (row->run_type != "iteration") {
    for (const absl::string_view aggregate :
         {"mean", "median", "stddev", "cv", "BigO", "RMS"}) {
      if (absl::EndsWith(row->name, absl::StrCat("_", aggregate))) {
        found = aggregate;
        run_name.remove_suffix(aggregate.size() + 1);
        break;
      }
    }
  }
  if (row->run_type.empty()) {
    row->run_type = found.empty() ? "iteration" : "aggregate";
  }
  if (row->aggregate_name.empty()) row->aggregate_name = std::string(found);
  if (row->run_name.empty()) row->run_name = std::string(run_name);
}

// Completes a row whose fields are read. The complaint about it, or nothing.
std::string Finish(BenchmarkRow* row) {
  if (row->name.empty()) return "no \"name\"";
  if (row->run_type.empty() || row->run_name.empty()) DeduceRunType(row);
  if (row->aggregate_unit.empty() &&
      (row->aggregate_name == "cv" || row->aggregate_name == "RMS")) {
    row->aggregate_unit = "percentage";
  }
  if (row->run_type != "iteration" && row->run_type != "aggregate") {
    return absl::StrCat("\"run_type\" is \"", row->run_type,
                        "\", neither \"iteration\" nor \"aggregate\"");
  }
  if (std::isnan(ToNanoseconds(1, row->time_unit))) {
    return absl::StrCat("\"time_unit\" is \"", row->time_unit,
                        "\", none of ns, us, ms, s");
  }
  return "";
}

// False if `text`, a number of JSON, is larger than any double.
bool ReadDouble(absl::string_view text, double* value) {
  const std::from_chars_result read =
      std::from_chars(text.data(), text.data() + text.size(), *value);
  if (read.ec == std::errc()) return true;
  // Too small for any but 0 is no error. Whether from_chars() then sets the
  // value, and how it tells both ends of the range apart, is left open.
  *value = std::strtod(std::string(text).c_str(), nullptr);
  return std::isfinite(*value);
}

// Whether a string that was read holds half of a pair of surrogates, which only
// an escape can have brought there, and which no UTF-8 may hold.
bool HasSurrogate(absl::string_view text) {
  for (size_t i = text.find('\xed'); i != absl::string_view::npos;
       i = text.find('\xed', i + 1)) {
    if (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0xa0)
      return true;
  }
  return false;
}

// Receives the events of the parser, in its library's names. Methods return
// false to stop it: when the visitor failed, and at what the parser takes for
// JSON though it is none.
class Handler
    : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
 public:
  // Does not visit the first `visited` rows again.
  Handler(absl::string_view source, RowVisitor visit,
          std::map<std::string, std::string>* context, int64_t visited)
      : source_(source), visit_(visit), context_(context), visited_(visited) {}

  // The outcome, once the parser has stopped.
  absl::Status Result() const {
    if (!status_.ok()) return status_;
    if (!has_list_) {
      return Error("no list \"benchmarks\": not a result of Google Benchmark");
    }
    if (rows_ > 0 && !has_result_) {
      return Error(
          "no row has a field of Google Benchmark's but a name: the result of "
          "another tool");
    }
    return absl::OkStatus();
  }

  // Whether the visitor failed.
  bool stopped() const { return stopped_; }
  int64_t rows() const { return rows_; }

  absl::Status NotJson(absl::string_view what) const {
    return Error(absl::StrCat("not JSON: ", what));
  }

  bool Null() {
    if (InRow()) {
      return field_ == nullptr || field_->number != nullptr ||
             field_->ignored || Complain();
    }
    return Scalar("", /*keep=*/false);
  }

  bool Bool(bool value) {
    if (!InRow()) return Scalar(value ? "true" : "false");
    if (field_ == nullptr || field_->ignored) return true;
    if (field_->flag == nullptr) return Complain();
    row_.*field_->flag = value;
    return true;
  }

  bool RawNumber(const char* begin, rapidjson::SizeType size, bool /*copy*/) {
    const absl::string_view text(begin, size);
    int64_t count = 0;
    const std::from_chars_result whole =
        std::from_chars(begin, begin + size, count);
    const bool is_count = whole.ec == std::errc() && whole.ptr == begin + size;
    double value = static_cast<double>(count);
    if (!is_count && !ReadDouble(text, &value)) return false;
    if (InRow()) return is_count ? Count(count) : Number(value);
    if (InStandIn()) return StandInElement(is_count ? count : 0);
    return Scalar(text);
  }

  bool String(const char* begin, rapidjson::SizeType size, bool /*copy*/) {
    const absl::string_view text(begin, size);
    if (HasSurrogate(text)) return false;
    if (!InRow()) return Scalar(text);
    if (field_ == nullptr || field_->ignored) return true;
    if (field_->text == nullptr) return Complain();
    (row_.*field_->text).assign(begin, size);
    return true;
  }

  bool StartObject() {
    ++depth_;
    switch (depth_) {
      case 1:
        is_object_ = true;
        return true;
      case 2:
        in_context_ = is_object_ && key_ == "context";
        return true;
      case 3:
        in_row_ = in_list_;
        if (in_row_) Clear(&row_);
        next_key_ = 0;
        return true;
      default:
        return Nested();
    }
  }

  bool Key(const char* begin, rapidjson::SizeType size, bool /*copy*/) {
    if (HasSurrogate({begin, size})) return false;
    if (depth_ > 3) return true;
    key_.assign(begin, size);
    if (!in_row_) return true;
    field_ = NextField();
    has_result_ = has_result_ || (field_ != nullptr && key_ != "name");
    return true;
  }

  bool EndObject(rapidjson::SizeType /*size*/) {
    --depth_;
    if (depth_ == 1) in_context_ = false;
    if (depth_ != 2 || !in_row_) return true;
    in_row_ = false;
    const std::string complaint = Finish(&row_);
    if (!complaint.empty()) return RowError(complaint);
    if (!status_.ok()) return true;
    if (rows_++ < visited_) return true;
    status_ = visit_(row_);
    stopped_ = !status_.ok();
    return !stopped_;
  }

  bool StartArray() {
    ++depth_;
    if (depth_ == 2 && is_object_ && key_ == "benchmarks") {
      in_list_ = has_list_ = true;
    } else if (depth_ == 3 && in_list_) {
      return RowError("not an object");
    } else if (depth_ == 4 && in_row_) {
      stand_in_ = true;
      elements_ = 0;
      return true;
    }
    return Nested();
  }

  bool EndArray(rapidjson::SizeType /*size*/) {
    --depth_;
    if (depth_ == 1) in_list_ = false;
    if (depth_ != 3 || !stand_in_) return true;
    stand_in_ = false;
    return Number(elements_ == 0 ? kNan : sign_ * kInfinity);
  }

 private:
  // FieldNamed(key_). Rows have the same keys in the same order but for some.
  const Field* NextField() {
    if (next_key_ == known_keys_.size()) known_keys_.emplace_back();
    auto& [key, field] = known_keys_[next_key_++];
    if (key != key_) {
      key = key_;
      field = FieldNamed(key_);
    }
    return field;
  }

  // Whether a value is a row's own: not one of a list or object in it.
  bool InRow() const { return in_row_ && depth_ == 3; }
  bool InStandIn() const { return stand_in_ && depth_ == 4; }

  bool StandInElement(int64_t value) {
    ++elements_;
    sign_ = value < 0 ? -1 : 1;
    // A list that stands for no number is none of the format's.
    if (elements_ > 1 || (value != 1 && value != -1)) stand_in_ = false;
    return true;
  }

  // A list or an object in a row is no stand-in once it holds another.
  bool Nested() {
    stand_in_ = false;
    return true;
  }

  // A value outside rows.
  bool Scalar(absl::string_view text, bool keep = true) {
    if (depth_ == 2 && in_list_) return RowError("not an object");
    if (depth_ >= 4) stand_in_ = false;
    if (keep && context_ != nullptr && in_context_ && depth_ == 2) {
      (*context_)[key_] = std::string(text);
    }
    return true;
  }

  bool Count(int64_t value) {
    if (field_ == nullptr || field_->count == nullptr) {
      return Number(static_cast<double>(value));
    }
    row_.*field_->count = value;
    return true;
  }

  bool Number(double value) {
    if (field_ == nullptr) {
      row_.counters[key_] = value;
      return true;
    }
    if (field_->ignored) return true;
    if (field_->number != nullptr) {
      row_.*field_->number = value;
      return true;
    }
    // Aggregates of some versions write counts as 1.0000e+01.
    constexpr double kLimit = 9e18;
    if (field_->count == nullptr || !(std::abs(value) < kLimit)) {
      return Complain();
    }
    row_.*field_->count = static_cast<int64_t>(value);
    return true;
  }

  bool Complain() {
    const char* expected = field_->text != nullptr    ? "text"
                           : field_->flag != nullptr  ? "true or false"
                           : field_->count != nullptr ? "a count"
                                                      : "a number";
    return RowError(absl::StrCat("\"", key_, "\" is not ", expected));
  }

  // Goes on to the end without rows: a file that is no JSON at all, such as one
  // cut short, is the graver fault, and is reported instead.
  bool RowError(absl::string_view complaint) {
    if (status_.ok()) {
      status_ = Error(absl::StrCat("benchmarks[", rows_, "]: ", complaint));
    }
    return true;
  }

  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(source_, ": ", what));
  }

  const absl::string_view source_;
  const RowVisitor visit_;
  std::map<std::string, std::string>* const context_;
  const int64_t visited_;
  absl::Status status_;
  int64_t rows_ = 0;  // Complete, up to the first that is in error.
  bool has_list_ = false;
  bool has_result_ = false;

  // Where the parser stands.
  int64_t depth_ = 0;
  bool is_object_ = false;  // The whole file.
  bool in_context_ = false;
  bool in_list_ = false;
  bool in_row_ = false;
  bool stand_in_ = false;
  int64_t elements_ = 0;
  int sign_ = 1;
  bool stopped_ = false;
  std::string key_;
  const Field* field_ = nullptr;  // Of a row's key_.
  std::vector<std::pair<std::string, const Field*>> known_keys_;
  size_t next_key_ = 0;
  BenchmarkRow row_;
};

// What PowerShell's `>` makes of a benchmark's output.
bool IsUtf16(absl::string_view text) {
  return absl::StartsWith(text, "\xff\xfe") ||
         absl::StartsWith(text, "\xfe\xff");
}

bool IsAscii(absl::string_view text) {
  char bits = 0;
  for (const char c : text) bits = static_cast<char>(bits | c);
  return bits >= 0;
}

// Tells `handler` what `json` holds.
rapidjson::ParseResult Parse(absl::string_view json, Handler* handler) {
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  constexpr unsigned kUtf8Flags =
      kFlags | rapidjson::kParseValidateEncodingFlag;
  absl::ConsumePrefix(&json, "\xef\xbb\xbf");
  rapidjson::MemoryStream stream(json.data(), json.size());
  rapidjson::Reader reader;
  // Nearly all files are ASCII, in which nothing has to be validated.
  rapidjson::ParseResult result =
      IsAscii(json) ? reader.Parse<kFlags>(stream, *handler)
                    : reader.Parse<kUtf8Flags>(stream, *handler);
  // The library takes a zero byte for the end.
  if (!result.IsError() && stream.Tell() < json.size()) {
    result.Set(rapidjson::kParseErrorDocumentRootNotSingular, stream.Tell());
  }
  return result;
}

// Why `json` is none, for which RapidJSON says `result`. It is read again by a
// parser that is slower and says more: the line, the column, what it met there
// and what it expected.
std::string Explain(absl::string_view json,
                    const rapidjson::ParseResult& result) {
  using Json = nlohmann::json;
  const auto drop = [](int /*depth*/, Json::parse_event_t /*event*/,
                       const Json& /*value*/) { return false; };
  try {
    [[maybe_unused]] const Json none =
        Json::parse(json.data(), json.data() + json.size(), drop);
  } catch (const Json::exception& error) {
    // Without the library's own name for the error: "parse error at line 2,
    // column 1: …", or a number that no double holds.
    absl::string_view what = error.what();
    const size_t bracket = what.find("] ");
    if (bracket != absl::string_view::npos) what.remove_prefix(bracket + 2);
    return std::string(what);
  }
  return absl::StrCat("parse error at byte ", result.Offset() + 1, ": ",
                      rapidjson::GetParseError_En(result.Code()));
}

}  // namespace

absl::Status ParseRows(absl::string_view text, absl::string_view source,
                       RowVisitor visit,
                       std::map<std::string, std::string>* context) {
  if (IsUtf16(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat(source,
                     ": not JSON: the text is UTF-16; write it with "
                     "--benchmark_out=FILE, or convert it to UTF-8"));
  }
  Handler handler(source, visit, context, /*visited=*/0);
  rapidjson::ParseResult result = Parse(text, &handler);
  if (!result.IsError() || handler.stopped()) return handler.Result();
  std::string copy;
  const absl::string_view json = WithStandIns(text, &copy);
  if (copy.empty()) return handler.NotJson(Explain(text, result));
  // Few files hold what needs stand-ins: those are read from their beginning.
  Handler again(source, visit, context, handler.rows());
  result = Parse(json, &again);
  if (!result.IsError() || again.stopped()) return again.Result();
  return again.NotJson(Explain(json, result));
}

}  // namespace opsbench::results::internal
