#ifndef OPSBENCH_VECTOR_BENCHMARK_SETTINGS_H_
#define OPSBENCH_VECTOR_BENCHMARK_SETTINGS_H_

// Every setting of a BenchmarkConfig: what it is called on the command line, in
// the names of results and in records, and where it acts. Whatever reads or
// writes settings goes through this one table, so that none is forgotten: what
// changes a measurement is in its name or its record, and a flag that cannot
// act is refused.
//
// Thread safety: pure functions.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/vector/benchmark_config.h"

namespace opsbench::vector {

struct BenchmarkSetting {
  enum class InName { kAlways, kUnlessUsual, kNever };

  // In records and names: "ef_construction". Of parameters, SetParameter()'s.
  const char* name;
  const char* flag;  // "--ef-construction".
  // Where it acts: bits of the backend kinds and kinds of operations of
  // benchmark_settings.cc.
  unsigned backends;
  unsigned operations;
  InName in_name;
  const char* key;  // In a name: "ef"; null: `name`.
  // Whether the command that repeats a measurement has it in any case.
  bool always_typed;
  // Its value as the flag takes it; empty: not set.
  std::string (*text)(const BenchmarkConfig& config);
};

// In the order of names and commands.
absl::Span<const BenchmarkSetting> BenchmarkSettings();

// Null: there is no such flag.
const BenchmarkSetting* FindSetting(absl::string_view flag);

// OK: it acts. InvalidArgument: it does nothing with this backend or operation;
// one line says where it acts.
absl::Status CheckActs(const BenchmarkSetting& setting,
                       const BenchmarkConfig& config);

// The value of a setting that acts; empty: it does not act, or is not set.
std::string ActingText(const BenchmarkSetting& setting,
                       const BenchmarkConfig& config);

// Whether the value is not the usual one.
bool IsUnusual(const BenchmarkSetting& setting, const BenchmarkConfig& config);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_BENCHMARK_SETTINGS_H_
