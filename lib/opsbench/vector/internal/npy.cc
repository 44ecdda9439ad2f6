#include "opsbench/vector/internal/npy.h"

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace opsbench::vector::internal {
namespace {

template <typename... Parts>
absl::Status Unusable(absl::string_view name, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", parts...));
}

// What follows `'key':` in the literal of a Python dict.
absl::string_view ValueOf(absl::string_view dict, absl::string_view key) {
  const size_t at = dict.find(absl::StrCat("'", key, "'"));
  if (at == absl::string_view::npos) return "";
  const size_t colon = dict.find(':', at);
  if (colon == absl::string_view::npos) return "";
  return absl::StripLeadingAsciiWhitespace(dict.substr(colon + 1));
}

absl::Status ParseShape(absl::string_view value, absl::string_view name,
                        NpyHeader* header) {
  const size_t end = value.find(')');
  if (!absl::ConsumePrefix(&value, "(") || end == absl::string_view::npos) {
    return Unusable(name, "its header has no shape");
  }
  std::vector<uint64_t> axes;
  for (absl::string_view axis :
       absl::StrSplit(value.substr(0, end - 1), ',', absl::SkipWhitespace())) {
    uint64_t length;
    if (!absl::SimpleAtoi(axis, &length)) {
      return Unusable(name, "its shape has an axis that is no number");
    }
    axes.push_back(length);
  }
  if (axes.size() != 2) {
    return Unusable(name, "an array of ", axes.size(),
                    " axes; a matrix has two");
  }
  header->rows = axes[0];
  header->columns = axes[1];
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes,
                                         absl::string_view name) {
  if (!absl::StartsWith(bytes, "\x93NUMPY") || bytes.size() < 12) {
    return Unusable(name, "not a .npy file: it does not start with \\x93NUMPY");
  }
  const auto byte = [bytes](size_t i) {
    return static_cast<size_t>(static_cast<uint8_t>(bytes[i]));
  };
  size_t length = byte(8) | byte(9) << 8;
  NpyHeader header;
  header.data_offset = 10;
  if (byte(6) > 1) {
    length |= byte(10) << 16 | byte(11) << 24;
    header.data_offset = 12;
  }
  if (byte(6) < 1 || byte(6) > 3) {
    return Unusable(name, "version ", byte(6),
                    " of the .npy format; 1 to 3 are known");
  }
  if (length > bytes.size() - header.data_offset) {
    return Unusable(name, "cut off in its header of ", length, " bytes");
  }
  const absl::string_view dict = bytes.substr(header.data_offset, length);
  header.data_offset += length;
  const absl::string_view order = ValueOf(dict, "fortran_order");
  header.fortran_order = absl::StartsWith(order, "True");
  if (!header.fortran_order && !absl::StartsWith(order, "False")) {
    return Unusable(name, "its header does not say fortran_order");
  }
  absl::string_view type = ValueOf(dict, "descr");
  if (!absl::ConsumePrefix(&type, "'") || type.find('\'') > 8) {
    return Unusable(name, "its header has no type of plain numbers");
  }
  // It ends up in messages, which are one line.
  header.type = absl::CHexEscape(type.substr(0, type.find('\'')));
  const absl::Status shape = ParseShape(ValueOf(dict, "shape"), name, &header);
  if (!shape.ok()) return shape;
  return header;
}

}  // namespace opsbench::vector::internal
