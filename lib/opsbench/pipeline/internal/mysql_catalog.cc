#include "opsbench/pipeline/internal/mysql_catalog.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/internal/mysql_native_type.h"
#include "opsbench/pipeline/internal/mysql_sql_files.h"

namespace opsbench::pipeline::internal {
namespace {

std::string TextOf(const Value& value) {
  return value.is_null() ? std::string() : std::string(value.text());
}

// Catalogue columns are integers to one server, text to none.
int64_t NumberOf(const Value& value) {
  return value.type() == Value::Type::kInt64 ? value.int64() : 0;
}

absl::Status ReadColumns(Session& session, MysqlTable* table) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunMysqlPipelineSql(
      session, MysqlPipelineSql("catalog", "columns"),
      {{"schema", table->name.schema}, {"table", table->name.table}}, &rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    if (rows.at(i, 0).text() != table->name.table) continue;
    MysqlColumnInfo column;
    column.name = TextOf(rows.at(i, 1));
    column.data_type = absl::AsciiStrToLower(TextOf(rows.at(i, 2)));
    column.column_type = TextOf(rows.at(i, 3));
    column.nullable = rows.at(i, 4).text() == "YES";
    column.precision = static_cast<int>(NumberOf(rows.at(i, 5)));
    column.scale = static_cast<int>(NumberOf(rows.at(i, 6)));
    column.fraction_digits = static_cast<int>(NumberOf(rows.at(i, 7)));
    column.max_chars = NumberOf(rows.at(i, 8));
    column.charset = TextOf(rows.at(i, 9));
    column.collation = TextOf(rows.at(i, 10));
    column.comment = TextOf(rows.at(i, 11));
    column.generated = !rows.at(i, 12).text().empty();
    column.is_json = column.data_type == "json";
    table->columns.push_back(std::move(column));
  }
  return absl::OkStatus();
}

// MariaDB's JSON is text with a check that it is JSON.
absl::Status FindJson(Session& session, MysqlTable* table) {
  if (session.capabilities().flavour != "MariaDB") return absl::OkStatus();
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunMysqlPipelineSql(
      session, MysqlPipelineSql("catalog", "checks"),
      {{"schema", table->name.schema}, {"table", table->name.table}}, &rows));
  for (MysqlColumnInfo& column : table->columns) {
    const std::string check =
        absl::StrCat("json_valid(", MysqlQuoted(column.name), ")");
    for (size_t i = 0; i < rows.row_count(); ++i) {
      column.is_json |= column.data_type == "longtext" &&
                        rows.at(i, 0).text() == table->name.table &&
                        rows.at(i, 1).text() == check;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadKeys(Session& session, MysqlTable* table) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunMysqlPipelineSql(
      session, MysqlPipelineSql("catalog", "unique_keys"),
      {{"schema", table->name.schema}, {"table", table->name.table}}, &rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    if (rows.at(i, 0).text() != table->name.table) continue;
    const std::string name = TextOf(rows.at(i, 1));
    if (table->unique_keys.empty() || table->unique_keys.back().name != name) {
      table->unique_keys.push_back({name, {}});
    }
    table->unique_keys.back().columns.push_back(TextOf(rows.at(i, 2)));
  }
  return absl::OkStatus();
}

bool IsTinyint1(const MysqlColumnInfo& column) {
  return column.column_type == "tinyint(1)";
}

constexpr absl::string_view kComment = "opsbench:";

// The type that a comment of ours tells, where the column can hold it.
bool TypeOfComment(const MysqlColumnInfo& column, Type* type) {
  absl::string_view name = column.comment;
  if (!absl::ConsumePrefix(&name, kComment)) return false;
  struct Told {
    TypeId id;
    absl::string_view data_type;
  };
  for (const Told& told :
       {Told{TypeId::kNumeric, "longtext"}, Told{TypeId::kNumeric, "varchar"},
        Told{TypeId::kTime, "time"}, Told{TypeId::kTimestampTz, "datetime"},
        Told{TypeId::kUuid, "char"}}) {
    if (column.data_type == told.data_type && name == TypeName({told.id})) {
      *type = {told.id};
      return true;
    }
  }
  if (column.data_type != "longtext" && column.data_type != "varchar") {
    return false;
  }
  for (int precision = 1; precision <= kMaxDecimalDigits; ++precision) {
    for (int scale = 0; scale <= precision; ++scale) {
      *type = {TypeId::kDecimal, precision, scale};
      if (name == TypeName(*type)) return true;
    }
  }
  return false;
}

bool TypeOfNumber(const MysqlColumnInfo& column, const MysqlFieldOptions& o,
                  Type* type) {
  struct Integer {
    absl::string_view name;
    TypeId with_sign;
    TypeId without;
  };
  static constexpr Integer kIntegers[] = {
      {"tinyint", TypeId::kInt8, TypeId::kUInt8},
      {"smallint", TypeId::kInt16, TypeId::kUInt16},
      {"mediumint", TypeId::kInt32, TypeId::kUInt32},
      {"int", TypeId::kInt32, TypeId::kUInt32},
      {"bigint", TypeId::kInt64, TypeId::kUInt64},
      {"year", TypeId::kUInt16, TypeId::kUInt16},
      {"bit", TypeId::kUInt64, TypeId::kUInt64},
      {"float", TypeId::kFloat32, TypeId::kFloat32},
      {"double", TypeId::kFloat64, TypeId::kFloat64},
  };
  for (const Integer& integer : kIntegers) {
    if (column.data_type != integer.name) continue;
    type->id = column.is_unsigned() ? integer.without : integer.with_sign;
    if (o.tinyint1_is_bool && IsTinyint1(column)) type->id = TypeId::kBool;
    return true;
  }
  if (column.data_type != "decimal") return false;
  *type = column.precision <= kMaxDecimalDigits
              ? Type{TypeId::kDecimal, column.precision, column.scale}
              : Type{TypeId::kNumeric};
  return true;
}

bool TypeOfOther(const MysqlColumnInfo& column, Type* type) {
  static constexpr std::pair<absl::string_view, TypeId> kTypes[] = {
      {"date", TypeId::kDate},          {"time", TypeId::kDuration},
      {"datetime", TypeId::kTimestamp}, {"timestamp", TypeId::kTimestampTz},
      {"char", TypeId::kText},          {"varchar", TypeId::kText},
      {"tinytext", TypeId::kText},      {"text", TypeId::kText},
      {"mediumtext", TypeId::kText},    {"longtext", TypeId::kText},
      {"binary", TypeId::kBytes},       {"varbinary", TypeId::kBytes},
      {"tinyblob", TypeId::kBytes},     {"blob", TypeId::kBytes},
      {"mediumblob", TypeId::kBytes},   {"longblob", TypeId::kBytes},
      {"enum", TypeId::kText},          {"set", TypeId::kText},
      {"inet4", TypeId::kText},         {"inet6", TypeId::kText},
      {"uuid", TypeId::kUuid},          {"json", TypeId::kJson},
  };
  for (const auto& [name, id] : kTypes) {
    if (column.data_type != name) continue;
    type->id = column.is_json ? TypeId::kJson : id;
    return true;
  }
  return false;
}

// The rows of a section about `table`, with commas between.
absl::StatusOr<std::string> JoinedRows(Session& session,
                                       absl::string_view section,
                                       const TableName& table) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunMysqlPipelineSql(
      session, MysqlPipelineSql("catalog", section),
      {{"schema", table.schema}, {"table", table.table}}, &rows));
  std::vector<std::string> found;
  for (size_t i = 0; i < rows.row_count(); ++i) {
    found.push_back(TextOf(rows.at(i, 0)));
  }
  return absl::StrJoin(found, ", ");
}

std::string FlavourPrefix(absl::string_view flavour) {
  return absl::StrCat(absl::AsciiStrToLower(flavour), ":");
}

std::string NativeOf(const MysqlColumnInfo& column, absl::string_view flavour) {
  std::string native = FlavourPrefix(flavour);
  if (column.is_json) {
    absl::StrAppend(&native, "json");
    return native;
  }
  absl::StrAppend(&native, column.column_type);
  if (!column.charset.empty() && column.data_type != "uuid") {
    absl::StrAppend(&native, " CHARACTER SET ", column.charset, " COLLATE ",
                    column.collation);
  }
  if (absl::StartsWith(column.comment, kComment)) {
    absl::StrAppend(&native, " COMMENT ", MysqlLiteral(column.comment));
  }
  return native;
}

}  // namespace

bool MysqlColumnInfo::is_unsigned() const {
  return absl::StrContains(column_type, " unsigned");
}

const MysqlColumnInfo* MysqlTable::Find(absl::string_view column) const {
  // MySQL's names of columns are the same in upper and lower case.
  for (const MysqlColumnInfo& info : columns) {
    if (info.name == column) return &info;
  }
  for (const MysqlColumnInfo& info : columns) {
    if (absl::EqualsIgnoreCase(info.name, column)) return &info;
  }
  return nullptr;
}

std::vector<std::string> MysqlTable::PrimaryKey() const {
  for (const MysqlKey& key : unique_keys) {
    if (key.name == "PRIMARY") return key.columns;
  }
  return {};
}

std::string MysqlQuoted(absl::string_view identifier) {
  return absl::StrCat("`", absl::StrReplaceAll(identifier, {{"`", "``"}}), "`");
}

std::string MysqlQuoted(const TableName& table) {
  if (table.schema.empty()) return MysqlQuoted(table.table);
  return absl::StrCat(MysqlQuoted(table.schema), ".", MysqlQuoted(table.table));
}

std::string MysqlQuotedList(absl::Span<const std::string> names) {
  return absl::StrJoin(names, ", ", [](std::string* out, const auto& name) {
    absl::StrAppend(out, MysqlQuoted(name));
  });
}

std::string MysqlLiteral(absl::string_view text) {
  return absl::StrCat(
      "'",
      absl::StrReplaceAll(
          text,
          {{"\\", "\\\\"}, {"'", "\\'"}, {absl::string_view("\0", 1), "\\0"}}),
      "'");
}

CompiledSql MysqlPipelineSql(absl::string_view file, absl::string_view name,
                             const std::string& table) {
  const std::string path = absl::StrCat("mysql/pipeline/", file);
  for (const SqlFile& sql : mysql_sql::SqlFiles()) {
    if (sql.name != path) continue;
    const auto catalog = SqlCatalog::Parse(sql.content);
    return catalog.value()
        .Compile(name, Engine::kMysql, {{"table", table}})
        .value();
  }
  return {};
}

absl::Status RunMysqlPipelineSql(
    Session& session, const CompiledSql& sql,
    const std::map<std::string, std::string>& parameters, ResultSet* rows) {
  std::vector<Value> values;
  for (const std::string& name : sql.parameters) {
    values.push_back(Value::Text(parameters.at(name)));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const auto statement, session.Prepare(sql.sql));
  return statement->Execute(values, rows).status();
}

absl::Status SetUpMysqlSession(Session& session) {
  return session.Execute(MysqlPipelineSql("catalog", "session").sql).status();
}

absl::StatusOr<MysqlTable> DescribeMysqlTable(Session& session,
                                              const TableName& table) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunMysqlPipelineSql(
      session, MysqlPipelineSql("catalog", "tables"),
      {{"schema", table.schema}, {"table", table.table}}, &rows));
  // Names that differ in case only are one table on one server and two on
  // another: the one that is spelled so, else the only one.
  size_t found = rows.row_count() == 1 ? 0 : rows.row_count();
  for (size_t i = 0; i < rows.row_count(); ++i) {
    if (rows.at(i, 1).text() == table.table) found = i;
  }
  if (found == rows.row_count()) {
    return absl::NotFoundError(
        absl::StrCat("no such table: ", table.ToString()));
  }
  MysqlTable described;
  described.name = {TextOf(rows.at(found, 0)), TextOf(rows.at(found, 1))};
  described.engine = TextOf(rows.at(found, 2));
  described.transactional = rows.at(found, 3).text() == "YES";
  OPSBENCH_RETURN_IF_ERROR(ReadColumns(session, &described));
  OPSBENCH_RETURN_IF_ERROR(FindJson(session, &described));
  OPSBENCH_RETURN_IF_ERROR(ReadKeys(session, &described));
  return described;
}

absl::StatusOr<std::string> MysqlTies(Session& session,
                                      const TableName& table) {
  return JoinedRows(session, "ties", table);
}

absl::StatusOr<std::string> MysqlDependents(Session& session,
                                            const TableName& table) {
  if (session.capabilities().flavour == "MariaDB") {
    auto dependents = JoinedRows(session, "dependents_innodb", table);
    if (!absl::IsPermissionDenied(dependents.status())) return dependents;
  }
  return JoinedRows(session, "dependents", table);
}

absl::StatusOr<std::string> MysqlIdentity(Session& session,
                                          const TableName& table) {
  const auto described = DescribeMysqlTable(session, table);
  if (absl::IsNotFound(described.status())) return std::string();
  OPSBENCH_RETURN_IF_ERROR(described.status());
  const TableName& name = described->name;
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunMysqlPipelineSql(
      session, MysqlPipelineSql("catalog", "identity"),
      {{"schema", name.schema}, {"table", name.table}}, &rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    if (rows.at(i, 0).text() == name.table) return TextOf(rows.at(i, 1));
  }
  return std::string();
}

absl::StatusOr<Field> FieldOfMysqlColumn(const MysqlTable& table,
                                         const MysqlColumnInfo& column,
                                         const MysqlFieldOptions& options) {
  Field field;
  field.name = column.name;
  field.nullable = column.nullable;
  if (!TypeOfComment(column, &field.type) &&
      !TypeOfNumber(column, options, &field.type) &&
      !TypeOfOther(column, &field.type)) {
    return absl::UnimplementedError(absl::StrCat(
        table.name.ToString(), ", column ", column.name,
        ": there is no mapping for the type ", column.column_type));
  }
  if (options.zero_dates_are_null &&
      (column.data_type == "date" || column.data_type == "datetime" ||
       column.data_type == "timestamp")) {
    field.nullable = true;
  }
  field.native = NativeOf(column, options.flavour);
  return field;
}

namespace {

constexpr int kMaxIndexBytes = 3072;
constexpr int kMaxKeyText = 255;
// Of the 65,535 bytes that a row's columns may declare but for blobs.
constexpr int kMaxVarcharBytes = 40'000;
constexpr int kBytesPerChar = 4;

class TableMaker {
 public:
  TableMaker(const Schema& schema, absl::Span<const std::string> key,
             const Capabilities& server)
      : schema_(schema), key_(key), mariadb_(server.flavour == "MariaDB") {
    if (mariadb_) {
      collation_ = "utf8mb4_nopad_bin";
    } else if (server.version_number >= 80'017) {
      collation_ = "utf8mb4_0900_bin";
    }
    int texts = 0;
    for (const Field& field : schema_.fields) {
      texts += IsKey(field) && HasOffsets(field.type.id) ? 1 : 0;
    }
    key_text_ = std::min(kMaxKeyText,
                         kMaxIndexBytes / kBytesPerChar / std::max(texts, 1));
    prefix_ = FlavourPrefix(server.flavour);
  }

  std::string Sql(const TableName& table) {
    std::vector<std::string> parts;
    for (const Field& field : schema_.fields) {
      parts.push_back(absl::StrCat(
          MysqlQuoted(field.name), " ", TypeOf(field),
          field.nullable && !IsKey(field) ? " NULL" : " NOT NULL"));
    }
    if (!key_.empty()) {
      parts.push_back(
          absl::StrCat("PRIMARY KEY (", MysqlQuotedList(key_), ")"));
    }
    return absl::StrCat(
        "CREATE TABLE ", MysqlQuoted(table), " (", absl::StrJoin(parts, ", "),
        ") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE ", collation_);
  }

 private:
  bool IsKey(const Field& field) const {
    return std::find(key_.begin(), key_.end(), field.name) != key_.end();
  }

  static std::string Told(absl::string_view type, const Type& told) {
    return absl::StrCat(type, " COMMENT '", kComment, TypeName(told), "'");
  }

  std::string TypeOf(const Field& field) {
    absl::string_view native = field.native;
    if (absl::ConsumePrefix(&native, prefix_) && IsMysqlNativeType(native) &&
        // Text of any length can only be a key by its beginning.
        !(IsKey(field) && (absl::StrContains(native, "text") ||
                           absl::StrContains(native, "blob")))) {
      return std::string(native);
    }
    const std::string length = absl::StrCat("(", key_text_, ")");
    switch (field.type.id) {
      case TypeId::kDecimal:
        if (field.type.scale <= (mariadb_ ? 38 : 30)) {
          return absl::StrCat("decimal(", field.type.precision, ",",
                              field.type.scale, ")");
        }
        return Told(IsKey(field) ? "varchar" + length : "longtext", field.type);
      case TypeId::kNumeric:
        return Told(IsKey(field) ? "varchar" + length : "longtext", field.type);
      case TypeId::kText:
        return IsKey(field) ? "varchar" + length : TextType(field);
      case TypeId::kBytes:
        return IsKey(field) ? "varbinary" + length : "longblob";
      case TypeId::kTime:
        return Told("time(6)", field.type);
      case TypeId::kTimestampTz:
        return Told("datetime(6)", field.type);
      case TypeId::kUuid:
        return Told("char(36) CHARACTER SET ascii", field.type);
      default:
        return std::string(PlainType(field.type.id));
    }
  }

  static absl::string_view PlainType(TypeId id) {
    switch (id) {
      case TypeId::kBool:
        return "tinyint(1)";
      case TypeId::kInt8:
        return "tinyint";
      case TypeId::kInt16:
        return "smallint";
      case TypeId::kInt32:
        return "int";
      case TypeId::kInt64:
        return "bigint";
      case TypeId::kUInt8:
        return "tinyint unsigned";
      case TypeId::kUInt16:
        return "smallint unsigned";
      case TypeId::kUInt32:
        return "int unsigned";
      case TypeId::kUInt64:
        return "bigint unsigned";
      case TypeId::kFloat32:
        return "float";
      case TypeId::kFloat64:
        return "double";
      case TypeId::kDate:
        return "date";
      case TypeId::kDuration:
        return "time(6)";
      case TypeId::kTimestamp:
        return "datetime(6)";
      default:
        return "json";
    }
  }

  // A source that knows the longest text lets others index the column.
  std::string TextType(const Field& field) {
    const absl::string_view native = field.native;
    const size_t begin = native.find("char");
    const size_t open = native.find('(', begin);
    int64_t chars = 0;
    if (begin == absl::string_view::npos || open == absl::string_view::npos ||
        !absl::StrContains(native.substr(0, open), "var") ||
        native.back() != ')' ||
        !absl::SimpleAtoi(native.substr(open + 1, native.size() - open - 2),
                          &chars) ||
        chars < 1 || chars > varchar_bytes_left_ / kBytesPerChar) {
      return "longtext";
    }
    varchar_bytes_left_ -= kBytesPerChar * chars;
    return absl::StrCat("varchar(", chars, ")");
  }

  const Schema& schema_;
  const absl::Span<const std::string> key_;
  const bool mariadb_;
  absl::string_view collation_ = "utf8mb4_bin";
  int key_text_ = kMaxKeyText;
  int64_t varchar_bytes_left_ = kMaxVarcharBytes;
  std::string prefix_;
};

}  // namespace

std::string MysqlCreateTableSql(const TableName& table, const Schema& schema,
                                absl::Span<const std::string> primary_key,
                                const Capabilities& server) {
  return TableMaker(schema, primary_key, server).Sql(table);
}

}  // namespace opsbench::pipeline::internal
