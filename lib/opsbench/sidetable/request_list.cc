#include "opsbench/sidetable/request_list.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/sidetable/generator.h"
#include "opsbench/sidetable/workload.h"

namespace opsbench::sidetable {
namespace {

// The statement of a read; empty for a write.
absl::string_view SectionOf(OperationKind kind) {
  switch (kind) {
    case OperationKind::kLatest:
    case OperationKind::kLatestCold:
      return "latest";
    case OperationKind::kLatestOffset:
      return "latest_offset";
    case OperationKind::kExact:
      return "exact";
    case OperationKind::kCount24h:
      return "count_since";
    case OperationKind::kErrorRate:
      return "error_rate";
    default:
      return "";
  }
}

std::string OnOneLine(absl::string_view sql) {
  return absl::StrJoin(
      absl::StrSplit(sql, absl::ByAnyChar(" \n"), absl::SkipEmpty()), " ");
}

}  // namespace

absl::StatusOr<RequestList> ListRequests(const Store& store,
                                         const MixOperation& operation,
                                         int distinct) {
  const absl::string_view section = SectionOf(operation.kind);
  if (section.empty() || store.strategy() != Strategy::kSideTable) {
    return absl::InvalidArgumentError(
        absl::StrCat("requests are listed of side_table's reads, not of ",
                     operation.name, " by ", StrategyName(store.strategy())));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled, store.Compile(section));
  RequestList list;
  list.sql = OnOneLine(compiled.sql);
  // SQLite has no type for it and stores the number.
  const int64_t since_us = SinceOf(operation.kind);
  const std::string since = store.engine() == Engine::kSqlite
                                ? absl::StrCat(since_us)
                                : Value::TimestampUs(since_us).ToString();
  Request request;
  for (int index = 0; index < distinct; ++index) {
    DrawDistinct(operation, index, &request);
    const std::map<absl::string_view, std::string> values = {
        {"prefix", std::string(request.path)},
        {"path", std::string(request.path)},
        {"limit", absl::StrCat(kLimit)},
        {"offset", absl::StrCat(request.offset)},
        {"since", since}};
    std::vector<std::string> arguments;
    for (const std::string& name : compiled.parameters) {
      const auto found = values.find(name);
      if (found == values.end()) {
        return absl::InternalError(absl::StrCat(
            "statement ", section, " has an unknown parameter :", name));
      }
      arguments.push_back(found->second);
    }
    list.arguments.push_back(std::move(arguments));
  }
  return list;
}

}  // namespace opsbench::sidetable
