#include "opsbench/engines/engines.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"

namespace opsbench {
namespace {

absl::StatusOr<std::string> MakeSqliteFolder(const ServerOptions& options) {
  std::error_code error;
  const std::filesystem::path parent =
      options.parent_folder.empty()
          ? std::filesystem::temp_directory_path(error)
          : std::filesystem::path(options.parent_folder);
  std::string folder = (parent / "opsbench-sqlite-XXXXXX").string();
  if (error || mkdtemp(folder.data()) == nullptr) {
    return absl::ErrnoToStatus(
        errno, absl::StrCat("make a folder in ", parent.string()));
  }
  return folder;
}

ServerKind KindOf(Engine engine) {
  switch (engine) {
    case Engine::kPostgres:
      return ServerKind::kPostgres;
    case Engine::kRedis:
      return ServerKind::kRedis;
    case Engine::kMysql:
    case Engine::kSqlite:
      break;
  }
  return ServerKind::kMysql;
}

}  // namespace

EngineHandle::EngineHandle() = default;

EngineHandle::~EngineHandle() {
  if (folder_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

absl::StatusOr<std::unique_ptr<EngineHandle>> AcquireEngine(
    Engine engine, const Environment& environment,
    const ServerOptions& options) {
  auto handle = std::unique_ptr<EngineHandle>(new EngineHandle);
  OPSBENCH_ASSIGN_OR_RETURN(absl::optional<Url> outside,
                            environment.EngineUrl(engine));
  if (outside.has_value()) {
    handle->url_ = *std::move(outside);
    return handle;
  }
  if (engine == Engine::kSqlite) {
    OPSBENCH_ASSIGN_OR_RETURN(handle->folder_, MakeSqliteFolder(options));
    handle->url_.engine = engine;
    handle->url_.database = absl::StrCat(handle->folder_, "/opsbench.db");
    return handle;
  }
  ServerOptions own = options;
  own.kind = KindOf(engine);
  OPSBENCH_ASSIGN_OR_RETURN(handle->server_, PrivateServer::Start(own));
  OPSBENCH_ASSIGN_OR_RETURN(handle->url_,
                            Url::Parse(handle->server_->socket_url()));
  return handle;
}

}  // namespace opsbench
