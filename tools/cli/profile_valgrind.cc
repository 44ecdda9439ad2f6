#include "profile_valgrind.h"

#include <bit>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "child_process.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "profile_perf.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

// A cache of the first processor, as the kernel describes it.
struct Cache {
  int level = 0;
  std::string type;  // "Data", "Instruction", "Unified".
  int64_t size_bytes = 0;
  int64_t ways = 0;
  int64_t line_bytes = 0;
};

template <typename T>
T ReadFact(const fs::path& path) {
  T value{};
  std::ifstream(path) >> value;
  return value;
}

std::vector<Cache> CachesOfThisMachine() {
  std::vector<Cache> caches;
  for (int i = 0; i < 8; ++i) {
    const fs::path folder =
        absl::StrCat("/sys/devices/system/cpu/cpu0/cache/index", i);
    if (!fs::exists(folder)) break;
    Cache cache;
    cache.level = ReadFact<int>(folder / "level");
    cache.type = ReadFact<std::string>(folder / "type");
    cache.ways = ReadFact<int64_t>(folder / "ways_of_associativity");
    cache.line_bytes = ReadFact<int64_t>(folder / "coherency_line_size");
    const std::string size = ReadFact<std::string>(folder / "size");
    absl::string_view digits = size;
    if (absl::ConsumeSuffix(&digits, "K") &&
        absl::SimpleAtoi(digits, &cache.size_bytes)) {
      cache.size_bytes *= 1024;
      caches.push_back(cache);
    }
  }
  return caches;
}

// valgrind asks the processor itself, which in a virtual machine describes
// another one's last level; the kernel knows better.
std::vector<std::string> CacheArguments(int64_t last_level_kib) {
  Cache first_data;
  Cache first_code;
  Cache last;
  for (const Cache& cache : CachesOfThisMachine()) {
    if (cache.level == 1 && cache.type == "Data") first_data = cache;
    if (cache.level == 1 && cache.type == "Instruction") first_code = cache;
    if (cache.level > 1 && cache.level >= last.level) last = cache;
  }
  if (last_level_kib > 0) {
    last.size_bytes = last_level_kib * 1024;
    last.ways = 16;
    last.line_bytes = 64;
  }
  std::vector<std::string> arguments = {"--cache-sim=yes"};
  for (const auto& [flag, cache] :
       {std::pair("--D1=", first_data), std::pair("--I1=", first_code),
        std::pair("--LL=", last)}) {
    const std::string geometry =
        CacheGeometry(cache.size_bytes, cache.ways, cache.line_bytes);
    if (!geometry.empty()) arguments.push_back(flag + geometry);
  }
  return arguments;
}

}  // namespace

std::string CacheGeometry(int64_t size_bytes, int64_t ways,
                          int64_t line_bytes) {
  if (size_bytes <= 0 || ways <= 0 || line_bytes <= 0) return "";
  const int64_t wanted = size_bytes / (ways * line_bytes);
  if (wanted <= 0) return "";
  const auto sets =
      static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(wanted)));
  const int64_t kept_ways = size_bytes / (sets * line_bytes);
  return absl::StrCat(kept_ways * sets * line_bytes, ",", kept_ways, ",",
                      line_bytes);
}

absl::StatusOr<Counted> CountInstructions(const CountOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string valgrind,
                            FindTool("valgrind", "valgrind"));
  const std::string operations = absl::StrCat(options.folder, "/operations");
  const std::string output = absl::StrCat(options.folder, "/callgrind.out");
  ChildOptions child;
  // Threads that wait in a loop would keep the only one that may run waiting.
  child.arguments = {valgrind, "--tool=callgrind", "--fair-sched=try",
                     "--callgrind-out-file=" + output};
  if (!options.whole) {
    // Also within mangled names: valgrind leaves the longest as they are.
    child.arguments.emplace_back("--toggle-collect=*CallMeasured*");
  }
  if (options.cache) {
    for (std::string& argument : CacheArguments(options.last_level_kib)) {
      child.arguments.push_back(std::move(argument));
    }
  }
  child.arguments.insert(child.arguments.end(), options.command.begin(),
                         options.command.end());
  child.arguments.push_back("--operations-file=" + operations);
  child.environment = options.environment;
  child.stderr_path = absl::StrCat(options.folder, "/log");
  Counted counted;
  OPSBENCH_ASSIGN_OR_RETURN(counted.exit_code, RunChild(child));
  const absl::StatusOr<std::string> text = results::ReadWholeFile(output);
  if (!text.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("valgrind ended with ", counted.exit_code,
                     " and without results: ", LastLine(child.stderr_path)));
  }
  OPSBENCH_ASSIGN_OR_RETURN(counted.costs,
                            profile::ParseCallgrind(*text, output));
  if (counted.costs.TotalOf("Ir") == 0) {
    return absl::FailedPreconditionError(
        "nothing was counted where the benchmark's time counts, as of loads "
        "whose work other threads do: --whole counts the whole process");
  }
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(options.output, *text));
  // A benchmark that failed, or that counts nothing, leaves 0.
  std::ifstream(operations) >> counted.operations;
  return counted;
}

}  // namespace opsbench::cli
