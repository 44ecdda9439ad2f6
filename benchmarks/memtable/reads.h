#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_READS_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_READS_H_

// The scenarios that read a table which nobody writes.
//
// Thread safety: for one thread.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "memtable/scenario.h"

namespace opsbench::memtable_bench {

// How often all rows are read in a round.
inline int64_t Passes(const Case& test) {
  return std::max<int64_t>(1, test.reads / test.items);
}

// Times `passes` calls of pass(index) on each thread, which returns a sum;
// `expected` is that of one pass of all threads.
template <typename Pass>
absl::StatusOr<Measured> TimePasses(const Case& test, int64_t operations,
                                    int64_t expected, Pass pass) {
  const int64_t passes = Passes(test);
  Measured measured;
  OPSBENCH_ASSIGN_OR_RETURN(
      measured.operation_ns,
      OperationNs(
          test.budget, operations * passes, [&]() -> absl::StatusOr<int64_t> {
            std::atomic<int64_t> sum{0};
            const int64_t time_ns =
                MeasureTogether(test.name, test.threads, [&](int index) {
                  int64_t own = 0;
                  for (int64_t i = 0; i < passes; ++i) own += pass(index);
                  sum += own;
                });
            OPSBENCH_RETURN_IF_ERROR(
                Expect(sum == expected * passes, "the sum of all reads"));
            return time_ns;
          }));
  return measured;
}

inline int64_t SumOfValues(int64_t items) {
  int64_t sum = 0;
  for (int64_t id = 0; id < items; ++id) sum += OriginalValue(id);
  return sum;
}

template <typename Impl>
absl::StatusOr<Measured> RunGet(const Case& test) {
  OPSBENCH_ASSIGN_OR_RETURN(Impl* const table, Populated<Impl>(test));
  const Rows& rows = test.rows->Get(test.items, Order::kRead);
  return TimePasses(test, test.items, SumOfValues(test.items), [&](int index) {
    auto scratch = table->MakeScratch();
    int64_t sum = 0;
    for (const Item& row : rows.Slice(index, test.threads)) {
      sum += table->Get(row.id, &scratch);
    }
    return sum;
  });
}

template <typename Impl>
absl::StatusOr<Measured> RunMultiGet(const Case& test) {
  OPSBENCH_ASSIGN_OR_RETURN(Impl* const table, Populated<Impl>(test));
  const Rows& rows = test.rows->Get(test.items, Order::kRead);
  std::vector<std::vector<int64_t>> ids(static_cast<size_t>(test.threads));
  for (int i = 0; i < test.threads; ++i) {
    for (const Item& row : rows.Slice(i, test.threads)) {
      ids[static_cast<size_t>(i)].push_back(row.id);
    }
  }
  return TimePasses(test, test.items, SumOfValues(test.items), [&](int index) {
    auto scratch = table->MakeScratch();
    absl::Span<const int64_t> rest = ids[static_cast<size_t>(index)];
    int64_t sum = 0;
    while (!rest.empty()) {
      const auto batch = rest.subspan(0, kMultiGetBatch);
      sum += table->MultiGet(batch, &scratch);
      rest.remove_prefix(batch.size());
    }
    return sum;
  });
}

// Finds: the time of one, with every row that it found looked at.

template <typename Impl>
absl::StatusOr<Measured> RunFindByName(const Case& test) {
  OPSBENCH_ASSIGN_OR_RETURN(Impl* const table, Populated<Impl>(test));
  const Rows& rows = test.rows->Get(test.items, Order::kRead);
  const int64_t sum_of_ids = test.items * (test.items - 1) / 2;
  return TimePasses(test, test.items, sum_of_ids, [&](int index) {
    auto scratch = table->MakeScratch();
    int64_t sum = 0;
    for (const Item& row : rows.Slice(index, test.threads)) {
      sum += table->FindByName(row.name, &scratch).ids;
    }
    return sum;
  });
}

// `requests` in turn, each of which is checked before it is timed:
// find(request, scratch) against expected(request).
template <typename Impl, typename Request, typename Find, typename Expected>
absl::StatusOr<Measured> TimeFinds(const Case& test, Impl* table,
                                   const std::vector<Request>& requests,
                                   Find find, Expected expected) {
  auto scratch = table->MakeScratch();
  std::vector<Found> answers;
  int64_t rows = 0;
  for (const Request& request : requests) {
    answers.push_back(expected(request));
    rows += answers.back().rows;
    OPSBENCH_RETURN_IF_ERROR(
        Expect(find(request, &scratch) == answers.back(), "rows of a find"));
  }
  // As many finds as look at about as many rows as other scenarios read.
  const int64_t rows_per_find =
      std::max<int64_t>(1, rows / static_cast<int64_t>(requests.size()));
  const int64_t each =
      std::max<int64_t>(4, test.reads / rows_per_find / (2 * test.threads));
  int64_t sum = 0;
  for (int thread = 0; thread < test.threads; ++thread) {
    for (int64_t i = 0; i < each; ++i) {
      sum += answers[static_cast<size_t>(thread + i) % answers.size()].ids;
    }
  }
  Case once = test;
  once.reads = 0;  // One pass.
  return TimePasses(once, each * test.threads, sum, [&](int index) {
    auto own = table->MakeScratch();
    int64_t ids = 0;
    for (int64_t i = 0; i < each; ++i) {
      const size_t at = static_cast<size_t>(index + i) % requests.size();
      ids += find(requests[at], &own).ids;
    }
    return ids;
  });
}

template <typename Impl>
absl::StatusOr<Measured> RunFindByCategory(const Case& test) {
  OPSBENCH_ASSIGN_OR_RETURN(Impl* const table, Populated<Impl>(test));
  std::vector<int64_t> categories;
  for (int64_t i = 0; i < kCategories; ++i) categories.push_back(i);
  return TimeFinds(
      test, table, categories,
      [&](int64_t category, typename Impl::Scratch* scratch) {
        return table->FindByCategory(category, scratch);
      },
      [&](int64_t category) {
        return ExpectedModulo(test.items, category, kCategories);
      });
}

template <typename Impl>
absl::StatusOr<Measured> RunFindByValue(const Case& test) {
  OPSBENCH_ASSIGN_OR_RETURN(Impl* const table, Populated<Impl>(test));
  std::vector<int64_t> values;
  for (int64_t i = 0; i < 64; ++i) values.push_back(i * 37 % kValues);
  return TimeFinds(
      test, table, values,
      [&](int64_t value, typename Impl::Scratch* scratch) {
        return table->FindByValue(value, scratch);
      },
      [&](int64_t value) {
        return ExpectedModulo(test.items, value, kValues);
      });
}

// Requests of which each is the name of a row without its last two digits: up
// to 111 rows, of which the first 100 are wanted.
template <typename Impl>
absl::StatusOr<Measured> RunFindPrefix(const Case& test) {
  OPSBENCH_ASSIGN_OR_RETURN(Impl* const table, Populated<Impl>(test));
  const Rows& rows = test.rows->Get(test.items, Order::kRead);
  std::vector<std::string_view> prefixes;
  for (const Item& row : rows.all().subspan(0, 64)) {
    prefixes.push_back(row.name.substr(0, row.name.size() - 2));
  }
  return TimeFinds(
      test, table, prefixes,
      [&](std::string_view prefix, typename Impl::Scratch* scratch) {
        return table->FindPrefix(prefix, kFindLimit, scratch);
      },
      [&](std::string_view prefix) {
        std::vector<std::pair<std::string_view, int64_t>> all;
        for (const Item& row : rows.all()) {
          if (row.name.substr(0, prefix.size()) == prefix) {
            all.emplace_back(row.name, row.id);
          }
        }
        std::sort(all.begin(), all.end());
        Found expected;
        for (size_t i = 0; i < std::min(all.size(), kFindLimit); ++i) {
          expected.Add(all[i].second);
        }
        return expected;
      });
}

// Two values in a row.
template <typename Impl>
absl::StatusOr<Measured> RunFindRange(const Case& test) {
  OPSBENCH_ASSIGN_OR_RETURN(Impl* const table, Populated<Impl>(test));
  std::vector<int64_t> lows;
  for (int64_t i = 0; i < 64; ++i) lows.push_back(i * 37 % (kValues - 1));
  return TimeFinds(
      test, table, lows,
      [&](int64_t low, typename Impl::Scratch* scratch) {
        return table->FindRange(low, low + 2, ~size_t{0}, scratch);
      },
      [&](int64_t low) {
        Found expected = ExpectedModulo(test.items, low, kValues);
        const Found next = ExpectedModulo(test.items, low + 1, kValues);
        expected.rows += next.rows;
        expected.ids += next.ids;
        return expected;
      });
}

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_READS_H_
