#include "opsbench/sidetable/effect.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/sidetable/mix.h"

namespace opsbench::sidetable {
namespace {

absl::StatusOr<int64_t> Count(Store& store, absl::string_view section,
                              int64_t after_id) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      store.Run(section, {{"id", Value::Int64(after_id)}}, &rows).status());
  if (rows.at(0, 0).type() != Value::Type::kInt64) {
    return absl::InternalError(
        absl::StrCat(section, " is no number: ", rows.at(0, 0).ToString()));
  }
  return rows.at(0, 0).int64();
}

std::string Describe(Store& store, const Operation& operation) {
  return absl::StrCat(StrategyName(store.strategy()), ": the operation ",
                      operation.path->text, " of ",
                      Value::TimestampUs(operation.created_at_us).ToString());
}

// The id of the operation, which is above `after_id`.
absl::StatusOr<int64_t> FindId(Store& store, const Operation& operation,
                               int64_t after_id) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      store
          .Run("find",
               {{"path", Value::Text(operation.path->text)},
                {"created_at", Value::TimestampUs(operation.created_at_us)},
                {"id", Value::Int64(after_id)}},
               &rows)
          .status());
  for (size_t i = 0; i < rows.row_count(); ++i) {
    if (rows.at(i, 2) == Value::Int64(operation.status)) {
      return rows.at(i, 0).int64();
    }
  }
  return absl::InternalError(absl::StrCat(
      Describe(store, operation), " was acknowledged and is not there"));
}

// Whether the operation's rows of the side table are one for each prefix.
absl::Status CheckPrefixesOf(Store& store, const Operation& operation,
                             int64_t id) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      store.Run("prefixes_of", {{"id", Value::Int64(id)}}, &rows).status());
  const Taxonomy::Path& path = *operation.path;
  bool right = rows.row_count() == static_cast<size_t>(path.depth);
  for (int level = 1; right && level <= path.depth; ++level) {
    right =
        rows.at(level - 1, 0) == Value::Text(path.Prefix(level)) &&
        rows.at(level - 1, 1) == Value::TimestampUs(operation.created_at_us);
  }
  if (right) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(Describe(store, operation), " has ", rows.row_count(),
                   " prefix rows, which are not its ", path.depth));
}

// Whether the newest under `prefix` have the operation where its time is.
absl::Status CheckUnder(Store& store, const Operation& operation, int64_t id,
                        absl::string_view prefix) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      store.CountSince(prefix, operation.created_at_us, &rows));
  const int64_t up_to = rows.at(0, 0).int64();
  OPSBENCH_RETURN_IF_ERROR(store.LatestOffset(
      prefix, kLimit, std::max<int64_t>(0, up_to - kLimit), &rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    if (rows.at(i, 0) == Value::Int64(id)) return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat(Describe(store, operation), " is not found under ", prefix));
}

absl::Status CheckSample(Store& store, const Operation& operation,
                         int64_t after_id) {
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t id,
                            FindId(store, operation, after_id));
  if (store.strategy() == Strategy::kSideTable) {
    OPSBENCH_RETURN_IF_ERROR(CheckPrefixesOf(store, operation, id));
  }
  // The others sort all that is under a prefix, which takes long above.
  const bool seeks = store.strategy() == Strategy::kSideTable ||
                     store.strategy() == Strategy::kLevelColumns;
  const Taxonomy::Path& path = *operation.path;
  for (int level = seeks ? 1 : path.depth; level <= path.depth; ++level) {
    OPSBENCH_RETURN_IF_ERROR(
        CheckUnder(store, operation, id, path.Prefix(level)));
  }
  return absl::OkStatus();
}

}  // namespace

void Written::Add(absl::Span<const NewOperation> inserted) {
  operations += static_cast<int64_t>(inserted.size());
  for (const NewOperation& operation : inserted) {
    prefix_rows += operation.operation.path->depth;
  }
  if (samples.size() < kSamples) {
    samples.push_back(inserted.back().operation);
  } else {
    samples[next_sample_++ % kSamples] = inserted.back().operation;
  }
}

void Written::Add(const Written& other) {
  operations += other.operations;
  prefix_rows += other.prefix_rows;
  uncertain += other.uncertain;
  samples.insert(samples.end(), other.samples.begin(), other.samples.end());
}

absl::StatusOr<WriteCheck> WriteCheck::Start(Store& store) {
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t last_id, Count(store, "last_id", 0));
  return WriteCheck(last_id);
}

absl::Status WriteCheck::Finish(Store& store, const Written& written) const {
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t found,
                            Count(store, "count_new", last_id_));
  if (found < written.operations ||
      found > written.operations + written.uncertain) {
    return absl::InternalError(absl::StrCat(
        StrategyName(store.strategy()), ": ", written.operations,
        " operations were acknowledged, but ", found, " are new in ",
        store.NameOf(OperationsTable(store.strategy()))));
  }
  if (store.strategy() == Strategy::kSideTable) {
    OPSBENCH_RETURN_IF_ERROR(CheckPrefixes(store, written));
  }
  for (const Operation& sample : written.samples) {
    OPSBENCH_RETURN_IF_ERROR(CheckSample(store, sample, last_id_));
  }
  return absl::OkStatus();
}

absl::Status WriteCheck::CheckPrefixes(Store& store,
                                       const Written& written) const {
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t incomplete,
                            Count(store, "count_incomplete", last_id_));
  if (incomplete > 0) {
    return absl::InternalError(absl::StrCat(
        incomplete, " of ", written.operations,
        " new operations have more or fewer prefix rows than prefixes"));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t misplaced,
                            Count(store, "count_misplaced", last_id_));
  if (misplaced > 0) {
    return absl::InternalError(absl::StrCat(
        misplaced, " new prefix rows are not those of their operation"));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t rows,
                            Count(store, "count_new_prefixes", last_id_));
  if (rows < written.prefix_rows ||
      (written.uncertain == 0 && rows > written.prefix_rows)) {
    return absl::InternalError(
        absl::StrCat(written.prefix_rows,
                     " prefix rows were acknowledged, but ", rows, " are new"));
  }
  return absl::OkStatus();
}

absl::Status VerifySeeded(Store& store, const Generator& generator,
                          int64_t operations) {
  constexpr int64_t kSamples = 8;
  for (int64_t i = 0; i <= kSamples; ++i) {
    // Without a product that overflows.
    const int64_t index =
        i == kSamples ? operations - 1 : operations / kSamples * i;
    const Operation operation = generator.At(static_cast<uint64_t>(index));
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t id,
                              FindId(store, operation, operation.id - 1));
    if (id != operation.id) {
      return absl::InternalError(absl::StrCat(
          Describe(store, operation), " has id ", id, ", not ", operation.id));
    }
    if (store.strategy() == Strategy::kSideTable) {
      OPSBENCH_RETURN_IF_ERROR(CheckPrefixesOf(store, operation, id));
    }
  }
  // By the queries only the newest: what is old lies behind most of the data.
  ResultSet newest;
  OPSBENCH_RETURN_IF_ERROR(store.Newest(kSamples, &newest));
  for (size_t i = 0; i < newest.row_count(); ++i) {
    const int64_t id = newest.at(i, 0).int64();
    OPSBENCH_RETURN_IF_ERROR(CheckSample(
        store, generator.At(static_cast<uint64_t>(id - 1)), id - 1));
  }
  return absl::OkStatus();
}

int64_t CountPrefixRows(const Generator& generator, int64_t first,
                        int64_t last) {
  int64_t rows = 0;
  for (int64_t i = first; i < last; ++i) {
    rows += generator.At(static_cast<uint64_t>(i)).path->depth;
  }
  return rows;
}

}  // namespace opsbench::sidetable
