#ifndef OPSBENCH_MEMTABLE_INTERNAL_SQL_WRITER_H_
#define OPSBENCH_MEMTABLE_INTERNAL_SQL_WRITER_H_

// Upserts and deletes of rows by key in one table, whatever its columns: what
// of SqlPersister does not depend on the schema.
//
// Thread safety: for one thread at a time.

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::memtable::internal {

class SqlWriter {
 public:
  struct Target {
    Url url;
    ConnectOptions options;
    std::string table;
    std::vector<std::string> columns;  // The key is the first.
  };

  // Connects, and prepares a statement of each kind, so that a table or column
  // that does not exist is told at once. InvalidArgument: see
  // CheckIdentifier().
  static absl::StatusOr<std::unique_ptr<SqlWriter>> Open(Target target);

  // Writes `upserts`, as many values a row as there are columns, and deletes
  // `keys`, all or nothing. After an error the next call starts afresh, with a
  // new connection where the old one was lost.
  absl::Status Write(absl::Span<const Value> upserts,
                     absl::Span<const Value> keys);

 private:
  enum Kind { kUpsert, kDelete };

  SqlWriter(Target target, SqlCatalog catalog);

  absl::Status Connect();
  absl::Status SetReplacements();
  absl::StatusOr<Statement*> Get(Kind kind, size_t rows);
  absl::Status WriteInTransaction(absl::Span<const Value> upserts,
                                  absl::Span<const Value> keys);
  absl::Status Run(Kind kind, absl::Span<const Value> values);
  // The rows of the largest statement of a kind.
  size_t FullRows(Kind kind) const;
  size_t Width(Kind kind) const {
    return kind == kUpsert ? target_.columns.size() : 1;
  }
  // Ends what failed. The session is kept only if it is as good as new.
  void Recover(const absl::Status& status);

  const Target target_;
  const SqlCatalog catalog_;
  std::map<std::string, std::string> replacements_;
  std::unique_ptr<Session> session_;
  // By their number of rows; they end before their session.
  std::map<std::pair<Kind, size_t>, std::unique_ptr<Statement>> statements_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_SQL_WRITER_H_
