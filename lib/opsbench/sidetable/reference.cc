#include "opsbench/sidetable/reference.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/sidetable/mix.h"

namespace opsbench::sidetable {
namespace {

bool IsUnder(const Operation& operation, absl::string_view prefix) {
  const absl::string_view path = operation.path->text;
  return absl::StartsWith(path, prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '.');
}

absl::Status CheckNumber(absl::string_view what, const ResultSet& rows,
                         size_t column, int64_t expected) {
  if (rows.row_count() != 1 || rows.column_count() <= column ||
      rows.at(0, column) != Value::Int64(expected)) {
    return absl::InternalError(absl::StrCat(
        what, ": expected ", expected, ", got ",
        rows.row_count() == 1 ? rows.at(0, column).ToString() : "no row"));
  }
  return absl::OkStatus();
}

absl::Status VerifyPrefix(Store& store, const Reference& reference,
                          absl::string_view prefix, int64_t offset) {
  const std::string what =
      absl::StrCat(StrategyName(store.strategy()), " under ", prefix);
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(store.Latest(prefix, kLimit, &rows));
  OPSBENCH_RETURN_IF_ERROR(
      CheckRows(what, rows, reference.Latest(prefix, kLimit)));
  OPSBENCH_RETURN_IF_ERROR(store.LatestOffset(prefix, kLimit, offset, &rows));
  OPSBENCH_RETURN_IF_ERROR(CheckRows(absl::StrCat(what, " offset ", offset),
                                     rows,
                                     reference.Latest(prefix, kLimit, offset)));
  const int64_t since_us = kDataNowUs - 24 * kHourUs;
  OPSBENCH_RETURN_IF_ERROR(store.CountSince(prefix, since_us, &rows));
  OPSBENCH_RETURN_IF_ERROR(CheckNumber(absl::StrCat(what, " count"), rows, 0,
                                       reference.CountSince(prefix, since_us)));
  const int64_t week_us = kDataNowUs - 7 * 24 * kHourUs;
  OPSBENCH_RETURN_IF_ERROR(store.ErrorRate(prefix, week_us, &rows));
  OPSBENCH_RETURN_IF_ERROR(
      CheckNumber(absl::StrCat(what, " operations in a week"), rows, 0,
                  reference.CountSince(prefix, week_us)));
  return CheckNumber(absl::StrCat(what, " errors in a week"), rows, 1,
                     reference.ErrorsSince(prefix, week_us));
}

}  // namespace

Reference::Reference(const Generator& generator, int64_t operations) {
  newest_first_.reserve(operations);
  for (int64_t i = 0; i < operations; ++i) {
    newest_first_.push_back(generator.At(i));
  }
  std::sort(newest_first_.begin(), newest_first_.end(),
            [](const Operation& a, const Operation& b) {
              return a.created_at_us != b.created_at_us
                         ? a.created_at_us > b.created_at_us
                         : a.id < b.id;
            });
}

std::vector<Operation> Reference::Latest(absl::string_view prefix,
                                         int64_t limit, int64_t offset) const {
  std::vector<Operation> found;
  for (const Operation& operation : newest_first_) {
    if (static_cast<int64_t>(found.size()) == limit) break;
    if (IsUnder(operation, prefix) && offset-- <= 0) found.push_back(operation);
  }
  return found;
}

std::vector<Operation> Reference::Exact(absl::string_view path,
                                        int64_t limit) const {
  std::vector<Operation> found;
  for (const Operation& operation : newest_first_) {
    if (static_cast<int64_t>(found.size()) == limit) break;
    if (operation.path->text == path) found.push_back(operation);
  }
  return found;
}

int64_t Reference::CountSince(absl::string_view prefix,
                              int64_t since_us) const {
  return std::count_if(newest_first_.begin(), newest_first_.end(),
                       [&](const Operation& operation) {
                         return operation.created_at_us >= since_us &&
                                IsUnder(operation, prefix);
                       });
}

int64_t Reference::ErrorsSince(absl::string_view prefix,
                               int64_t since_us) const {
  return std::count_if(newest_first_.begin(), newest_first_.end(),
                       [&](const Operation& operation) {
                         return operation.created_at_us >= since_us &&
                                operation.status != 0 &&
                                IsUnder(operation, prefix);
                       });
}

absl::Status CheckRows(absl::string_view what, const ResultSet& rows,
                       const std::vector<Operation>& expected) {
  if (rows.row_count() != expected.size()) {
    return absl::InternalError(absl::StrCat(
        what, ": expected ", expected.size(), " rows, got ", rows.row_count()));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const Operation& operation = expected[i];
    if (rows.at(i, 0) == Value::Int64(operation.id) &&
        rows.at(i, 1) == Value::TimestampUs(operation.created_at_us) &&
        rows.at(i, 2) == Value::Int64(operation.status) &&
        rows.at(i, 3) == Value::Text(operation.path->text)) {
      continue;
    }
    return absl::InternalError(absl::StrCat(
        what, ": row ", i, " should be operation ", operation.id, " at ",
        Value::TimestampUs(operation.created_at_us).ToString(), " of ",
        operation.path->text, " but is ", rows.at(i, 0).ToString(), " at ",
        rows.at(i, 1).ToString(), " of ", rows.at(i, 3).ToString()));
  }
  return absl::OkStatus();
}

absl::Status VerifyAnswers(Store& store, const Reference& reference,
                           int samples, uint64_t seed) {
  Random random(seed);
  const Taxonomy& taxonomy = Taxonomy::Get();
  ResultSet rows;
  for (int sample = 0; sample < samples; ++sample) {
    for (int level = 1; level <= kMaxLevels; ++level) {
      OPSBENCH_RETURN_IF_ERROR(VerifyPrefix(store, reference,
                                            taxonomy.DrawPrefix(level, random),
                                            random.Between(0, kMaxOffset)));
    }
    OPSBENCH_RETURN_IF_ERROR(VerifyPrefix(
        store, reference, taxonomy.DrawColdL3(random), random.Between(0, 20)));
    const std::string& path = taxonomy.paths()[taxonomy.Draw(random)].text;
    OPSBENCH_RETURN_IF_ERROR(store.Exact(path, kLimit, &rows));
    OPSBENCH_RETURN_IF_ERROR(
        CheckRows(absl::StrCat(StrategyName(store.strategy()), " exact ", path),
                  rows, reference.Exact(path, kLimit)));
  }
  return absl::OkStatus();
}

}  // namespace opsbench::sidetable
