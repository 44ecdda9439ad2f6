// The recorder and the per-second series in virtual time, against sorted
// samples: whatever the coordinator does, nothing is lost or counted twice.

#include "opsbench/load/internal/recorder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <map>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/random.h"

namespace opsbench::load_internal {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr int64_t kStart = 5'000'000'123;

int64_t NearestRank(std::vector<int64_t> values, double percentile) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(
      std::ceil(percentile / 100 * static_cast<double>(values.size())));
  return values[std::max<size_t>(rank, 1) - 1];
}

void TakeAll(Recorder& recorder, Series& series) {
  recorder.ring().Consume(
      [&](const SecondCounts& counts) { series.Add(counts); });
}

TEST(RecorderTest, SecondsMatchSortedSamplesOfTwoWorkers) {
  constexpr int kSeconds = 40;  // More than the series keeps open.
  Recorder first(1, false), second(1, false);
  Series series;
  std::map<int64_t, std::vector<int64_t>> samples;
  Random random(1);
  for (Recorder* recorder : {&first, &second}) recorder->Start(kStart);
  for (int s = 0; s < kSeconds; ++s) {
    for (int i = 0; i < 500; ++i) {
      Recorder& recorder = i % 3 == 0 ? first : second;
      const int64_t latency = random.Between(1'000, 1'000'000 * (s + 1));
      samples[s].push_back(latency);
      recorder.Success(0, {.latency_ns = latency}, 2,
                       kStart + s * kNanosPerSecond + i * 2'000'000);
    }
    TakeAll(first, series);
    TakeAll(second, series);
  }
  series.Add(first.ring().current());
  series.Add(second.ring().current());
  const std::vector<LoadSecond> seconds = series.Finish(kSeconds + 2);
  ASSERT_EQ(seconds.size(), kSeconds + 2);
  for (int s = 0; s < kSeconds; ++s) {
    const LoadSecond& got = seconds[static_cast<size_t>(s)];
    EXPECT_EQ(got.operations, 500);
    EXPECT_EQ(got.rows, 1000);
    const auto p50 = static_cast<double>(NearestRank(samples[s], 50));
    const auto p99 = static_cast<double>(NearestRank(samples[s], 99));
    EXPECT_NEAR(static_cast<double>(got.p50_ns), p50, 0.01 * p50) << s;
    EXPECT_NEAR(static_cast<double>(got.p99_ns), p99, 0.01 * p99) << s;
    EXPECT_EQ(got.max_ns, NearestRank(samples[s], 100)) << s;
  }
  for (const LoadSecond& empty : {seconds[kSeconds], seconds[kSeconds + 1]}) {
    EXPECT_EQ(empty.operations, 0);
    EXPECT_EQ(empty.p99_ns, 0);
  }
}

// A coordinator that never comes must cost neither results nor memory.
TEST(RecorderTest, KeepsCountingWhenNobodyTakesTheSeconds) {
  Recorder recorder(1, false);
  recorder.Start(kStart);
  for (int s = 0; s < 100; ++s) {
    const int64_t now = kStart + s * kNanosPerSecond;
    recorder.Success(0, {.latency_ns = 10}, 1, now);
    recorder.Failure(0, absl::InternalError("no"), now);
  }
  Series series;
  TakeAll(recorder, series);
  series.Add(recorder.ring().current());
  LoadSecond sum;
  for (const LoadSecond& second : series.Finish(100)) {
    sum.operations += second.operations;
    sum.rows += second.rows;
    sum.errors += second.errors;
  }
  EXPECT_EQ(sum.operations, 100);
  EXPECT_EQ(sum.rows, 100);
  EXPECT_EQ(sum.errors, 100);
}

// What comes after its second was closed counts, and is seen in the maximum.
TEST(RecorderTest, CountsWhatIsHandedOverLate) {
  Series series;
  SecondCounts counts;
  counts.latency.Record(10);
  for (const int64_t second : {3, 100, 3}) {
    counts.second = second;
    series.Add(counts);
    counts.latency.Record(20);
  }
  const std::vector<LoadSecond> seconds = series.Finish(0);
  ASSERT_EQ(seconds.size(), 101);
  EXPECT_EQ(seconds[3].operations, 1 + 3);
  EXPECT_EQ(seconds[3].p99_ns, 10);
  EXPECT_EQ(seconds[3].max_ns, 20);
  EXPECT_EQ(seconds[100].operations, 2);
}

// The producer writes values that encode their second while the consumer takes
// them: a second taken while it is still written would show a value of another
// one or lose some, and ThreadSanitizer would report the race.
TEST(RecorderTest, RingHandsOverWholeSecondsAcrossThreads) {
  constexpr int kSeconds = 20'000;
  Recorder recorder(1, false);
  recorder.Start(kStart);
  std::atomic<bool> done{false};
  std::thread producer([&] {
    for (int s = 0; s < kSeconds; ++s) {
      const int64_t now = kStart + s * kNanosPerSecond;
      for (int i = 0; i < 3; ++i)
        recorder.Success(0, {.latency_ns = s}, s, now + i);
    }
    done.store(true, std::memory_order_release);
  });
  uint64_t operations = 0;
  int64_t rows = 0, last = -1;
  const auto take = [&](const SecondCounts& counts) {
    EXPECT_GT(counts.second, last);
    last = counts.second;
    EXPECT_EQ(counts.latency.min_ns(), counts.second);
    EXPECT_EQ(counts.latency.count() % 3, 0);
    operations += counts.latency.count();
    rows += counts.rows;
  };
  while (!done.load(std::memory_order_acquire)) {
    recorder.ring().Consume(take);
  }
  producer.join();
  recorder.ring().Consume(take);
  take(recorder.ring().current());
  EXPECT_EQ(operations, 3u * kSeconds);
  EXPECT_EQ(rows, int64_t{3} * kSeconds * (kSeconds - 1) / 2);
}

TEST(RecorderTest, BeforeTheStartOnlyTheWarmUpCounts) {
  Recorder recorder(1, false);
  recorder.Success(0, {.latency_ns = 1000}, 5, kStart - 10);
  recorder.Failure(0, absl::InternalError("warm"), kStart - 5);
  recorder.Start(kStart);
  recorder.Success(0, {.latency_ns = 70}, 1, kStart + 5);
  EXPECT_EQ(recorder.warmup().operations.load(), 1);
  EXPECT_EQ(recorder.warmup().rows.load(), 5);
  EXPECT_EQ(recorder.warmup().errors.load(), 1);
  EXPECT_EQ(recorder.live().operations.load(), 1);
  const Recorder* recorders[] = {&recorder};
  const std::vector<OperationReport> reports =
      Recorder::Merge({{"read", 1}}, recorders);
  ASSERT_EQ(reports.size(), 1);
  EXPECT_EQ(reports[0].name, "read");
  EXPECT_EQ(reports[0].completed(), 1);
  EXPECT_EQ(reports[0].latency.max_ns(), 70);
  EXPECT_EQ(reports[0].rows, 1);
  EXPECT_EQ(reports[0].errors, 0);
}

TEST(RecorderTest, KeepsServiceTimesApartWhereOperationsWait) {
  Recorder waits(2, true), never(2, false);
  for (Recorder* recorder : {&waits, &never}) {
    recorder->Success(1, {.latency_ns = 5, .service_ns = 5}, 1, kStart - 1);
    recorder->Start(kStart);
  }
  waits.Success(1, {.latency_ns = 100, .service_ns = 30}, 1, kStart);
  waits.Success(1, {.latency_ns = 120, .service_ns = 10}, 1, kStart);
  waits.Failure(1, absl::InternalError("no"), kStart);
  never.Success(1, {.latency_ns = 20, .service_ns = 20}, 1, kStart);
  const Recorder* recorders[] = {&waits, &never};
  const std::vector<OperationReport> reports =
      Recorder::Merge({{"read", 1}, {"write", 1}}, recorders);
  EXPECT_EQ(reports[0].service.count(), 0);
  const Histogram& service = reports[1].service;
  EXPECT_EQ(service.count(), 3);
  EXPECT_EQ(service.min_ns(), 10);
  EXPECT_EQ(service.Percentile(50), 20);
  EXPECT_EQ(service.max_ns(), 30);
  EXPECT_EQ(reports[1].latency.min_ns(), 20);
  EXPECT_EQ(reports[1].latency.max_ns(), 120);
}

TEST(RecorderTest, CountsHoldsBySecondAndSkipsByOperation) {
  Recorder recorder(2, true);
  recorder.Hold(7, kStart - 10);
  recorder.Skip(0);
  recorder.Start(kStart);
  EXPECT_EQ(recorder.holds(), 0);
  Series series;
  // The second that nothing but a hold ended in is handed over as well.
  recorder.Hold(100, kStart + 1);
  recorder.Hold(50, kStart + 2 * kNanosPerSecond);
  recorder.Hold(25, kStart + 2 * kNanosPerSecond + 1);
  for (const int operation : {1, 0, 1}) recorder.Skip(operation);
  TakeAll(recorder, series);
  series.Add(recorder.ring().current());
  EXPECT_EQ(recorder.holds(), 3);
  EXPECT_EQ(recorder.held_ns(), 175);
  const std::vector<LoadSecond> seconds = series.Finish(3);
  EXPECT_EQ(seconds[0].holds, 1);
  EXPECT_EQ(seconds[0].held_ns, 100);
  EXPECT_EQ(seconds[1].holds, 0);
  EXPECT_EQ(seconds[2].holds, 2);
  EXPECT_EQ(seconds[2].held_ns, 75);
  EXPECT_EQ(seconds[2].operations, 0);
  const Recorder* recorders[] = {&recorder, &recorder};
  const std::vector<OperationReport> reports =
      Recorder::Merge({{"read", 1}, {"write", 1}}, recorders);
  EXPECT_EQ(reports[0].skipped, 2);
  EXPECT_EQ(reports[1].skipped, 4);
  EXPECT_EQ(reports[1].completed(), 0);
}

TEST(RecorderTest, MergesErrorsByKindAndKeepsTheEarliestMessage) {
  Recorder first(2, false), second(2, false);
  first.Start(kStart);
  second.Start(kStart);
  first.Failure(1, absl::InternalError("later"), kStart + 20);
  second.Failure(1, absl::NotFoundError("earlier"), kStart + 10);
  second.Failure(1, absl::InternalError("latest"), kStart + 30);
  const Recorder* recorders[] = {&first, &second};
  const std::vector<OperationReport> reports =
      Recorder::Merge({{"read", 1}, {"write", 1}}, recorders);
  EXPECT_EQ(reports[0].errors, 0);
  EXPECT_EQ(reports[0].first_error, "");
  EXPECT_EQ(reports[1].errors, 3);
  EXPECT_EQ(reports[1].completed(), 0);
  EXPECT_EQ(reports[1].first_error, "earlier");
  EXPECT_THAT(reports[1].errors_by_kind,
              ElementsAre(Pair("INTERNAL", 2), Pair("NOT_FOUND", 1)));
}

}  // namespace
}  // namespace opsbench::load_internal
