#ifndef OPSBENCH_DB_INTERNAL_MYSQL_STREAM_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_STREAM_H_

// The rows of a query as the server sends them, by the binary protocol: floats
// are exact in it, where the text protocol rounds FLOAT to six digits, and
// neither side formats or parses numbers and timestamps. Text is looked at in
// the library's network buffer, so that no value is too long.
//
// Values are those of mysql_types.h.
//
// Thread safety: for the thread that owns the session.

#include <mysql.h>

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/internal/mysql_types.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

class MysqlStream : public RowIterator {
 public:
  // Runs `sql`. `kill` ends what the connection runs, from another one.
  //
  // InvalidArgument: it has no rows to give.
  static absl::StatusOr<std::unique_ptr<MysqlStream>> Open(
      MYSQL* connection, absl::string_view sql, std::function<void()> kill);

  // Rows that nobody read are not waited for: the query is killed, what is on
  // its way is drained, and the session can be used again.
  ~MysqlStream() override;

  // InvalidArgument: `row` has not as many values as the query has columns.
  absl::StatusOr<bool> Next(absl::Span<Value> row) override;

 private:
  MysqlStream(MYSQL* connection, MYSQL_STMT* statement,
              std::function<void()> kill);

  // As MysqlStatement::TakeColumn.
  static void TakeColumn(void* stream, unsigned column, unsigned char** cursor);

  MYSQL* const connection_;
  MYSQL_STMT* const statement_;
  const std::function<void()> kill_;
  std::vector<MysqlColumn> columns_;
  std::vector<MysqlScratch> scratch_;  // One for each column.
  Value* row_ = nullptr;  // That TakeColumn fills; null: nobody wants it.
  bool running_ = false;
};

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_STREAM_H_
