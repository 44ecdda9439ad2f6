// What is timed: `opsbench compare` from two files of Google Benchmark's JSON
// on disk to the text, one side after the other (the command reads both at
// once). Left out: writing the files. Dominated by the JSON library.

#include <stdlib.h>
#include <sys/resource.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmark/benchmark.h"
#include "opsbench/base/random.h"
#include "opsbench/results/compare.h"
#include "opsbench/results/render_comparison.h"
#include "opsbench/results/sample_set.h"

namespace opsbench::results {
namespace {

namespace fs = std::filesystem;

constexpr int kRepetitions = 20;

// As version 1.7.1 writes it, with each repetition in a process of its own. The
// last benchmark is `factor` times as slow.
void WriteResults(const fs::path& path, int benchmarks, double factor,
                  uint64_t seed) {
  std::ofstream file(path);
  file << "{\n  \"context\": {\n    \"num_cpus\": 2\n  },\n"
          "  \"benchmarks\": [\n";
  Random random(seed);
  for (int i = 0; i < benchmarks * kRepetitions; ++i) {
    const int which = i / kRepetitions;
    const std::string name = absl::StrCat(
        "Memtable/Get/impl:opsbench/items:", which, "/threads:2/real_time");
    const double time = 100 * std::exp(0.02 * (random.Double() - 0.5)) *
                        (which == benchmarks - 1 ? factor : 1);
    file << absl::StreamFormat(
        R"(    {
      "name": "%s",
      "family_index": %d,
      "per_family_instance_index": 0,
      "run_name": "%s",
      "run_type": "iteration",
      "repetitions": %d,
      "repetition_index": %d,
      "opsbench_process": %d,
      "threads": 2,
      "iterations": 1000000,
      "real_time": %.16e,
      "cpu_time": %.16e,
      "time_unit": "ns",
      "items_per_second": %.16e,
      "bytes_per_row": %.16e
    }%s
)",
        name, which, name, kRepetitions, i % kRepetitions, 1 + i % kRepetitions,
        time, time * 0.99, 1e9 / time, 120.0,
        i + 1 < benchmarks * kRepetitions ? "," : "");
  }
  file << "  ]\n}\n";
}

class Files {
 public:
  explicit Files(int benchmarks) {
    std::string pattern = fs::temp_directory_path() / "opsbench-XXXXXX";
    if (mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
    WriteResults(base(), benchmarks, 1, 1);
    WriteResults(head(), benchmarks, 1.2, 2);
  }
  ~Files() { fs::remove_all(folder_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  std::string base() const { return folder_ / "base.json"; }
  std::string head() const { return folder_ / "head.json"; }

 private:
  fs::path folder_;
};

absl::StatusOr<Comparison> CompareFiles(const Files& files) {
  SampleSet base("base");
  SampleSet head("head");
  absl::Status status = base.AddFile(files.base());
  status.Update(head.AddFile(files.head()));
  if (!status.ok()) return status;
  return Compare(base, head, {});
}

void CompareLargeFiles(benchmark::State& state) {
  const auto benchmarks = static_cast<int>(state.range(0));
  const Files files(benchmarks);
  const auto first = CompareFiles(files);
  // Three metrics each; time and rate of the last alone are worse.
  if (!first.ok() ||
      first->metrics.size() != 3 * static_cast<size_t>(benchmarks) ||
      CountVerdicts(*first, Verdict::kSlower) != 2) {
    state.SkipWithError("wrong verdicts");
    return;
  }
  for (auto _ : state) {
    const auto comparison = CompareFiles(files);
    benchmark::DoNotOptimize(
        RenderComparison(*comparison, ComparisonFormat::kText));
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(fs::file_size(files.base()) +
                                               fs::file_size(files.head())));
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_mib"] = static_cast<double>(usage.ru_maxrss) / 1024;
}
BENCHMARK(CompareLargeFiles)
    ->Name("Results/Compare")
    ->ArgName("benchmarks")
    ->Arg(100)
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace opsbench::results
