#include "opsbench/profile/inline_frames.h"

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::profile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(InlineFramesTest, ReadsWhatAddr2linePrints) {
  InlineFrames frames;
  for (const char* line :
       {"0x000000000000118d", "_ZN3foo5innerEi", "/src/foo.cc:12",
        "_ZN3foo5outerEi", "/src/foo.cc:30 (discriminator 2)",
        "0x0000000000001200", "??", "??:0", "0x0000000000001300", "main",
        "??:?"}) {
    frames.AddLine(line);
  }
  EXPECT_THAT(frames.At(0x118d),
              ElementsAre("foo::inner(int)", "foo::outer(int)"));
  EXPECT_THAT(frames.At(0x1200), IsEmpty());
  EXPECT_THAT(frames.At(0x1300), ElementsAre("main"));
  EXPECT_THAT(frames.At(0x1400), IsEmpty());
}

TEST(InlineFramesTest, OutputThatIsNoneHasNoFrames) {
  InlineFrames frames;
  for (const char* line : {"", "addr2line: no file", "0xzz", "main"}) {
    frames.AddLine(line);
  }
  EXPECT_THAT(frames.At(0), IsEmpty());
}

// Where in this program's file the address lies, as the kernel mapped it.
uint64_t OffsetOf(uint64_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long long start = 0;
    unsigned long long end = 0;
    unsigned long long offset = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx %*s %llx", &start, &end,
                    &offset) == 3 &&
        address >= start && address < end) {
      return address - start + offset;
    }
  }
  return 0;
}

// Against the dynamic loader, which says where it put the file's address 0.
TEST(LoadSegmentsTest, MapsThisProgramsOwnCodeAndData) {
  const auto segments = LoadSegments::Read("/proc/self/exe");
  ASSERT_TRUE(segments.ok()) << segments.status();
  static int data = 7;  // Another segment, at another distance.
  for (const void* thing : {reinterpret_cast<const void*>(&OffsetOf),
                            static_cast<const void*>(&data)}) {
    const auto address = reinterpret_cast<uint64_t>(thing);
    Dl_info info;
    ASSERT_NE(dladdr(thing, &info), 0);
    EXPECT_EQ(segments->AddressOf(OffsetOf(address)),
              address - reinterpret_cast<uint64_t>(info.dli_fbase));
  }
  // What lies beyond the file stays as it is.
  EXPECT_EQ(segments->AddressOf(uint64_t{1} << 60), uint64_t{1} << 60);
}

TEST(LoadSegmentsTest, SaysWhatIsNoProgram) {
  EXPECT_TRUE(
      absl::IsNotFound(LoadSegments::Read("/nonexistent/program").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      LoadSegments::Read("/proc/self/status").status()));
}

}  // namespace
}  // namespace opsbench::profile
