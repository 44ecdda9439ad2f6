#ifndef OPSBENCH_DB_INTERNAL_MYSQL_STATEMENT_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_STATEMENT_H_

// A statement prepared on the server, through the C client, at the least cost
// that its interface allows: parameters are bound once and then only written,
// and rows go from the network buffer straight into the ResultSet, without a
// buffer for each column that a long value could overflow.
//
// Thread safety: for the thread that owns the session.

#include <mysql.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/internal/mysql_types.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

// REQUIRES: FitsMysql(us).
MYSQL_TIME MysqlTimeOf(int64_t us);

class MysqlStatement : public Statement {
 public:
  // `last_insert_id`, which outlives the statement, takes the id that an INSERT
  // made, if it made one.
  static absl::StatusOr<std::unique_ptr<MysqlStatement>> Prepare(
      MYSQL* connection, absl::string_view sql, int64_t* last_insert_id);
  ~MysqlStatement() override;

  absl::StatusOr<int64_t> Execute(absl::Span<const Value> parameters,
                                  ResultSet* rows) override;

 private:
  // Text up to this many bytes is copied, so that its address stays the same
  // and need not be bound again, which would also send all types again.
  static constexpr size_t kInlineBytes = 256;

  struct Parameter {
    int64_t integer = 0;
    double number = 0;
    MYSQL_TIME time = {};
    unsigned long length = 0;
    my_bool is_null = 0;
    char text[kInlineBytes];
  };

  MysqlStatement(MYSQL* connection, MYSQL_STMT* statement,
                 int64_t* last_insert_id);

  absl::Status Bind(absl::Span<const Value> parameters);
  absl::Status BindOne(const Value& value, size_t i);
  void PointBind(size_t i, enum_field_types type, void* buffer);
  absl::StatusOr<int64_t> ReadRows(ResultSet* rows);
  // Reads what a CALL has beside its first result.
  absl::Status DrainResults();

  // The library's callback for each column of a row: `cursor` is where the
  // value begins, null for NULL, and moves past it.
  static void TakeColumn(void* statement, unsigned column,
                         unsigned char** cursor);

  MYSQL* const connection_;
  MYSQL_STMT* const statement_;
  int64_t* const last_insert_id_;
  std::vector<Parameter> parameters_;
  std::vector<MYSQL_BIND> binds_;
  bool bound_ = false;  // The library has what is in binds_.
  std::vector<MysqlColumn> columns_;
  ResultSet* rows_ = nullptr;  // Of the execution under way.
};

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_STATEMENT_H_
