// The part of Store that makes, drops and describes its tables.

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/sidetable/store.h"

namespace opsbench::sidetable {

absl::StatusOr<int64_t> Store::Run(absl::string_view section,
                                   const std::map<std::string, Value>& values,
                                   ResultSet* rows) {
  const SqlCatalog& catalog = sql_.Has(section) ? sql_ : common_;
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled,
                            catalog.Compile(section, engine_));
  std::vector<Value> arguments;
  for (const std::string& name : compiled.parameters) {
    const auto value = values.find(name);
    if (value == values.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("statement ", section, " needs :", name));
    }
    arguments.push_back(value->second);
  }
  OPSBENCH_ASSIGN_OR_RETURN(const auto statement,
                            session_->Prepare(compiled.sql));
  return statement->Execute(arguments, rows);
}

absl::Status Store::Execute(absl::string_view section) {
  const SqlCatalog& catalog = sql_.Has(section) ? sql_ : common_;
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled,
                            catalog.Compile(section, engine_));
  return session_->Execute(compiled.sql).status();
}

absl::StatusOr<absl::optional<Meta>> Store::ReadMeta() {
  ResultSet rows;
  const absl::Status status =
      Run("read_meta", {{"strategy", Value::Text(StrategyName(strategy_))}},
          &rows)
          .status();
  if (absl::IsNotFound(status)) return absl::optional<Meta>();
  OPSBENCH_RETURN_IF_ERROR(status);
  if (rows.row_count() == 0) return absl::optional<Meta>();
  Meta meta;
  meta.schema_version = static_cast<int>(rows.at(0, 0).int64());
  meta.seed = static_cast<uint64_t>(rows.at(0, 1).int64());
  meta.operations = rows.at(0, 2).int64();
  meta.chunk_operations = rows.at(0, 3).int64();
  meta.complete = rows.at(0, 4).int64() != 0;
  return absl::optional<Meta>(meta);
}

absl::StatusOr<Meta> Store::RequireSeeded() {
  OPSBENCH_ASSIGN_OR_RETURN(const absl::optional<Meta> meta, ReadMeta());
  const absl::string_view name = StrategyName(strategy_);
  if (!meta.has_value()) {
    return absl::NotFoundError(
        absl::StrCat("no data of strategy ", name,
                     " in this database: run `opsbench sidetable seed "
                     "--strategy ",
                     name, "` first"));
  }
  if (meta->schema_version != kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the data of strategy ", name, " has schema version ",
        meta->schema_version, ", this opsbench has ", kSchemaVersion,
        ": run `opsbench sidetable seed --fresh` to replace it"));
  }
  if (!meta->complete) {
    return absl::FailedPreconditionError(
        absl::StrCat("seeding of strategy ", name,
                     " was interrupted: run `opsbench sidetable seed "
                     "--resume` to finish it"));
  }
  return *meta;
}

absl::Status Store::CreateSchema(const Meta& meta) {
  for (const std::string& table : Tables(strategy_)) {
    const absl::Status found =
        session_->Execute(absl::StrCat("SELECT 1 FROM ", table, " LIMIT 1"))
            .status();
    if (found.ok()) {
      return absl::AlreadyExistsError(absl::StrCat(
          "table ", table,
          " exists and was not made by opsbench: name another database"));
    }
    if (!absl::IsNotFound(found)) return found;
  }
  // The record comes first: if this process dies between two statements, the
  // tables are known to be ours and --fresh may drop them.
  OPSBENCH_RETURN_IF_ERROR(Execute("create_meta"));
  OPSBENCH_RETURN_IF_ERROR(Execute("create_chunks"));
  OPSBENCH_RETURN_IF_ERROR(
      Run("write_meta",
          {{"strategy", Value::Text(StrategyName(strategy_))},
           {"version", Value::Int64(meta.schema_version)},
           {"seed", Value::Int64(static_cast<int64_t>(meta.seed))},
           {"operations", Value::Int64(meta.operations)},
           {"chunk_operations", Value::Int64(meta.chunk_operations)}},
          nullptr)
          .status());
  for (const std::string& section : sql_.NamesWithPrefix("create_")) {
    const absl::Status created = Execute(section);
    if (!created.ok()) {
      DropSchema().IgnoreError();
      return created;
    }
  }
  return absl::OkStatus();
}

absl::Status Store::DropSchema() {
  queries_ = {};
  insert_rows_.clear();
  for (const std::string& section : sql_.NamesWithPrefix("drop_")) {
    OPSBENCH_RETURN_IF_ERROR(Execute(section));
  }
  const std::map<std::string, Value> key = {
      {"strategy", Value::Text(StrategyName(strategy_))}};
  for (const absl::string_view section : {"delete_chunks", "delete_meta"}) {
    const absl::Status status = Run(section, key, nullptr).status();
    if (!status.ok() && !absl::IsNotFound(status)) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int64_t>> Store::ReadChunks() {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      Run("read_chunks", {{"strategy", Value::Text(StrategyName(strategy_))}},
          &rows)
          .status());
  std::vector<int64_t> chunks;
  for (size_t i = 0; i < rows.row_count(); ++i) {
    chunks.push_back(rows.at(i, 0).int64());
  }
  return chunks;
}

absl::Status Store::WriteChunk(int64_t chunk) {
  return Run("write_chunk",
             {{"strategy", Value::Text(StrategyName(strategy_))},
              {"chunk", Value::Int64(chunk)}},
             nullptr)
      .status();
}

absl::Status Store::Finish(int64_t operations) {
  // An index that is larger than the engine's cache costs a read for each row,
  // but when it is made of all rows at once, a sort. A seeding that is resumed
  // may have made it before it was interrupted.
  for (const std::string& section : sql_.NamesWithPrefix("index_")) {
    const absl::Status status = Execute(section);
    if (!status.ok() && !absl::IsAlreadyExists(status)) {
      return status;
    }
  }
  for (const std::string& section : sql_.NamesWithPrefix("analyze_")) {
    OPSBENCH_RETURN_IF_ERROR(Execute(section));
  }
  if (sql_.Has("advance_ids")) {
    OPSBENCH_RETURN_IF_ERROR(
        Run("advance_ids", {{"id", Value::Int64(operations)}}, nullptr)
            .status());
  }
  return Run("complete_meta",
             {{"strategy", Value::Text(StrategyName(strategy_))}}, nullptr)
      .status();
}

absl::StatusOr<int64_t> Store::CountOperations() {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(Run("count_all", {}, &rows).status());
  return rows.at(0, 0).int64();
}

}  // namespace opsbench::sidetable
