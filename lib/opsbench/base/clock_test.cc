#include "opsbench/base/clock.h"

#include <time.h>

#include <cstdint>

#include "gtest/gtest.h"

namespace opsbench {
namespace {

int64_t SystemNowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Between two readings of the system's clock, each in turn: neither another
// clock nor another unit could be.
TEST(ClockTest, IsTheMonotonicClockInNanoseconds) {
  int64_t before = SystemNowNs();
  for (int i = 0; i < 100'000; ++i) {
    const int64_t now = MonotonicNowNs();
    const int64_t after = SystemNowNs();
    ASSERT_LE(before, now);
    ASSERT_LE(now, after);
    before = after;
  }
}

}  // namespace
}  // namespace opsbench
