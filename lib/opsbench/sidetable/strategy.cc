#include "opsbench/sidetable/strategy.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace opsbench::sidetable {
namespace {

constexpr Strategy kAll[] = {Strategy::kSideTable, Strategy::kLikeScan,
                             Strategy::kLevelColumns, Strategy::kLtree};

}  // namespace

absl::string_view StrategyName(Strategy strategy) {
  switch (strategy) {
    case Strategy::kSideTable:
      return "side_table";
    case Strategy::kLikeScan:
      return "like_scan";
    case Strategy::kLevelColumns:
      return "level_columns";
    case Strategy::kLtree:
      return "ltree";
  }
  return "";
}

absl::StatusOr<Strategy> ParseStrategy(absl::string_view name) {
  for (const Strategy strategy : kAll) {
    if (StrategyName(strategy) == name) return strategy;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown strategy '", name, "': use ",
                   absl::StrJoin(kAll, ", ", [](std::string* out, Strategy s) {
                     absl::StrAppend(out, StrategyName(s));
                   })));
}

absl::Span<const Strategy> StrategiesOf(Engine engine) {
  const absl::Span<const Strategy> all(kAll);
  return engine == Engine::kPostgres ? all : all.first(3);
}

absl::string_view NamePrefix(Purpose purpose) {
  switch (purpose) {
    case Purpose::kData:
      return "";
    case Purpose::kBenchmark:
      return "opsbench_bench_";
    case Purpose::kCompare:
      return "opsbench_compare_";
    case Purpose::kPeers:
      return "opsbench_peer_";
  }
  return "";
}

absl::string_view Maker(Purpose purpose) {
  switch (purpose) {
    case Purpose::kData:
      return "sidetable seed";
    case Purpose::kBenchmark:
      return "sidetable bench";
    case Purpose::kCompare:
      return "sidetable compare";
    case Purpose::kPeers:
      return "sidetable peers";
  }
  return "";
}

absl::string_view OperationsTable(Strategy strategy) {
  switch (strategy) {
    case Strategy::kSideTable:
      return "operations";
    case Strategy::kLikeScan:
      return "operations_like";
    case Strategy::kLevelColumns:
      return "operations_levels";
    case Strategy::kLtree:
      return "operations_ltree";
  }
  return "";
}

std::vector<std::string> Tables(Strategy strategy, Engine engine) {
  std::vector<std::string> tables = {std::string(OperationsTable(strategy))};
  if (strategy == Strategy::kSideTable) {
    tables.push_back("operation_prefixes");
    // Where writers choose ids.
    if (engine == Engine::kMysql) tables.push_back("operation_ids");
  }
  return tables;
}

std::string LatestIndex(Strategy strategy, int level) {
  switch (strategy) {
    case Strategy::kSideTable:
      return "operation_prefixes_latest";
    case Strategy::kLikeScan:
      return "operations_like_path_created";
    case Strategy::kLevelColumns:
      return absl::StrCat("operations_levels_l", level);
    case Strategy::kLtree:
      return "operations_ltree_tree";
  }
  return "";
}

std::string ExactIndex(Strategy strategy) {
  return absl::StrCat(OperationsTable(strategy), "_path_created");
}

}  // namespace opsbench::sidetable
