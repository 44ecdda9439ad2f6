// The memtable beside what a program would use in its place.
//
// Timed: puts, gets, finds, deletes and updates by threads that start together,
// from the first start to the last end, as the time of one operation, all
// threads together; the lower quartile of rounds. Left out: making rows and
// tables, filling them, threads, and checking answers. Dominated by misses of
// the cache where a table has more rows than the cache holds, in the rivals by
// allocations and locks, with more threads by lines that they all write.
//
// Each implementation goes through the same templates. Its answers are checked
// before reads are timed, and after every round of writes; reads are summed up
// and the sums compared.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench_main.h"
#include "benchmark/benchmark.h"
#include "memtable/concurrent_tables.h"
#include "memtable/flat_hash_map_table.h"
#include "memtable/flushes.h"
#include "memtable/leveldb_table.h"
#include "memtable/opsbench_table.h"
#include "memtable/process.h"
#include "memtable/reads.h"
#include "memtable/real_persisters.h"
#include "memtable/scenario.h"
#include "memtable/seed_design.h"
#include "memtable/skip_list_table.h"
#include "memtable/writes.h"

namespace opsbench::memtable_bench {

void Register(const std::string& name,
              std::function<absl::StatusOr<Measured>()> run) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [run = std::move(run)](benchmark::State& state) {
        for (auto _ : state) {
          if (BenchInterrupted()) {
            state.SkipWithError(kInterrupted);
            return;
          }
          const absl::StatusOr<Measured> measured = run();
          if (!measured.ok()) {
            state.SkipWithError(measured.status().ToString().c_str());
            return;
          }
          state.SetIterationTime(measured->operation_ns * 1e-9);
          for (const auto& [counter, value] : measured->counters) {
            state.counters[counter] = value;
          }
        }
        state.SetItemsProcessed(state.iterations());
      })
      ->Unit(benchmark::kNanosecond)
      ->UseManualTime()
      ->Iterations(1);
}

namespace {

// Implementations with all three indexes, and those of a key alone. The order
// is that of the columns in a summary.
using Indexed =
    std::tuple<OpsbenchTable<ThreeIndexes>, SeedDesign<false, false>,
               SeedDesign<true, false>, TbbIndexedTable>;
using OfKeys = std::tuple<OpsbenchTable<KeyOnly>, TbbTable, CuckooTable,
                          SkipListTable, LevelDbTable, FlatHashMap>;
using Readable =
    std::tuple<OpsbenchTable<ThreeIndexes>, SeedDesign<false, false>,
               SeedDesign<true, false>, TbbIndexedTable, TbbTable, CuckooTable,
               SkipListTable, LevelDbTable, FlatHashMap>;
using Ordered = std::tuple<OpsbenchTable<FiveIndexes>, SeedDesign<false, true>>;

struct Sizes {
  Budget budget;
  int64_t reads;
  // Beside those of the seed document.
  std::vector<int64_t> large;
  int64_t scaling;  // With every number of threads.
  int64_t duration_ns;
  int64_t sweep_ns;
};

constexpr int64_t kMillisecond = 1'000'000;

Sizes SizesOfScale(Scale scale) {
  switch (scale) {
    case Scale::kSmoke:
      return {{0, 1}, 2'000, {}, 10'000, 20 * kMillisecond, 20 * kMillisecond};
    case Scale::kQuick:
      return {{100 * kMillisecond, 5}, 100'000,
              {100'000, 200'000},      200'000,
              250 * kMillisecond,      1'000 * kMillisecond};
    case Scale::kFull:
      return {{1'000 * kMillisecond, 9}, 400'000,
              {100'000, 1'000'000},      1'000'000,
              3'000 * kMillisecond,      10'000 * kMillisecond};
  }
  return {};
}

Sizes SizesOf(const BenchOptions& options) {
  Sizes sizes = SizesOfScale(options.scale);
  if (options.iterations > 0) {
    sizes.budget = {0, static_cast<int>(options.iterations)};
  }
  if (options.measure_seconds > 0) {
    const auto wanted_ns = static_cast<int64_t>(1e9 * options.measure_seconds);
    sizes.budget = {wanted_ns, 1, std::numeric_limits<int>::max()};
    // Rounds that are long beside what telling a profiler of each takes.
    sizes.reads = std::max<int64_t>(sizes.reads, 1'000'000);
    sizes.duration_ns = wanted_ns;
    sizes.sweep_ns = wanted_ns;
  }
  return sizes;
}

const std::vector<int>& AllThreads() {
  static const auto* threads = new std::vector<int>{1, 2, 4, 8, 16};
  return *threads;
}

// Sizes and numbers of threads, in the order of a summary's rows.
struct Point {
  int64_t items;
  int threads;
};
using Points = std::vector<Point>;

Points Alone(const std::vector<int64_t>& sizes) {
  Points points;
  for (const int64_t items : sizes) points.push_back({items, 1});
  return points;
}
Points Scaled(Points points, int64_t items) {
  for (const int threads : AllThreads()) points.push_back({items, threads});
  return points;
}

Points Joined(Points points, const Points& more) {
  points.insert(points.end(), more.begin(), more.end());
  return points;
}

// Without those that came before: at smoke scale sizes coincide.
Points Distinct(const Points& points) {
  Points distinct;
  for (const Point& point : points) {
    bool there = false;
    for (const Point& other : distinct) {
      there = there ||
              (point.items == other.items && point.threads == other.threads);
    }
    if (!there) distinct.push_back(point);
  }
  return distinct;
}

class Registrar {
 public:
  // With BenchOptions::rows, that size alone.
  Registrar(const BenchOptions& options, RowCache* rows)
      : sizes_(SizesOf(options)), one_size_(options.rows > 0), rows_(rows) {
    if (!one_size_) return;
    sizes_.large = {options.rows};
    sizes_.scaling = options.rows;
  }

  void RegisterAll() {
    // First: the process that it forks shall have nothing of the others.
    RegisterMemory();
    RegisterReads();
    RegisterWrites();
    // Their sizes are thresholds.
    if (!one_size_) RegisterFlushes();
  }

 private:
  // Sizes beside the one that was asked for are none.
  template <typename List>
  List Fixed(List sizes) const {
    return one_size_ ? List() : sizes;
  }

  Case CaseOf(const Point& point, const std::string& name) const {
    return {rows_,         point.items,  point.threads,
            sizes_.budget, sizes_.reads, name};
  }

  static std::string Name(const char* what, const char* impl,
                          const Point& point, const std::string& more = "") {
    return absl::StrCat("Memtable/", what, "/impl:", impl, more,
                        "/items:", point.items, "/threads:", point.threads);
  }

  // Calls run<Impl>(test) for each implementation of the list that can do it:
  // they take turns at each point, so that a machine that is busy for a while
  // is so for all.
  template <typename Impls, typename Can, typename Run>
  void RegisterEach(const char* what, const Points& points, Can can, Run run) {
    for (const Point& point : points) {
      [&]<typename... Impl>(std::tuple<Impl...>*) {
        (RegisterOne<Impl>(what, point, can, run), ...);
      }(static_cast<Impls*>(nullptr));
    }
  }
  template <typename Impl, typename Can, typename Run>
  void RegisterOne(const char* what, const Point& point, Can, Run run) {
    if constexpr (Can()(Impl::kAbilities)) {
      if (point.threads > 1 && !Impl::kAbilities.threads) return;
      const std::string name = Name(what, Impl::kAbilities.name, point);
      opsbench::memtable_bench::Register(
          name, [run, test = CaseOf(point, name)] {
            return run.template operator()<Impl>(test);
          });
    }
  }

  void RegisterMemory();
  void RegisterReads();
  void RegisterWrites();
  void RegisterFlushes();

  Sizes sizes_;
  const bool one_size_;
  RowCache* const rows_;
};

// Abilities that a scenario asks for.
constexpr auto kAny = [](const Abilities&) { return true; };
constexpr auto kMultiGets = [](const Abilities& can) { return can.multi_get; };
constexpr auto kUpdates = [](const Abilities& can) { return can.update; };

// All scenarios of one size together: each table is filled once.
void Registrar::RegisterReads() {
  std::vector<int64_t> all = Fixed(std::vector<int64_t>{100, 1'000, 10'000});
  all.insert(all.end(), sizes_.large.begin(), sizes_.large.end());
  for (const int64_t items : all) {
    Points gets = {{items, 1}};
    Points some = gets;
    if (items == 1'000) gets.push_back({items, 8});
    if (items == sizes_.scaling) {
      gets = Scaled({}, items);
      some = {{items, 1}, {items, 2}, {items, 8}};
    }
    RegisterEach<Readable>(
        "Get", gets, kAny,
        []<typename Impl>(const Case& test) { return RunGet<Impl>(test); });
    RegisterEach<Readable>("MultiGet", gets, kMultiGets,
                           []<typename Impl>(const Case& test) {
                             return RunMultiGet<Impl>(test);
                           });
    RegisterEach<Indexed>("FindByName", gets, kAny,
                          []<typename Impl>(const Case& test) {
                            return RunFindByName<Impl>(test);
                          });
    RegisterEach<Indexed>("FindByCategory", some, kAny,
                          []<typename Impl>(const Case& test) {
                            return RunFindByCategory<Impl>(test);
                          });
    RegisterEach<Indexed>("FindByValue", some, kAny,
                          []<typename Impl>(const Case& test) {
                            return RunFindByValue<Impl>(test);
                          });
    RegisterEach<Ordered>("FindPrefix", some, kAny,
                          []<typename Impl>(const Case& test) {
                            return RunFindPrefix<Impl>(test);
                          });
    RegisterEach<Ordered>("FindRange", some, kAny,
                          []<typename Impl>(const Case& test) {
                            return RunFindRange<Impl>(test);
                          });
  }
}

void Registrar::RegisterWrites() {
  std::vector<int64_t> inserts =
      Fixed(std::vector<int64_t>{100, 1'000, 10'000});
  inserts.insert(inserts.end(), sizes_.large.begin(), sizes_.large.end());
  RegisterEach<Indexed>("SequentialInsert", Alone(inserts), kAny,
                        []<typename Impl>(const Case& test) {
                          return RunInsert<Impl>(test, Order::kAscending);
                        });
  const auto insert = []<typename Impl>(const Case& test) {
    return RunInsert<Impl>(test, Order::kPut);
  };
  // A thousand for each thread.
  RegisterEach<Indexed>(
      "ConcurrentInsert",
      Scaled(Fixed(Points{{2'000, 2}, {4'000, 4}, {8'000, 8}, {16'000, 16}}),
             sizes_.scaling),
      kAny, insert);
  RegisterEach<OfKeys>(
      "KeyOnlyInsert",
      Distinct(Joined(
          Fixed(Points{{10'000, 1}}),
          {{sizes_.scaling, 1}, {sizes_.scaling, 2}, {sizes_.scaling, 8}})),
      kAny, insert);
  const int64_t large = one_size_ ? sizes_.scaling : sizes_.scaling / 2;
  const Points changes =
      Distinct(Scaled(Fixed(Alone({100, 1'000, 5'000})), large));
  RegisterEach<Indexed>(
      "Mixed", changes, kAny,
      []<typename Impl>(const Case& test) { return RunMixed<Impl>(test); });
  RegisterEach<Indexed>(
      "ReadHeavy",
      Joined(Fixed(Points{{1'000, 8}}),
             {{large, 1}, {large, 2}, {large, 8}, {large, 16}}),
      kUpdates,
      []<typename Impl>(const Case& test) { return RunReadHeavy<Impl>(test); });
  const Points few = Distinct(Joined(Fixed(Alone({100, 1'000, 5'000})),
                                     {{large, 1}, {large, 2}, {large, 8}}));
  RegisterEach<Indexed>(
      "Delete", few, kAny,
      []<typename Impl>(const Case& test) { return RunDelete<Impl>(test); });
  RegisterEach<Indexed>(
      "Update", few, kUpdates,
      []<typename Impl>(const Case& test) { return RunUpdate<Impl>(test); });
}

void Registrar::RegisterMemory() {
  const Points sizes =
      Distinct(Joined(Fixed(Points{{10'000, 1}}), {{sizes_.scaling, 1}}));
  const auto memory = []<typename Impl>(const Case& test) {
    return RunMemory<Impl>(test);
  };
  RegisterEach<Indexed>("Memory", sizes, kAny, memory);
  RegisterEach<OfKeys>("KeyOnlyMemory", sizes, kAny, memory);
}

void Registrar::RegisterFlushes() {
  const auto add = [this](const char* what, const Point& point,
                          const std::string& more, auto run) {
    const std::string name = Name(what, "opsbench", point, more);
    opsbench::memtable_bench::Register(
        name, [run, test = CaseOf(point, name)] { return run(test); });
  };
  for (const int64_t threshold : {100, 500, 1'000, 10'000}) {
    for (const int threads : {1, 2, 8}) {
      if (threads > 1 && threshold < 1'000) continue;
      add("Rotation", {2 * threshold, threads},
          absl::StrCat("/threshold:", threshold),
          [threshold](const Case& test) {
            return RunRotation(test, threshold);
          });
    }
  }
  constexpr int64_t kThreshold = 10'000;
  const int64_t items = 10 * kThreshold;
  for (const int threads : AllThreads()) {
    add("PutLatency", {items, threads}, absl::StrCat("/threshold:", kThreshold),
        [duration_ns = sizes_.duration_ns](const Case& test) {
          return RunPutLatency(test, kThreshold, duration_ns);
        });
  }
  std::vector<PersisterChoice> choices = PersisterChoices(rows_->seed());
  for (PersisterChoice& real : RealPersisters()) {
    choices.push_back(std::move(real));
  }
  for (const PersisterChoice& choice : choices) {
    for (const int threads : {1, 2, 8}) {
      add("Persister", {items, threads},
          absl::StrCat("/persister:", choice.name),
          [choice, duration_ns = sizes_.duration_ns](const Case& test) {
            return RunPersister(test, choice, duration_ns);
          });
    }
  }
  // The seed document's tuning tables, its timeouts a hundredth: what matters
  // is which of size and timeout comes first.
  for (const int64_t threshold : {1'000, 10'000, 100'000}) {
    for (const int64_t timeout_ms : {50, 300, 3'000}) {
      const SweepPoint point = {threshold, timeout_ms, sizes_.sweep_ns};
      add("Sweep", {items, 1},
          absl::StrCat("/threshold:", threshold, "/timeout_ms:", timeout_ms),
          [point](const Case& test) { return RunSweep(test, point); });
    }
  }
}

absl::Status RegisterAll(const BenchOptions& options) {
  KeepFreedMemory();
  // Lives as long as the benchmarks that point to it: until main returns.
  static std::unique_ptr<RowCache> rows;
  rows = std::make_unique<RowCache>(options.seed);
  Registrar(options, rows.get()).RegisterAll();
  return absl::OkStatus();
}

}  // namespace
}  // namespace opsbench::memtable_bench

int main(int argc, char** argv) {
  return opsbench::BenchMain(argc, argv, {},
                             opsbench::memtable_bench::RegisterAll);
}
