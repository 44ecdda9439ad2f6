#include "opsbench/pipeline/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/pipeline/internal/sql_files.h"

namespace opsbench::pipeline {
namespace {

constexpr char kTable[] = "pipeline_streams";
constexpr char kMaker[] = "pipeline state";

absl::StatusOr<std::string> Sql(const SqlCatalog& catalog,
                                absl::string_view name) {
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled,
                            catalog.Compile(name, Engine::kSqlite));
  return compiled.sql;
}

absl::Status NotOurs(const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat("state ", path,
                   ": the file was not made by opsbench as a state; name "
                   "another one"));
}

std::string Escaped(absl::string_view part) {
  return absl::StrReplaceAll(part, {{"%", "%25"}, {"/", "%2F"}, {".", "%2E"}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> StateStore::Open(
    const std::string& path) {
  std::unique_ptr<StateStore> store(new StateStore());
  const std::string lock_path = path + ".lock";
  store->lock_ = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (store->lock_ < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "state ", path, ": cannot write ", lock_path, ": ", strerror(errno)));
  }
  if (flock(store->lock_, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("state ", path, ": another run of a pipeline has it"));
  }
  Url url;
  url.engine = Engine::kSqlite;
  url.database = path;
  OPSBENCH_ASSIGN_OR_RETURN(store->session_, Connect(url));
  OPSBENCH_ASSIGN_OR_RETURN(
      const SqlCatalog catalog,
      runner_internal::LoadCatalog("sqlite/pipeline/state"));
  OPSBENCH_ASSIGN_OR_RETURN(const std::string durable, Sql(catalog, "durable"));
  OPSBENCH_RETURN_IF_ERROR(store->session_->Execute(durable).status());
  OPSBENCH_ASSIGN_OR_RETURN(
      const bool there,
      RequireOurs(*store->session_, {"", kTable}, kMaker,
                  absl::StrCat("name another file than ", path)));
  if (!there) {
    ResultSet others;
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql, Sql(catalog, "others"));
    OPSBENCH_RETURN_IF_ERROR(store->session_->Query(sql, &others));
    if (others.row_count() > 0) return NotOurs(path);
    OPSBENCH_ASSIGN_OR_RETURN(const std::string create, Sql(catalog, "create"));
    OPSBENCH_RETURN_IF_ERROR(
        CreateMarkedTable(*store->session_, {"", kTable}, create, kMaker));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string read, Sql(catalog, "read"));
  OPSBENCH_ASSIGN_OR_RETURN(store->read_, store->session_->Prepare(read));
  OPSBENCH_ASSIGN_OR_RETURN(const std::string write, Sql(catalog, "write"));
  OPSBENCH_ASSIGN_OR_RETURN(store->write_, store->session_->Prepare(write));
  return store;
}

StateStore::~StateStore() {
  read_.reset();
  write_.reset();
  session_.reset();
  if (lock_ >= 0) close(lock_);
}

absl::StatusOr<StreamState> StateStore::Read(const StreamKey& key) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      read_
          ->Execute({Value::Text(key.pipeline), Value::Text(key.stream),
                     Value::Text(key.into)},
                    &rows)
          .status());
  StreamState state;
  if (rows.row_count() == 0) return state;
  state.cursor = std::string(rows.at(0, 0).text());
  state.pending_marker = std::string(rows.at(0, 1).text());
  state.pending_cursor = std::string(rows.at(0, 2).text());
  return state;
}

absl::Status StateStore::Write(const StreamKey& key, const StreamState& state) {
  return write_
      ->Execute({Value::Text(key.pipeline), Value::Text(key.stream),
                 Value::Text(key.into), Value::Text(state.cursor),
                 Value::Text(state.pending_marker),
                 Value::Text(state.pending_cursor)},
                nullptr)
      .status();
}

std::string NewMarker(const StreamKey& key) {
  // Not reproducible on purpose: no two runs may ever have the same.
  std::random_device device;
  const uint64_t high = device();
  return absl::StrCat(Escaped(key.pipeline), ".", Escaped(key.stream), ".",
                      Escaped(key.into), "/",
                      absl::Hex((high << 32) | device(), absl::kZeroPad16));
}

}  // namespace opsbench::pipeline
