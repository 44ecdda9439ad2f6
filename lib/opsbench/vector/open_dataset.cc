#include "opsbench/vector/open_dataset.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/random.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/dataset_file.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/internal/hdf5_file.h"
#include "opsbench/vector/internal/mapped_file.h"
#include "opsbench/vector/internal/parts.h"
#include "opsbench/vector/internal/vector_files.h"

namespace opsbench::vector {
namespace {

namespace fs = std::filesystem;
using internal::DatasetParts;
using internal::VectorTable;

constexpr uint64_t kHeldOutStream = 5;

bool Exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// "sift_base.fvecs" → "sift_query.fvecs": the file beside `path` with `word` in
// place of "base" and one of `extensions`. Empty when there is none.
std::string Beside(const std::string& path,
                   std::initializer_list<absl::string_view> words,
                   std::initializer_list<absl::string_view> extensions) {
  const fs::path whole(path);
  const std::string stem = whole.stem().string();
  const size_t at = stem.rfind("base");
  if (at == std::string::npos) return "";
  for (const absl::string_view word : words) {
    for (const absl::string_view extension : extensions) {
      const fs::path other = whole.parent_path() /
                             absl::StrCat(stem.substr(0, at), word,
                                          stem.substr(at + 4), ".", extension);
      if (Exists(other.string())) return other.string();
    }
  }
  return "";
}

absl::StatusOr<VectorTable> ReadVectors(const std::string& path) {
  OPSBENCH_ASSIGN_OR_RETURN(const internal::MappedFile file,
                            internal::MappedFile::Open(path));
  return internal::ParseVectorFile(file.bytes(), path);
}

absl::StatusOr<internal::IdTable> ReadIds(const std::string& path) {
  OPSBENCH_ASSIGN_OR_RETURN(const internal::MappedFile file,
                            internal::MappedFile::Open(path));
  return internal::ParseIdFile(file.bytes(), path);
}

// Moves some of the base vectors, drawn by the seed, to the queries.
absl::Status HoldOut(const OpenDatasetOptions& options,
                     const std::string& source, DatasetParts* parts) {
  VectorTable& base = parts->base;
  const size_t count = options.held_out_queries;
  if (count == 0 || count >= base.rows) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": no file of queries, and ", count, " of its ",
                     base.rows, " vectors cannot be held out to be queries"));
  }
  // Floyd would save memory; a shuffle of the first `count` is plainer.
  std::vector<size_t> order(base.rows);
  std::iota(order.begin(), order.end(), size_t{0});
  Random random = Random::Stream(options.seed, kHeldOutStream);
  std::vector<bool> held(base.rows);
  for (size_t i = 0; i < count; ++i) {
    std::swap(order[i], order[i + random.Below(base.rows - i)]);
    held[order[i]] = true;
  }
  parts->queries.dimension = base.dimension;
  parts->queries.rows = count;
  size_t kept = 0;
  for (size_t i = 0; i < base.rows; ++i) {
    const auto row =
        base.values.begin() + static_cast<ptrdiff_t>(i * base.dimension);
    const auto end = row + static_cast<ptrdiff_t>(base.dimension);
    if (held[i]) {
      parts->queries.values.insert(parts->queries.values.end(), row, end);
    } else {
      std::copy(row, end,
                base.values.begin() +
                    static_cast<ptrdiff_t>(kept++ * base.dimension));
    }
  }
  base.rows = kept;
  base.values.resize(kept * base.dimension);
  return absl::OkStatus();
}

// The truth by ids, or computed when there are none or too few.
absl::Status AddTruth(const absl::optional<internal::IdTable>& ids,
                      const OpenDatasetOptions& options,
                      const std::string& source, DatasetParts* parts) {
  const Matrix base = parts->base.matrix();
  const Matrix queries = parts->queries.matrix();
  const size_t wanted = std::min(options.truth_k, base.rows);
  if (ids.has_value()) {
    OPSBENCH_ASSIGN_OR_RETURN(
        parts->truth,
        internal::TruthOfIds(base, queries, parts->metric, *ids, source));
    parts->truth_k = ids->k;
    if (parts->truth_k >= wanted) return absl::OkStatus();
  }
  if (wanted == 0) return absl::OkStatus();
  GroundTruthOptions truth;
  truth.k = static_cast<int>(wanted);
  truth.threads = options.threads;
  truth.on_progress = options.on_progress;
  truth.stop = options.stop;
  OPSBENCH_ASSIGN_OR_RETURN(
      GroundTruth found,
      ComputeGroundTruth(base, queries, parts->metric, truth));
  parts->truth_k = found.k;
  parts->truth = std::move(found.neighbors);
  return absl::OkStatus();
}

// Checks what was read before it is computed with.
absl::Status CheckParts(const DatasetParts& parts, const std::string& base,
                        const std::string& queries) {
  OPSBENCH_RETURN_IF_ERROR(
      internal::CheckVectors(parts.base.matrix(), "base", base));
  OPSBENCH_RETURN_IF_ERROR(
      internal::CheckVectors(parts.queries.matrix(), "query", queries));
  if (parts.base.dimension != parts.queries.dimension) {
    return absl::InvalidArgumentError(absl::StrCat(
        queries, ": queries of dimension ", parts.queries.dimension,
        ", but base vectors of ", parts.base.dimension));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Dataset>> Complete(
    DatasetParts parts, const absl::optional<internal::IdTable>& ids,
    const std::string& truth_source, const std::string& source,
    const OpenDatasetOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(AddTruth(ids, options, truth_source, &parts));
  if (parts.attributes.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(
        parts.attributes,
        GenerateAttributes(parts.base.rows, GenerateOptions().tag_shares,
                           options.seed));
  }
  parts.name = fs::path(source).stem().string();
  return internal::MakeDataset(std::move(parts), source);
}

absl::StatusOr<std::unique_ptr<Dataset>> OpenHdf5(
    const std::string& path, const OpenDatasetOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(internal::Hdf5Contents contents,
                            internal::ReadHdf5File(path));
  DatasetParts parts;
  parts.base = std::move(contents.train);
  parts.queries = std::move(contents.test);
  OPSBENCH_RETURN_IF_ERROR(CheckParts(parts, path, path));
  const absl::optional<Metric> said = contents.metric;
  if (!said.has_value() && !options.metric.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": says no metric, neither by an attribute "
                     "'distance' nor by its name; name one"));
  }
  parts.metric = options.metric.value_or(said.value_or(Metric::kL2));
  if (said.has_value() && parts.metric != *said) contents.neighbors.reset();
  return Complete(std::move(parts), contents.neighbors, path, path, options);
}

absl::StatusOr<std::unique_ptr<Dataset>> OpenVectorFiles(
    const std::string& path, const OpenDatasetOptions& options) {
  DatasetParts parts;
  parts.metric = options.metric.value_or(Metric::kL2);
  OPSBENCH_ASSIGN_OR_RETURN(parts.base, ReadVectors(path));
  std::string queries = options.queries;
  if (queries.empty()) {
    queries = Beside(path, {"query", "queries"},
                     {internal::Extension(path), "fvecs", "bvecs", "fbin",
                      "u8bin", "i8bin", "npy"});
  }
  std::string truth = options.truth;
  if (queries.empty()) {
    if (!truth.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(truth, ": neighbours need the file of their queries"));
    }
    OPSBENCH_RETURN_IF_ERROR(HoldOut(options, path, &parts));
    queries = path;
  } else {
    OPSBENCH_ASSIGN_OR_RETURN(parts.queries, ReadVectors(queries));
    if (truth.empty()) {
      truth = Beside(path, {"groundtruth", "gt", "truth"},
                     {"ivecs", "ibin", "npy"});
    }
  }
  OPSBENCH_RETURN_IF_ERROR(CheckParts(parts, path, queries));
  absl::optional<internal::IdTable> ids;
  if (!truth.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(ids, ReadIds(truth));
  }
  return Complete(std::move(parts), ids, truth, path, options);
}

// A copy with another metric or more neighbours than the file has.
absl::StatusOr<std::unique_ptr<Dataset>> Again(
    const Dataset& data, const std::string& path,
    const OpenDatasetOptions& options) {
  const auto table = [](Matrix m) {
    return VectorTable{
        m.rows, m.dimension, {m.data, m.data + m.rows * m.dimension}};
  };
  DatasetParts parts;
  parts.metric = options.metric.value_or(data.metric());
  parts.base = table(data.base());
  parts.queries = table(data.queries());
  parts.attributes = data.attributes();
  OPSBENCH_ASSIGN_OR_RETURN(
      std::unique_ptr<Dataset> again,
      Complete(std::move(parts), absl::nullopt, path, path, options));
  return again;
}

absl::StatusOr<std::unique_ptr<Dataset>> OpenOwn(
    const std::string& path, const OpenDatasetOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<Dataset> data,
                            ReadDatasetFile(path));
  const bool other =
      options.metric.has_value() && *options.metric != data->metric();
  const size_t wanted = std::min(options.truth_k, data->base().rows);
  if (!other && data->truth_k() >= wanted) return data;
  return Again(*data, path, options);
}

absl::StatusOr<std::unique_ptr<Dataset>> OpenGenerated(
    const std::string& name, const OpenDatasetOptions& options) {
  const auto parsed = ParseGeneratedName(name);
  if (absl::IsNotFound(parsed.status())) {
    return absl::NotFoundError(
        absl::StrCat("'", name,
                     "' is no file, and no generated data set, such "
                     "as clusters-10k-64, uniform-10k-64 or sphere-10k-64"));
  }
  if (!parsed.ok()) return parsed.status();
  if (!options.queries.empty() || !options.truth.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name,
                     ": makes its own queries and neighbours; none can be "
                     "named beside it"));
  }
  GenerateOptions generate = *parsed;
  generate.metric = options.metric.value_or(generate.metric);
  generate.seed = options.seed;
  generate.truth_k = options.truth_k;
  generate.threads = options.threads;
  return Generate(generate);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> OpenDataset(
    const std::string& name_or_path, const OpenDatasetOptions& options) {
  if (!Exists(name_or_path)) return OpenGenerated(name_or_path, options);
  const std::string extension = internal::Extension(name_or_path);
  const bool hdf5 =
      extension == "hdf5" || extension == "h5" || extension == "hdf";
  if ((hdf5 || extension == "opsvec") &&
      !(options.queries.empty() && options.truth.empty())) {
    return absl::InvalidArgumentError(
        absl::StrCat(name_or_path,
                     ": holds its own queries and neighbours; none can be "
                     "named beside it"));
  }
  if (hdf5) return OpenHdf5(name_or_path, options);
  {
    OPSBENCH_ASSIGN_OR_RETURN(const internal::MappedFile file,
                              internal::MappedFile::Open(name_or_path));
    if (extension == "opsvec" || internal::IsDatasetFile(file.bytes())) {
      return OpenOwn(name_or_path, options);
    }
  }
  return OpenVectorFiles(name_or_path, options);
}

}  // namespace opsbench::vector
