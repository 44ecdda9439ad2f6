#include "opsbench/pipeline/bench_events.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/pipeline/internal/sql_files.h"

namespace opsbench::pipeline {
namespace {

// Of one statement; the MySQL one makes a million at most.
constexpr int64_t kChunkRows = 100'000;

// Of the mark, before the number of rows that the table was made for.
constexpr absl::string_view kRowsDetail = "rows=";

std::string QuoteName(Engine engine, absl::string_view name) {
  const char* quote = engine == Engine::kMysql ? "`" : "\"";
  return absl::StrCat(
      quote, absl::StrReplaceAll(name, {{quote, absl::StrCat(quote, quote)}}),
      quote);
}

class Seeder {
 public:
  Seeder(Session* session, SqlCatalog catalog,
         const BenchEventsOptions& options)
      : session_(session), catalog_(std::move(catalog)), options_(options) {
    const std::string table = Quoted(options.table.table);
    replacements_["schema"] = Quoted(options.table.schema);
    replacements_["table"] =
        options.table.schema.empty()
            ? table
            : absl::StrCat(replacements_["schema"], ".", table);
    replacements_["table_text"] = absl::StrCat(
        "'", absl::StrReplaceAll(replacements_["table"], {{"'", "''"}}), "'");
  }

  absl::Status Create() {
    if (!options_.table.schema.empty() && catalog_.Has("create_schema")) {
      OPSBENCH_RETURN_IF_ERROR(Execute("create_schema"));
    }
    OPSBENCH_RETURN_IF_ERROR(MakeRoom());
    OPSBENCH_ASSIGN_OR_RETURN(
        const CompiledSql sql,
        catalog_.Compile("create", engine(), replacements_));
    return CreateMarkedTable(*session_, Id(), sql.sql, options_.maker,
                             absl::StrCat(kRowsDetail, options_.rows));
  }

  absl::StatusOr<int64_t> LastId() {
    OPSBENCH_ASSIGN_OR_RETURN(
        const CompiledSql sql,
        catalog_.Compile("last_id", engine(), replacements_));
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(session_->Query(sql.sql, &rows));
    return rows.at(0, 0).int64();
  }

  absl::Status Run() {
    OPSBENCH_RETURN_IF_ERROR(Create());
    absl::Status status = Fill();
    // Half a table would be taken for a whole one.
    if (!status.ok()) Execute("drop").IgnoreError();
    return status;
  }

 private:
  Engine engine() const { return session_->capabilities().engine; }
  std::string Quoted(absl::string_view name) const {
    return QuoteName(engine(), name);
  }

  TableId Id() const { return {options_.table.schema, options_.table.table}; }

  // Drops what stands under the name, where it may be.
  absl::Status MakeRoom() {
    OPSBENCH_ASSIGN_OR_RETURN(const TableOwner owner,
                              FindTableOwner(*session_, Id()));
    if (owner.ownership == Ownership::kAbsent) return absl::OkStatus();
    const bool ours =
        owner.ownership == Ownership::kOurs && owner.maker == options_.maker;
    if (options_.replace_foreign && owner.kind != "table") {
      return absl::FailedPreconditionError(
          absl::StrCat(options_.table.ToString(), " is a ", owner.kind,
                       ", which is not replaced by a table: drop it"));
    }
    if (options_.replace_foreign || (ours && options_.fresh)) {
      return Execute("drop");
    }
    if (ours) {
      return absl::AlreadyExistsError(absl::StrCat(
          "the table ", options_.table.ToString(), " is there already"));
    }
    return RequireOurs(*session_, Id(), options_.maker, "rename or drop it")
        .status();
  }

  absl::Status Execute(absl::string_view name) {
    OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql sql,
                              catalog_.Compile(name, engine(), replacements_));
    return session_->Execute(sql.sql).status();
  }

  absl::StatusOr<CompiledSql> CompileInsert() {
    OPSBENCH_ASSIGN_OR_RETURN(
        const CompiledSql filler,
        catalog_.Compile(absl::StrCat("filler_", options_.profile_bytes),
                         engine()));
    std::map<std::string, std::string> replacements = replacements_;
    replacements["filler"] = filler.sql;
    return catalog_.Compile("insert", engine(), replacements);
  }

  absl::Status Fill() {
    OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql sql, CompileInsert());
    OPSBENCH_ASSIGN_OR_RETURN(const auto insert, session_->Prepare(sql.sql));
    for (int64_t done = 0; done < options_.rows;) {
      if (options_.stop != nullptr && *options_.stop) {
        return absl::CancelledError("interrupted while seeding");
      }
      const int64_t last = std::min(done + kChunkRows, options_.rows);
      std::vector<Value> values;
      for (const std::string& name : sql.parameters) {
        values.push_back(Value::Int64(name == "first" ? done + 1 : last));
      }
      OPSBENCH_RETURN_IF_ERROR(insert->Execute(values, nullptr).status());
      done = last;
      if (options_.on_progress) options_.on_progress(done);
    }
    if (catalog_.Has("sequence")) {
      OPSBENCH_ASSIGN_OR_RETURN(
          const CompiledSql sequence,
          catalog_.Compile("sequence", engine(), replacements_));
      OPSBENCH_ASSIGN_OR_RETURN(const auto statement,
                                session_->Prepare(sequence.sql));
      OPSBENCH_RETURN_IF_ERROR(
          statement->Execute({Value::Int64(options_.rows)}, nullptr).status());
    }
    return Execute("analyze");
  }

  Session* const session_;
  const SqlCatalog catalog_;
  const BenchEventsOptions& options_;
  std::map<std::string, std::string> replacements_;
};

absl::StatusOr<SqlCatalog> CatalogFor(const Session& session) {
  return runner_internal::LoadCatalog(absl::StrCat(
      EngineName(session.capabilities().engine), "/pipeline/bench_events"));
}

}  // namespace

absl::Status SeedBenchEvents(Session* session,
                             const BenchEventsOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(SqlCatalog catalog, CatalogFor(*session));
  return Seeder(session, std::move(catalog), options).Run();
}

absl::StatusOr<int64_t> SeededRows(Session* session, const TableName& table) {
  OPSBENCH_ASSIGN_OR_RETURN(
      const TableOwner owner,
      FindTableOwner(*session, {table.schema, table.table}));
  absl::string_view detail = owner.detail;
  int64_t rows = 0;
  if (owner.maker != kSeedMaker || !absl::ConsumePrefix(&detail, kRowsDetail) ||
      !absl::SimpleAtoi(detail, &rows)) {
    return 0;
  }
  OPSBENCH_ASSIGN_OR_RETURN(const SqlCatalog catalog, CatalogFor(*session));
  BenchEventsOptions options;
  options.table = table;
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t last,
                            Seeder(session, catalog, options).LastId());
  // Rows are made in the order of their ids.
  if (last >= rows) return rows;
  return absl::FailedPreconditionError(absl::StrCat(
      "the table ", table.ToString(), " has ", last, " of ", rows,
      " rows, because its seeding was cut off: make it again by `opsbench "
      "pipeline seed --fresh`, or drop it"));
}

absl::Status CreateBenchEvents(Session* session,
                               const BenchEventsOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(SqlCatalog catalog, CatalogFor(*session));
  return Seeder(session, std::move(catalog), options).Create();
}

}  // namespace opsbench::pipeline
