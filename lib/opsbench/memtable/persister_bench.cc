// What a flush to a real engine costs.
//
// Timed: Memtable::Flush() of rows that are in memory, from the rotation to the
// last commit. Left out: writing them to the memtable, and emptying the
// database for `new` rows; `replaced` ones are there, with other values.
// Dominated by the engine, which runs beside this process: the rate is that of
// both. The rows of the last flush are counted and a sample of them is read
// back after it, and so are some that are deleted then.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/bench_target.h"
#include "opsbench/memtable/memtable.h"
#include "opsbench/memtable/seed_item.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::memtable {
namespace {

// A target, and the file that it is in where the engine is SQLite.
struct Place {
  std::unique_ptr<TestDatabase> file;
  std::unique_ptr<BenchTarget> target;
};

absl::StatusOr<Place> OpenPlace(Engine engine, int64_t rows) {
  Place place;
  Url url;
  if (engine == Engine::kSqlite) {
    OPSBENCH_ASSIGN_OR_RETURN(place.file, TestDatabase::Create(engine));
    url = place.file->url();
  } else {
    OPSBENCH_ASSIGN_OR_RETURN(url, TestServerUrl(engine));
  }
  OPSBENCH_ASSIGN_OR_RETURN(place.target,
                            BenchTarget::Open(url, {"persister", rows}));
  return place;
}

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
  OPSBENCH_ASSIGN_OR_RETURN(const Place place, OpenPlace(engine, rows));
  BenchTarget* const target = place.target.get();
  MemtableOptions options;
  options.threshold_records = 2 * rows;
  options.flush_timeout_ms = 0;
  OPSBENCH_ASSIGN_OR_RETURN(const auto table,
                            ItemTable::Open(options, target->persister()));
  int64_t value = 0;
  // What is there is what was put last.
  const auto check = [&](int64_t deleted) {
    return CheckTarget(*target, rows, rows - deleted,
                       [&](int64_t id) -> absl::optional<OwnedItem> {
                         if (id < deleted) return absl::nullopt;
                         OwnedItem item(id);
                         item.value = value;
                         return item;
                       });
  };
  OPSBENCH_RETURN_IF_ERROR(Fill(*table, rows, value));
  OPSBENCH_RETURN_IF_ERROR(table->Flush());
  OPSBENCH_RETURN_IF_ERROR(check(0));
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
  OPSBENCH_RETURN_IF_ERROR(check(0));
  constexpr int64_t kDeleted = 10;
  for (int64_t id = 0; id < kDeleted; ++id) {
    OPSBENCH_RETURN_IF_ERROR(table->Delete(id));
  }
  OPSBENCH_RETURN_IF_ERROR(table->Flush());
  return check(kDeleted);
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
