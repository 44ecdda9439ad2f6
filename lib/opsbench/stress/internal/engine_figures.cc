#include "opsbench/stress/internal/engine_figures.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/stress/internal/monitor_sql.h"

namespace opsbench::stress::internal {
namespace {

constexpr int kConnectTimeoutMs = 2'000;
// Figures that are older than this and than so many rounds say nothing of now.
constexpr int64_t kFreshNs = kNanosPerSecond;
constexpr int kFreshRounds = 4;
constexpr size_t kMaxWaitingEvents = 100;
// From which on PostgreSQL counts checkpoints in a view of their own.
constexpr int kCheckpointerVersion = 17'00'00;

absl::StatusOr<std::string> SqlOf(Engine engine, absl::string_view section) {
  const absl::string_view file = engine == Engine::kPostgres
                                     ? "postgres/stress/monitor"
                                     : "mysql/stress/monitor";
  for (const SqlFile& sql : monitor_sql::SqlFiles()) {
    if (sql.name != file) continue;
    OPSBENCH_ASSIGN_OR_RETURN(const SqlCatalog catalog,
                              SqlCatalog::Parse(sql.content));
    OPSBENCH_ASSIGN_OR_RETURN(CompiledSql compiled,
                              catalog.Compile(section, engine));
    return std::move(compiled.sql);
  }
  return absl::NotFoundError(absl::StrCat("no SQL file ", file));
}

void AddNumber(absl::string_view prefix, absl::string_view name,
               const Value& value, Reading* reading) {
  double number = 0;
  switch (value.type()) {
    case Value::Type::kInt64:
      number = static_cast<double>(value.int64());
      break;
    case Value::Type::kDouble:
      number = value.float64();
      break;
    case Value::Type::kText:
    case Value::Type::kBytes:
      if (!absl::SimpleAtod(value.text(), &number)) return;
      break;
    default:
      return;
  }
  (*reading)[absl::StrCat(prefix, absl::AsciiStrToLower(name))] = number;
}

absl::Status ReadPostgres(Session& session, Reading* reading) {
  const bool split =
      session.capabilities().version_number >= kCheckpointerVersion;
  ResultSet rows;
  for (const char* section :
       {"database", "sessions", split ? "checkpoints_17" : "checkpoints"}) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string sql,
                              SqlOf(Engine::kPostgres, section));
    OPSBENCH_RETURN_IF_ERROR(session.Query(sql, &rows));
    if (rows.row_count() != 1) continue;
    for (size_t i = 0; i < rows.column_count(); ++i) {
      AddNumber("postgres_", rows.column_name(i), rows.at(0, i), reading);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadMysql(Session& session, Reading* reading) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string sql,
                            SqlOf(Engine::kMysql, "status"));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session.Query(sql, &rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    AddNumber("mysql_", rows.at(i, 0).ToString(), rows.at(i, 1), reading);
  }
  return absl::OkStatus();
}

}  // namespace

bool HasEngineFigures(Engine engine) {
  return engine == Engine::kPostgres || engine == Engine::kMysql;
}

absl::Status ReadEngineFigures(Session& session, Reading* reading) {
  return session.capabilities().engine == Engine::kPostgres
             ? ReadPostgres(session, reading)
             : ReadMysql(session, reading);
}

EngineFigures::EngineFigures(const Url& url, absl::Duration poll)
    : url_(url), poll_(poll), thread_([this] { Run(); }) {}

EngineFigures::~EngineFigures() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  breaker_.Break();
  thread_.join();
}

void EngineFigures::Take(Reading* reading, std::vector<std::string>* events) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *events = std::exchange(events_, {});
  const int64_t fresh_ns =
      std::max(kFreshNs, kFreshRounds * absl::ToInt64Nanoseconds(poll_));
  if (asked_ns_ == 0 || MonotonicNowNs() - asked_ns_ > fresh_ns) return;
  reading->insert(figures_.begin(), figures_.end());
}

absl::Status EngineFigures::Ask(std::unique_ptr<Session>* session,
                                Reading* reading) {
  if (*session == nullptr) {
    ConnectOptions options;
    options.connect_timeout_ms = kConnectTimeoutMs;
    options.breaker = &breaker_;
    OPSBENCH_ASSIGN_OR_RETURN(*session, Connect(url_, options));
  }
  return ReadEngineFigures(**session, reading);
}

void EngineFigures::Run() {
  std::unique_ptr<Session> session;
  bool connected = false;
  bool told = false;  // What hinders it, which is told once.
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    Reading reading;
    const absl::Status status = Ask(&session, &reading);
    if (!status.ok()) session.reset();
    lock.lock();
    if (stopping_) break;
    std::string event;
    if (status.ok()) {
      figures_ = std::move(reading);
      asked_ns_ = MonotonicNowNs();
      if (!connected) event = "connected";
      told = false;
    } else {
      asked_ns_ = 0;
      if (!told) {
        event = absl::StrCat(connected ? "lost: " : "not connected: ",
                             status.message());
      }
      told = true;
    }
    connected = status.ok();
    if (!event.empty() && events_.size() < kMaxWaitingEvents) {
      events_.push_back(std::move(event));
    }
    changed_.wait_for(lock, absl::ToChronoNanoseconds(poll_),
                      [this] { return stopping_; });
  }
  lock.unlock();
}

}  // namespace opsbench::stress::internal
