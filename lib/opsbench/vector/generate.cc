#include "opsbench/vector/generate.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/number.h"
#include "opsbench/base/random.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/internal/parallel.h"
#include "opsbench/vector/internal/parts.h"

namespace opsbench::vector {
namespace {

// Streams of random numbers.
enum Stream : uint64_t {
  kBaseStream = 1,
  kQueryStream = 2,
  kCentreStream = 3,
  kAttributeStream = 4,
};

struct KindName {
  absl::string_view name;
  GeneratedKind kind;
  Metric metric;
};

constexpr KindName kKinds[] = {
    {"clusters", GeneratedKind::kClusters, Metric::kL2},
    {"uniform", GeneratedKind::kUniform, Metric::kL2},
    {"sphere", GeneratedKind::kSphere, Metric::kCosine},
};

// "10k", "2m", "500"; 0 when it is none.
size_t ParseRows(absl::string_view text) {
  size_t factor = 1;
  const char last = text.empty() ? '\0' : text.back();
  if (last == 'k') factor = 1'000;
  if (last == 'm') factor = 1'000'000;
  if (factor > 1) text.remove_suffix(1);
  const absl::StatusOr<int64_t> rows =
      ParseWholeNumber(text, 1, int64_t{1} << 32);
  return rows.ok() ? static_cast<size_t>(*rows) * factor : 0;
}

std::string FormatRows(size_t rows) {
  if (rows >= 1'000'000 && rows % 1'000'000 == 0) {
    return absl::StrCat(rows / 1'000'000, "m");
  }
  if (rows >= 1'000 && rows % 1'000 == 0)
    return absl::StrCat(rows / 1'000, "k");
  return absl::StrCat(rows);
}

void DrawRow(const GenerateOptions& options, const std::vector<float>& centres,
             Random& random, float* row) {
  const size_t dimension = options.dimension;
  switch (options.kind) {
    case GeneratedKind::kClusters: {
      const float* centre =
          centres.data() + random.Below(options.clusters) * dimension;
      for (size_t d = 0; d < dimension; ++d) {
        row[d] = static_cast<float>(centre[d] +
                                    options.cluster_deviation * Normal(random));
      }
      break;
    }
    case GeneratedKind::kUniform:
      for (size_t d = 0; d < dimension; ++d) {
        row[d] = static_cast<float>(random.Double());
      }
      break;
    case GeneratedKind::kSphere: {
      // The direction of a normal vector is uniform.
      std::vector<double> values(dimension);
      double square = 0;
      for (double& value : values) {
        value = Normal(random);
        square += value * value;
      }
      const double length = std::sqrt(square);
      for (size_t d = 0; d < dimension; ++d) {
        row[d] = static_cast<float>(values[d] / length);
      }
      break;
    }
  }
}

absl::Status Check(const GenerateOptions& options) {
  const std::string name = GeneratedName(options);
  if (options.rows == 0 || options.queries == 0 || options.dimension == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": rows, queries and dimension must be at least 1"));
  }
  if (options.dimension > internal::kMaxDimension ||
      std::max(options.rows, options.queries) >
          (uint64_t{1} << 40) / options.dimension) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": too large"));
  }
  if (options.clusters == 0) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": no clusters"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GenerateOptions> ParseGeneratedName(absl::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  const std::vector<std::string> parts = absl::StrSplit(lower, '-');
  const auto kind =
      std::find_if(std::begin(kKinds), std::end(kKinds),
                   [&](const KindName& k) { return k.name == parts[0]; });
  if (kind == std::end(kKinds)) {
    return absl::NotFoundError(absl::StrCat("'", name, "' is no kind of data"));
  }
  GenerateOptions options;
  options.kind = kind->kind;
  options.metric = kind->metric;
  const absl::StatusOr<uint64_t> dimension =
      ParseUnsigned(parts.size() < 3 ? "" : parts[2]);
  if (parts.size() < 3 || parts.size() > 4 || ParseRows(parts[1]) == 0 ||
      !dimension.ok() || *dimension == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name,
                     "': a generated data set is named by kind, rows "
                     "and dimension, as clusters-10k-64 or sphere-1m-128-ip"));
  }
  options.rows = ParseRows(parts[1]);
  options.dimension = *dimension;
  if (parts.size() == 4) {
    const auto metric = ParseMetric(parts[3]);
    if (!metric.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "': ", metric.status().message()));
    }
    options.metric = *metric;
  }
  OPSBENCH_RETURN_IF_ERROR(Check(options));
  return options;
}

std::string GeneratedName(const GenerateOptions& options) {
  const KindName& kind = kKinds[static_cast<size_t>(options.kind)];
  std::string name = absl::StrCat(kind.name, "-", FormatRows(options.rows), "-",
                                  options.dimension);
  if (options.metric != kind.metric) {
    absl::StrAppend(&name, "-", MetricName(options.metric));
  }
  return name;
}

std::vector<float> GenerateVectors(const GenerateOptions& options, size_t rows,
                                   uint64_t stream) {
  std::vector<float> centres;
  if (options.kind == GeneratedKind::kClusters) {
    Random random = Random::Stream(options.seed, kCentreStream);
    centres.resize(options.clusters * options.dimension);
    for (float& value : centres) value = static_cast<float>(Normal(random));
  }
  std::vector<float> values(rows * options.dimension);
  constexpr size_t kChunk = 1024;
  // A stream for each row: the same numbers however many threads there are.
  internal::ParallelFor(
      internal::ThreadCount(options.threads), (rows + kChunk - 1) / kChunk,
      [&](size_t, size_t chunk) {
        const size_t end = std::min(rows, (chunk + 1) * kChunk);
        for (size_t i = chunk * kChunk; i < end; ++i) {
          Random random = Random::Stream(options.seed, stream, i);
          DrawRow(options, centres, random,
                  values.data() + i * options.dimension);
        }
      });
  return values;
}

absl::StatusOr<Attributes> GenerateAttributes(
    size_t rows, const std::vector<double>& tag_shares, uint64_t seed) {
  double rest = 1;
  for (const double share : tag_shares) rest -= share;
  // What rounding leaves of 1 - (0.9 + 0.1) is no error.
  if (rest < -1e-9) {
    return absl::InvalidArgumentError("shares of tags are above 1 together");
  }
  std::vector<double> weights = tag_shares;
  weights.push_back(std::max(rest, 0.0));
  OPSBENCH_ASSIGN_OR_RETURN(const WeightedChoice choice,
                            WeightedChoice::Create(weights));
  Attributes attributes;
  attributes.tag_count = static_cast<uint32_t>(weights.size());
  attributes.tags.resize(rows);
  attributes.numbers.resize(rows);
  Random random = Random::Stream(seed, kAttributeStream);
  for (size_t i = 0; i < rows; ++i) {
    attributes.tags[i] = choice(random);
    // 24 bits: below 1 as a float, too.
    attributes.numbers[i] = static_cast<float>(random.Next() >> 40) * 0x1p-24f;
  }
  return attributes;
}

absl::StatusOr<std::unique_ptr<Dataset>> Generate(
    const GenerateOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(Check(options));
  internal::DatasetParts parts;
  parts.name = GeneratedName(options);
  parts.metric = options.metric;
  parts.base = {options.rows, options.dimension,
                GenerateVectors(options, options.rows, kBaseStream)};
  parts.queries = {options.queries, options.dimension,
                   GenerateVectors(options, options.queries, kQueryStream)};
  OPSBENCH_ASSIGN_OR_RETURN(
      parts.attributes,
      GenerateAttributes(options.rows, options.tag_shares, options.seed));
  if (options.truth_k > 0) {
    GroundTruthOptions truth;
    truth.k = static_cast<int>(std::min(options.truth_k, options.rows));
    truth.threads = options.threads;
    OPSBENCH_ASSIGN_OR_RETURN(
        GroundTruth found,
        ComputeGroundTruth(parts.base.matrix(), parts.queries.matrix(),
                           options.metric, truth));
    parts.truth_k = found.k;
    parts.truth = std::move(found.neighbors);
  }
  const std::string source = parts.name;
  return internal::MakeDataset(std::move(parts), source);
}

}  // namespace opsbench::vector
