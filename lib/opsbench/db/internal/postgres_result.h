#ifndef OPSBENCH_DB_INTERNAL_POSTGRES_RESULT_H_
#define OPSBENCH_DB_INTERNAL_POSTGRES_RESULT_H_

// libpq's results as values that own them.
//
// Thread safety: as the connection, for one thread at a time.

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace opsbench::internal {

struct PostgresResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, PostgresResultDeleter>;

inline bool Succeeded(const PostgresResult& result) {
  const ExecStatusType status = PQresultStatus(result.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
         status == PGRES_EMPTY_QUERY;
}

inline absl::string_view Field(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column),
          static_cast<size_t>(PQgetlength(result, row, column))};
}

// The types of a prepared statement's parameters, out of its description.
inline std::vector<uint32_t> ParameterTypesOf(const PGresult* described) {
  std::vector<uint32_t> oids;
  for (int i = 0; i < PQnparams(described); ++i) {
    oids.push_back(PQparamtype(described, i));
  }
  return oids;
}

// Rows affected as the command's tag has them.
inline int64_t Affected(PGresult* result) {
  int64_t affected = 0;
  return absl::SimpleAtoi(PQcmdTuples(result), &affected) ? affected : 0;
}

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_POSTGRES_RESULT_H_
