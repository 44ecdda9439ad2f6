#ifndef OPSBENCH_PROFILE_INTERNAL_XML_TEXT_H_
#define OPSBENCH_PROFILE_INTERNAL_XML_TEXT_H_

// Text that any program may have made, in XML.
//
// Thread safety: a pure function.

#include <string>

#include "absl/strings/string_view.h"

namespace opsbench::profile::internal {

// Escaped for an element's content or an attribute in double quotes. Control
// characters, and bytes that are no UTF-8, become "?".
std::string XmlText(absl::string_view text);

}  // namespace opsbench::profile::internal

#endif  // OPSBENCH_PROFILE_INTERNAL_XML_TEXT_H_
