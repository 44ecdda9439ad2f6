#include "opsbench/profile/stack_profile.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"

namespace opsbench::profile {
namespace {

Frame Named(const std::string& name) {
  return {name, "/x/program", FrameKind::kOurs, false};
}

TEST(StackProfileTest, TellsKindsApart) {
  const std::string program = "/x/build/bin/memtable_bench";
  EXPECT_EQ(KindOf("opsbench::F(int)", program), FrameKind::kOurs);
  EXPECT_EQ(KindOf("main", program), FrameKind::kOurs);
  EXPECT_EQ(KindOf("long opsbench::F<std::less<int> >(int)", program),
            FrameKind::kOurs);
  EXPECT_EQ(KindOf("void std::sort<int*>(int*, int*)", program),
            FrameKind::kLibrary);
  EXPECT_EQ(KindOf("absl::debian3::Status::ok() const", program),
            FrameKind::kLibrary);
  EXPECT_EQ(KindOf("malloc", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
            FrameKind::kLibrary);
  EXPECT_EQ(KindOf("__vdso_clock_gettime", "[vdso]"), FrameKind::kLibrary);
  EXPECT_EQ(KindOf("do_syscall_64", "[kernel.kallsyms]"), FrameKind::kKernel);
  EXPECT_EQ(KindOf("[unknown]", "[kernel.kallsyms]"), FrameKind::kKernel);
  EXPECT_EQ(KindOf("ext4_sync", "/lib/modules/6.1/ext4.ko"),
            FrameKind::kKernel);
  EXPECT_EQ(KindOf("[unknown]", program), FrameKind::kUnknown);
}

TEST(StackProfileTest, RecursionCountsOnce) {
  StackProfile profile;
  const int main = profile.Intern(Named("main"));
  const int f = profile.Intern(Named("f"));
  const int g = profile.Intern(Named("g"));
  EXPECT_EQ(profile.Intern(Named("f")), f);
  profile.Add({main, f, g, f}, 7);
  profile.Add({main, f}, 5);
  profile.Add({main, g}, 2);
  EXPECT_EQ(profile.total(), 14);
  EXPECT_EQ(profile.stacks(), 3);
  const auto functions = profile.Functions();
  ASSERT_EQ(functions.size(), 3u);
  EXPECT_EQ(functions[0].frame, f);
  EXPECT_EQ(functions[0].self, 12);
  EXPECT_EQ(functions[0].total, 12);
  EXPECT_EQ(functions[1].frame, g);
  EXPECT_EQ(functions[1].self, 2);
  EXPECT_EQ(functions[1].total, 9);
  EXPECT_EQ(functions[2].frame, main);
  EXPECT_EQ(functions[2].total, 14);
}

TEST(StackProfileTest, AFunctionThatIsInlinedInPlacesIsOne) {
  StackProfile profile;
  Frame inlined = Named("f");
  inlined.inlined = true;
  profile.Add({profile.Intern(Named("f"))}, 1);
  profile.Add({profile.Intern(inlined)}, 2);
  EXPECT_EQ(profile.nodes()[0].children.size(), 2u);
  ASSERT_EQ(profile.Functions().size(), 1u);
  EXPECT_EQ(profile.Functions()[0].self, 3);
}

// Against sums over the stacks themselves.
TEST(StackProfileTest, RandomStacksSumUp) {
  Random random(7);
  StackProfile profile;
  std::map<std::string, int64_t> self;
  std::map<std::string, int64_t> total;
  std::map<std::string, int64_t> paths;
  int64_t all = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<int> stack;
    std::vector<std::string> names;
    const auto depth = 1 + random.Below(6);
    for (uint64_t level = 0; level < depth; ++level) {
      names.push_back(absl::StrCat("f", random.Below(5)));
      stack.push_back(profile.Intern(Named(names.back())));
      paths[absl::StrJoin(names, ";")] += i + 1;
    }
    profile.Add(stack, i + 1);
    self[names.back()] += i + 1;
    for (const std::string& name :
         std::set<std::string>(names.begin(), names.end())) {
      total[name] += i + 1;
    }
    all += i + 1;
  }
  EXPECT_EQ(profile.total(), all);
  for (const auto& function : profile.Functions()) {
    const std::string& name = profile.frames()[function.frame].name;
    EXPECT_EQ(function.self, self[name]) << name;
    EXPECT_EQ(function.total, total[name]) << name;
  }
  EXPECT_EQ(profile.nodes().size(), paths.size() + 1);
  for (const StackProfile::Node& node : profile.nodes()) {
    int64_t below = node.self;
    for (const int child : node.children) below += profile.nodes()[child].total;
    EXPECT_EQ(below, node.total);
    std::vector<std::string> names;
    for (const StackProfile::Node* at = &node; at->frame >= 0;
         at = &profile.nodes()[at->parent]) {
      names.insert(names.begin(), profile.frames()[at->frame].name);
    }
    if (!names.empty()) {
      EXPECT_EQ(node.total, paths[absl::StrJoin(names, ";")]);
    }
  }
}

}  // namespace
}  // namespace opsbench::profile
