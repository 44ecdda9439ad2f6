#ifndef OPSBENCH_DB_INTERNAL_MYSQL_STATEMENT_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_STATEMENT_H_

// A statement prepared on the server, through the C client. Its bindings and
// buffers are made once and used again, and rows are decoded as they arrive,
// which is what keeps the client's share of a query small.
//
// Thread safety: for the thread that owns the session.

#include <mysql.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "opsbench/db/session.h"

namespace opsbench::internal {

// The last error of a statement or connection as a status.
absl::Status MysqlErrorOf(MYSQL_STMT* statement);
absl::Status MysqlErrorOf(MYSQL* connection);

class MysqlStatement : public Statement {
 public:
  static absl::StatusOr<std::unique_ptr<MysqlStatement>> Prepare(
      MYSQL* connection, absl::string_view sql);
  ~MysqlStatement() override;

  absl::StatusOr<int64_t> Execute(absl::Span<const Value> parameters,
                                  ResultSet* rows) override;

 private:
  // How a column is bound and decoded.
  enum class Kind { kInt64, kDouble, kTime, kText, kBytes };
  struct Column {
    std::string name;
    Kind kind = Kind::kText;
    enum_field_types type = MYSQL_TYPE_STRING;
    unsigned flags = 0;
    int64_t integer = 0;
    double number = 0;
    MYSQL_TIME time = {};
    std::string text;  // Grows to the longest value seen.
    unsigned long length = 0;
    my_bool is_null = 0;
    my_bool truncated = 0;
  };

  explicit MysqlStatement(MYSQL_STMT* statement);

  absl::Status BindParameters(absl::Span<const Value> parameters);
  // Binds the columns of the result that is waiting, unless they are those of
  // the last one.
  absl::Status BindColumns();
  void BindBuffer(size_t i);
  absl::StatusOr<int64_t> ReadRows(ResultSet* rows);
  absl::Status AppendRow(ResultSet* rows);
  absl::Status AppendText(size_t i, ResultSet* rows);
  // Reads what a CALL has beside its first result.
  absl::Status DrainResults();

  MYSQL_STMT* const statement_;
  std::vector<MYSQL_BIND> parameters_;
  std::vector<int64_t> integers_;
  std::vector<double> numbers_;
  std::vector<MYSQL_TIME> times_;
  std::vector<unsigned long> lengths_;
  std::deque<Column> columns_;  // Addresses are bound, so they must not move.
  std::vector<MYSQL_BIND> results_;
  bool grown_ = false;  // A text buffer grew and waits to be bound.
};

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_STATEMENT_H_
