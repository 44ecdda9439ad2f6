#include "opsbench/testing/test_servers.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"

namespace opsbench {

absl::StatusOr<Url> TestServerUrl(Engine engine) {
  const std::string variable = absl::StrCat(
      "OPSBENCH_", absl::AsciiStrToUpper(EngineName(engine)), "_URL");
  if (const char* url = std::getenv(variable.c_str())) return Url::Parse(url);
  return absl::NotFoundError(absl::StrCat("set ", variable));
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
