#include "opsbench/profile/cpp_name.h"

#include <string>

#include "gtest/gtest.h"

namespace opsbench::profile {
namespace {

TEST(CppNameTest, DemanglesWhatIsMangled) {
  EXPECT_EQ(Demangle("_ZN3foo3barEi"), "foo::bar(int)");
  EXPECT_EQ(Demangle("_ZN3foo3barEi.constprop.0"), "foo::bar(int)");
  EXPECT_EQ(Demangle("_Znonsense"), "_Znonsense");
  EXPECT_EQ(Demangle("memcpy"), "memcpy");
  EXPECT_EQ(Demangle(""), "");
}

TEST(CppNameTest, KeepsWhatTellsFunctionsApart) {
  struct Case {
    const char* full;
    const char* expected;
  };
  constexpr Case kCases[] = {
      {"main", "main"},
      {"[unknown]", "[unknown]"},
      {"(below main)", "(below main)"},
      {"do_syscall_64", "do_syscall_64"},
      {"ns::Type::Function(int, char const*)", "ns::Type::Function"},
      {"ns::Type<int, std::map<int, long> >::Get(long) const",
       "ns::Type<…>::Get"},
      {"long ns::RunTogether<ns::Work<(char)105> >(int, ns::Work<(char)105>)",
       "ns::RunTogether<…>"},
      {"std::function<int (long)> const& ns::f<int>(int)", "ns::f<…>"},
      {"unsigned long ns::f<int>()", "ns::f<…>"},
      {"ns::f(int)::{lambda(int)#1}::operator()(int) const",
       "ns::f::{lambda#1}::operator()"},
      {"ns::f() const::{lambda(int, long)#2}::operator()(int, long) const",
       "ns::f::{lambda#2}::operator()"},
      {"auto ns::f<int>(int)::{lambda(auto:1)#1}::operator()<long>(long) const",
       "ns::f<…>::{lambda#1}::operator()<…>"},
      {"(anonymous namespace)::Run(int)", "{anon}::Run"},
      {"void ns::(anonymous namespace)::Run<int>(int)", "ns::{anon}::Run<…>"},
      {"bool ns::operator< <int>(ns::A<int> const&, int)", "ns::operator<<…>"},
      {"std::ostream& ns::operator<< <int>(std::ostream&, int)",
       "ns::operator<<<…>"},
      {"ns::A::operator->() const", "ns::A::operator->"},
      {"ns::A<int>::operator[](unsigned long)", "ns::A<…>::operator[]"},
      {"ns::A::operator std::vector<int>() const",
       "ns::A::operator std::vector<…>"},
      {"operator new(unsigned long)", "operator new"},
      {"ns::operators::f(int)", "ns::operators::f"},
      {"std::__cxx11::basic_string<char>::append(char const*)",
       "std::basic_string<…>::append"},
      {"absl::debian3::StatusOr<double>::ok() const", "absl::StatusOr<…>::ok"},
      {"ns::Make[abi:cxx11](int)", "ns::Make"},
      {"malloc_consolidate(int) [clone .part.0]", "malloc_consolidate"},
      {"std::enable_if<(3>2), int>::type ns::f<3>(int)", "ns::f<…>"},
      {"decltype (a->b(int)) ns::f<int>(int)", "ns::f<…>"},
      {"ns::A<&(ns::g(int))>::f()", "ns::A<…>::f"},
      {"ns::Comparator<(ns::Less)1>::f() &&", "ns::Comparator<…>::f"},
      {"std::unique_ptr<A, std::default_delete<A> >::~unique_ptr()",
       "std::unique_ptr<…>::~unique_ptr"},
  };
  for (const Case& test : kCases) {
    EXPECT_EQ(ShortenCppName(test.full), test.expected) << test.full;
  }
}

// libstdc++ gives up on the longest names.
TEST(CppNameTest, ReadsWhatIsPlainInAMangledName) {
  EXPECT_EQ(ShortenCppName("_ZN3foo3barIX?"), "foo::bar<…>");
  EXPECT_EQ(ShortenCppName("_ZNK3foo3barE?"), "foo::bar");
  EXPECT_EQ(ShortenCppName("_ZN3foo9barI"), "foo");
  EXPECT_EQ(ShortenCppName("_ZN"), "_ZN");
  EXPECT_EQ(ShortenCppName("_ZN99999999999999999999f"),
            "_ZN99999999999999999999f");
  EXPECT_EQ(ShortenCppName("_Zfoo"), "_Zfoo");
}

TEST(CppNameTest, LeavesWhatItCannotReadAsItIs) {
  for (const char* name : {"f<", "f(", "f>", "a)b(", "<<<>", "{lambda(", "",
                           "f<(>)", "operator", "operator<", "operator ("}) {
    const std::string got = ShortenCppName(name);
    EXPECT_LE(got.size(), std::string(name).size()) << name;
    if (*name != '\0') {
      EXPECT_FALSE(got.empty()) << name;
    }
  }
}

}  // namespace
}  // namespace opsbench::profile
