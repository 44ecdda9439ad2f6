#include "opsbench/profile/folded_stacks.h"

#include <string>

#include "gtest/gtest.h"

namespace opsbench::profile {
namespace {

TEST(FoldedStacksTest, WhatIsWrittenIsWhatWasRead) {
  StackProfile profile;
  for (const char* line :
       {"main;ns::f(int, long);g 10", "main;ns::f(int, long) 5", "", "other 1",
        "main;ns::f(int, long);g 2", "main;never 0"}) {
    ASSERT_TRUE(AddFoldedStack(line, &profile).ok()) << line;
  }
  EXPECT_EQ(profile.total(), 18);
  EXPECT_EQ(FormatFoldedStacks(profile),
            "main;ns::f(int, long) 5\nmain;ns::f(int, long);g 12\nother 1\n");
  EXPECT_EQ(profile.frames()[0].kind, FrameKind::kOurs);
  EXPECT_EQ(profile.frames()[1].kind, FrameKind::kOurs);
  EXPECT_EQ(profile.frames()[2].kind, FrameKind::kLibrary);
}

TEST(FoldedStacksTest, NamesAreDemangled) {
  StackProfile profile;
  ASSERT_TRUE(AddFoldedStack("main;_ZN3foo3barEi 1", &profile).ok());
  EXPECT_EQ(FormatFoldedStacks(profile), "main;foo::bar(int) 1\n");
}

TEST(FoldedStacksTest, ALineWithoutAWeightIsRefused) {
  StackProfile profile;
  for (const char* line : {"main;f", "main;f -1", "main;f 1x", "12",
                           "main 99999999999999999999"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(AddFoldedStack(line, &profile)))
        << line;
  }
  EXPECT_EQ(profile.total(), 0);
}

}  // namespace
}  // namespace opsbench::profile
