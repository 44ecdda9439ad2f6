#ifndef OPSBENCH_DB_INTERNAL_MULTI_ROW_H_
#define OPSBENCH_DB_INTERNAL_MULTI_ROW_H_

// BulkMethod::kMultiRow for the engines at the end of a wire: prepared INSERTs
// with as many rows as the protocol's count of parameters allows. And what all
// bulk loads have in common.
//
// Thread safety: as the session, for one thread at a time.

#include <atomic>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

// INSERT INTO table (columns) VALUES (…), with placeholders for `rows` rows.
std::string InsertSql(Engine engine, absl::string_view table,
                      absl::Span<const std::string> columns, size_t rows);

// What a statement of many rows gains from more of them ends here; the second
// is for the protocols: both allow 65535 parameters, but libpq takes a
// description of a statement's parameters above 30'000 bytes, four for each,
// for a broken connection.
inline constexpr size_t kMaxRowsPerStatement = 1'000;
inline constexpr size_t kMaxParameters = 7'000;

// Hands the values of `rows`, whose text lives until it returns, to `insert` in
// batches of `batch` rows, the last one smaller; returns how many rows.
absl::StatusOr<int64_t> InBatches(
    RowIterator& rows, size_t columns, size_t batch,
    absl::FunctionRef<absl::Status(absl::Span<const Value>, size_t count)>
        insert);

// Inserts all of `rows` through `session` and returns how many. Opens no
// transaction of its own. InvalidArgument: there are no columns.
absl::StatusOr<int64_t> InsertMultiRow(Session& session,
                                       absl::string_view table,
                                       absl::Span<const std::string> columns,
                                       RowIterator& rows);

// The rows of `source` until `interrupted` becomes true, Cancelled from then
// on. An engine interrupts the statement that runs, and none may run while a
// load waits for its next row.
class InterruptibleRows : public RowIterator {
 public:
  // Forgets an interruption of what ran before.
  InterruptibleRows(RowIterator& source, std::atomic<bool>& interrupted)
      : source_(source), interrupted_(interrupted) {
    interrupted_ = false;
  }

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (interrupted_.load(std::memory_order_relaxed)) {
      return absl::CancelledError("the bulk load was interrupted");
    }
    return source_.Next(row);
  }

 private:
  RowIterator& source_;
  std::atomic<bool>& interrupted_;
};

// Runs `load` so that it leaves everything or nothing behind: in a transaction,
// or in a savepoint when `in_transaction` says that the caller has one.
template <typename Load>
absl::StatusOr<int64_t> AllOrNothing(Session& session, bool in_transaction,
                                     Load load) {
  absl::Status begun = in_transaction
                           ? session.Execute("SAVEPOINT opsbench_bulk").status()
                           : session.Begin();
  if (!begun.ok()) return begun;
  absl::StatusOr<int64_t> loaded = load();
  if (loaded.ok()) {
    const absl::Status end =
        in_transaction
            ? session.Execute("RELEASE SAVEPOINT opsbench_bulk").status()
            : session.Commit();
    if (end.ok()) return loaded;
    loaded = end;
  }
  // The first error tells the story; failing to undo (the connection is gone)
  // adds nothing to it.
  if (in_transaction) {
    session.Execute("ROLLBACK TO SAVEPOINT opsbench_bulk").IgnoreError();
    session.Execute("RELEASE SAVEPOINT opsbench_bulk").IgnoreError();
  } else {
    session.Rollback().IgnoreError();
  }
  return loaded;
}

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MULTI_ROW_H_
