// MariaDB and MySQL.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/server/internal/engine_plan.h"

namespace opsbench::internal {
namespace {

// How long one attempt waits for the server's greeting.
constexpr int kGreetingTimeoutMs = 100;

const std::set<std::string>& ReservedSettings() {
  static const auto* const names =
      new std::set<std::string>{"basedir",
                                "bind_address",
                                "bootstrap",
                                "datadir",
                                "defaults_file",
                                "init_file",
                                "log_error",
                                "mysqlx",
                                "pid_file",
                                "port",
                                "skip_grant_tables",
                                "skip_networking",
                                "skip_name_resolve",
                                "socket",
                                "tmpdir",
                                "user"};
  return *names;
}

absl::StatusOr<std::map<std::string, std::string>> ChooseSettings(
    const ServerOptions& options, bool mariadb) {
  std::map<std::string, std::string> settings = {
      {"innodb_flush_log_at_trx_commit", options.durable ? "1" : "2"},
      {"innodb_buffer_pool_size", absl::StrCat(options.cache_bytes)},
      // What was cached in another run must not be in this one.
      {"innodb_buffer_pool_dump_at_shutdown", "OFF"},
      {"innodb_buffer_pool_load_at_startup", "OFF"},
      {"innodb_io_capacity", "2000"},
      {"max_connections", "200"},
      {"character_set_server", "utf8mb4"},
      {"default_time_zone", "+00:00"},
      {"local_infile", "ON"},
      {"performance_schema", "OFF"},
  };
  // It is allocated in full at the start: larger would be rude to the disk.
  if (mariadb) settings["innodb_log_file_size"] = "96M";
  std::map<std::string, std::string> wanted;
  for (const auto& [name, value] : options.settings) {
    wanted[absl::StrReplaceAll(name, {{"-", "_"}})] = value;
  }
  return MergeSettings(std::move(settings), wanted, ReservedSettings());
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text.str();
}

// The folder with the SQL of the system tables and the error messages.
absl::StatusOr<std::string> ShareFolder(const ServerBinary& binary,
                                        const char* file) {
  for (const char* folder : {"/share/mysql", "/share/mariadb", "/share"}) {
    const std::string path = absl::StrCat(binary.Prefix(), folder);
    if (access(absl::StrCat(path, "/", file).c_str(), R_OK) == 0) return path;
  }
  return absl::NotFoundError(absl::StrCat(
      "no ", file, " below ", binary.Prefix(), "/share: the installation of ",
      binary.path, " is not complete"));
}

// The input of MariaDB's bootstrap: the system tables, and one user instead of
// MariaDB's own, of which root would have no password. It is written to the
// table because CREATE USER needs privileges loaded, which bootstrap has not.
absl::StatusOr<std::string> MariadbBootstrapSql(const std::string& share,
                                                const char* tables_file,
                                                const Place& place) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string tables,
                            ReadFile(absl::StrCat(share, "/", tables_file)));
  std::string sql =
      absl::StrCat("CREATE DATABASE mysql;\nUSE mysql;\n", tables, "\n");
  for (const char* host : {"localhost", "127.0.0.1"}) {
    absl::StrAppend(
        &sql, "REPLACE INTO global_priv VALUES ('", host, "', '", kUserName,
        "', JSON_OBJECT('access', 18446744073709551615, 'plugin', "
        "'mysql_native_password', 'authentication_string', PASSWORD('",
        place.password, "')));\n");
  }
  absl::StrAppend(&sql, "CREATE DATABASE ", kDatabaseName,
                  " CHARACTER SET utf8mb4;\n");
  return sql;
}

// Runs before MySQL accepts its first connection, at each start.
std::string MysqlInitFile(const Place& place) {
  std::string sql = "ALTER USER root@localhost ACCOUNT LOCK;\n";
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const std::string user = absl::StrCat("'", kUserName, "'@'", host, "'");
    absl::StrAppend(&sql, "CREATE USER IF NOT EXISTS ", user,
                    " IDENTIFIED BY '", place.password, "';\n",
                    "GRANT ALL ON *.* TO ", user, " WITH GRANT OPTION;\n");
  }
  absl::StrAppend(&sql, "CREATE DATABASE IF NOT EXISTS ", kDatabaseName,
                  " CHARACTER SET utf8mb4;\n");
  return sql;
}

}  // namespace

absl::StatusOr<EnginePlan> PlanMysql(const ServerOptions& options,
                                     const ServerBinary& binary,
                                     const Place& place) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string version, VersionText(binary));
  const bool mariadb = absl::StrContains(version, "MariaDB");
  EnginePlan plan;
  plan.description =
      absl::StrCat(mariadb ? "mariadbd " : "mysqld ", VersionIn(version));
  plan.socket_path = absl::StrCat(place.socket_folder, "/mysql.sock");
  plan.database = kDatabaseName;
  plan.url_user = kUserName;
  OPSBENCH_ASSIGN_OR_RETURN(plan.settings, ChooseSettings(options, mariadb));

  // MariaDB has renamed it in version 11.
  const char* tables_file = "mysql_system_tables.sql";
  const char* share_file = mariadb ? tables_file : "english/errmsg.sys";
  absl::StatusOr<std::string> share = ShareFolder(binary, share_file);
  if (!share.ok() && mariadb) {
    tables_file = "mariadb_system_tables.sql";
    share = ShareFolder(binary, tables_file);
  }
  if (!share.ok() && mariadb) return share.status();

  // --no-defaults comes first or is not understood.
  std::vector<std::string> common = {
      binary.name, "--no-defaults", absl::StrCat("--basedir=", binary.Prefix()),
      absl::StrCat("--datadir=", place.data_folder),
      absl::StrCat("--tmpdir=", place.temp_folder)};
  if (share.ok()) {
    common.push_back(absl::StrCat("--lc-messages-dir=", *share));
  }
  for (const auto& [name, value] : plan.settings) {
    common.push_back(absl::StrCat("--", name, "=", value));
  }
  plan.serve.path = binary.path;
  plan.serve.arguments = common;
  for (std::string argument :
       {absl::StrCat("--port=", place.port),
        std::string("--bind-address=127.0.0.1"),
        absl::StrCat("--socket=", plan.socket_path),
        absl::StrCat("--pid-file=", place.folder, "/mysql.pid"),
        std::string("--skip-name-resolve"), std::string("--skip-log-bin"),
        std::string("--secure-file-priv=")}) {
    plan.serve.arguments.push_back(std::move(argument));
  }

  const std::string sql_path = absl::StrCat(place.folder, "/init.sql");
  Program initialise = {binary.path, std::move(common)};
  if (mariadb) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql,
                              MariadbBootstrapSql(*share, tables_file, place));
    OPSBENCH_RETURN_IF_ERROR(place.Write(sql_path, sql));
    initialise.arguments.push_back("--bootstrap");
    initialise.input_path = sql_path;
    plan.secret_files.push_back(sql_path);
  } else {
    OPSBENCH_RETURN_IF_ERROR(place.Write(sql_path, MysqlInitFile(place)));
    initialise.arguments.push_back("--initialize-insecure");
    plan.serve.arguments.push_back(absl::StrCat("--init-file=", sql_path));
    // The X protocol would listen on all addresses.
    plan.serve.arguments.push_back("--mysqlx=OFF");
  }
  plan.initialise.push_back(std::move(initialise));
  return plan;
}

// The server speaks first: a header of four bytes, then version 10 of the
// protocol.
// https://mariadb.com/kb/en/connection/#initial-handshake-packet
bool MysqlAnswers(const Place&, const EnginePlan& plan) {
  const int fd = ConnectUnixSocket(plan.socket_path);
  if (fd < 0) return false;
  unsigned char greeting[5] = {};
  pollfd polled = {fd, POLLIN, 0};
  const bool answers =
      poll(&polled, 1, kGreetingTimeoutMs) == 1 &&
      recv(fd, greeting, sizeof(greeting), MSG_WAITALL) == sizeof(greeting) &&
      greeting[4] == 10;
  close(fd);
  return answers;
}

}  // namespace opsbench::internal
