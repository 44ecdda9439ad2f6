// What a flush to a real engine costs.
//
// Timed: Memtable::Flush() of rows that are in memory, from the rotation to the
// last commit. Left out: writing them to the memtable, and emptying the
// database for `new` rows; `replaced` ones are there, with other values.
// Dominated by the engine, which runs beside this process: the rate is that of
// both.

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "opsbench/base/clock.h"
#include "opsbench/memtable/redis_persister.h"
#include "opsbench/memtable/seed_item.h"
#include "opsbench/memtable/sql_persister.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::memtable {
namespace {

// The database behind the persister.
class Target {
 public:
  virtual ~Target() = default;
  virtual absl::Status Clear() = 0;
  // How many rows there are.
  virtual absl::StatusOr<int64_t> Count() = 0;
  Persister<Item>* persister() const { return persister_.get(); }

 protected:
  std::unique_ptr<Persister<Item>> persister_;
};

class SqlTarget : public Target {
 public:
  static absl::StatusOr<std::unique_ptr<Target>> Open(Engine engine) {
    auto target = std::make_unique<SqlTarget>();
    OPSBENCH_ASSIGN_OR_RETURN(target->database_, TestDatabase::Create(engine));
    const Url& url = target->database_->url();
    OPSBENCH_ASSIGN_OR_RETURN(target->session_, Connect(url));
    OPSBENCH_RETURN_IF_ERROR(
        target->session_
            ->Execute("CREATE TABLE items (id BIGINT PRIMARY KEY, name "
                      "VARCHAR(100) NOT NULL, category BIGINT NOT NULL, value "
                      "BIGINT NOT NULL)")
            .status());
    OPSBENCH_ASSIGN_OR_RETURN(target->persister_,
                              SqlPersister<ItemSchema>::Open(url, "items"));
    return target;
  }

  absl::Status Clear() override {
    const bool sqlite = database_->url().engine == Engine::kSqlite;
    return session_->Execute(sqlite ? "DELETE FROM items" : "TRUNCATE items")
        .status();
  }

  absl::StatusOr<int64_t> Count() override {
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(
        session_->Query("SELECT COUNT(*) FROM items", &rows));
    return rows.at(0, 0).int64();
  }

 private:
  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

// Keys with a prefix of its own.
class RedisTarget : public Target {
 public:
  static absl::StatusOr<std::unique_ptr<Target>> Open(int64_t rows) {
    auto target = std::make_unique<RedisTarget>();
    target->rows_ = rows;
    target->prefix_ = absl::StrCat("bench_", getpid());
    OPSBENCH_ASSIGN_OR_RETURN(const Url url, TestServerUrl(Engine::kRedis));
    OPSBENCH_ASSIGN_OR_RETURN(target->session_, ConnectRedis(url));
    OPSBENCH_ASSIGN_OR_RETURN(
        target->persister_,
        RedisPersister<ItemSchema>::Open(url, target->prefix_));
    return target;
  }
  ~RedisTarget() override { Clear().IgnoreError(); }

  absl::Status Clear() override { return OfEach("DEL").status(); }
  absl::StatusOr<int64_t> Count() override { return OfEach("EXISTS"); }

 private:
  // The sum of the replies.
  absl::StatusOr<int64_t> OfEach(absl::string_view command) {
    for (int64_t i = 0; i < rows_; ++i) {
      session_->Append({command, absl::StrCat(prefix_, ":", i)});
    }
    std::vector<RedisReply> replies;
    OPSBENCH_RETURN_IF_ERROR(session_->Flush(&replies));
    int64_t sum = 0;
    for (const RedisReply& reply : replies) sum += reply.integer;
    return sum;
  }

  int64_t rows_ = 0;
  std::string prefix_;
  std::unique_ptr<RedisSession> session_;
};

absl::Status Fill(ItemTable& table, int64_t rows, int64_t value) {
  for (int64_t i = 0; i < rows; ++i) {
    OwnedItem item(i);
    item.value = value;
    OPSBENCH_RETURN_IF_ERROR(table.Upsert(item.view()));
  }
  return absl::OkStatus();
}

absl::Status Run(Engine engine, bool replaced, benchmark::State& state) {
  const int64_t rows = state.range(0);
  OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<Target> target,
                            engine == Engine::kRedis ? RedisTarget::Open(rows)
                                                     : SqlTarget::Open(engine));
  MemtableOptions options;
  options.threshold_records = 2 * rows;
  options.flush_timeout_ms = 0;
  OPSBENCH_ASSIGN_OR_RETURN(const auto table,
                            ItemTable::Open(options, target->persister()));
  int64_t value = 0;
  const auto flush = [&]() -> absl::Status {
    OPSBENCH_RETURN_IF_ERROR(table->Flush());
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t count, target->Count());
    return count == rows ? absl::OkStatus()
                         : absl::InternalError(absl::StrCat(count, " rows of ",
                                                            rows, " arrived"));
  };
  OPSBENCH_RETURN_IF_ERROR(Fill(*table, rows, value));
  OPSBENCH_RETURN_IF_ERROR(flush());
  for (auto _ : state) {
    if (!replaced) OPSBENCH_RETURN_IF_ERROR(target->Clear());
    OPSBENCH_RETURN_IF_ERROR(Fill(*table, rows, ++value));
    const int64_t start_ns = MonotonicNowNs();
    OPSBENCH_RETURN_IF_ERROR(table->Flush());
    state.SetIterationTime(static_cast<double>(MonotonicNowNs() - start_ns) /
                           1e9);
  }
  state.counters["rows_per_second"] =
      benchmark::Counter(static_cast<double>(rows * state.iterations()),
                         benchmark::Counter::kIsRate);
  if (table->metrics().retries > 0) {
    return absl::InternalError("a batch had to be repeated");
  }
  return flush();
}

void Register() {
  for (const Engine engine :
       {Engine::kSqlite, Engine::kMysql, Engine::kPostgres, Engine::kRedis}) {
    for (const bool replaced : {false, true}) {
      benchmark::RegisterBenchmark(
          absl::StrCat("Persister/Flush/engine:", EngineName(engine),
                       "/rows_are:", replaced ? "replaced" : "new")
              .c_str(),
          [engine, replaced](benchmark::State& state) {
            const absl::Status status = Run(engine, replaced, state);
            if (!status.ok()) state.SkipWithError(status.ToString().c_str());
          })
          ->ArgName("rows")
          ->Arg(1'000)
          ->Arg(100'000)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace
}  // namespace opsbench::memtable

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  opsbench::memtable::Register();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
