#include "opsbench/profile/perf_script.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::profile {
namespace {

using ::testing::HasSubstr;

struct Reading {
  absl::Status status;
  std::vector<PerfSample> samples;
  int64_t truncated = 0;
};

Reading Read(absl::string_view text) {
  Reading reading;
  PerfScriptReader reader(
      [&](const PerfSample& sample) { reading.samples.push_back(sample); });
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  for (const absl::string_view line : lines) {
    reading.status = reader.AddLine(line);
    if (!reading.status.ok()) return reading;
  }
  reading.status = reader.Finish();
  reading.truncated = reader.truncated();
  return reading;
}

// Recorded with perf 6.1: from the kernel through a library into a program.
constexpr char kRecorded[] =
    "memtable_bench  3535 34417.894946:    2004008 cpu-clock: \n"
    "\tffffffff821e5ac2 xas_load+0x32 ([kernel.kallsyms])\n"
    "\tffffffff81000c82 asm_exc_page_fault+0x22 ([kernel.kallsyms])\n"
    "\t           21932 memset+0x32 "
    "(/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2)\n"
    "\t           5c9af std::unique_ptr<opsbench::A<false>, "
    "std::default_delete<opsbench::A<false> > >::~unique_ptr+0x14f "
    "(/x/bin/memtable_bench)\n"
    "\t    7ff9b8ff56e0 [unknown] ([unknown])\n"
    "\t               0 [unknown] ([unknown])\n"
    "\n"
    "memtable_bench  3581 34417.898975:    2004009 cpu-clock: \n"
    "\t            8e2a do_lookup_x+0xca "
    "(/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2)\n"
    "\n";

TEST(PerfScriptTest, ReadsKernelLibraryAndProgram) {
  const Reading reading = Read(kRecorded);
  ASSERT_TRUE(reading.status.ok()) << reading.status;
  ASSERT_EQ(reading.samples.size(), 2u);
  const PerfSample& first = reading.samples[0];
  EXPECT_EQ(first.thread, "memtable_bench");
  EXPECT_EQ(first.event, "cpu-clock");
  EXPECT_EQ(first.period, 2004008);
  ASSERT_EQ(first.frames.size(), 6u);
  EXPECT_EQ(first.frames[0].address, 0xffffffff821e5ac2u);
  EXPECT_EQ(first.frames[0].symbol, "xas_load");
  EXPECT_EQ(first.frames[0].module, "[kernel.kallsyms]");
  EXPECT_EQ(first.frames[3].symbol,
            "std::unique_ptr<opsbench::A<false>, "
            "std::default_delete<opsbench::A<false> > >::~unique_ptr");
  EXPECT_EQ(first.frames[3].module, "/x/bin/memtable_bench");
  EXPECT_EQ(first.frames[3].address, 0x5c9afu);
  EXPECT_EQ(first.frames[4].symbol, "[unknown]");
  EXPECT_EQ(first.frames[4].module, "[unknown]");
  EXPECT_EQ(reading.samples[1].period, 2004009);
  EXPECT_EQ(reading.samples[1].frames.size(), 1u);
  EXPECT_EQ(reading.truncated, 0);
}

TEST(PerfScriptTest, ThreadsMayBeCalledAnything) {
  for (const char* thread : {"rocksdb:low", "a b  c", "12 34", "x:", ":",
                             "[kworker/0]", "tab\tbed"}) {
    const Reading reading =
        Read(std::string(thread) +
             "  77/78 [001]  1.000001:  250000 cpu-clock:u: \n\t 12 f+0x1 "
             "(/x)\n\n");
    ASSERT_TRUE(reading.status.ok()) << thread << ": " << reading.status;
    ASSERT_EQ(reading.samples.size(), 1u);
    EXPECT_EQ(reading.samples[0].thread, thread);
    EXPECT_EQ(reading.samples[0].event, "cpu-clock:u");
    EXPECT_EQ(reading.samples[0].period, 250000);
  }
}

TEST(PerfScriptTest, SymbolsAndModulesMayHoldParentheses) {
  const Reading reading = Read(
      "a 1 1.0: 5 cpu-clock: \n"
      "\t 10 ns::f(int)::{lambda(int)#1}::operator() (int)+0x3 (/x/y)\n"
      "\t 11 void (anonymous namespace)::g<int>+0x4 (/x/y (deleted))\n"
      "\t 12 a+0x10+0x20 (/x/with (odd) name)\n"
      "\t 13 (/x/y)\n"
      "\t 14 h ([vdso])\n\n");
  ASSERT_TRUE(reading.status.ok()) << reading.status;
  const std::vector<PerfFrame>& frames = reading.samples[0].frames;
  ASSERT_EQ(frames.size(), 5u);
  EXPECT_EQ(frames[0].symbol, "ns::f(int)::{lambda(int)#1}::operator() (int)");
  EXPECT_EQ(frames[0].module, "/x/y");
  EXPECT_EQ(frames[1].symbol, "void (anonymous namespace)::g<int>");
  EXPECT_EQ(frames[1].module, "/x/y (deleted)");
  EXPECT_EQ(frames[2].symbol, "a+0x10");
  EXPECT_EQ(frames[2].module, "/x/with (odd) name");
  EXPECT_EQ(frames[3].symbol, "[unknown]");
  EXPECT_EQ(frames[3].module, "/x/y");
  EXPECT_EQ(frames[4].symbol, "h");
  EXPECT_EQ(frames[4].module, "[vdso]");
}

// They have the address and the module of the frame that they are in.
TEST(PerfScriptTest, InlinedFramesBelongToTheFrameAround) {
  const Reading reading = Read(
      "a 1 1.0: 5 cpu-clock: \n"
      "\t 5c9af inner (inlined)\n"
      "\t 5c9af middle (inlined)\n"
      "\t 5c9af outer+0x14f (/x/program)\n"
      "\t 21932 start+0x1 (/usr/lib/libc.so.6)\n\n");
  ASSERT_TRUE(reading.status.ok()) << reading.status;
  const std::vector<PerfFrame>& frames = reading.samples[0].frames;
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_TRUE(frames[0].inlined);
  EXPECT_TRUE(frames[1].inlined);
  EXPECT_FALSE(frames[2].inlined);
  EXPECT_EQ(frames[0].symbol, "inner");
  EXPECT_EQ(frames[0].module, "/x/program");
  EXPECT_EQ(frames[3].module, "/usr/lib/libc.so.6");
}

TEST(PerfScriptTest, ASampleThatIsCutOffIsCountedAndLeftOut) {
  const std::string text = kRecorded;
  const size_t second = text.find("memtable_bench  3581");
  for (size_t cut = second + 1; cut + 1 < text.size(); ++cut) {
    const Reading reading = Read(text.substr(0, cut));
    EXPECT_TRUE(reading.status.ok()) << reading.status;
    EXPECT_EQ(reading.samples.size(), 1u) << cut;
    EXPECT_EQ(reading.truncated, 1) << cut;
  }
}

TEST(PerfScriptTest, SamplesWithoutStacksAndCommentsPass) {
  const Reading reading = Read(
      "# captured on: today\n"
      "a 1 1.0: 5 cpu-clock: \n"
      "b 2 2.0: 6 cpu-clock: \n"
      "\n");
  ASSERT_TRUE(reading.status.ok()) << reading.status;
  ASSERT_EQ(reading.samples.size(), 2u);
  EXPECT_TRUE(reading.samples[0].frames.empty());
  EXPECT_EQ(reading.samples[1].thread, "b");
}

TEST(PerfScriptTest, OtherTextIsRefusedWithItsLine) {
  EXPECT_TRUE(absl::IsInvalidArgument(Read("").status));
  const Reading reading =
      Read("a 1 1.0: 5 cpu-clock: \n\n{\"json\": 1}\nmore\n");
  EXPECT_TRUE(absl::IsInvalidArgument(reading.status));
  EXPECT_THAT(std::string(reading.status.message()), HasSubstr("line 3"));
  EXPECT_THAT(std::string(reading.status.message()), HasSubstr("json"));
  EXPECT_FALSE(Read("a 1 1.0: -5 cpu-clock: \n\n").status.ok());
  EXPECT_FALSE(Read("a 1 1.0: x cpu-clock: \n\n").status.ok());
  EXPECT_FALSE(Read("a b 1.0: 5 cpu-clock: \n\n").status.ok());
}

}  // namespace
}  // namespace opsbench::profile
