#ifndef OPSBENCH_RESULTS_INTERNAL_NAME_FILTER_H_
#define OPSBENCH_RESULTS_INTERNAL_NAME_FILTER_H_

// Which benchmarks a user means: a POSIX extended regular expression, searched
// for in their names, as Google Benchmark's --benchmark_filter does.
//
// Thread safety: const after creation, may be shared.

#include <regex.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace opsbench::results::internal {

class NameFilter {
 public:
  // An empty pattern matches all. InvalidArgument: no regular expression.
  static absl::StatusOr<NameFilter> Compile(const std::string& pattern);

  bool Matches(const std::string& name) const;

 private:
  struct Free {
    void operator()(regex_t* compiled) const {
      regfree(compiled);
      delete compiled;
    }
  };

  NameFilter() = default;

  std::unique_ptr<regex_t, Free> compiled_;  // Null: all.
};

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_NAME_FILTER_H_
