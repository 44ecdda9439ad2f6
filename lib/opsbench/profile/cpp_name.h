#ifndef OPSBENCH_PROFILE_CPP_NAME_H_
#define OPSBENCH_PROFILE_CPP_NAME_H_

// Names of C++ functions for people.
//
// Thread safety: pure functions.

#include <string>

#include "absl/strings/string_view.h"

namespace opsbench::profile {

// The name that the compiler mangled as `symbol`; `symbol` itself when it is no
// mangled name. A clone's suffix (".constprop.0") is dropped.
std::string Demangle(absl::string_view symbol);

// What tells a function from others at a glance: template arguments become
// "<…>", parameters, return types, qualifiers and inline namespaces go, and an
// unnamed namespace is "{anon}":
//
//   int ns::Table<Item, 3>::Find<long>(long) const -> ns::Table<…>::Find<…>
//   f(int)::{lambda(int)#1}::operator()(int) const -> f::{lambda#1}::operator()
//
// Of a mangled name that nothing demangles, what it says in plain text is kept:
// "_ZN3foo3barI…" is "foo::bar<…>". A name that is no C++ name, also one with
// unbalanced brackets, stays as it is.
std::string ShortenCppName(absl::string_view name);

}  // namespace opsbench::profile

#endif  // OPSBENCH_PROFILE_CPP_NAME_H_
