#include "gate_witness.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gate_repository.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/gate_verdict.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
namespace gate = results::gate;

// Callgrind takes about fifty times as long as the program alone.
constexpr int64_t kSlowdown = 50;

// The start of a program differs from run to run by some ten thousand
// instructions (its environment, its addresses), which must be far below the
// least change that counts.
constexpr int64_t kEnoughInstructions = 50'000'000;

absl::StatusOr<int64_t> Count(ProcessSampler& sampler, GateBenchmark benchmark,
                              gate::Side side, const std::string& valgrind,
                              int64_t iterations) {
  const fs::path program = sampler.ProgramOf(benchmark, side);
  const std::string log = program.string() + ".callgrind";
  benchmark.iterations = iterations;
  OPSBENCH_RETURN_IF_ERROR(sampler
                               .RunOnce(benchmark, program,
                                        {valgrind, "--tool=callgrind",
                                         "--callgrind-out-file=/dev/null",
                                         absl::StrCat("--log-file=", log)},
                                        1)
                               .status());
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text,
                            results::ReadWholeFile(log));
  return ParseCallgrindTotal(text);
}

// Instructions of some iterations: those of a long run less those of a short
// one, which is mostly the start of the program.
absl::StatusOr<int64_t> CountIterations(ProcessSampler& sampler,
                                        const GateBenchmark& benchmark,
                                        gate::Side side,
                                        const std::string& valgrind,
                                        int64_t few) {
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t less,
                            Count(sampler, benchmark, side, valgrind, few));
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t more,
                            Count(sampler, benchmark, side, valgrind, 8 * few));
  return more - less;
}

}  // namespace

absl::StatusOr<int64_t> ParseCallgrindTotal(absl::string_view log) {
  for (const absl::string_view line : absl::StrSplit(log, '\n')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, "refs:");
    int64_t total = 0;
    if (parts.size() == 2 &&
        absl::SimpleAtoi(absl::StrReplaceAll(parts[1], {{",", ""}}), &total)) {
      return total;
    }
  }
  return absl::NotFoundError("callgrind's log states no instructions");
}

namespace {

struct Counts {
  int64_t base = 0;
  int64_t head = 0;

  double Change() const {
    return static_cast<double>(head) / static_cast<double>(base) - 1;
  }
};

absl::StatusOr<Counts> CountBoth(ProcessSampler& sampler,
                                 const GateBenchmark& benchmark,
                                 const std::string& valgrind, int64_t few) {
  absl::StatusOr<int64_t> base;
  std::thread other([&] {
    base =
        CountIterations(sampler, benchmark, gate::Side::kBase, valgrind, few);
  });
  const absl::StatusOr<int64_t> head =
      CountIterations(sampler, benchmark, gate::Side::kHead, valgrind, few);
  other.join();
  OPSBENCH_RETURN_IF_ERROR(base.status());
  OPSBENCH_RETURN_IF_ERROR(head.status());
  if (*base <= 0 || *head <= 0) {
    return absl::InternalError("more iterations, and not more instructions");
  }
  return Counts{.base = *base, .head = *head};
}

// Of so many iterations that the start of the program does not matter.
absl::StatusOr<double> CountChange(ProcessSampler& sampler,
                                   const GateBenchmark& benchmark,
                                   const std::string& valgrind) {
  // The longer run takes about as long as a few slices.
  const int64_t few = std::max<int64_t>(1, benchmark.iterations / kSlowdown);
  OPSBENCH_ASSIGN_OR_RETURN(const Counts counts,
                            CountBoth(sampler, benchmark, valgrind, few));
  const int64_t counted = std::min(counts.base, counts.head);
  if (counted >= kEnoughInstructions) return counts.Change();
  OPSBENCH_ASSIGN_OR_RETURN(
      const Counts more, CountBoth(sampler, benchmark, valgrind,
                                   few * (kEnoughInstructions / counted + 1)));
  return more.Change();
}

}  // namespace

absl::StatusOr<double> InstructionChange(ProcessSampler& sampler,
                                         const GateBenchmark& benchmark) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string valgrind,
                            FindProgram("valgrind"));
  if (benchmark.iterations == 0) {
    return absl::FailedPreconditionError("the iterations cannot be set");
  }
  OPSBENCH_ASSIGN_OR_RETURN(const double change,
                            CountChange(sampler, benchmark, valgrind));
  if (std::fabs(change) <= gate::kSameInstructions) return change;
  // A thread that woke up in between adds some: it will not do so twice.
  OPSBENCH_ASSIGN_OR_RETURN(const double again,
                            CountChange(sampler, benchmark, valgrind));
  return std::fabs(again) < std::fabs(change) ? again : change;
}

}  // namespace opsbench::cli
