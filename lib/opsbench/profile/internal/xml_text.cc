#include "opsbench/profile/internal/xml_text.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace opsbench::profile::internal {
namespace {

// The bytes of the character that `text` begins with; 0 when it is no UTF-8 or
// not allowed in XML. Overlong forms and surrogates are no UTF-8.
size_t CharacterBytes(absl::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const size_t count = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < count) return 0;
  for (size_t i = 1; i < count; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
    return 0;
  }
  // U+FFFE and U+FFFF are no characters of XML.
  if (first == 0xef && second == 0xbf && byte(2) >= 0xbe) return 0;
  return count;
}

}  // namespace

std::string XmlText(absl::string_view text) {
  std::string escaped;
  while (!text.empty()) {
    const size_t count = CharacterBytes(text);
    switch (text[0]) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        absl::StrAppend(&escaped, count == 0 ? "?" : text.substr(0, count));
    }
    text.remove_prefix(count == 0 ? 1 : count);
  }
  return escaped;
}

}  // namespace opsbench::profile::internal
