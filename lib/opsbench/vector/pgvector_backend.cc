#include "opsbench/vector/pgvector_backend.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/vector/internal/pgvector_format.h"
#include "opsbench/vector/internal/pgvector_searcher.h"

namespace opsbench::vector {
namespace {

using internal::PgvectorTable;

// Sent to the server at once while loading.
constexpr size_t kCopyBytes = size_t{1} << 20;

constexpr int64_t kMinBuildBytes = int64_t{64} << 20;
constexpr int64_t kMaxBuildBytes = int64_t{2} << 30;

// "0.8.5" is 8; a major version counts a thousand.
int ReleaseOf(absl::string_view version) {
  const std::vector<absl::string_view> parts = absl::StrSplit(version, '.');
  int major = 0;
  int minor = 0;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &major) ||
      !absl::SimpleAtoi(parts[1], &minor)) {
    return 0;
  }
  return major * 1000 + minor;
}

constexpr int kReleaseWithHnsw = 5;

// What an HNSW graph takes: the vector, two links of 8 bytes for each of m in
// the lowest layer and what the layers above and the allocator add.
int64_t GraphBytes(const Dataset& data, const BuildOptions& options) {
  const auto rows = static_cast<int64_t>(data.base().rows);
  const auto vector = static_cast<int64_t>(4 * data.dimension());
  return rows * (vector + int64_t{40} * options.m + 200);
}

absl::StatusOr<std::string> OneText(Session& session, const std::string& sql) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session.Query(sql, &rows));
  if (rows.row_count() == 0 || rows.at(0, 0).is_null()) return std::string();
  return std::string(rows.at(0, 0).text());
}

absl::StatusOr<int64_t> OneNumber(Session& session, const std::string& sql) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session.Query(sql, &rows));
  if (rows.row_count() == 0 || rows.at(0, 0).is_null()) return 0;
  return rows.at(0, 0).int64();
}

// The version of the extension, which is created if need be.
absl::StatusOr<std::string> EnsureExtension(Session& session, const Url& url,
                                            const PgvectorTable& table) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string available,
                            table.Sql("available_version"));
  OPSBENCH_ASSIGN_OR_RETURN(std::string version, OneText(session, available));
  const std::string server = absl::StrCat(
      "PostgreSQL ", session.capabilities().version, " at ", url.Redacted());
  if (version.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        server,
        " has no pgvector: install it there (PostgreSQL's own repository for "
        "Debian has it as postgresql-",
        session.capabilities().version_number / 10'000,
        "-pgvector; the image pgvector/pgvector brings it along)"));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string create,
                            table.Sql("create_extension"));
  OPSBENCH_RETURN_IF_ERROR(session.Execute(create).status());
  OPSBENCH_ASSIGN_OR_RETURN(const std::string installed,
                            table.Sql("installed_version"));
  OPSBENCH_ASSIGN_OR_RETURN(version, OneText(session, installed));
  if (ReleaseOf(version) < kReleaseWithHnsw) {
    return absl::FailedPreconditionError(
        absl::StrCat(server, " has pgvector ", version,
                     ", which has no HNSW: install 0.5 or later there and run "
                     "ALTER EXTENSION vector UPDATE"));
  }
  return version;
}

std::string NameOf(PgvectorOptions::Index index) {
  switch (index) {
    case PgvectorOptions::Index::kHnsw:
      return "pgvector";
    case PgvectorOptions::Index::kIvfflat:
      return "pgvector_ivfflat";
    case PgvectorOptions::Index::kNone:
      return "pgvector_scan";
  }
  return "";
}

class Pgvector : public PgvectorBackend {
 public:
  Pgvector(Url url, const PgvectorOptions& options, PgvectorTable table,
           const std::string& version, const Capabilities& capabilities)
      : url_(std::move(url)), options_(options), table_(std::move(table)) {
    table_.iterative_scan = ReleaseOf(version) >= 8;
    info_.name = NameOf(options.index);
    info_.version = absl::StrCat("PostgreSQL ", capabilities.version,
                                 ", pgvector ", version);
    info_.exact = options.index == PgvectorOptions::Index::kNone;
    info_.filters = true;
    info_.remote = true;
  }

  const BackendInfo& info() const override { return info_; }

  absl::StatusOr<IndexState> Find(const Dataset& data,
                                  const BuildOptions& options) override {
    table_.SetData(data);
    OPSBENCH_ASSIGN_OR_RETURN(const auto session, opsbench::Connect(url_));
    OPSBENCH_ASSIGN_OR_RETURN(const TableOwner owner,
                              FindTableOwner(*session, {"", options_.table}));
    const std::string name =
        absl::StrCat(owner.kind, " ", options_.table, " at ", url_.Redacted());
    using Kind = IndexState::Kind;
    if (owner.ownership == Ownership::kForeign ||
        (owner.ownership == Ownership::kOurs && owner.maker != kIndexMaker)) {
      return IndexState{Kind::kForeign, name};
    }
    OPSBENCH_ASSIGN_OR_RETURN(const std::string in_the_way,
                              Text(*session, "names_in_the_way"));
    if (!in_the_way.empty()) {
      return IndexState{Kind::kForeign, absl::StrCat("relation ", in_the_way,
                                                     " at ", url_.Redacted())};
    }
    if (owner.ownership == Ownership::kAbsent) return IndexState();
    const IndexMark wanted = WantedMark(data, options);
    const auto mark = ParseIndexMarkDetail(owner.detail);
    if (!mark.has_value() || !mark->SameIndex(wanted)) {
      return IndexState{
          Kind::kOther,
          absl::StrCat(name, " holds ",
                       mark.has_value() ? DescribeIndexMark(*mark)
                                        : "an index of another version",
                       ", and asked for are ", DescribeIndexMark(wanted))};
    }
    if (!mark->complete) return IndexState{Kind::kUnfinished, name};
    const absl::Status there = CheckThere(*session, data);
    if (absl::IsInternal(there)) {
      return IndexState{Kind::kOther, absl::StrCat(name, " ", there.message())};
    }
    OPSBENCH_RETURN_IF_ERROR(there);
    OPSBENCH_RETURN_IF_ERROR(Finish(*session));
    return IndexState{Kind::kCurrent, name};
  }

  absl::Status Remove(bool foreign) override {
    OPSBENCH_ASSIGN_OR_RETURN(const auto session, opsbench::Connect(url_));
    if (!foreign) {
      return DropOurTable(*session, {"", options_.table}, kIndexMaker,
                          "choose another --index");
    }
    for (const char* suffix : {"", "_embedding", "_tag", "_number"}) {
      const std::string name = absl::StrCat(options_.table, suffix);
      OPSBENCH_ASSIGN_OR_RETURN(const TableOwner owner,
                                FindTableOwner(*session, {"", name}));
      if (owner.ownership == Ownership::kAbsent) continue;
      absl::string_view kind = owner.kind;
      absl::ConsumePrefix(&kind, "partitioned ");
      OPSBENCH_RETURN_IF_ERROR(
          Run(*session, "drop", {{"kind", std::string(kind)}, {"name", name}}));
    }
    return absl::OkStatus();
  }

  absl::Status Build(const Dataset& data,
                     const BuildOptions& options) override {
    table_.SetData(data);
    mark_ = WantedMark(data, options);
    OPSBENCH_ASSIGN_OR_RETURN(const auto session, opsbench::Connect(url_));
    OPSBENCH_ASSIGN_OR_RETURN(const std::string create, table_.Sql("create"));
    OPSBENCH_RETURN_IF_ERROR(CreateMarkedTable(*session, {"", options_.table},
                                               create, kIndexMaker,
                                               IndexMarkDetail(mark_)));
    OPSBENCH_RETURN_IF_ERROR(Load(*session, data, options));
    OPSBENCH_RETURN_IF_ERROR(BuildIndex(*session, data, options));
    OPSBENCH_RETURN_IF_ERROR(Run(*session, "vacuum"));
    return Finish(*session);
  }

  absl::Status Verify(const Dataset& data) override {
    OPSBENCH_ASSIGN_OR_RETURN(const auto session, opsbench::Connect(url_));
    const absl::Status there = CheckThere(*session, data);
    if (!there.ok()) {
      return absl::Status(there.code(), absl::StrCat("table ", options_.table,
                                                     " ", there.message()));
    }
    mark_.complete = true;
    return Run(*session, "mark", {{"mark", IndexMarkText(mark_)}});
  }

  int64_t MemoryBytes() const override { return index_bytes_; }

  absl::StatusOr<std::unique_ptr<Searcher>> Connect() override {
    return internal::NewPgvectorSearcher(url_, &table_);
  }

 private:
  absl::Status Run(Session& session, absl::string_view section,
                   std::map<std::string, std::string> words = {}) const {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql,
                              table_.Sql(section, std::move(words)));
    return session.Execute(sql).status();
  }

  absl::StatusOr<std::string> Text(Session& session,
                                   absl::string_view section) const {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql, table_.Sql(section));
    return OneText(session, sql);
  }

  IndexMark WantedMark(const Dataset& data, const BuildOptions& options) const {
    std::string text;
    if (options_.index == PgvectorOptions::Index::kHnsw) {
      text = absl::StrCat("m:", options.m,
                          ",ef_construction:", options.ef_construction);
    } else if (options_.index == PgvectorOptions::Index::kIvfflat) {
      text = absl::StrCat("lists:", options.lists);
    }
    return MakeIndexMark(data, info_.name, std::move(text));
  }

  // Internal says how the table differs, after its name.
  absl::Status CheckThere(Session& session, const Dataset& data) const {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string count, table_.Sql("count"));
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t rows, OneNumber(session, count));
    const auto wanted = static_cast<int64_t>(data.base().rows);
    if (rows != wanted) {
      return absl::InternalError(
          absl::StrCat("has ", rows, " vectors and not ", wanted));
    }
    OPSBENCH_RETURN_IF_ERROR(CheckIndex(session));
    return CheckSample(session, data);
  }

  absl::Status CheckIndex(Session& session) const {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql, table_.Sql("describe"));
    ResultSet found;
    OPSBENCH_RETURN_IF_ERROR(session.Query(sql, &found));
    const auto text = [&found](size_t column) {
      return found.at(0, column).is_null() ? absl::string_view()
                                           : found.at(0, column).text();
    };
    const bool scan = table_.method().empty();
    if (found.row_count() == 1 && text(1) == table_.method() &&
        (scan || (text(2) == table_.opclass() && text(3) == "valid"))) {
      return absl::OkStatus();
    }
    return absl::InternalError(
        absl::StrCat("does not have the index that it was made with"));
  }

  absl::Status CheckSample(Session& session, const Dataset& data) const {
    const std::vector<size_t> wanted = SampleRows(data);
    OPSBENCH_ASSIGN_OR_RETURN(
        const std::string sql,
        table_.Sql("sample", {{"ids", absl::StrJoin(wanted, ", ")}}));
    ResultSet found;
    OPSBENCH_RETURN_IF_ERROR(session.Query(sql, &found));
    size_t same = 0;
    for (size_t i = 0; i < found.row_count(); ++i) {
      const auto row = static_cast<size_t>(found.at(i, 0).int64());
      if (internal::IsVectorText(found.at(i, 1).text(), data.base().row(row))) {
        ++same;
      }
    }
    if (same == wanted.size() && found.row_count() == same) {
      return absl::OkStatus();
    }
    return absl::InternalError(absl::StrCat("is not whole: of ", wanted.size(),
                                            " vectors that were read, ", same,
                                            " are those of the data set"));
  }

  absl::Status Load(Session& session, const Dataset& data,
                    const BuildOptions& options) const {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql, table_.Sql("load"));
    OPSBENCH_ASSIGN_OR_RETURN(const auto copy, session.CopyIn(sql));
    std::string buffer;
    internal::AppendCopyHeader(&buffer);
    for (size_t row = 0; row < data.base().rows; ++row) {
      internal::AppendCopyRow(data, row, &buffer);
      if (buffer.size() < kCopyBytes) continue;
      OPSBENCH_RETURN_IF_ERROR(copy->Write(buffer));
      buffer.clear();
      if (options.stopped()) return absl::CancelledError("interrupted");
      if (options.on_progress) {
        options.on_progress(static_cast<int64_t>(row) + 1);
      }
    }
    internal::AppendCopyTrailer(&buffer);
    OPSBENCH_RETURN_IF_ERROR(copy->Write(buffer));
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t rows, copy->Finish());
    if (options.on_progress) options.on_progress(rows);
    return absl::OkStatus();
  }

  absl::Status BuildIndex(Session& session, const Dataset& data,
                          const BuildOptions& options) const {
    const int64_t bytes = options_.build_memory_bytes > 0
                              ? options_.build_memory_bytes
                              : std::clamp(GraphBytes(data, options),
                                           kMinBuildBytes, kMaxBuildBytes);
    OPSBENCH_RETURN_IF_ERROR(Run(session, "build_memory",
                                 {{"kibibytes", absl::StrCat(bytes >> 10)}}));
    OPSBENCH_RETURN_IF_ERROR(
        Run(session, "build_workers",
            {{"workers", absl::StrCat(std::max(options.threads - 1, 0))}}));
    switch (options_.index) {
      case PgvectorOptions::Index::kHnsw:
        OPSBENCH_RETURN_IF_ERROR(
            Run(session, "index_hnsw",
                {{"m", absl::StrCat(options.m)},
                 {"ef_construction", absl::StrCat(options.ef_construction)}}));
        break;
      case PgvectorOptions::Index::kIvfflat:
        OPSBENCH_RETURN_IF_ERROR(Run(session, "index_ivfflat",
                                     {{"lists", absl::StrCat(options.lists)}}));
        break;
      case PgvectorOptions::Index::kNone:
        break;
    }
    if (data.attributes().empty()) return absl::OkStatus();
    OPSBENCH_RETURN_IF_ERROR(Run(session, "index_tag"));
    return Run(session, "index_number");
  }

  absl::Status Finish(Session& session) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql, table_.Sql("index_bytes"));
    OPSBENCH_ASSIGN_OR_RETURN(index_bytes_, OneNumber(session, sql));
    return absl::OkStatus();
  }

  const Url url_;
  const PgvectorOptions options_;
  PgvectorTable table_;
  BackendInfo info_;
  IndexMark mark_;  // Of what Build() made.
  int64_t index_bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PgvectorBackend>> PgvectorBackend::Open(
    const Url& url, const PgvectorOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(PgvectorTable table, PgvectorTable::Make(options));
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, opsbench::Connect(url));
  if (session->capabilities().engine != Engine::kPostgres) {
    return absl::InvalidArgumentError(absl::StrCat(
        "pgvector is of PostgreSQL, and ", url.Redacted(), " is not"));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string version,
                            EnsureExtension(*session, url, table));
  return std::make_unique<Pgvector>(url, options, std::move(table), version,
                                    session->capabilities());
}

}  // namespace opsbench::vector
