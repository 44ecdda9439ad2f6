#include "opsbench/vector/internal/pgvector_searcher.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/vector/internal/pgvector_format.h"
#include "opsbench/vector/internal/sql_files.h"
#include "opsbench/vector/wire_backends.h"

namespace opsbench::vector::internal {
namespace {

// pgvector's own defaults.
constexpr int kDefaultEfSearch = 40;
constexpr int kDefaultProbes = 1;

absl::string_view Operator(Metric metric) {
  switch (metric) {
    case Metric::kL2:
      return "<->";
    case Metric::kInnerProduct:
      return "<#>";
    case Metric::kCosine:
      return "<=>";
  }
  return "";
}

// From what the operator says.
float DistanceOf(Metric metric, double value) {
  switch (metric) {
    case Metric::kL2:
      return static_cast<float>(value * value);
    case Metric::kInnerProduct:
      return static_cast<float>(1 + value);
    case Metric::kCosine:
      return std::isnan(value) ? 1 : static_cast<float>(value);
  }
  return 0;
}

class PgvectorSearcher : public Searcher {
 public:
  PgvectorSearcher(const Url& url, const PgvectorTable* table)
      : url_(url), table_(*table) {}

  absl::Status Recover() override {
    statements_.clear();
    session_.reset();
    ef_ = -1;
    OPSBENCH_ASSIGN_OR_RETURN(session_, Connect(url_));
    // Until the session has loaded the extension, its settings take any value.
    OPSBENCH_RETURN_IF_ERROR(Run("load_library"));
    OPSBENCH_RETURN_IF_ERROR(Set("planner_settings"));
    if (!table_.iterative_scan || table_.method().empty()) {
      return absl::OkStatus();
    }
    return Set("iterative_scan");
  }

  absl::Status Search(const SearchRequest& request,
                      std::vector<Neighbor>* found) override {
    found->clear();
    if (request.query.size() != table_.dimension()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the query has ", request.query.size(),
                       " dimensions, the index ", table_.dimension()));
    }
    if (session_ == nullptr) {
      return absl::UnavailableError("PostgreSQL: the connection was lost");
    }
    OPSBENCH_RETURN_IF_ERROR(SetEf(request));
    OPSBENCH_ASSIGN_OR_RETURN(Statement* const statement, Prepared(request));
    query_.clear();
    AppendPgVector(request.query, &query_);
    values_.assign(1, Value::Bytes(query_));
    if (request.filter.by_tag) {
      values_.push_back(Value::Int64(request.filter.tag));
    } else if (request.filter.by_number) {
      values_.push_back(Value::Double(request.filter.number_low));
      values_.push_back(Value::Double(request.filter.number_high));
    }
    OPSBENCH_RETURN_IF_ERROR(statement->Execute(values_, &rows_).status());
    for (size_t i = 0; i < rows_.row_count(); ++i) {
      found->push_back({rows_.at(i, 0).int64(),
                        DistanceOf(table_.metric(), rows_.at(i, 1).float64())});
    }
    std::sort(found->begin(), found->end());
    return absl::OkStatus();
  }

 private:
  enum class Kind { kAll, kTag, kNumber };

  absl::Status Run(absl::string_view section,
                   std::map<std::string, std::string> words = {}) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql,
                              table_.Sql(section, std::move(words)));
    return session_->Execute(sql).status();
  }

  absl::Status Set(absl::string_view section) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql, table_.Sql(section));
    return session_->Query(sql, &rows_);
  }

  // A round trip, but only when it is another than the last one's.
  absl::Status SetEf(const SearchRequest& request) {
    if (table_.method().empty()) return absl::OkStatus();
    const bool hnsw = table_.method() == "hnsw";
    int ef = request.ef > 0 ? request.ef
             : hnsw         ? kDefaultEfSearch
                            : kDefaultProbes;
    if (hnsw) ef = std::max(ef, request.k);
    if (ef == ef_) return absl::OkStatus();
    OPSBENCH_RETURN_IF_ERROR(
        Run(hnsw ? "ef_search" : "probes", {{"ef", absl::StrCat(ef)}}));
    // Their plans may have been made for the cost of another one: with many
    // candidates the planner may prefer to look at every row.
    statements_.clear();
    ef_ = ef;
    return absl::OkStatus();
  }

  absl::StatusOr<Statement*> Prepared(const SearchRequest& request) {
    const Kind kind = request.filter.by_tag      ? Kind::kTag
                      : request.filter.by_number ? Kind::kNumber
                                                 : Kind::kAll;
    std::unique_ptr<Statement>& statement = statements_[{kind, request.k}];
    if (statement == nullptr) {
      const absl::string_view section = kind == Kind::kTag ? "search_tag"
                                        : kind == Kind::kNumber
                                            ? "search_number"
                                            : "search";
      OPSBENCH_ASSIGN_OR_RETURN(
          const std::string sql,
          table_.Sql(section, {{"k", absl::StrCat(request.k)}}));
      OPSBENCH_ASSIGN_OR_RETURN(statement, session_->Prepare(sql));
    }
    return statement.get();
  }

  const Url url_;
  const PgvectorTable& table_;
  // Before the statements, which must not outlive it.
  std::unique_ptr<Session> session_;
  std::map<std::pair<Kind, int>, std::unique_ptr<Statement>> statements_;
  int ef_ = -1;
  // Reused by each search.
  std::string query_;
  std::vector<Value> values_;
  ResultSet rows_;
};

}  // namespace

absl::StatusOr<PgvectorTable> PgvectorTable::Make(
    const PgvectorOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(CheckIndexName(options.table));
  if (absl::StartsWith(options.table, "pg_")) {
    return absl::InvalidArgumentError(
        absl::StrCat("names that begin with pg_, such as ", options.table,
                     ", are PostgreSQL's own: choose another --index"));
  }
  for (const SqlFile& file : SqlFiles()) {
    if (file.name != "postgres/vector/pgvector") continue;
    OPSBENCH_ASSIGN_OR_RETURN(SqlCatalog sql, SqlCatalog::Parse(file.content));
    return PgvectorTable(std::move(sql), options);
  }
  return absl::InternalError("the statements of pgvector are not built in");
}

void PgvectorTable::SetData(const Dataset& data) {
  metric_ = data.metric();
  dimension_ = data.dimension();
}

absl::StatusOr<std::string> PgvectorTable::Sql(
    absl::string_view section, std::map<std::string, std::string> words) const {
  words.emplace("table", name_);
  words.emplace("dimension", absl::StrCat(dimension_));
  words.emplace("operator", Operator(metric_));
  words.emplace("opclass", opclass());
  words.emplace("method", method());
  OPSBENCH_ASSIGN_OR_RETURN(CompiledSql compiled,
                            sql_.Compile(section, Engine::kPostgres, words));
  return std::move(compiled.sql);
}

absl::string_view PgvectorTable::method() const {
  switch (index_) {
    case PgvectorOptions::Index::kHnsw:
      return "hnsw";
    case PgvectorOptions::Index::kIvfflat:
      return "ivfflat";
    case PgvectorOptions::Index::kNone:
      return "";
  }
  return "";
}

absl::string_view PgvectorTable::opclass() const {
  switch (metric_) {
    case Metric::kL2:
      return "vector_l2_ops";
    case Metric::kInnerProduct:
      return "vector_ip_ops";
    case Metric::kCosine:
      return "vector_cosine_ops";
  }
  return "";
}

absl::StatusOr<std::unique_ptr<Searcher>> NewPgvectorSearcher(
    const Url& url, const PgvectorTable* table) {
  auto searcher = std::make_unique<PgvectorSearcher>(url, table);
  OPSBENCH_RETURN_IF_ERROR(searcher->Recover());
  return searcher;
}

}  // namespace opsbench::vector::internal
