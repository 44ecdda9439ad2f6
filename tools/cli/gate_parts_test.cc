// Parts of the gate that need no build of theirs: what it reads of programs,
// of callgrind's log and of results, the suite, and the slowdown that it
// plants.

#include <fstream>
#include <limits>
#include <string>

#include "absl/strings/match.h"
#include "gate_build.h"
#include "gate_rates.h"
#include "gate_repository.h"
#include "gate_sampler.h"
#include "gate_witness.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/gate_config.h"
#include "testing.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(LoadedBytesHashTest, IsThatOfTheCodeAlone) {
  const TestFolder folder;
  const fs::path own = fs::read_symlink("/proc/self/exe");
  const fs::path copy = folder.path() / "copy";
  const auto strip = FindProgram("strip");
  ASSERT_TRUE(strip.ok()) << strip.status();
  ASSERT_EQ(std::system(absl::StrCat(*strip, " --strip-debug -o ",
                                     copy.string(), " ", own.string())
                            .c_str()),
            0);
  const auto with = LoadedBytesHash(own);
  const auto without = LoadedBytesHash(copy);
  ASSERT_TRUE(with.ok()) << with.status();
  ASSERT_TRUE(without.ok()) << without.status();
  EXPECT_LT(fs::file_size(copy), fs::file_size(own));
  EXPECT_EQ(*with, *without);

  // A single byte of the code.
  std::fstream file(copy, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(0x1000 + 64);
  const int byte = file.get();
  file.seekp(0x1000 + 64);
  file.put(static_cast<char>(byte ^ 1));
  file.close();
  const auto changed = LoadedBytesHash(copy);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_NE(*changed, *without);
}

TEST(LoadedBytesHashTest, WhatIsNoProgramIsRefused) {
  const TestFolder folder;
  const fs::path path = folder.path() / "text";
  std::ofstream(path) << "no program";
  EXPECT_TRUE(absl::IsInvalidArgument(LoadedBytesHash(path).status()));
  // Cut off in the middle.
  const fs::path own = fs::read_symlink("/proc/self/exe");
  fs::remove(path);
  fs::copy_file(own, path);
  fs::resize_file(path, 4000);
  EXPECT_TRUE(absl::IsInvalidArgument(LoadedBytesHash(path).status()));
  EXPECT_TRUE(
      absl::IsNotFound(LoadedBytesHash(folder.path() / "none").status()));
}

TEST(CallgrindTest, ReadsTheTotal) {
  const auto total = ParseCallgrindTotal(
      "==12== Events    : Ir\n==12== Collected : 5479554\n==12== \n"
      "==12== I   refs:      5,479,554\n");
  ASSERT_TRUE(total.ok()) << total.status();
  EXPECT_EQ(*total, 5'479'554);
  EXPECT_TRUE(absl::IsNotFound(ParseCallgrindTotal("==1== died").status()));
}

// Each of the suite's benchmarks is found by its name when it is told how many
// iterations to do, and says that it was told.
TEST(SuiteTest, EveryBenchmarkTakesANumberOfIterations) {
  const auto text = results::ReadWholeFile("fixtures/gate.yaml");
  ASSERT_TRUE(text.ok()) << text.status();
  const auto config =
      results::gate::ParseGateConfig(*text, "fixtures/gate.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  Binaries binaries;
  for (const auto& binary : config->binaries) {
    binaries[binary.target] = fs::path(OPSBENCH_BUILD) / binary.path;
  }
  const TestFolder folder;
  ProcessSampler sampler(*config, folder.path(), binaries, binaries);
  for (size_t i = 0; i < config->binaries.size(); ++i) {
    const auto& binary = config->binaries[i];
    SCOPED_TRACE(binary.target);
    const auto names = ListBenchmarks(binaries[binary.target], binary);
    ASSERT_TRUE(names.ok()) << names.status();
    EXPECT_FALSE(names->empty());
    for (const std::string& name : *names) {
      const GateBenchmark benchmark = {static_cast<int>(i), name, 1};
      const auto file = sampler.RunOnce(
          benchmark, sampler.ProgramOf(benchmark, results::gate::Side::kBase),
          {}, 1);
      ASSERT_TRUE(file.ok()) << name << ": " << file.status();
      EXPECT_TRUE(file->context.count("opsbench_iterations") > 0 ||
                  absl::StrContains(file->rows[0].run_name, "/iterations:1"))
          << name;
    }
  }
}

TEST(MetricOfTest, TimesInNanosecondsAndCounters) {
  results::BenchmarkRow row;
  row.run_name = "Case";
  row.real_time = 2;
  row.cpu_time = 1;
  row.time_unit = "us";
  row.counters = {{"items_per_second", 7},
                  {"zero_bytes", 0},
                  {"nan_ns", std::numeric_limits<double>::quiet_NaN()}};
  EXPECT_EQ(*MetricOf(row, "real_time_ns"), 2000);
  EXPECT_EQ(*MetricOf(row, "cpu_time_ns"), 1000);
  EXPECT_EQ(*MetricOf(row, "items_per_second"), 7);
  for (const char* metric : {"zero_bytes", "nan_ns", "absent"}) {
    EXPECT_TRUE(absl::IsNotFound(MetricOf(row, metric).status())) << metric;
  }
}

TEST(PlantTest, ALoopStandsWhereTheMarkWas) {
  const auto planted =
      PlantLoop("a {\n  // opsbench gate --self-test: slow down here\n}\n", 17);
  ASSERT_TRUE(planted.ok()) << planted.status();
  EXPECT_THAT(*planted, HasSubstr("turns = 17;"));
  EXPECT_THAT(*planted, ::testing::Not(HasSubstr("slow down here")));
  EXPECT_TRUE(absl::IsNotFound(PlantLoop("a {}\n", 17).status()));
}

// The project's own benchmark has the mark.
TEST(PlantTest, TheBenchmarkHasTheMark) {
  EXPECT_TRUE(PlantLoop(ReadText("lib/opsbench/base/base_bench.cc"), 1).ok());
}

TEST(PlantTest, PercentagesAlone) {
  double effect = 0;
  EXPECT_TRUE(ParsePlant("5%", &effect));
  EXPECT_EQ(effect, 0.05);
  for (const char* text : {"5", "0%", "-1%", "101%", "nan%", "%", ""}) {
    EXPECT_FALSE(ParsePlant(text, &effect)) << text;
  }
}

TEST(GateLockTest, IsHeldByOneAndFreedAtItsEnd) {
  const TestFolder folder;
  {
    const auto held = GateLock::Take(folder.path());
    ASSERT_TRUE(held.ok()) << held.status();
    const auto second = GateLock::Take(folder.path());
    EXPECT_TRUE(absl::IsUnavailable(second.status()));
    EXPECT_THAT(std::string(second.status().message()),
                HasSubstr(absl::StrCat("process ", getpid())));
  }
  EXPECT_TRUE(GateLock::Take(folder.path()).ok());
}

}  // namespace
}  // namespace opsbench::cli
