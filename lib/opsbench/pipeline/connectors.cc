#include "opsbench/pipeline/connectors.h"

#include <iterator>
#include <utility>

namespace opsbench::pipeline {

std::vector<ConnectorKind> AllConnectors() {
  std::vector<ConnectorKind> all;
  const auto add = [&all](std::vector<ConnectorKind> kinds) {
    all.insert(all.end(), std::make_move_iterator(kinds.begin()),
               std::make_move_iterator(kinds.end()));
  };
#ifdef OPSBENCH_WITH_POSTGRES
  add(PostgresConnectors());
#endif
#ifdef OPSBENCH_WITH_MYSQL
  add(MysqlConnectors());
#endif
  add(SqliteConnectors());
  add(FileConnectors());
  return all;
}

}  // namespace opsbench::pipeline
