#include "opsbench/sidetable/store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/sidetable/internal/sql_files.h"

namespace opsbench::sidetable {
namespace {

constexpr absl::string_view kParameterNames[] = {
    "prefix", "pattern",  "range_low",  "range_high", "limit",   "offset",
    "since",  "path",     "created_at", "status",     "payload", "prefixes",
    "id",     "first_id", "end_id",     "count",      "l1",      "l2",
    "l3",     "l4",       "l5"};

constexpr absl::string_view kQueryNames[] = {
    "latest",      "latest_offset", "exact",
    "count_since", "error_rate",    "newest",
    "insert_one",  "insert_prefix", "insert_rows_prefixes",
    "allocate_ids"};

// Ids that a session takes at once: one more statement for so many operations.
constexpr int64_t kIdBlock = 10'000;

// Rows of one INSERT: a row has up to 9 parameters. MySQL allows 65,535 of
// them. PostgreSQL as many, but libpq drops the connection when the description
// of a statement has 30,000 bytes or more (VALID_LONG_MESSAGE_TYPE in its
// fe-protocol3.c leaves out 't'), 4 for each parameter.
constexpr size_t RowsAtOnce(Engine engine) {
  return engine == Engine::kPostgres ? 800 : 7'000;
}

int64_t CountPrefixes(absl::Span<const NewOperation> operations) {
  int64_t prefixes = 0;
  for (const NewOperation& inserted : operations) {
    prefixes += inserted.operation.path->depth;
  }
  return prefixes;
}

absl::Status CheckWritten(absl::string_view what, int64_t written,
                          int64_t expected) {
  if (written == expected) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("wrote ", written, " rows of ", what, ", not ", expected));
}

absl::StatusOr<SqlCatalog> LoadCatalog(Engine engine, absl::string_view file) {
  const std::string name =
      absl::StrCat(EngineName(engine), "/sidetable/", file);
  for (const SqlFile& sql : internal::SqlFiles()) {
    if (sql.name == name) return SqlCatalog::Parse(sql.content);
  }
  return absl::UnimplementedError(
      absl::StrCat(EngineName(engine), " has no strategy ", file));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Create(Session* session,
                                                     Strategy strategy,
                                                     Purpose purpose) {
  const Engine engine = session->capabilities().engine;
  OPSBENCH_ASSIGN_OR_RETURN(SqlCatalog common, LoadCatalog(engine, "common"));
  OPSBENCH_ASSIGN_OR_RETURN(SqlCatalog sql,
                            LoadCatalog(engine, StrategyName(strategy)));
  if (strategy == Strategy::kLtree && !session->capabilities().ltree) {
    return absl::UnimplementedError(
        "this PostgreSQL has no ltree extension: install its contrib package, "
        "or leave the strategy ltree out");
  }
  return std::unique_ptr<Store>(
      new Store(session, strategy, purpose, std::move(common), std::move(sql)));
}

Store::Store(Session* session, Strategy strategy, Purpose purpose,
             SqlCatalog common, SqlCatalog sql)
    : session_(session),
      strategy_(strategy),
      purpose_(purpose),
      engine_(session->capabilities().engine),
      common_(std::move(common)),
      sql_(std::move(sql)) {}

std::string Store::NameOf(absl::string_view name) const {
  return absl::StrCat(NamePrefix(purpose_), name);
}

std::map<std::string, std::string> Store::Replacements(int level) const {
  return {{"level", absl::StrCat(level)},
          {"prefix", std::string(NamePrefix(purpose_))},
          {"mark", OwnershipMark(Maker(purpose_))}};
}

absl::StatusOr<CompiledSql> Store::Compile(absl::string_view section, int level,
                                           int rows) const {
  return CatalogOf(section).Compile(section, engine_, Replacements(level),
                                    rows);
}

absl::StatusOr<std::string> Store::Render(
    absl::string_view section, int level,
    const std::map<std::string, Value>& values) const {
  return CatalogOf(section).Render(section, engine_, Replacements(level),
                                   values);
}

absl::StatusOr<std::unique_ptr<Store::Bound>> Store::Prepare(
    absl::string_view section, int level, int rows) {
  OPSBENCH_ASSIGN_OR_RETURN(CompiledSql compiled,
                            Compile(section, level, rows));
  auto bound = std::make_unique<Bound>();
  bound->rows = compiled.rows;
  const std::vector<std::string>& names = compiled.row_parameters.empty()
                                              ? compiled.parameters
                                              : compiled.row_parameters;
  for (const std::string& name : names) {
    const auto* found =
        std::find(std::begin(kParameterNames), std::end(kParameterNames), name);
    if (found == std::end(kParameterNames)) {
      return absl::InternalError(absl::StrCat(
          "statement ", section, " has an unknown parameter :", name));
    }
    bound->parameters.push_back(
        static_cast<Parameter>(found - std::begin(kParameterNames)));
  }
  OPSBENCH_ASSIGN_OR_RETURN(bound->statement, session_->Prepare(compiled.sql));
  return bound;
}

absl::StatusOr<Store::Bound*> Store::Get(Query query, int level) {
  // Only level_columns has a statement for each level.
  if (strategy_ != Strategy::kLevelColumns) level = 0;
  std::unique_ptr<Bound>& bound = queries_[query][level];
  if (bound == nullptr) {
    OPSBENCH_ASSIGN_OR_RETURN(bound, Prepare(kQueryNames[query], level, 1));
  }
  return bound.get();
}

absl::StatusOr<int64_t> Store::Execute(Query query, int level,
                                       ResultSet* rows) {
  OPSBENCH_ASSIGN_OR_RETURN(Bound * bound, Get(query, level));
  arguments_.clear();
  for (const Parameter parameter : bound->parameters) {
    arguments_.push_back(values_[parameter]);
  }
  return bound->statement->Execute(arguments_, rows);
}

void Store::BindPrefix(absl::string_view prefix) {
  values_[kPrefix] = Value::Text(prefix);
  if (strategy_ != Strategy::kLikeScan) return;
  LikePattern(prefix, &pattern_);
  range_low_.assign(prefix.data(), prefix.size());
  range_high_ = range_low_;
  range_low_.push_back('.');
  range_high_.push_back('.' + 1);
  values_[kPattern] = Value::Text(pattern_);
  values_[kRangeLow] = Value::Text(range_low_);
  values_[kRangeHigh] = Value::Text(range_high_);
}

absl::Status Store::ReadUnder(Query query, absl::string_view prefix,
                              ResultSet* rows) {
  BindPrefix(prefix);
  return Execute(query, Depth(prefix), rows).status();
}

absl::Status Store::Latest(absl::string_view prefix, int64_t limit,
                           ResultSet* rows) {
  values_[kMaxRows] = Value::Int64(limit);
  return ReadUnder(kLatest, prefix, rows);
}

absl::Status Store::LatestOffset(absl::string_view prefix, int64_t limit,
                                 int64_t offset, ResultSet* rows) {
  values_[kMaxRows] = Value::Int64(limit);
  values_[kOffset] = Value::Int64(offset);
  return ReadUnder(kLatestOffset, prefix, rows);
}

absl::Status Store::Exact(absl::string_view path, int64_t limit,
                          ResultSet* rows) {
  values_[kPath] = Value::Text(path);
  values_[kMaxRows] = Value::Int64(limit);
  return Execute(kExact, 0, rows).status();
}

absl::Status Store::CountSince(absl::string_view prefix, int64_t since_us,
                               ResultSet* rows) {
  values_[kSince] = Value::TimestampUs(since_us);
  return ReadUnder(kCountSince, prefix, rows);
}

absl::Status Store::ErrorRate(absl::string_view prefix, int64_t since_us,
                              ResultSet* rows) {
  values_[kSince] = Value::TimestampUs(since_us);
  return ReadUnder(kErrorRate, prefix, rows);
}

absl::Status Store::Newest(int64_t limit, ResultSet* rows) {
  values_[kMaxRows] = Value::Int64(limit);
  return Execute(kNewest, 0, rows).status();
}

void Store::BindOperation(const NewOperation& inserted) {
  const Operation& operation = inserted.operation;
  const Taxonomy::Path& path = *operation.path;
  values_[kPath] = Value::Text(path.text);
  values_[kCreatedAt] = Value::TimestampUs(operation.created_at_us);
  values_[kStatus] = Value::Int64(operation.status);
  values_[kPayload] = Value::Text(inserted.payload_json);
  values_[kPrefixes] = Value::Text(inserted.prefixes_json);
  for (int level = 1; level <= kMaxLevels; ++level) {
    values_[kL1 + level - 1] =
        level <= path.depth ? Value::Text(path.Prefix(level)) : Value::Null();
  }
}

template <typename Body>
absl::Status Store::InTransaction(Body body) {
  OPSBENCH_RETURN_IF_ERROR(session_->Begin());
  absl::Status status = body();
  if (status.ok()) status = session_->Commit();
  // The first error tells the story; a failed rollback after it (the connection
  // is gone) adds nothing.
  if (!status.ok()) session_->Rollback().IgnoreError();
  return status;
}

absl::StatusOr<int64_t> Store::TakeIds(int64_t count) {
  if (end_id_ - next_id_ < count) {
    const int64_t block = std::max(count, kIdBlock);
    values_[kCount] = Value::Int64(block);
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t updated,
                              Execute(kAllocateIds, 0, nullptr));
    OPSBENCH_RETURN_IF_ERROR(CheckWritten(NameOf("operation_ids"), updated, 1));
    OPSBENCH_ASSIGN_OR_RETURN(next_id_, session_->LastInsertId());
    end_id_ = next_id_ + block;
  }
  const int64_t first = next_id_;
  next_id_ += count;
  return first;
}

absl::Status Store::InsertOne(const NewOperation& inserted) {
  if (engine_ == Engine::kSqlite && strategy_ == Strategy::kSideTable) {
    return InTransaction([&] { return InsertOneByRow(inserted); });
  }
  if (ChoosesIds()) {
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t id, TakeIds(1));
    values_[kId] = Value::Int64(id);
  }
  BindOperation(inserted);
  return Execute(kInsertOne, 0, nullptr).status();
}

absl::Status Store::InsertMany(absl::Span<const NewOperation> operations) {
  if (operations.empty()) return absl::OkStatus();
  if (engine_ == Engine::kSqlite) {
    return InTransaction([&] { return InsertManyByRow(operations); });
  }
  const size_t at_once = RowsAtOnce(engine_);
  int64_t id = 0;
  if (ChoosesIds()) {
    OPSBENCH_ASSIGN_OR_RETURN(id,
                              TakeIds(static_cast<int64_t>(operations.size())));
  } else if (operations.size() <= at_once) {
    return InsertManyAtOnce(operations, 0);
  }
  return InTransaction([&]() -> absl::Status {
    while (!operations.empty()) {
      const auto part = operations.first(std::min(at_once, operations.size()));
      operations.remove_prefix(part.size());
      OPSBENCH_RETURN_IF_ERROR(InsertManyAtOnce(part, id));
      if (!ChoosesIds()) continue;
      values_[kFirstId] = Value::Int64(id);
      id += static_cast<int64_t>(part.size());
      values_[kEndId] = Value::Int64(id);
      OPSBENCH_ASSIGN_OR_RETURN(const int64_t prefixes,
                                Execute(kInsertRowsPrefixes, 0, nullptr));
      OPSBENCH_RETURN_IF_ERROR(CheckWritten(NameOf("operation_prefixes"),
                                            prefixes, CountPrefixes(part)));
    }
    return absl::OkStatus();
  });
}

absl::Status Store::InsertManyAtOnce(absl::Span<const NewOperation> operations,
                                     int64_t first_id) {
  const int count = static_cast<int>(operations.size());
  std::unique_ptr<Bound>& bound = insert_rows_[count];
  if (bound == nullptr) {
    OPSBENCH_ASSIGN_OR_RETURN(bound, Prepare("insert_rows", 0, count));
  }
  arguments_.clear();
  for (int i = 0; i < count; ++i) {
    BindOperation(operations[i]);
    values_[kId] = Value::Int64(first_id + i);
    for (const Parameter parameter : bound->parameters) {
      arguments_.push_back(values_[parameter]);
    }
  }
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t written,
                            bound->statement->Execute(arguments_, nullptr));
  // PostgreSQL's statement writes both tables and counts the second.
  const bool counts_prefixes =
      strategy_ == Strategy::kSideTable && !ChoosesIds();
  return CheckWritten(
      NameOf(OperationsTable(strategy_)), written,
      counts_prefixes ? CountPrefixes(operations) : int64_t{count});
}

absl::Status Store::InsertManyByRow(absl::Span<const NewOperation> operations) {
  for (const NewOperation& inserted : operations) {
    OPSBENCH_RETURN_IF_ERROR(InsertOneByRow(inserted));
  }
  return absl::OkStatus();
}

absl::Status Store::InsertOneByRow(const NewOperation& inserted) {
  const Taxonomy::Path& path = *inserted.operation.path;
  BindOperation(inserted);
  OPSBENCH_RETURN_IF_ERROR(Execute(kInsertOne, 0, nullptr).status());
  if (strategy_ != Strategy::kSideTable) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t id, session_->LastInsertId());
  values_[kId] = Value::Int64(id);
  for (int level = 1; level <= path.depth; ++level) {
    values_[kPrefix] = Value::Text(path.Prefix(level));
    OPSBENCH_RETURN_IF_ERROR(Execute(kInsertPrefix, 0, nullptr).status());
  }
  return absl::OkStatus();
}

}  // namespace opsbench::sidetable
