// What exact vector search is made of: distance kernels, the ground truth,
// counting recall.
//
// Timed: Vector/Distance, one query against rows that lie in the L2 cache, by
// metric, type, dimension and instruction set; Vector/Block, 16 queries against
// them; Vector/GroundTruth, a whole exhaustive search with its threads;
// Vector/Recall, one query's reply of k. Left out: making the vectors. Answers
// are checked against double precision before anything is timed.
//
// Dominated by the processor's multipliers. So each case of floats says what
// part of the most that they can do was done, peak_share: multiplications and
// additions a second of processor time over those of a loop of independent
// fused multiply-adds, of the same instruction set and on as many threads,
// measured right before. An l2 term counts as 3 operations (subtract, multiply,
// add), for which two instructions are needed, so that at most 0.75 is
// possible; an inner product as 2; cosine, which also sums squares, as 4 for
// one query. The ground truth counts 2 for each component of each pair,
// whatever the metric.

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "opsbench/base/random.h"
#include "opsbench/testing/fixed_iterations.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/recall.h"
#include "vector/core.h"

namespace opsbench::vector {
namespace {

// Of all threads of this process: what else the machine does is left out of
// both sides of peak_share.
double ProcessorSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

constexpr int64_t kPeakRounds = 200'000;
// Enough sums to keep two multipliers of a latency of 4 to 5 busy.
constexpr int kPeakSums = 12;

#if defined(__x86_64__)
// Operations of a loop that does nothing but multiply and add in registers.
__attribute__((target("avx512f"))) double PeakLoopAvx512() {
  __m512 sums[kPeakSums];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1);
  __m512 factor = _mm512_set1_ps(0.999f);
  for (int64_t i = 0; i < kPeakRounds; ++i) {
    // Keeps the compiler from doing the loop once and for all.
    __asm__ volatile("" : "+v"(factor));
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, factor);
  }
  for (const __m512& sum : sums) {
    float out[16];
    _mm512_storeu_ps(out, sum);
    benchmark::DoNotOptimize(out);
  }
  return 2.0 * 16 * kPeakSums * kPeakRounds;
}

__attribute__((target("avx2,fma"))) double PeakLoopAvx2() {
  __m256 sums[kPeakSums];
  for (__m256& sum : sums) sum = _mm256_set1_ps(1);
  __m256 factor = _mm256_set1_ps(0.999f);
  for (int64_t i = 0; i < kPeakRounds; ++i) {
    __asm__ volatile("" : "+x"(factor));
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, factor);
  }
  for (const __m256& sum : sums) {
    float out[8];
    _mm256_storeu_ps(out, sum);
    benchmark::DoNotOptimize(out);
  }
  return 2.0 * 8 * kPeakSums * kPeakRounds;
}
#endif

// What the compiler makes of it for the processor that it builds for.
double PeakLoopScalar() {
  float sums[4 * kPeakSums];
  for (float& sum : sums) sum = 1;
  float factor = 0.999f;
  for (int64_t i = 0; i < kPeakRounds; ++i) {
    benchmark::DoNotOptimize(factor);
    for (float& sum : sums) sum = sum * factor + factor;
  }
  benchmark::DoNotOptimize(sums);
  return 2.0 * 4 * kPeakSums * kPeakRounds;
}

double PeakLoop(SimdLevel level) {
#if defined(__x86_64__)
  if (level == SimdLevel::kAvx512) return PeakLoopAvx512();
  if (level == SimdLevel::kAvx2) return PeakLoopAvx2();
#endif
  return PeakLoopScalar();
}

// Operations a second of processor time, on `threads` threads: the best of some
// rounds, because whatever disturbs one makes it slower, never faster.
double PeakPerSecond(SimdLevel level, int threads) {
  double best = 0;
  for (int round = 0; round < 8; ++round) {
    std::vector<std::thread> others;
    const double start = ProcessorSeconds();
    for (int t = 1; t < threads; ++t) {
      others.emplace_back([level] { PeakLoop(level); });
    }
    const double operations = PeakLoop(level) * threads;
    for (std::thread& other : others) other.join();
    best = std::max(best, operations / (ProcessorSeconds() - start));
  }
  return best;
}

void ReportOperations(benchmark::State& state, double per_iteration,
                      double peak, double seconds) {
  const double done = per_iteration * static_cast<double>(state.iterations());
  state.counters["operations_per_second"] =
      benchmark::Counter(done, benchmark::Counter::kIsRate);
  state.counters["peak_share"] = seconds > 0 ? done / seconds / peak : 0;
}

template <typename T>
std::vector<T> Draw(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<T> values(count);
  for (T& value : values) {
    if constexpr (std::is_same_v<T, int8_t>) {
      value = static_cast<int8_t>(random.Between(-128, 127));
    } else {
      const float number = static_cast<float>(2 * random.Double() - 1);
      if constexpr (std::is_same_v<T, Half>) {
        value = ToHalf(number);
      } else {
        value = number;
      }
    }
  }
  return values;
}

template <typename T>
constexpr const char* TypeName() {
  if constexpr (std::is_same_v<T, float>) return "float32";
  if constexpr (std::is_same_v<T, Half>) return "float16";
  return "int8";
}

// Of one component of one pair. Where several queries share a row, its square
// is summed once for all of them and not counted.
double OperationsOfTerm(Metric metric, size_t query_count) {
  if (metric == Metric::kL2) return 3;
  return metric == Metric::kCosine && query_count == 1 ? 4 : 2;
}

// Rows of 256 KiB together: in the L2 cache, not in the L1.
size_t RowsOf(size_t vector_bytes) {
  return std::max<size_t>(16, (size_t{256} << 10) / vector_bytes);
}

template <typename T>
void Distances(benchmark::State& state, Metric metric, size_t dimension,
               SimdLevel level, size_t query_count) {
  const size_t row_count = RowsOf(dimension * sizeof(T));
  const std::vector<T> rows = Draw<T>(row_count * dimension, 1);
  const std::vector<T> queries = Draw<T>(query_count * dimension, 2);
  const DistanceFunction<T> function(metric, dimension, level);
  std::vector<float> distances(query_count * row_count);
  const auto run = [&] {
    if (query_count == 1) {
      function.Rows(queries.data(), rows.data(), row_count, distances.data());
    } else {
      function.Block(queries.data(), query_count, rows.data(), row_count,
                     distances.data());
    }
  };
  run();
  const DistanceFunction<T> reference(metric, dimension, SimdLevel::kScalar);
  for (size_t i = 0; i < distances.size(); ++i) {
    const T* query = queries.data() + i / row_count * dimension;
    const float expected =
        reference(query, rows.data() + i % row_count * dimension);
    if (std::abs(distances[i] - expected) >
        1e-4f * (std::abs(expected) + static_cast<float>(dimension))) {
      return state.SkipWithError("a distance differs from the reference");
    }
  }
  const double peak = PeakPerSecond(level, 1);
  const double start = ProcessorSeconds();
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  const double elapsed = ProcessorSeconds() - start;
  const double pairs = static_cast<double>(query_count * row_count);
  state.counters["distances_per_second"] =
      benchmark::Counter(pairs * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
  // Integers have other multipliers.
  if (std::is_same_v<T, int8_t>) return;
  ReportOperations(state,
                   pairs * static_cast<double>(dimension) *
                       OperationsOfTerm(metric, query_count),
                   peak, elapsed);
}

// What a scale measures of it.
struct CoreSizes {
  std::vector<size_t> dimensions;
  std::vector<size_t> truth_dimensions;
  size_t truth_rows;
  size_t truth_queries;
  bool all_levels;  // Not the best instruction set alone.
  bool all_metrics_of_truth;
  double min_seconds;
};

CoreSizes SizesOf(const BenchOptions& options) {
  CoreSizes sizes;
  switch (options.scale) {
    case Scale::kSmoke:
      sizes = {{100}, {32}, 2'000, 20, false, false, 0.001};
      break;
    case Scale::kQuick:
      sizes = {{4, 128, 768}, {128, 768}, 20'000, 200, false, false, 0.01};
      break;
    case Scale::kFull:
      sizes = {{4, 32, 100, 128, 768, 1536},
               {32, 128, 768},
               100'000,
               1'000,
               true,
               true,
               0.5};
      break;
  }
  if (options.measure_seconds > 0) sizes.min_seconds = options.measure_seconds;
  return sizes;
}

// Work without an engine: for so long, or as often as OPSBENCH_ITERATIONS says.
void Limit(benchmark::internal::Benchmark* benchmark,
           const BenchOptions& options, const CoreSizes& sizes) {
  if (options.iterations > 0) {
    benchmark->Apply(FixedIterations);
  } else {
    benchmark->MinTime(sizes.min_seconds);
  }
}

template <typename T>
void RegisterDistances(SimdLevel level, const BenchOptions& options,
                       const CoreSizes& sizes) {
  for (const Metric metric :
       {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    for (const size_t dimension : sizes.dimensions) {
      for (const size_t queries : {1, 16}) {
        const std::string name = absl::StrCat(
            "Vector/", queries == 1 ? "Distance" : "Block",
            "/metric:", MetricName(metric), "/type:", TypeName<T>(),
            "/dimension:", dimension, "/isa:", SimdLevelName(level));
        Limit(benchmark::RegisterBenchmark(
                  name.c_str(),
                  [metric, dimension, level, queries](benchmark::State& state) {
                    Distances<T>(state, metric, dimension, level, queries);
                  }),
              options, sizes);
      }
    }
  }
}

struct TruthCase {
  Metric metric;
  size_t rows;
  size_t dimension;
  size_t queries;
  int threads;
  SimdLevel level;
};

void GroundTruthCase(benchmark::State& state, const TruthCase& c) {
  GenerateOptions generate;
  generate.metric = c.metric;
  generate.rows = c.rows;
  generate.dimension = c.dimension;
  generate.queries = c.queries;
  generate.truth_k = 0;
  const auto data = Generate(generate);
  if (!data.ok()) {
    return state.SkipWithError(std::string(data.status().message()).c_str());
  }
  const Matrix base = (*data)->base();
  const Matrix queries = (*data)->queries();
  GroundTruthOptions options;
  options.k = 100;
  options.threads = c.threads;
  options.level = c.level;
  const auto truth = ComputeGroundTruth(base, queries, c.metric, options);
  for (size_t q = 0; q < queries.rows; q += queries.rows / 4) {
    const auto expected =
        NearestByScan(base, queries.row(q), c.metric, 100, {}, nullptr);
    if (!truth.ok() || truth->of(q) != absl::MakeConstSpan(expected)) {
      return state.SkipWithError("the truth is not that of a scan");
    }
  }
  const double peak = PeakPerSecond(c.level, c.threads);
  const double start = ProcessorSeconds();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        ComputeGroundTruth(base, queries, c.metric, options));
  }
  const double elapsed = ProcessorSeconds() - start;
  state.counters["queries_per_second"] =
      benchmark::Counter(static_cast<double>(queries.rows) *
                             static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
  ReportOperations(state,
                   2.0 * static_cast<double>(base.rows) *
                       static_cast<double>(queries.rows) *
                       static_cast<double>(base.dimension),
                   peak, elapsed);
}

void RegisterGroundTruth(SimdLevel level, const BenchOptions& options,
                         const CoreSizes& sizes) {
  for (const Metric metric :
       {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    if (metric != Metric::kL2 && !sizes.all_metrics_of_truth) continue;
    for (const size_t dimension : sizes.truth_dimensions) {
      for (const int threads : {1, 2}) {
        const TruthCase c{metric,    sizes.truth_rows,
                          dimension, sizes.truth_queries,
                          threads,   level};
        const std::string name = absl::StrCat(
            "Vector/GroundTruth/metric:", MetricName(metric), "/rows:", c.rows,
            "/dimension:", dimension, "/queries:", c.queries,
            "/isa:", SimdLevelName(level), "/threads:", threads);
        Limit(benchmark::RegisterBenchmark(
                  name.c_str(),
                  [c](benchmark::State& state) { GroundTruthCase(state, c); })
                  ->Unit(benchmark::kMillisecond)
                  ->UseRealTime(),
              options, sizes);
      }
    }
  }
}

// Replies of which one in ten is not in the truth.
void RecallCase(benchmark::State& state, size_t k) {
  GenerateOptions generate;
  generate.rows = 5'000;
  generate.dimension = 128;
  generate.queries = 100;
  generate.truth_k = k;
  const auto made = Generate(generate);
  if (!made.ok()) {
    return state.SkipWithError(std::string(made.status().message()).c_str());
  }
  const Dataset& data = **made;
  std::vector<std::vector<Neighbor>> replies;
  for (size_t q = 0; q < data.queries().rows; ++q) {
    const auto truth = data.truth(q);
    replies.emplace_back(truth.begin(), truth.end());
    for (size_t i = 0; i < k; i += 10) {
      // No other row is as near: the values are 24 random bits each.
      const auto is_near = [&](int64_t id) {
        return std::any_of(
            truth.begin(), truth.end(),
            [id](const Neighbor& neighbor) { return neighbor.id == id; });
      };
      int64_t other = static_cast<int64_t>(i);
      while (is_near(other)) other += 7;
      replies.back()[i].id = other % 5'000;
    }
  }
  Recall recall;
  for (size_t q = 0; q < replies.size(); ++q) {
    AddRecall(data, q, data.truth(q), replies[q], k, &recall);
  }
  if (std::abs(recall.average() - 0.9) > 1e-9) {
    return state.SkipWithError("recall is not what was put in");
  }
  size_t q = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(CountHits(data, q, data.truth(q), replies[q], k));
    q = (q + 1) % replies.size();
  }
}

}  // namespace

void RegisterCore(const BenchOptions& options) {
  const CoreSizes sizes = SizesOf(options);
  for (const SimdLevel level : SimdLevels()) {
    if (level != BestSimdLevel() && !sizes.all_levels) continue;
    RegisterDistances<float>(level, options, sizes);
    RegisterDistances<Half>(level, options, sizes);
    RegisterDistances<int8_t>(level, options, sizes);
    if (level != SimdLevel::kScalar) {
      RegisterGroundTruth(level, options, sizes);
    }
  }
  for (const size_t k : {10, 100}) {
    Limit(benchmark::RegisterBenchmark(
              absl::StrCat("Vector/Recall/k:", k).c_str(),
              [k](benchmark::State& state) { RecallCase(state, k); }),
          options, sizes);
  }
}

}  // namespace opsbench::vector
