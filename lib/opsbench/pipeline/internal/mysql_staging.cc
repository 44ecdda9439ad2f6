// A replacement's rows in a table of their own, which takes the target's place.

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/pipeline/internal/mysql_destination.h"

namespace opsbench::pipeline::internal {
namespace {

constexpr char kStagingMaker[] = "pipeline staging";

// "opsbench_staged_<hash of the target>_": of a name that is never too long.
std::string PrefixBeside(absl::string_view what, const TableName& table) {
  // FNV-1a.
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : table.ToString()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return absl::StrCat("opsbench_", what, "_", absl::Hex(hash, absl::kZeroPad16),
                      "_");
}

// A name that nobody has: not reproducible, on purpose.
TableName TableBeside(absl::string_view what, const TableName& table) {
  std::random_device device;
  return {table.schema, absl::StrCat(PrefixBeside(what, table),
                                     absl::Hex(device(), absl::kZeroPad8))};
}

}  // namespace

absl::Status MysqlDestination::SetComment(const TableName& table,
                                          absl::string_view comment) {
  return Execute(absl::StrCat("ALTER TABLE ", MysqlQuoted(table),
                              " COMMENT = ", MysqlLiteral(comment)));
}

absl::Status MysqlDestination::DropLeftovers() {
  ResultSet rows;
  // Held until the session ends. Some clusters have no such locks: what was
  // left stays there, then.
  const absl::Status locked =
      RunMysqlPipelineSql(*session_, MysqlPipelineSql("catalog", "lock"),
                          {{"name", PrefixBeside("staged", target_)}}, &rows);
  if (!locked.ok() || rows.at(0, 0).is_null() || rows.at(0, 0).int64() != 1) {
    return absl::OkStatus();
  }
  for (const absl::string_view what : {"staged", "old"}) {
    OPSBENCH_RETURN_IF_ERROR(
        RunMysqlPipelineSql(*session_, MysqlPipelineSql("catalog", "leftovers"),
                            {{"schema", target_.schema},
                             {"mark", OwnershipMark(kStagingMaker)},
                             {"prefix", PrefixBeside(what, target_)}},
                            &rows));
    for (size_t i = 0; i < rows.row_count(); ++i) {
      const TableName left = {target_.schema,
                              std::string(rows.at(i, 0).text())};
      OPSBENCH_RETURN_IF_ERROR(
          Execute(absl::StrCat("DROP TABLE ", MysqlQuoted(left))));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<MysqlTable> MysqlDestination::CreateStaged(
    const MysqlTable& target) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string ties,
                            MysqlTies(*session_, target.name));
  if (!ties.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(target.name.ToString(),
                     ": a staged table that takes its place would lose ", ties,
                     "; write without staging"));
  }
  OPSBENCH_RETURN_IF_ERROR(DropLeftovers());
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunMysqlPipelineSql(
      *session_, MysqlPipelineSql("catalog", "comment"),
      {{"schema", target.name.schema}, {"table", target.name.table}}, &rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    if (rows.at(i, 0).text() != target.name.table) continue;
    comment_ = std::string(rows.at(i, 1).text());
  }
  const TableName staged = TableBeside("staged", target.name);
  OPSBENCH_RETURN_IF_ERROR(
      Execute(absl::StrCat("CREATE TABLE ", MysqlQuoted(staged), " LIKE ",
                           MysqlQuoted(target.name))));
  table_ = staged;
  staged_ = true;
  OPSBENCH_RETURN_IF_ERROR(SetComment(staged, OwnershipMark(kStagingMaker)));
  return DescribeMysqlTable(*session_, staged);
}

absl::Status MysqlDestination::Swap() {
  const TableName old = TableBeside("old", target_);
  OPSBENCH_RETURN_IF_ERROR(SetComment(table_, comment_));
  const absl::Status swapped = Execute(absl::StrCat(
      "RENAME TABLE ", MysqlQuoted(target_), " TO ", MysqlQuoted(old), ", ",
      MysqlQuoted(table_), " TO ", MysqlQuoted(target_)));
  if (absl::IsUnavailable(swapped)) return CommitUnknown(target_, swapped);
  OPSBENCH_RETURN_IF_ERROR(swapped);
  staged_ = false;
  absl::Status dropped = SetComment(old, OwnershipMark(kStagingMaker));
  if (dropped.ok()) {
    dropped = Execute(absl::StrCat("DROP TABLE ", MysqlQuoted(old)));
  }
  if (!dropped.ok()) {
    counts_.warning = absl::StrCat(
        target_.ToString(), " was replaced, but its old table is left as ",
        old.ToString(), ", to be dropped by hand or by the next staged run: ",
        dropped.message());
  }
  return absl::OkStatus();
}

}  // namespace opsbench::pipeline::internal
