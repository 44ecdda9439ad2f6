#ifndef OPSBENCH_RESULTS_INTERNAL_JUDGE_H_
#define OPSBENCH_RESULTS_INTERNAL_JUDGE_H_

// From the samples of two sides to effects, intervals and verdicts: the
// statistics of COMPARE.md.
//
// Thread safety: the function keeps no state.

#include <string>
#include <vector>

#include "opsbench/results/comparison.h"
#include "opsbench/results/sample_set.h"

namespace opsbench::results::internal {

// A metric that both sides have.
struct Test {
  MetricComparison* metric = nullptr;  // To be completed.
  const Samples* base = nullptr;       // Neither is empty.
  const Samples* head = nullptr;
  // Whether metric->higher_is_better is known; without, nothing is judged.
  bool direction_known = true;
  // Why the samples are few, if that is known.
  std::string few_note;
};

struct JudgeOptions {
  double threshold = 0.02;
  double confidence = 0.99;
};

// Completes the metric of each test, and returns what a reader has to know of
// all of them together.
std::vector<std::string> Judge(const std::vector<Test>& tests,
                               const JudgeOptions& options);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_JUDGE_H_
