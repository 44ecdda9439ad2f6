#include "opsbench/stress/answer_check.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::stress {
namespace {

template <typename... Args>
absl::Status Wrong(const Table& table, const Args&... args) {
  return absl::DataLossError(absl::StrCat("table ", table.name, ": ", args...));
}

// Engines give numbers as the type that they reckon in, PostgreSQL and MySQL
// SUM of nothing as NULL.
double Number(const Value& value) {
  switch (value.type()) {
    case Value::Type::kInt64:
      return static_cast<double>(value.int64());
    case Value::Type::kDouble:
      return value.float64();
    case Value::Type::kNull:
      return 0;
    default:
      return std::nan("");
  }
}

// Some rows' values, in quarters.
struct Sums {
  int64_t count = 0;
  int64_t quarters = 0;
  int64_t low = INT64_MAX;
  int64_t high = -1;

  void Add(int64_t value) {
    ++count;
    quarters += value;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

template <typename Visitor>
void ForEachId(const Expectation& expected, Visitor visit) {
  for (const IdRange& range : expected.ranges) {
    for (int64_t i = 0; i < range.rows; ++i) visit(range.first_id + i);
  }
}

// Whether `found` is `sum`, or at least that when there may be more.
bool Fits(double found, int64_t sum, bool complete) {
  return complete ? found == static_cast<double>(sum)
                  : found >= static_cast<double>(sum);
}

// `sums` by group, of which `found` holds (key, count, sum in quarters).
template <size_t kGroups>
absl::Status CompareGroups(const Table& table,
                           const std::array<Sums, kGroups>& sums, bool complete,
                           const ResultSet& rows) {
  std::array<bool, kGroups> seen = {};
  for (size_t i = 0; i < rows.row_count(); ++i) {
    const double key = Number(rows.at(i, 0));
    if (!(key >= 0 && key < kGroups) || seen[static_cast<size_t>(key)]) {
      return Wrong(table, "a group ", rows.at(i, 0).ToString(),
                   " that there is not, or twice");
    }
    const Sums& sum = sums[static_cast<size_t>(key)];
    seen[static_cast<size_t>(key)] = true;
    if (!Fits(Number(rows.at(i, 1)), sum.count, complete) ||
        !Fits(Number(rows.at(i, 2)) * 4, sum.quarters, complete)) {
      return Wrong(table, "group ", key, " has count ",
                   rows.at(i, 1).ToString(), " and sum ",
                   rows.at(i, 2).ToString(), " instead of ", sum.count, " and ",
                   static_cast<double>(sum.quarters) / 4);
    }
  }
  for (size_t key = 0; key < kGroups; ++key) {
    if (seen[key] == (sums[key].count > 0)) continue;
    if (seen[key] && !complete) continue;
    return Wrong(table, "group ", key,
                 seen[key] ? " should not be there" : " is missing");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AnswerCheck::CheckWritten(const User& user, int table,
                                       int64_t id) {
  const int64_t first_id = FirstId(user.id, IndexOf(id));
  if (first_id != known_first_id_) {
    const Operation operation = plan_.At(user, IndexOf(id));
    known_first_id_ = first_id;
    known_rows_ = IsWrite(operation.kind) && operation.table == table
                      ? operation.rows
                      : 0;
  }
  if (UserOf(id) == user.id && RowOf(id) < known_rows_) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("no operation of user ", user.id,
                                          " writes the row ", id,
                                          " to its table"));
}

absl::Status AnswerCheck::CheckIds(const Operation& operation, int table,
                                   const Expectation& expected,
                                   const ResultSet& rows) {
  const User& user = plan_.users[static_cast<size_t>(operation.target)];
  const auto count = static_cast<int64_t>(rows.row_count());
  if (count < expected.rows || (expected.complete && count > expected.rows) ||
      count > operation.rows) {
    return absl::DataLossError(
        absl::StrCat(count, " rows of user ", user.id, " from operation ",
                     operation.from_index, " instead of ", expected.rows,
                     expected.complete ? "" : " or more"));
  }
  size_t at = 0;
  absl::Status status;
  ForEachId(expected, [&](int64_t id) {
    if (!status.ok()) return;
    const Value found = rows.at(at++, 0);
    if (found.type() == Value::Type::kInt64 && found.int64() == id) return;
    status = absl::DataLossError(absl::StrCat(
        "row ", rows.at(at - 1, 0).ToString(), " where ", id, " should be"));
  });
  OPSBENCH_RETURN_IF_ERROR(status);
  known_first_id_ = -1;
  int64_t last = at == 0 ? FirstId(user.id, operation.from_index) - 1
                         : rows.at(at - 1, 0).int64();
  for (; at < rows.row_count(); ++at) {
    const Value id = rows.at(at, 0);
    if (id.type() != Value::Type::kInt64 || id.int64() <= last) {
      return absl::DataLossError(
          absl::StrCat("row ", id.ToString(), " after row ", last));
    }
    last = id.int64();
    OPSBENCH_RETURN_IF_ERROR(CheckWritten(user, table, last));
  }
  return absl::OkStatus();
}

absl::Status AnswerCheck::CheckSelect(const Table& table,
                                      const Operation& operation,
                                      const Expectation& expected,
                                      const ResultSet& rows) {
  OPSBENCH_RETURN_IF_ERROR(
      CheckIds(operation, operation.table, expected, rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    const std::array<Value, 3> row = {rows.at(i, 0), rows.at(i, 1),
                                      rows.at(i, 2)};
    OPSBENCH_RETURN_IF_ERROR(rows_.Check(table, row[0].int64(), row));
  }
  return absl::OkStatus();
}

absl::Status AnswerCheck::CheckGroups(const Table& table,
                                      const Expectation& expected,
                                      const ResultSet& rows) {
  std::array<Sums, 10> sums;
  ForEachId(expected, [&](int64_t id) {
    sums[static_cast<size_t>(id % 10)].Add(ValueQuarters(table, id));
  });
  return CompareGroups(table, sums, expected.complete, rows);
}

absl::Status AnswerCheck::CheckAggregate(const Table& table,
                                         const Operation& operation,
                                         const Expectation& expected,
                                         const ResultSet& rows) {
  if (operation.aggregate == Aggregate::kGroups) {
    return CheckGroups(table, expected, rows);
  }
  if (rows.row_count() != 1) {
    return Wrong(table, rows.row_count(), " rows for an aggregate");
  }
  Sums sums;
  ForEachId(expected, [&](int64_t id) { sums.Add(ValueQuarters(table, id)); });
  const double count = Number(rows.at(0, 0));
  if (!Fits(count, sums.count, expected.complete) ||
      count > static_cast<double>(operation.rows)) {
    return Wrong(table, "COUNT of ", count, " instead of ", sums.count,
                 expected.complete ? "" : " or more");
  }
  if (operation.aggregate == Aggregate::kCount || count == 0) {
    return absl::OkStatus();
  }
  const double first = Number(rows.at(0, 1));
  const double second = Number(rows.at(0, 2));
  bool right = false;
  if (operation.aggregate == Aggregate::kSum) {
    right = Fits(first * 4, sums.quarters, expected.complete) &&
            std::abs(second * count - first) <= 1e-9 * first;
  } else if (expected.complete) {
    right = first * 4 == static_cast<double>(sums.low) &&
            second * 4 == static_cast<double>(sums.high);
  } else {
    right = first <= second &&
            (sums.count == 0 || (first * 4 <= static_cast<double>(sums.low) &&
                                 second * 4 >= static_cast<double>(sums.high)));
  }
  if (right) return absl::OkStatus();
  return Wrong(table,
               operation.aggregate == Aggregate::kSum ? "SUM and AVG of "
                                                      : "MIN and MAX of ",
               first, " and ", second, " over ", count,
               " rows, of which the expected ones have the sum ",
               static_cast<double>(sums.quarters) / 4, " and lie in ",
               static_cast<double>(sums.low) / 4, " to ",
               static_cast<double>(sums.high) / 4);
}

absl::Status AnswerCheck::CheckJoin(const DatabaseSchema& schema,
                                    const Operation& operation,
                                    const Expectation& expected,
                                    const ResultSet& rows) {
  const Table& table = schema.tables[operation.table];
  const Table& second = schema.tables[operation.second_table];
  const Table& third =
      schema.tables[ThirdTable(operation, schema.tables.size())];
  OPSBENCH_RETURN_IF_ERROR(
      CheckIds(operation, operation.table, expected, rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    const int64_t id = rows.at(i, 0).int64();
    if (rows.at(i, 1) != Value::Double(ValueOf(table, id)) ||
        rows.at(i, 2) != Value::Double(ValueOf(second, id % kSeedRows)) ||
        (operation.complexity > 1 &&
         rows.at(i, 3) != Value::Double(ValueOf(third, id % kSeedRows)))) {
      return Wrong(table, "row ", id, " was joined to values that are not its");
    }
  }
  return absl::OkStatus();
}

absl::Status AnswerCheck::CheckJoinGroups(const DatabaseSchema& schema,
                                          const Operation& operation,
                                          const Expectation& expected,
                                          const ResultSet& rows) {
  const Table& table = schema.tables[operation.table];
  const Table& second = schema.tables[operation.second_table];
  std::array<Sums, kSeedRows> sums;
  ForEachId(expected, [&](int64_t id) {
    sums[static_cast<size_t>(id % kSeedRows)].Add(ValueQuarters(table, id));
  });
  OPSBENCH_RETURN_IF_ERROR(CompareGroups(table, sums, expected.complete, rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    const int64_t id = rows.at(i, 0).int64();
    if (rows.at(i, 3) != Value::Double(ValueOf(second, id))) {
      return Wrong(second, "row ", id, " has the value ",
                   rows.at(i, 3).ToString());
    }
  }
  return absl::OkStatus();
}

absl::Status AnswerCheck::Check(const DatabaseSchema& schema,
                                const Operation& operation,
                                const Expectation& expected,
                                const ResultSet& rows) {
  const Table& table = schema.tables[operation.table];
  switch (operation.kind) {
    case OperationKind::kSimpleSelect:
      return CheckSelect(table, operation, expected, rows);
    case OperationKind::kAggregate:
      return CheckAggregate(table, operation, expected, rows);
    case OperationKind::kComplexJoin:
      return operation.complexity < kMaxComplexity
                 ? CheckJoin(schema, operation, expected, rows)
                 : CheckJoinGroups(schema, operation, expected, rows);
    default:
      return absl::OkStatus();
  }
}

}  // namespace opsbench::stress
