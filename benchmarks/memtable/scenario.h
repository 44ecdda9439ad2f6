#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_SCENARIO_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_SCENARIO_H_

// What the scenarios share: their parameters, tables that hold rows already,
// and checks of their answers.
//
// Thread safety: for one thread.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "bench_main.h"
#include "memtable/implementation.h"
#include "memtable/rows.h"
#include "memtable/team.h"
#include "opsbench/base/random.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::memtable_bench {

struct Case {
  RowCache* rows = nullptr;
  int64_t items = 0;
  int threads = 1;
  Budget budget;
  // Reads of a round at least; small tables are read several times over.
  int64_t reads = 0;
  std::string name;  // The benchmark's: the tag of its stages.
};

struct Measured {
  double operation_ns = 0;
  std::map<std::string, double> counters;
};

inline absl::Status Expect(bool fine, absl::string_view what) {
  return fine ? absl::OkStatus()
              : absl::InternalError(absl::StrCat("wrong answer: ", what));
}

// Registers `run` under `name`, its error as the benchmark's.
void Register(const std::string& name,
              std::function<absl::StatusOr<Measured>()> run);

template <typename Impl>
absl::Status Fill(absl::Span<const Item> rows, Impl* table) {
  for (const Item& row : rows) {
    OPSBENCH_RETURN_IF_ERROR(Expect(table->Put(row), "a put failed"));
  }
  return absl::OkStatus();
}

// The values of at most 1,000 rows of [first, first + count), and that the next
// one is absent, as the caller says: value(id), or kAbsent.
template <typename Impl, typename ValueOf>
absl::Status CheckGets(int64_t count, ValueOf value, Impl* table) {
  constexpr int64_t kSamples = 1000;
  auto scratch = table->MakeScratch();
  Random random(static_cast<uint64_t>(count));
  for (int64_t i = 0; i < std::min(count, kSamples); ++i) {
    const int64_t id =
        count <= kSamples
            ? i
            : static_cast<int64_t>(random.Below(static_cast<uint64_t>(count)));
    const int64_t got = table->Get(id, &scratch);
    if (got != value(id)) {
      return absl::InternalError(absl::StrCat("wrong answer: row ", id, " is ",
                                              got, " and not ", value(id)));
    }
  }
  return Expect(table->Get(4 * count + 7, &scratch) == kAbsent,
                "an absent row was found");
}

// The indexes of a table of the rows [0, count), of which row id has the value
// (id + shift) % kValues.
template <typename Impl>
absl::Status CheckFinds(int64_t count, int64_t shift, Impl* table) {
  if constexpr (Impl::kAbilities.indexes) {
    auto scratch = table->MakeScratch();
    const int64_t last = count - 1;
    Found by_name;
    by_name.Add(last);
    OPSBENCH_RETURN_IF_ERROR(Expect(
        table->FindByName(absl::StrCat("item_", last), &scratch) == by_name,
        "rows of a name"));
    OPSBENCH_RETURN_IF_ERROR(
        Expect(table->FindByCategory(last % kCategories, &scratch) ==
                   ExpectedModulo(count, last % kCategories, kCategories),
               "rows of a category"));
    OPSBENCH_RETURN_IF_ERROR(
        Expect(table->FindByValue((last + shift) % kValues, &scratch) ==
                   ExpectedModulo(count, last % kValues, kValues),
               "rows of a value"));
    return Expect(table->FindByCategory(kCategories, &scratch) == Found(),
                  "rows of no category");
  }
  return absl::OkStatus();
}

inline int64_t OriginalValue(int64_t id) { return id % kValues; }

// A table of `items` rows, checked; kept until one of another size is wanted,
// as the scenarios that read come one after the other.
template <typename Impl>
absl::StatusOr<Impl*> Populated(const Case& test) {
  // Gone when main() has returned: some have files.
  static std::pair<int64_t, std::unique_ptr<Impl>> kept;
  if (kept.first != test.items) {
    kept = {0, nullptr};
    Stage populate("populate", test.name);
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<Impl> table,
                              Impl::Create({.records = test.items}));
    OPSBENCH_RETURN_IF_ERROR(
        Fill(test.rows->Get(test.items, Order::kPut).all(), table.get()));
    populate.End();
    const Stage verify("verify", test.name);
    OPSBENCH_RETURN_IF_ERROR(CheckGets(test.items, OriginalValue, table.get()));
    OPSBENCH_RETURN_IF_ERROR(CheckFinds(test.items, 0, table.get()));
    kept = {test.items, std::move(table)};
  }
  return kept.second.get();
}

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_SCENARIO_H_
