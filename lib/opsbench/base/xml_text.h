#ifndef OPSBENCH_BASE_XML_TEXT_H_
#define OPSBENCH_BASE_XML_TEXT_H_

// Text that any program may have made, in XML.
//
// Thread safety: a pure function.

#include <string>

#include "absl/strings/string_view.h"

namespace opsbench {

// Escaped for an element's content or an attribute in double quotes, in which
// a reader finds tabs and line ends again. Control characters that XML 1.0 does
// not allow, and bytes that are no UTF-8, become U+FFFD.
std::string XmlText(absl::string_view text);

}  // namespace opsbench

#endif  // OPSBENCH_BASE_XML_TEXT_H_
