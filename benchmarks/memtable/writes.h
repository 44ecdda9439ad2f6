#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_WRITES_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_WRITES_H_

// The scenarios that write. Each round begins with an empty table that was used
// before, and the rows that it needs are put before the clock starts.
//
// Thread safety: for one thread.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "memtable/process.h"
#include "memtable/scenario.h"

namespace opsbench::memtable_bench {

// What a scenario of writes does to a table that holds `before`.
struct WritePlan {
  int64_t records = 0;     // In the table at the end of a round.
  int64_t operations = 0;  // Timed.
  absl::Span<const Item> before;
};

// work(table, scratch, index) is what one thread does, and returns whether all
// of it succeeded; check(table) what must be true afterwards.
template <typename Impl, typename Work, typename Check>
absl::StatusOr<Measured> TimeWrites(const Case& test, const WritePlan& plan,
                                    Work work, Check check) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Impl> table,
                            Impl::Create({.records = plan.records}));
  bool used = false;
  Measured measured;
  OPSBENCH_ASSIGN_OR_RETURN(
      measured.operation_ns,
      OperationNs(
          test.budget, plan.operations, [&]() -> absl::StatusOr<int64_t> {
            if (used) OPSBENCH_RETURN_IF_ERROR(table->Reset());
            used = true;
            OPSBENCH_RETURN_IF_ERROR(Fill(plan.before, table.get()));
            std::atomic<bool> fine{true};
            const int64_t time_ns =
                MeasureTogether(test.name, test.threads, [&](int index) {
                  auto scratch = table->MakeScratch();
                  if (!work(table.get(), &scratch, index)) fine = false;
                });
            OPSBENCH_RETURN_IF_ERROR(Expect(fine, "a write or read failed"));
            OPSBENCH_RETURN_IF_ERROR(check(table.get()));
            return time_ns;
          }));
  return measured;
}

template <typename Impl>
absl::StatusOr<Measured> RunInsert(const Case& test, Order order) {
  const Rows& rows = test.rows->Get(test.items, order);
  return TimeWrites<Impl>(
      test, {.records = test.items, .operations = test.items},
      [&](Impl* table, typename Impl::Scratch*, int index) {
        bool fine = true;
        for (const Item& row : rows.Slice(index, test.threads)) {
          fine = table->Put(row) && fine;
        }
        return fine;
      },
      [&](Impl* table) -> absl::Status {
        OPSBENCH_RETURN_IF_ERROR(CheckGets(test.items, OriginalValue, table));
        return CheckFinds(test.items, 0, table);
      });
}

// In turns the put of a new row and the get of one that is there.
template <typename Impl>
absl::StatusOr<Measured> RunMixed(const Case& test) {
  const Rows& fresh = test.rows->Get(test.items, Order::kFresh);
  const Rows& read = test.rows->Get(test.items, Order::kRead);
  return TimeWrites<Impl>(
      test,
      {.records = 2 * test.items,
       .operations = 2 * test.items,
       .before = test.rows->Get(test.items, Order::kPut).all()},
      [&](Impl* table, typename Impl::Scratch* scratch, int index) {
        const auto puts = fresh.Slice(index, test.threads);
        const auto gets = read.Slice(index, test.threads);
        bool fine = true;
        for (size_t i = 0; i < puts.size(); ++i) {
          fine = table->Put(puts[i]) && fine;
          fine = table->Get(gets[i].id, scratch) == gets[i].value && fine;
        }
        return fine;
      },
      [&](Impl* table) -> absl::Status {
        OPSBENCH_RETURN_IF_ERROR(
            CheckGets(2 * test.items, OriginalValue, table));
        return CheckFinds(2 * test.items, 0, table);
      });
}

// Nineteen gets, then an update. A row's value is the original one, or the
// next.
template <typename Impl>
absl::StatusOr<Measured> RunReadHeavy(const Case& test) {
  constexpr size_t kEach = 20;
  const Rows& rows = test.rows->Get(test.items, Order::kRead);
  const int64_t passes = std::max<int64_t>(1, test.reads / test.items);
  return TimeWrites<Impl>(
      test,
      {.records =
           test.items +
           passes * (test.items / static_cast<int64_t>(kEach) + test.threads),
       .operations = passes * test.items,
       .before = test.rows->Get(test.items, Order::kPut).all()},
      [&](Impl* table, typename Impl::Scratch* scratch, int index) {
        const auto own = rows.Slice(index, test.threads);
        bool fine = true;
        for (int64_t pass = 0; pass < passes; ++pass) {
          for (size_t i = 0; i < own.size(); ++i) {
            const Item& row = own[i];
            if (i % kEach == kEach - 1) {
              fine = table->Update(row.id, (row.value + 1) % kValues) && fine;
            } else {
              fine = table->Get(row.id, scratch) == row.value && fine;
            }
          }
        }
        return fine;
      },
      [&](Impl* table) {
        auto scratch = table->MakeScratch();
        return Expect(table->Get(test.items, &scratch) == kAbsent,
                      "a row that was never put");
      });
}

// write(table, row) of every row once, and then check(table).
template <typename Impl, typename Write, typename Check>
absl::StatusOr<Measured> RunOnEachRow(const Case& test, Write write,
                                      Check check) {
  const Rows& rows = test.rows->Get(test.items, Order::kRead);
  return TimeWrites<Impl>(
      test,
      {.records = 2 * test.items,
       .operations = test.items,
       .before = test.rows->Get(test.items, Order::kPut).all()},
      [&](Impl* table, typename Impl::Scratch*, int index) {
        bool fine = true;
        for (const Item& row : rows.Slice(index, test.threads)) {
          fine = write(table, row) && fine;
        }
        return fine;
      },
      check);
}

template <typename Impl>
absl::StatusOr<Measured> RunDelete(const Case& test) {
  return RunOnEachRow<Impl>(
      test, [](Impl* table, const Item& row) { return table->Delete(row.id); },
      [&](Impl* table) -> absl::Status {
        OPSBENCH_RETURN_IF_ERROR(CheckGets(
            test.items, [](int64_t) { return kAbsent; }, table));
        if constexpr (Impl::kAbilities.indexes) {
          auto scratch = table->MakeScratch();
          return Expect(table->FindByCategory(0, &scratch) == Found(),
                        "deleted rows of a category");
        }
        return absl::OkStatus();
      });
}

// The value, and with it its place in an index, becomes the next one.
template <typename Impl>
absl::StatusOr<Measured> RunUpdate(const Case& test) {
  return RunOnEachRow<Impl>(
      test,
      [](Impl* table, const Item& row) {
        return table->Update(row.id, (row.value + 1) % kValues);
      },
      [&](Impl* table) -> absl::Status {
        OPSBENCH_RETURN_IF_ERROR(CheckGets(
            test.items, [](int64_t id) { return (id + 1) % kValues; }, table));
        return CheckFinds(test.items, 1, table);
      });
}

// The memory of a table that is full. `touched_bytes_per_row` is what the
// kernel counts in a process of its own, with everything that an implementation
// keeps beside its rows: for ours also the spare table. `bytes_per_row` is the
// same for rivals; for ours its own account of the table that has the rows. The
// time is that of filling it, for the first time.
template <typename Impl>
absl::StatusOr<Measured> RunMemory(const Case& test) {
  const Rows& rows = test.rows->Get(test.items, Order::kPut);
  OPSBENCH_ASSIGN_OR_RETURN(
      const int64_t touched,
      TouchedBytes([&](const std::function<void()>& measure) -> absl::Status {
        OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Impl> table,
                                  Impl::Create({.records = test.items}));
        OPSBENCH_RETURN_IF_ERROR(Fill(rows.all(), table.get()));
        measure();
        return absl::OkStatus();
      }));
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Impl> table,
                            Impl::Create({.records = test.items}));
  absl::Status filled;
  AddMeasuredOperations(test.items);
  const int64_t time_ns = MeasureTogether(
      test.name, 1, [&](int) { filled = Fill(rows.all(), table.get()); });
  OPSBENCH_RETURN_IF_ERROR(filled);
  const auto items = static_cast<double>(test.items);
  Measured measured;
  measured.operation_ns = static_cast<double>(time_ns) / items;
  measured.counters["touched_bytes_per_row"] =
      static_cast<double>(touched) / items;
  if constexpr (requires { table->metrics(); }) {
    const memtable::MemtableMetrics metrics = table->metrics();
    measured.counters["bytes_per_row"] =
        static_cast<double>(metrics.table_bytes) /
        static_cast<double>(metrics.tables) / items;
    measured.counters["record_bytes_per_row"] =
        static_cast<double>(metrics.record_bytes) / items;
  } else {
    measured.counters["bytes_per_row"] = static_cast<double>(touched) / items;
  }
  return measured;
}

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_WRITES_H_
