#ifndef OPSBENCH_VECTOR_GENERATE_H_
#define OPSBENCH_VECTOR_GENERATE_H_

// Data sets that are generated: the same bits from the same options on every
// machine, by opsbench::Random alone.
//
// What they are good for, and what not, is in DATASET.md.
//
// Thread safety: functions keep no state; they start and join their threads.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

enum class GeneratedKind : uint8_t {
  kClusters,  // Normal around centres that are normal themselves.
  kUniform,   // In the unit cube.
  kSphere,    // On the unit sphere.
};

struct GenerateOptions {
  GeneratedKind kind = GeneratedKind::kClusters;
  size_t rows = 10'000;
  size_t dimension = 64;
  // From the same distribution as the base vectors.
  size_t queries = 1'000;
  Metric metric = Metric::kL2;
  uint64_t seed = 1;

  // kClusters: how many, and how wide each is beside how far apart they are.
  size_t clusters = 100;
  double cluster_deviation = 0.3;

  // Tag t is held by tag_shares[t] of the rows, the last tag by the rest.
  std::vector<double> tag_shares = {0.001, 0.01, 0.05, 0.1, 0.25};

  // Neighbours of each query, as many as there are if they are fewer; 0: none.
  size_t truth_k = 100;
  // For the truth; 0: one for each processor.
  int threads = 0;
};

// "clusters-10k-64", "sphere-1m-128-ip": kind, rows, dimension, metric; l2 when
// absent, cosine for sphere.
// NotFound: the name does not start with a kind. InvalidArgument: it does, and
// the rest is wrong, which it says.
absl::StatusOr<GenerateOptions> ParseGeneratedName(absl::string_view name);

// The name that the kind, size and metric have.
std::string GeneratedName(const GenerateOptions& options);

// InvalidArgument: no rows, queries or dimension, or more than 2^40 numbers;
// shares that are negative or above 1 together.
absl::StatusOr<std::unique_ptr<Dataset>> Generate(
    const GenerateOptions& options);

// Vectors of a kind alone: `stream` names them, so that base vectors and
// queries differ. Of rows * dimension floats.
std::vector<float> GenerateVectors(const GenerateOptions& options, size_t rows,
                                   uint64_t stream);

// Tags and numbers of `rows` base vectors. InvalidArgument as Generate().
absl::StatusOr<Attributes> GenerateAttributes(
    size_t rows, const std::vector<double>& tag_shares, uint64_t seed);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_GENERATE_H_
