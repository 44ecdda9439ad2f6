#include "opsbench/stress/oracle.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/random.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/stress/statements.h"

namespace opsbench::stress {
namespace {

constexpr size_t kMaxFindings = 20;
constexpr uint64_t kSampleSalt = 0x7374726573732d6fu;

// The exceptions of a log, with the write that a killed process left running.
std::vector<Exception> ExceptionsOf(const Plan& plan, const UserLog& log) {
  std::vector<Exception> exceptions = log.exceptions();
  if (log.begun() > log.ended()) {
    const int64_t index = log.begun() - 1;
    const Operation operation =
        plan.At(plan.users[static_cast<size_t>(log.user().id)], index);
    // It may have been killed while it was noting the outcome.
    const bool logged =
        (!exceptions.empty() && exceptions.back().index == index) ||
        log.acknowledged(operation.table).last_index == index;
    if (IsWrite(operation.kind) && !logged) {
      exceptions.push_back({.index = index,
                            .rows = static_cast<uint32_t>(operation.rows),
                            .table = operation.table,
                            .outcome = Outcome::kUnknown});
    }
  }
  return exceptions;
}

// One user's rows in its database.
class UserCheck {
 public:
  UserCheck(const Plan& plan, const UserLog& log, Statements& statements,
            const OracleOptions& options, OracleReport* report)
      : plan_(plan),
        user_(plan.users[static_cast<size_t>(log.user().id)]),
        schema_(plan.schema_of(user_)),
        log_(log),
        exceptions_(ExceptionsOf(plan, log)),
        statements_(statements),
        options_(options),
        report_(*report) {}

  absl::Status Run() {
    const int tables = static_cast<int>(schema_.tables.size());
    std::vector<Acknowledged> expected;
    for (int table = 0; table < tables; ++table) {
      expected.push_back(log_.acknowledged(table));
      report_.acknowledged_operations += expected.back().operations;
      report_.acknowledged_rows += expected.back().rows;
    }
    OPSBENCH_RETURN_IF_ERROR(ResolveExceptions(&expected));
    for (int table = 0; table < tables; ++table) {
      OPSBENCH_RETURN_IF_ERROR(
          CheckTable(table, expected[static_cast<size_t>(table)]));
    }
    return CheckSample();
  }

 private:
  absl::StatusOr<Statements::Sum> CountOf(int table, int64_t index) {
    const int64_t first = FirstId(user_.id, index);
    return statements_.Count(table, first, FirstId(user_.id, index + 1));
  }

  int64_t QuartersOf(int table, int64_t index, int64_t rows) const {
    int64_t quarters = 0;
    const int64_t first = FirstId(user_.id, index);
    for (int64_t id = first; id < first + rows; ++id) {
      quarters += ValueQuarters(schema_.tables[static_cast<size_t>(table)], id);
    }
    return quarters;
  }

  // Finds out what became of writes without an acknowledgement; those that
  // stand are added to what is expected.
  absl::Status ResolveExceptions(std::vector<Acknowledged>* expected) {
    for (const Exception& exception : exceptions_) {
      OPSBENCH_ASSIGN_OR_RETURN(const Statements::Sum found,
                                CountOf(exception.table, exception.index));
      const bool unknown = exception.outcome == Outcome::kUnknown;
      const int64_t rows = exception.rows;
      report_.unknown_operations += unknown ? 1 : 0;
      if (found.rows == 0) {
        report_.unknown_absent += unknown ? 1 : 0;
        continue;
      }
      Acknowledged& sum = (*expected)[exception.table];
      sum.rows += found.rows;
      sum.quarters += static_cast<int64_t>(found.quarters);
      if (!unknown) {
        report_.unexpected_rows += found.rows;
        Find(exception.index, OutcomeName(exception.outcome), ", but ",
             found.rows, " rows of it are there");
      } else if (found.rows == rows &&
                 found.quarters ==
                     static_cast<double>(
                         QuartersOf(exception.table, exception.index, rows))) {
        ++report_.unknown_applied;
      } else {
        ++report_.unknown_torn;
        Find(exception.index, "its connection was lost: ", found.rows, " of ",
             rows, " rows are there");
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckTable(int table, const Acknowledged& expected) {
    OPSBENCH_ASSIGN_OR_RETURN(const Statements::Sum found,
                              statements_.Count(table, FirstId(user_.id, 0),
                                                FirstId(user_.id + 1, 0)));
    if (found.rows == expected.rows &&
        found.quarters == static_cast<double>(expected.quarters)) {
      return absl::OkStatus();
    }
    const int64_t known = report_.lost_rows + report_.unexpected_rows;
    OPSBENCH_RETURN_IF_ERROR(FindWrites(table));
    if (report_.lost_rows + report_.unexpected_rows == known) {
      // Every write is as it should be, so there are rows between them.
      report_.unexpected_rows +=
          std::max<int64_t>(1, found.rows - expected.rows);
      Add(absl::StrCat("user ", user_.id, ", table ",
                       schema_.tables[static_cast<size_t>(table)].name, ": ",
                       found.rows, " rows with the sum ", found.quarters / 4,
                       " instead of ", expected.rows, " with ",
                       static_cast<double>(expected.quarters) / 4));
    }
    return absl::OkStatus();
  }

  // Asks for each acknowledged write to `table` and counts what is not right.
  absl::Status FindWrites(int table) {
    for (int64_t index = 0; index < log_.begun(); ++index) {
      const Operation operation = plan_.At(user_, index);
      if (!IsWrite(operation.kind) || operation.table != table ||
          IsException(index)) {
        continue;
      }
      OPSBENCH_ASSIGN_OR_RETURN(const Statements::Sum found,
                                CountOf(table, index));
      const int64_t rows = operation.rows;
      if (found.rows == rows &&
          found.quarters ==
              static_cast<double>(QuartersOf(table, index, rows))) {
        continue;
      }
      report_.lost_rows += std::max<int64_t>(0, rows - found.rows);
      report_.unexpected_rows += std::max<int64_t>(0, found.rows - rows);
      report_.wrong_rows += found.rows == rows ? 1 : 0;
      Find(index, rows, " rows acknowledged, ", found.rows, " found",
           found.rows == rows ? ", whose values are others" : "");
    }
    return absl::OkStatus();
  }

  bool IsException(int64_t index) const {
    return std::binary_search(exceptions_.begin(), exceptions_.end(),
                              Exception{.index = index},
                              [](const Exception& a, const Exception& b) {
                                return a.index < b.index;
                              });
  }

  absl::Status CheckSample() {
    if (log_.ended() == 0) return absl::OkStatus();
    Random random = Random::Stream(options_.seed, kSampleSalt,
                                   static_cast<uint64_t>(user_.id));
    for (int i = 0; i < options_.sample_operations; ++i) {
      // The first acknowledged write from a random place on.
      int64_t index = static_cast<int64_t>(
          random.Below(static_cast<uint64_t>(log_.ended())));
      Operation operation;
      for (; index < log_.ended(); ++index) {
        operation = plan_.At(user_, index);
        if (IsWrite(operation.kind) && !IsException(index)) break;
      }
      if (index < log_.ended()) {
        OPSBENCH_RETURN_IF_ERROR(ReadWrite(operation, index));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadWrite(const Operation& operation, int64_t index) {
    const int64_t first = FirstId(user_.id, index);
    OPSBENCH_RETURN_IF_ERROR(
        statements_.ReadRows(operation.table, first, first + operation.rows,
                             options_.sample_rows, &rows_));
    const Table& table = schema_.tables[operation.table];
    std::vector<Value> row(rows_.column_count());
    for (size_t i = 0; i < rows_.row_count(); ++i) {
      for (size_t c = 0; c < row.size(); ++c) row[c] = rows_.at(i, c);
      ++report_.sampled_rows;
      const absl::Status status = maker_.Check(table, row[0].int64(), row);
      if (status.ok()) continue;
      ++report_.wrong_rows;
      Find(index, status.message());
    }
    return absl::OkStatus();
  }

  template <typename... Args>
  void Find(int64_t index, const Args&... args) {
    Add(absl::StrCat("user ", user_.id, ", operation ", index, " (",
                     DescribeOperation(schema_, plan_.At(user_, index)),
                     "): ", args...));
  }

  void Add(std::string finding) {
    if (report_.findings.size() < kMaxFindings) {
      report_.findings.push_back(std::move(finding));
    }
  }

  const Plan& plan_;
  const User& user_;
  const DatabaseSchema& schema_;
  const UserLog& log_;
  const std::vector<Exception> exceptions_;
  Statements& statements_;
  const OracleOptions& options_;
  OracleReport& report_;
  RowMaker maker_;
  ResultSet rows_;
};

// That the rows of the start are whole.
absl::Status CheckSeedRows(const DatabaseSchema& schema, const Url& url,
                           Statements& statements, OracleReport* report) {
  for (size_t table = 0; table < schema.tables.size(); ++table) {
    int64_t quarters = 0;
    for (int64_t id = 0; id < kSeedRows; ++id) {
      quarters += ValueQuarters(schema.tables[table], id);
    }
    OPSBENCH_ASSIGN_OR_RETURN(
        const Statements::Sum found,
        statements.Count(static_cast<int>(table), 0, FirstId(0, 0)));
    if (found.rows == kSeedRows &&
        found.quarters == static_cast<double>(quarters)) {
      continue;
    }
    report->lost_rows += std::max<int64_t>(0, kSeedRows - found.rows);
    report->findings.push_back(
        absl::StrCat(url.Redacted(), ", table ", schema.tables[table].name,
                     ": of the rows of the start ", found.rows, " are there"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OracleReport> CheckDatabases(
    const Plan& plan, const Databases& databases,
    const std::vector<const UserLog*>& logs, const OracleOptions& options) {
  OracleReport report;
  for (size_t i = 0; i < plan.databases.size(); ++i) {
    OPSBENCH_ASSIGN_OR_RETURN(const SqlCatalog sql,
                              LoadWorkloadSql(databases.server.engine));
    OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                              Connect(databases.urls[i]));
    Statements statements(session.get(), sql, plan.databases[i]);
    OPSBENCH_RETURN_IF_ERROR(CheckSeedRows(plan.databases[i], databases.urls[i],
                                           statements, &report));
    for (const int user : plan.users_of[i]) {
      OPSBENCH_RETURN_IF_ERROR(UserCheck(plan, *logs[static_cast<size_t>(user)],
                                         statements, options, &report)
                                   .Run());
    }
  }
  return report;
}

}  // namespace opsbench::stress
