#include "opsbench/stress/oracle.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/stress/database_mark.h"
#include "opsbench/stress/table_check.h"

namespace opsbench::stress {
namespace {

class Oracle {
 public:
  Oracle(const Plan& plan, const Databases& databases,
         const std::vector<const UserLog*>& logs, const OracleOptions& options)
      : plan_(plan), databases_(databases), logs_(logs), options_(options) {}

  absl::StatusOr<OracleReport> Run() {
    OPSBENCH_ASSIGN_OR_RETURN(sql_, LoadWorkloadSql(databases_.server.engine));
    for (size_t i = 0; i < plan_.databases.size(); ++i) {
      OPSBENCH_RETURN_IF_ERROR(CheckDatabase(i));
    }
    return std::move(report_);
  }

 private:
  Operation At(const User& user, int64_t index) const {
    return options_.operation_at ? options_.operation_at(user, index)
                                 : plan_.At(user, index);
  }

  // The writes of a user's log that were not acknowledged, with the one that a
  // killed process left running.
  std::vector<Exception> ExceptionsOf(const User& user,
                                      const UserLog& log) const {
    std::vector<Exception> exceptions = log.exceptions();
    if (log.begun() == log.ended()) return exceptions;
    const int64_t index = log.begun() - 1;
    const Operation operation = At(user, index);
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
    return exceptions;
  }

  // Appends the user's writes to those of its tables, and counts them.
  void AddWrites(const User& user, std::vector<std::vector<Write>>* writes) {
    const UserLog& log = *logs_[static_cast<size_t>(user.id)];
    const std::vector<Exception> exceptions = ExceptionsOf(user, log);
    auto exception = exceptions.begin();
    std::vector<Acknowledged> sums(writes->size());
    for (int64_t index = 0; index < log.begun(); ++index) {
      const Operation operation = At(user, index);
      if (!IsWrite(operation.kind)) continue;
      while (exception != exceptions.end() && exception->index < index) {
        ++exception;
      }
      const bool excepted =
          exception != exceptions.end() && exception->index == index;
      const Outcome outcome = excepted ? exception->outcome : Outcome::kDone;
      (*writes)[operation.table].push_back(
          {FirstId(user.id, index), operation.rows, outcome});
      if (excepted) continue;
      ++sums[operation.table].operations;
      sums[operation.table].rows += operation.rows;
    }
    for (size_t table = 0; table < sums.size(); ++table) {
      const Acknowledged& logged = log.acknowledged(static_cast<int>(table));
      report_.acknowledged_operations += logged.operations;
      report_.acknowledged_rows += logged.rows;
      if (logged.operations == sums[table].operations &&
          logged.rows == sums[table].rows) {
        continue;
      }
      ++report_.wrong_logs;
      report_.Add(absl::StrCat(
          "user ", user.id, ": its log has ", logged.operations,
          " acknowledged writes of ", logged.rows, " rows to ",
          plan_.schema_of(user).tables[table].name, ", and its operations are ",
          sums[table].operations, " of ", sums[table].rows));
    }
  }

  // The operation that writes row `id`, or why none does.
  std::string DescribeWriter(size_t database, size_t table, int64_t id) const {
    const std::vector<int>& users = plan_.users_of[database];
    const int number = UserOf(id);
    if (id < 0 ||
        std::find(users.begin(), users.end(), number) == users.end()) {
      return "the id is outside the ranges of all users and of the start";
    }
    const User& user = plan_.users[static_cast<size_t>(number)];
    const int64_t index = IndexOf(id);
    if (index >= logs_[static_cast<size_t>(number)]->begun()) {
      return absl::StrCat("user ", number, " has not begun operation ", index);
    }
    const Operation operation = At(user, index);
    std::string text = absl::StrCat(
        "user ", number, ", operation ", index, " (",
        DescribeOperation(plan_.databases[database], operation), ")");
    if (!IsWrite(operation.kind) || operation.table != table ||
        RowOf(id) >= operation.rows) {
      absl::StrAppend(&text, " writes no such row");
    }
    return text;
  }

  absl::Status CheckDatabase(size_t database) {
    const Url& url = databases_.urls[database];
    const std::vector<Table>& tables = plan_.databases[database].tables;
    std::vector<std::vector<Write>> writes(tables.size());
    for (const int user : plan_.users_of[database]) {
      AddWrites(plan_.users[static_cast<size_t>(user)], &writes);
    }
    OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                              ConnectTo(url));
    Definitions found;
    if (session == nullptr) {
      AddDefinition(absl::StrCat(Label(url), " is gone"));
    } else {
      OPSBENCH_ASSIGN_OR_RETURN(found, ReadDefinitions(*session, sql_));
      OPSBENCH_RETURN_IF_ERROR(CheckMark(*session, url, found));
      OPSBENCH_RETURN_IF_ERROR(NoteDurability(*session));
    }
    for (size_t i = 0; i < tables.size(); ++i) {
      TableNames names = {
          .table = absl::StrCat(Label(url), ".", tables[i].name),
          .operation = [this, database, i](int64_t id) {
            return DescribeWriter(database, i, id);
          }};
      const std::string label = names.table;
      TableCheck check(tables[i], std::move(writes[i]), std::move(names),
                       &report_);
      const auto columns = found.find(tables[i].name);
      if (columns != found.end()) {
        OPSBENCH_ASSIGN_OR_RETURN(
            const bool read,
            ReadRows(*session, tables[i], label, columns->second, &check));
        if (!read) continue;
      } else if (session != nullptr) {
        AddDefinition(absl::StrCat(label, " is gone"));
      }
      check.Finish();
    }
    return absl::OkStatus();
  }

  static std::string Label(const Url& url) {
    return url.engine == Engine::kSqlite
               ? std::filesystem::path(url.database).stem().string()
               : url.database;
  }

  // Null: there is no such database.
  static absl::StatusOr<std::unique_ptr<Session>> ConnectTo(const Url& url) {
    absl::StatusOr<std::unique_ptr<Session>> session = ConnectToRead(url);
    if (absl::IsNotFound(session.status())) return nullptr;
    return session;
  }

  void AddDefinition(std::string finding) {
    ++report_.wrong_definitions;
    report_.Add(std::move(finding));
  }

  // That tables are those that were made, column by column.
  absl::Status CheckMark(Session& session, const Url& url,
                         const Definitions& found) {
    OPSBENCH_ASSIGN_OR_RETURN(const DatabaseMark mark, ReadMark(session, sql_));
    if (mark.maker != databases_.maker) {
      AddDefinition(absl::StrCat(Label(url), ".", kMarkTable,
                                 ", in which opsbench notes what it made, is "
                                 "gone"));
      return absl::OkStatus();
    }
    for (const std::string& table : ForeignTables(found, mark.made)) {
      AddDefinition(
          absl::StrCat(Label(url), ".", table, " was not made by the run"));
    }
    for (const auto& [table, columns] : mark.made) {
      const auto now = found.find(table);
      if (now == found.end() || columns.empty()) continue;
      for (const auto& [name, definition] : columns) {
        CheckColumn(absl::StrCat(Label(url), ".", table, ", column ", name),
                    name, definition, now->second);
      }
      for (const auto& [name, definition] : now->second) {
        if (Find(columns, name) != nullptr) continue;
        AddDefinition(absl::StrCat(Label(url), ".", table, ", column ", name,
                                   ": was not made by the run"));
      }
    }
    return absl::OkStatus();
  }

  using ColumnList = Definitions::mapped_type;

  static const std::string* Find(const ColumnList& columns,
                                 const std::string& name) {
    for (const auto& [column, definition] : columns) {
      if (column == name) return &definition;
    }
    return nullptr;
  }

  void CheckColumn(const std::string& label, const std::string& name,
                   const std::string& definition, const ColumnList& found) {
    const std::string* const now = Find(found, name);
    if (now == nullptr) {
      AddDefinition(absl::StrCat(label, " is gone"));
    } else if (*now != definition) {
      AddDefinition(
          absl::StrCat(label, ": is ", *now, " instead of ", definition));
    }
  }

  // Gives `check` all rows. False: columns are missing, so that nothing can be
  // told of them.
  absl::StatusOr<bool> ReadRows(Session& session, const Table& table,
                                const std::string& label,
                                const ColumnList& found, TableCheck* check) {
    const absl::Span<const std::string> columns = Columns(table.size);
    for (const std::string& column : columns) {
      if (Find(found, column) != nullptr) continue;
      report_.Add(absl::StrCat(label, ": its rows cannot be compared without ",
                               "the column ", column));
      return false;
    }
    OPSBENCH_ASSIGN_OR_RETURN(
        const CompiledSql compiled,
        sql_.Compile("rows", session.capabilities().engine,
                     {{"table", table.name},
                      {"columns", absl::StrJoin(columns, ", ")}}));
    OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<RowIterator> rows,
                              session.Stream(compiled.sql));
    std::vector<Value> row(columns.size());
    for (;;) {
      OPSBENCH_ASSIGN_OR_RETURN(const bool more,
                                rows->Next(absl::MakeSpan(row)));
      if (!more) return true;
      check->Add(row);
    }
  }

  // Notes once what the server itself risks.
  absl::Status NoteDurability(Session& session) {
    if (!sql_.Has("durability") || !report_.notes.empty()) {
      return absl::OkStatus();
    }
    OPSBENCH_ASSIGN_OR_RETURN(
        const CompiledSql compiled,
        sql_.Compile("durability", session.capabilities().engine));
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(session.Query(compiled.sql, &rows));
    for (size_t i = 0; i < rows.row_count(); ++i) {
      report_.notes.push_back(absl::StrCat(
          "the server runs with ", rows.at(i, 0).ToString(), " = ",
          rows.at(i, 1).ToString(), ": a crash of ", rows.at(i, 2).ToString(),
          " may lose what was acknowledged last"));
    }
    return absl::OkStatus();
  }

  const Plan& plan_;
  const Databases& databases_;
  const std::vector<const UserLog*>& logs_;
  const OracleOptions& options_;
  SqlCatalog sql_;
  OracleReport report_;
};

}  // namespace

absl::StatusOr<OracleReport> CheckDatabases(
    const Plan& plan, const Databases& databases,
    const std::vector<const UserLog*>& logs, const OracleOptions& options) {
  return Oracle(plan, databases, logs, options).Run();
}

}  // namespace opsbench::stress
