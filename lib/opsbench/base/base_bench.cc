// What the measuring itself costs: random numbers, the clock, the histogram.
//
// Timed: one call for each iteration, except Merge and Percentile, which each
// go through a whole histogram. Left out: making the tables of a distribution
// and the values that are recorded. Dominated by arithmetic; the histogram's 19
// KB stay in the caches, which they would have to share in a real run.

#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/histogram.h"
#include "opsbench/base/random.h"
#include "opsbench/testing/fixed_iterations.h"

namespace opsbench {
namespace {

constexpr uint64_t kSeed = 1;

// Latencies around 100 us with a long tail: neighbours fall into different
// buckets. A power of two of them, so that a mask walks in a circle.
std::vector<int64_t> Latencies() {
  Random random(kSeed);
  std::vector<int64_t> values(4096);
  for (int64_t& value : values) {
    value = 20'000 + static_cast<int64_t>(Exponential(random, 80'000));
  }
  return values;
}

Histogram RecordedLatencies() {
  Histogram histogram;
  for (const int64_t value : Latencies()) {
    histogram.Record(value);
  }
  return histogram;
}

void HistogramRecord(benchmark::State& state) {
  const std::vector<int64_t> values = Latencies();
  const uint64_t mask = values.size() - 1;
  Histogram histogram;
  uint64_t i = 0;
  for (auto _ : state) {
    histogram.Record(values[i++ & mask]);
    benchmark::ClobberMemory();
  }
  if (histogram.count() != static_cast<uint64_t>(state.iterations())) {
    state.SkipWithError("the histogram lost values");
  }
}
BENCHMARK(HistogramRecord)
    ->Name("Base/Histogram/Record")
    ->Apply(FixedIterations);

void HistogramPercentile(benchmark::State& state) {
  const Histogram histogram = RecordedLatencies();
  if (histogram.Percentile(99) <= histogram.Percentile(50)) {
    state.SkipWithError("the percentiles are out of order");
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(histogram.Percentile(99));
  }
}
BENCHMARK(HistogramPercentile)
    ->Name("Base/Histogram/Percentile")
    ->Apply(FixedIterations);

void HistogramMerge(benchmark::State& state) {
  const Histogram part = RecordedLatencies();
  Histogram sum;
  for (auto _ : state) {
    sum.Merge(part);
    benchmark::ClobberMemory();
    // opsbench gate --self-test: slow down here
  }
  if (sum.count() != part.count() * static_cast<uint64_t>(state.iterations())) {
    state.SkipWithError("the merged histogram lost values");
  }
}
BENCHMARK(HistogramMerge)->Name("Base/Histogram/Merge")->Apply(FixedIterations);

// Runs draw(random), a number below `bound`, in every iteration.
template <typename Draw>
void TimeDraws(benchmark::State& state, double bound, Draw draw) {
  Random random(kSeed);
  for (int i = 0; i < 1000; ++i) {
    const auto value = static_cast<double>(draw(random));
    if (value < 0 || value >= bound) {
      state.SkipWithError("a draw is out of its range");
      return;
    }
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(draw(random));
  }
}

void RandomNext(benchmark::State& state) {
  TimeDraws(state, 0x1.0p65, [](Random& random) { return random.Next(); });
}
BENCHMARK(RandomNext)->Name("Base/Random/Next")->Apply(FixedIterations);

void RandomBelow(benchmark::State& state) {
  // Not known to the compiler, as a caller's would not be.
  const auto bound = static_cast<uint64_t>(state.range(0));
  TimeDraws(state, static_cast<double>(bound),
            [=](Random& random) { return random.Below(bound); });
}
BENCHMARK(RandomBelow)
    ->Name("Base/Random/Below")
    ->Arg(1'000'003)
    ->Apply(FixedIterations);

// A new stream and its first number, as each operation needs one.
void RandomStream(benchmark::State& state) {
  uint64_t index = 0;
  TimeDraws(state, 0x1.0p65,
            [&](Random&) { return Random::Stream(kSeed, 3, index++).Next(); });
}
BENCHMARK(RandomStream)->Name("Base/Random/Stream")->Apply(FixedIterations);

void ExponentialDraw(benchmark::State& state) {
  TimeDraws(state, 37e6,
            [](Random& random) { return Exponential(random, 1e6); });
}
BENCHMARK(ExponentialDraw)->Name("Base/Exponential")->Apply(FixedIterations);

void WeightedChoiceDraw(benchmark::State& state) {
  std::vector<double> weights;
  for (int64_t i = 0; i < state.range(0); ++i) {
    weights.push_back(static_cast<double>(i + 1));
  }
  const auto choice = WeightedChoice::Create(weights);
  if (!choice.ok()) {
    state.SkipWithError(choice.status().ToString().c_str());
    return;
  }
  TimeDraws(state, static_cast<double>(weights.size()), *choice);
}
BENCHMARK(WeightedChoiceDraw)
    ->Name("Base/WeightedChoice")
    ->ArgName("weights")
    ->Arg(8)
    ->Arg(10'000)
    ->Apply(FixedIterations);

void ZipfDraw(benchmark::State& state) {
  constexpr uint64_t kItems = 1'000'000'000;
  const auto zipf =
      Zipf::Create(kItems, static_cast<double>(state.range(0)) / 100);
  if (!zipf.ok()) {
    state.SkipWithError(zipf.status().ToString().c_str());
    return;
  }
  TimeDraws(state, kItems, *zipf);
}
BENCHMARK(ZipfDraw)
    ->Name("Base/Zipf")
    ->ArgName("skew_pct")
    ->Arg(0)
    ->Arg(50)
    ->Arg(99)
    ->Arg(100)
    ->Arg(150)
    ->Arg(300)
    ->Apply(FixedIterations);

void ClockRead(benchmark::State& state) {
  int64_t before = MonotonicNowNs();
  for (auto _ : state) {
    const int64_t now = MonotonicNowNs();
    if (now < before) {
      state.SkipWithError("the clock went back");
      return;
    }
    before = now;
  }
}
BENCHMARK(ClockRead)->Name("Base/MonotonicNowNs")->Apply(FixedIterations);

}  // namespace
}  // namespace opsbench
