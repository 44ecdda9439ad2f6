// PostgreSQL.

#include <sys/shm.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/server/internal/engine_plan.h"

namespace opsbench::internal {
namespace {

const std::set<std::string>& ReservedSettings() {
  static const auto* const names =
      new std::set<std::string>{"config_file",
                                "data_directory",
                                "external_pid_file",
                                "hba_file",
                                "ident_file",
                                "listen_addresses",
                                "log_destination",
                                "logging_collector",
                                "port",
                                "unix_socket_directories",
                                "unix_socket_permissions"};
  return *names;
}

// The major version in which a crash's recovery can sync the file system in one
// go, where it used to sync each of about a thousand files by itself.
constexpr int kSyncfsVersion = 14;

std::map<std::string, std::string> ChosenSettings(const ServerOptions& options,
                                                  absl::string_view version) {
  const std::string cache = absl::StrCat(options.cache_bytes / 1024, "kB");
  std::map<std::string, std::string> settings = {
      {"synchronous_commit", options.durable ? "on" : "off"},
      {"shared_buffers", cache},
      {"max_connections", "200"},
      {"max_wal_size", "2GB"},
      {"checkpoint_timeout", "15min"},
      // Nobody replicates a private server, and COPY into a new table then
      // writes its rows once instead of twice.
      {"wal_level", "minimal"},
      {"max_wal_senders", "0"},
      // In files of the data folder, which go with it: /dev/shm would keep what
      // a killed server had there.
      {"dynamic_shared_memory_type", "mmap"},
      // For storage without seeks, as the machines of today have it.
      {"random_page_cost", "1.1"},
      {"jit", "off"},
      {"timezone", "UTC"},
      {"log_timezone", "UTC"},
  };
  int major = 0;
  if (absl::SimpleAtoi(version.substr(0, version.find('.')), &major) &&
      major >= kSyncfsVersion) {
    settings["recovery_init_sync_method"] = "syncfs";
  }
  return settings;
}

// The lines of postmaster.pid.
// https://github.com/postgres/postgres/blob/master/src/include/utils/pidfile.h
enum PidFileLine { kPid = 0, kShmemKey = 6, kStatus = 7 };

std::vector<std::string> PidFileLines(const Place& place) {
  std::ifstream file(absl::StrCat(place.data_folder, "/postmaster.pid"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(std::string(absl::StripTrailingAsciiWhitespace(line)));
  }
  return lines;
}

}  // namespace

absl::StatusOr<EnginePlan> PlanPostgres(const ServerOptions& options,
                                        const ServerBinary& binary,
                                        const Place& place) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string version, VersionText(binary));
  EnginePlan plan;
  plan.description = absl::StrCat("postgres ", VersionIn(version));
  plan.socket_path =
      absl::StrCat(place.socket_folder, "/.s.PGSQL.", place.port);
  plan.database = kDatabaseName;
  plan.url_user = kUserName;
  plan.stop_signal = SIGINT;  // "Fast": sessions are ended.
  // "Immediate": without a checkpoint, but shared memory is given back.
  plan.discard_signal = SIGQUIT;
  OPSBENCH_ASSIGN_OR_RETURN(
      plan.settings, MergeSettings(ChosenSettings(options, VersionIn(version)),
                                   options.settings, ReservedSettings()));

  std::vector<std::string> settings;
  for (const auto& [name, value] : plan.settings) {
    settings.push_back("-c");
    settings.push_back(absl::StrCat(name, "=", value));
  }
  // PostgreSQL finds its other files from argv[0], so that is the whole path.
  plan.serve = {binary.path, {binary.path, "-D", place.data_folder}};
  plan.serve.arguments.insert(plan.serve.arguments.end(), settings.begin(),
                              settings.end());
  // The folders are a list: quotes keep a comma from being its separator.
  const std::string socket_folders = absl::StrCat(
      "\"", absl::StrReplaceAll(place.socket_folder, {{"\"", "\"\""}}), "\"");
  for (std::string setting :
       {absl::StrCat("port=", place.port),
        std::string("listen_addresses=127.0.0.1"),
        std::string("unix_socket_permissions=0700"),
        absl::StrCat("unix_socket_directories=", socket_folders)}) {
    plan.serve.arguments.push_back("-c");
    plan.serve.arguments.push_back(std::move(setting));
  }

  const std::string password_path = absl::StrCat(place.folder, "/password");
  const std::string sql_path = absl::StrCat(place.folder, "/init.sql");
  OPSBENCH_RETURN_IF_ERROR(
      place.Write(password_path, absl::StrCat(place.password, "\n")));
  OPSBENCH_RETURN_IF_ERROR(place.Write(
      sql_path, absl::StrCat("CREATE DATABASE ", kDatabaseName, "\n")));
  plan.secret_files = {password_path, sql_path};

  // Locale C: text is compared by its bytes on every machine, as the other
  // engines' binary collations do.
  const std::string initdb = absl::StrCat(binary.Prefix(), "/bin/initdb");
  plan.initialise.push_back(
      {initdb,
       {initdb, "-D", place.data_folder, "-U", kUserName,
        absl::StrCat("--pwfile=", password_path), "--auth=scram-sha-256",
        "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"}});
  Program create_database = {
      binary.path,
      {binary.path, "--single", "-F", "-D", place.data_folder},
      sql_path};
  create_database.arguments.insert(create_database.arguments.end(),
                                   settings.begin(), settings.end());
  create_database.arguments.push_back("postgres");
  plan.initialise.push_back(std::move(create_database));
  return plan;
}

// As pg_ctl waits for it.
bool PostgresAnswers(const Place& place, pid_t pid) {
  const std::vector<std::string> lines = PidFileLines(place);
  return lines.size() > kStatus && lines[kPid] == absl::StrCat(pid) &&
         lines[kStatus] == "ready";
}

SharedSegment PostgresSegment(const Place& place, pid_t pid) {
  const std::vector<std::string> lines = PidFileLines(place);
  if (lines.size() <= kShmemKey || lines[kPid] != absl::StrCat(pid)) return {};
  const std::vector<absl::string_view> key_and_id =
      absl::StrSplit(lines[kShmemKey], ' ', absl::SkipEmpty());
  SharedSegment segment;
  if (key_and_id.size() == 2 && absl::SimpleAtoi(key_and_id[1], &segment.id)) {
    segment.creator = pid;
    return segment;
  }
  return {};
}

void SharedSegment::Remove() const {
  shmid_ds state;
  if (id >= 0 && shmctl(id, IPC_STAT, &state) == 0 &&
      state.shm_cpid == creator && state.shm_nattch == 0) {
    shmctl(id, IPC_RMID, nullptr);
  }
}

}  // namespace opsbench::internal
