// The part of Store that makes, drops and describes its tables.

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/sidetable/store.h"

namespace opsbench::sidetable {
namespace {

// Tables that all strategies of one purpose share.
constexpr absl::string_view kRecords[] = {"sidetable_meta", "sidetable_chunks"};

constexpr absl::string_view kProcedure = "insert_operation_with_prefixes";

// Where the name stands in CREATE TABLE … and CREATE INDEX IF NOT EXISTS ….
constexpr size_t kTableNameWord = 2;
constexpr size_t kIndexNameWord = 5;

}  // namespace

absl::StatusOr<int64_t> Store::Run(absl::string_view section,
                                   const std::map<std::string, Value>& values,
                                   ResultSet* rows) {
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled, Compile(section));
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
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled, Compile(section));
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
        ": run `opsbench sidetable seed --strategy ", name, " --ops ",
        meta->operations, " --seed ", meta->seed,
        "` to bring it up to date, or with --fresh to replace it"));
  }
  if (!meta->complete) {
    return absl::FailedPreconditionError(
        absl::StrCat("seeding of strategy ", name,
                     " was interrupted: run `opsbench sidetable seed "
                     "--resume` to finish it"));
  }
  // Rows are added to what is ours alone.
  for (const std::string& table : Tables(strategy_, engine_)) {
    OPSBENCH_RETURN_IF_ERROR(
        RequireOurs(*session_, {"", NameOf(table)}, Maker(purpose_),
                    "name another database, or replace it by `opsbench "
                    "sidetable seed --fresh --replace-foreign`")
            .status());
  }
  return *meta;
}

std::string Store::Remedy() const {
  return purpose_ == Purpose::kData
             ? "add --fresh --replace-foreign to replace it, or name another "
               "database"
             : "rename or drop it, or name another database";
}

absl::StatusOr<TableOwner> Store::FindProcedure() {
  TableOwner owner;
  if (!sql_.Has("find_procedure")) return owner;
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      Run("find_procedure", {{"name", Value::Text(NameOf(kProcedure))}}, &rows)
          .status());
  // PostgreSQL may have several, of which one that is not ours counts.
  for (size_t i = 0; i < rows.row_count(); ++i) {
    owner = ParseOwnershipMark(rows.at(i, 0).text());
    owner.kind = "procedure";
    if (owner.maker != Maker(purpose_)) break;
  }
  return owner;
}

absl::StatusOr<std::vector<Store::Thing>> Store::FindThings() {
  std::vector<Thing> things;
  for (const std::string& table : Tables(strategy_, engine_)) {
    things.push_back({NameOf(table), {}});
  }
  for (const absl::string_view record : kRecords) {
    things.push_back({NameOf(record), {}, /*shared=*/true});
  }
  // An index is dropped with its table; what has its name without one is not
  // ours. MySQL's have no names of their own.
  for (const std::string& section : sql_.NamesWithPrefix("index_")) {
    if (engine_ == Engine::kMysql) break;
    OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled, Compile(section));
    const std::vector<std::string> words =
        absl::StrSplit(compiled.sql, absl::ByAnyChar(" \n"));
    things.push_back({words[kIndexNameWord], {}});
  }
  for (Thing& thing : things) {
    OPSBENCH_ASSIGN_OR_RETURN(thing.owner,
                              FindTableOwner(*session_, {"", thing.name}));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const TableOwner procedure, FindProcedure());
  things.push_back({NameOf(kProcedure), procedure});
  return things;
}

absl::Status Store::RefuseForeign(const Thing& thing) const {
  const TableOwner& owner = thing.owner;
  if (owner.ownership == Ownership::kAbsent || IsOurs(thing)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      owner.kind, " ", thing.name,
      owner.maker.empty()
          ? " was not made by opsbench"
          : absl::StrCat(" was made by `opsbench ", owner.maker, "`"),
      ": ",
      owner.kind == "table" || owner.kind == "procedure"
          ? Remedy()
          : "rename or drop it, or name another database"));
}

absl::Status Store::CreateTable(absl::string_view section) {
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled, Compile(section));
  if (!absl::StartsWith(compiled.sql, "CREATE TABLE ")) {
    return session_->Execute(compiled.sql).status();
  }
  const std::vector<std::string> words =
      absl::StrSplit(compiled.sql, absl::MaxSplits(' ', kTableNameWord + 1));
  return CreateMarkedTable(*session_, {"", words[kTableNameWord]}, compiled.sql,
                           Maker(purpose_));
}

absl::Status Store::CreateSchema(const Meta& meta) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<Thing> things, FindThings());
  for (const Thing& thing : things) {
    OPSBENCH_RETURN_IF_ERROR(RefuseForeign(thing));
    if (thing.owner.ownership != Ownership::kAbsent && !thing.shared) {
      return absl::FailedPreconditionError(absl::StrCat(
          thing.owner.kind, " ", thing.name,
          " is left over from an earlier `opsbench sidetable seed`: add "
          "--fresh to replace it"));
    }
  }
  // The record comes first: if this process dies between two statements, it is
  // known what the tables were to be.
  for (const Thing& thing : things) {
    if (!thing.shared || thing.owner.ownership != Ownership::kAbsent) continue;
    OPSBENCH_RETURN_IF_ERROR(CreateTable(
        thing.name == NameOf(kRecords[0]) ? "create_meta" : "create_chunks"));
  }
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
    const absl::Status created = CreateTable(section);
    if (!created.ok()) {
      DropSchema().IgnoreError();
      return created;
    }
  }
  return absl::OkStatus();
}

absl::Status Store::DropSchema(bool foreign_too) {
  queries_ = {};
  insert_rows_.clear();
  next_id_ = end_id_ = 0;
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<Thing> things, FindThings());
  const auto replaceable = [&](const Thing& thing) {
    return foreign_too &&
           (thing.owner.kind == "table" || thing.owner.kind == "procedure");
  };
  std::vector<const Thing*> tables;
  for (const Thing& thing : things) {
    // An index goes with its table, if that is one of these.
    if (thing.owner.kind == "index" && things[0].owner.kind == "table") {
      continue;
    }
    if (!replaceable(thing)) OPSBENCH_RETURN_IF_ERROR(RefuseForeign(thing));
    // What others share loses our rows, unless it is foreign.
    if (thing.owner.kind == "table" && !(thing.shared && IsOurs(thing))) {
      tables.push_back(&thing);
    }
  }
  if (things.back().owner.kind == "procedure") {
    OPSBENCH_RETURN_IF_ERROR(Execute("drop_procedure"));
  }
  for (const Thing* table : tables) {
    OPSBENCH_RETURN_IF_ERROR(
        session_->Execute(absl::StrCat("DROP TABLE ", table->name)).status());
  }
  const std::map<std::string, Value> key = {
      {"strategy", Value::Text(StrategyName(strategy_))}};
  for (const absl::string_view section : {"delete_chunks", "delete_meta"}) {
    const absl::Status status = Run(section, key, nullptr).status();
    if (!status.ok() && !absl::IsNotFound(status)) return status;
  }
  return absl::OkStatus();
}

absl::Status Store::DropRecords() {
  for (const absl::string_view table : kRecords) {
    OPSBENCH_RETURN_IF_ERROR(DropOurTable(*session_, {"", NameOf(table)},
                                          Maker(purpose_), Remedy()));
  }
  return absl::OkStatus();
}

absl::Status Store::Upgrade() {
  if (!common_.Has("mark_table")) {
    return absl::UnimplementedError(absl::StrCat(
        session_->capabilities().flavour,
        " cannot bring data of an earlier version up to date: add --fresh "
        "--replace-foreign to replace it"));
  }
  std::vector<std::string> tables = Tables(strategy_, engine_);
  if (ChoosesIds()) {
    tables.pop_back();
    OPSBENCH_ASSIGN_OR_RETURN(
        const bool has_ids,
        RequireOurs(*session_, {"", NameOf("operation_ids")}, Maker(purpose_),
                    Remedy()));
    if (!has_ids) OPSBENCH_RETURN_IF_ERROR(CreateTable("create_ids"));
    OPSBENCH_RETURN_IF_ERROR(Execute("advance_ids"));
  }
  for (const absl::string_view record : kRecords) tables.emplace_back(record);
  for (const std::string& table : tables) {
    std::map<std::string, std::string> names = Replacements(0);
    names["table"] = NameOf(table);
    OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql mark,
                              common_.Compile("mark_table", engine_, names));
    OPSBENCH_RETURN_IF_ERROR(session_->Execute(mark.sql).status());
  }
  if (sql_.Has("drop_procedure")) {
    OPSBENCH_RETURN_IF_ERROR(Execute("drop_procedure"));
    OPSBENCH_RETURN_IF_ERROR(Execute("create_procedure"));
  }
  return Run("upgrade_meta",
             {{"strategy", Value::Text(StrategyName(strategy_))},
              {"version", Value::Int64(kSchemaVersion)}},
             nullptr)
      .status();
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
  return absl::OkStatus();
}

absl::Status Store::Complete() {
  return Run("complete_meta",
             {{"strategy", Value::Text(StrategyName(strategy_))}}, nullptr)
      .status();
}

absl::StatusOr<int64_t> Store::CountRows(absl::string_view table) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session_->Query(
      absl::StrCat("SELECT COUNT(*) FROM ", NameOf(table)), &rows));
  return rows.at(0, 0).int64();
}

absl::StatusOr<int64_t> Store::CountOperations() {
  return CountRows(OperationsTable(strategy_));
}

}  // namespace opsbench::sidetable
