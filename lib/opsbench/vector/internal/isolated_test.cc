#include "opsbench/vector/internal/isolated.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace opsbench::vector::internal {
namespace {

TEST(RunIsolatedTest, ReturnsWhatTheChildWrote) {
  const std::string large(3'000'000, 'x');
  const auto bytes = RunIsolated(10, [&](int file) {
    size_t done = 0;
    while (done < large.size()) {
      const ssize_t n = write(file, large.data() + done, large.size() - done);
      if (n <= 0) _exit(1);
      done += static_cast<size_t>(n);
    }
  });
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(*bytes, large);
  EXPECT_EQ(*RunIsolated(10, [](int) {}), "");
}

TEST(RunIsolatedTest, ACrashIsAnError) {
  for (const int number : {SIGSEGV, SIGABRT, SIGBUS}) {
    const auto bytes = RunIsolated(10, [number](int) { raise(number); });
    EXPECT_TRUE(absl::IsAborted(bytes.status())) << bytes.status();
    EXPECT_EQ(bytes.status().message(), "crashed");
  }
  EXPECT_TRUE(absl::IsAborted(
      RunIsolated(10, [](int) { throw std::string("unexpected"); }).status()));
}

TEST(RunIsolatedTest, WhatNeverEndsIsEnded) {
  const auto bytes = RunIsolated(1, [](int) {
    std::atomic<uint64_t> turns{0};
    for (;;) ++turns;
  });
  EXPECT_TRUE(absl::IsAborted(bytes.status())) << bytes.status();
  EXPECT_EQ(bytes.status().message(), "not done in 1 s");
}

}  // namespace
}  // namespace opsbench::vector::internal
