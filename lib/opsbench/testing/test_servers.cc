#include "opsbench/testing/test_servers.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/engines/engines.h"

namespace opsbench {
namespace {

// The private servers of this process, one of an engine. They are never
// destroyed: their supervisors end them with the process, and a test that
// leaks a thread past main() still has its server.
class OwnServers {
 public:
  static OwnServers& Get() {
    static auto* const servers = new OwnServers;
    return *servers;
  }

  absl::StatusOr<Url> Acquire(Engine engine) {
    absl::MutexLock lock(&mutex_);
    std::unique_ptr<EngineHandle>& handle = handles_[engine];
    if (handle == nullptr) {
      ServerOptions options;
      options.cache_bytes = int64_t{128} << 20;
      OPSBENCH_ASSIGN_OR_RETURN(handle,
                                AcquireEngine(engine, Environment(), options));
    }
    return handle->url();
  }

 private:
  absl::Mutex mutex_;
  std::map<Engine, std::unique_ptr<EngineHandle>> handles_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<Url> TestServerUrl(Engine engine) {
  if (engine == Engine::kSqlite) {
    return absl::InvalidArgumentError("SQLite has no server");
  }
  Environment environment;
  const char* kept = std::getenv("OPSBENCH_TEST_SERVERS");
  if (kept != nullptr && *kept != '\0') {
    OPSBENCH_ASSIGN_OR_RETURN(environment, Environment::Load(kept));
  }
  OPSBENCH_ASSIGN_OR_RETURN(absl::optional<Url> url,
                            environment.EngineUrl(engine));
  if (url.has_value()) return *std::move(url);
  return OwnServers::Get().Acquire(engine);
}

TestDatabase::TestDatabase(Url server, Url url, std::string folder)
    : server_(std::move(server)),
      url_(std::move(url)),
      folder_(std::move(folder)) {}

absl::StatusOr<std::unique_ptr<TestDatabase>> TestDatabase::Create(
    Engine engine) {
  static std::atomic<int> counter{0};
  const std::string name =
      absl::StrCat("test_", getpid(), "_", counter.fetch_add(1));
  if (engine == Engine::kSqlite) {
    std::string folder =
        (std::filesystem::temp_directory_path() / "opsbench-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) {
      return absl::InternalError(absl::StrCat("cannot make ", folder));
    }
    Url url;
    url.engine = Engine::kSqlite;
    url.database = absl::StrCat(folder, "/", name, ".db");
    return std::unique_ptr<TestDatabase>(new TestDatabase(url, url, folder));
  }
  OPSBENCH_ASSIGN_OR_RETURN(Url server, TestServerUrl(engine));
  OPSBENCH_ASSIGN_OR_RETURN(auto session, Connect(server));
  OPSBENCH_RETURN_IF_ERROR(
      session->Execute(absl::StrCat("CREATE DATABASE ", name)).status());
  return std::unique_ptr<TestDatabase>(
      new TestDatabase(server, server.WithDatabase(name), ""));
}

TestDatabase::~TestDatabase() {
  if (!folder_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    return;
  }
  auto session = Connect(server_);
  if (!session.ok()) return;
  const char* force =
      server_.engine == Engine::kPostgres ? " WITH (FORCE)" : "";
  (void)(*session)->Execute(
      absl::StrCat("DROP DATABASE IF EXISTS ", url_.database, force));
}

}  // namespace opsbench
