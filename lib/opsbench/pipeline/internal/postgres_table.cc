#include "opsbench/pipeline/internal/postgres_table.h"

#include <array>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/pipeline/internal/postgres_sql_files.h"

namespace opsbench::pipeline::postgres {
namespace {

struct TypeForm {
  uint32_t oid;
  Form form;
};

constexpr TypeForm kTypeForms[] = {
    {16, Form::kBool},          {17, Form::kBytea},
    {19, Form::kText},          {20, Form::kInt8},
    {21, Form::kInt2},          {23, Form::kInt4},
    {25, Form::kText},          {26, Form::kOid},
    {114, Form::kJson},         {700, Form::kFloat4},
    {701, Form::kFloat8},       {1042, Form::kText},
    {1043, Form::kText},        {1082, Form::kDate},
    {1083, Form::kTime},        {1114, Form::kTimestamp},
    {1184, Form::kTimestampTz}, {1186, Form::kInterval},
    {1700, Form::kNumeric},     {2950, Form::kUuid},
    {3802, Form::kJsonb},
};

struct FormFacts {
  uint32_t type;
  uint32_t array;
  absl::string_view name;
};

// In the order of Form.
constexpr std::array<FormFacts, 19> kForms = {{
    {25, 1009, "text"},          {16, 1000, "bool"},
    {21, 1005, "int2"},          {23, 1007, "int4"},
    {20, 1016, "int8"},          {26, 1028, "oid"},
    {700, 1021, "float4"},       {701, 1022, "float8"},
    {1700, 1231, "numeric"},     {25, 1009, "text"},
    {17, 1001, "bytea"},         {1082, 1182, "date"},
    {1083, 1183, "time"},        {1114, 1115, "timestamp"},
    {1184, 1185, "timestamptz"}, {1186, 1187, "interval"},
    {2950, 2951, "uuid"},        {114, 199, "json"},
    {3802, 3807, "jsonb"},
}};

const FormFacts& FactsOf(Form form) {
  return kForms[static_cast<size_t>(form)];
}

// The sections of all files.
absl::StatusOr<SqlCatalog> Catalogue() {
  std::string text;
  for (const SqlFile& file : SqlFiles()) {
    absl::StrAppend(&text, file.content, "\n");
  }
  return SqlCatalog::Parse(text);
}

PostgresColumn ColumnOfRow(const ResultSet& rows, size_t row) {
  PostgresColumn column;
  column.name = std::string(rows.at(row, 0).text());
  column.type = static_cast<uint32_t>(rows.at(row, 1).int64());
  column.typmod = static_cast<int>(rows.at(row, 2).int64());
  column.declared = std::string(rows.at(row, 3).text());
  column.base_name = std::string(rows.at(row, 4).text());
  column.kind = rows.at(row, 5).text()[0];
  const absl::string_view element = rows.at(row, 6).text();
  column.element_kind = element.empty() ? '\0' : element[0];
  column.not_null = rows.at(row, 7).int64() != 0;
  column.generated = rows.at(row, 8).int64() != 0;
  column.identity = rows.at(row, 9).int64() != 0;
  column.portable = rows.at(row, 10).int64() != 0;
  return column;
}

}  // namespace

Form FormOfType(uint32_t oid) {
  for (const TypeForm& known : kTypeForms) {
    if (known.oid == oid) return known.form;
  }
  return Form::kNone;
}

uint32_t ParameterType(Form form) { return FactsOf(form).type; }
uint32_t ParameterArrayType(Form form) { return FactsOf(form).array; }
absl::string_view FormName(Form form) { return FactsOf(form).name; }

// numerictypmodin(): ((precision << 16) | (scale & 0x7ff)) + VARHDRSZ.
int PostgresColumn::precision() const {
  return typmod < 0 ? -1 : ((typmod - 4) >> 16) & 0xffff;
}

int PostgresColumn::scale() const {
  return typmod < 0 ? -1 : (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
}

int PostgresColumn::fraction_digits() const {
  return typmod < 0 || typmod > 6 ? 6 : typmod;
}

const PostgresColumn* PostgresTable::Find(absl::string_view column) const {
  for (const PostgresColumn& candidate : columns) {
    if (candidate.name == column) return &candidate;
  }
  return nullptr;
}

absl::StatusOr<CompiledSql> CompileSection(absl::string_view section,
                                           const std::string& table) {
  OPSBENCH_ASSIGN_OR_RETURN(const SqlCatalog catalogue, Catalogue());
  return catalogue.Compile(section, Engine::kPostgres, {{"table", table}});
}

absl::Status RunSection(
    Session& session, absl::string_view section,
    const std::vector<std::pair<std::string, std::string>>& parameters,
    ResultSet* rows, const std::string& table) {
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql sql,
                            CompileSection(section, table));
  OPSBENCH_ASSIGN_OR_RETURN(const auto statement, session.Prepare(sql.sql));
  const std::map<std::string, std::string> given(parameters.begin(),
                                                 parameters.end());
  std::vector<Value> values;
  for (const std::string& name : sql.parameters) {
    values.push_back(Value::Text(given.at(name)));
  }
  return statement->Execute(values, rows).status();
}

absl::StatusOr<std::optional<PostgresTable>> ReadTable(Session& session,
                                                       const TableName& name) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      RunSection(session, "find_table",
                 {{"schema", name.schema}, {"table", name.table}}, &rows));
  if (rows.row_count() == 0) return std::optional<PostgresTable>();
  PostgresTable table;
  table.oid = rows.at(0, 0).int64();
  table.kind = rows.at(0, 1).text()[0];
  table.name = {std::string(rows.at(0, 2).text()), name.table};
  table.pages = rows.at(0, 3).int64();
  const std::string oid = absl::StrCat(table.oid);
  OPSBENCH_RETURN_IF_ERROR(
      RunSection(session, "columns", {{"table", oid}}, &rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    table.columns.push_back(ColumnOfRow(rows, i));
  }
  OPSBENCH_RETURN_IF_ERROR(
      RunSection(session, "primary_key", {{"table", oid}}, &rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    table.primary_key.emplace_back(rows.at(i, 0).text());
  }
  return std::optional<PostgresTable>(std::move(table));
}

absl::StatusOr<std::string> IdentityOf(Session& session,
                                       const TableName& name) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      RunSection(session, "find_table",
                 {{"schema", name.schema}, {"table", name.table}}, &rows));
  if (rows.row_count() == 0) return std::string();
  const std::string oid = absl::StrCat(rows.at(0, 0).int64());
  OPSBENCH_RETURN_IF_ERROR(
      RunSection(session, "identity", {{"table", oid}}, &rows));
  return std::string(rows.at(0, 0).text());
}

absl::StatusOr<Field> FieldOfColumn(const TableName& table,
                                    const PostgresColumn& column,
                                    bool decimals) {
  if (column.kind == 'c' || column.kind == 'p' || column.element_kind == 'c' ||
      column.element_kind == 'p') {
    return absl::UnimplementedError(
        absl::StrCat(table.ToString(), ", column ", column.name, ": the type ",
                     column.declared, " has no mapping"));
  }
  Field field;
  field.name = column.name;
  field.nullable = !column.not_null;
  field.native = absl::StrCat("postgres:", column.declared);
  const auto id = [&] {
    switch (column.form()) {
      case Form::kBool:
        return TypeId::kBool;
      case Form::kInt2:
        return TypeId::kInt16;
      case Form::kInt4:
        return TypeId::kInt32;
      case Form::kInt8:
        return TypeId::kInt64;
      case Form::kOid:
        return TypeId::kUInt32;
      case Form::kFloat4:
        return TypeId::kFloat32;
      case Form::kFloat8:
        return TypeId::kFloat64;
      case Form::kNumeric:
        return TypeId::kNumeric;
      case Form::kBytea:
        return TypeId::kBytes;
      case Form::kDate:
        return TypeId::kDate;
      case Form::kTime:
        return TypeId::kTime;
      case Form::kTimestamp:
        return TypeId::kTimestamp;
      case Form::kTimestampTz:
        return TypeId::kTimestampTz;
      case Form::kUuid:
        return TypeId::kUuid;
      case Form::kJson:
      case Form::kJsonb:
        return TypeId::kJson;
      // An interval has months and days, which are no number of microseconds.
      case Form::kInterval:
      case Form::kText:
      case Form::kNone:
        break;
    }
    return TypeId::kText;
  };
  field.type.id = id();
  const int precision = column.precision();
  const int scale = column.scale();
  if (field.type.id == TypeId::kNumeric && decimals && precision > 0 &&
      precision <= kMaxDecimalDigits && scale >= 0 && scale <= precision) {
    field.type = {TypeId::kDecimal, precision, scale};
  }
  return field;
}

std::string ColumnTypeOf(const Type& type) {
  switch (type.id) {
    case TypeId::kBool:
      return "boolean";
    case TypeId::kInt8:
    case TypeId::kUInt8:
    case TypeId::kInt16:
      return "smallint";
    case TypeId::kUInt16:
    case TypeId::kInt32:
      return "integer";
    case TypeId::kUInt32:
    case TypeId::kInt64:
      return "bigint";
    case TypeId::kUInt64:
      return "numeric(20,0)";
    case TypeId::kFloat32:
      return "real";
    case TypeId::kFloat64:
      return "double precision";
    case TypeId::kDecimal:
      return absl::StrCat("numeric(", type.precision, ",", type.scale, ")");
    case TypeId::kNumeric:
      return "numeric";
    case TypeId::kText:
      return "text";
    case TypeId::kBytes:
      return "bytea";
    case TypeId::kDate:
      return "date";
    case TypeId::kTime:
      return "time";
    case TypeId::kDuration:
      return "interval";
    case TypeId::kTimestamp:
      return "timestamp";
    case TypeId::kTimestampTz:
      return "timestamptz";
    case TypeId::kUuid:
      return "uuid";
    // jsonb would not give the text back as it came.
    case TypeId::kJson:
      return "json";
  }
  return "text";
}

std::string QuoteIdentifier(absl::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

std::string QuoteLiteral(absl::string_view text) {
  // E'' means the same whatever standard_conforming_strings says.
  std::string quoted = "E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted.push_back(c);
    quoted.push_back(c);
  }
  quoted.push_back('\'');
  return quoted;
}

std::string QuoteTable(const TableName& name) {
  return name.schema.empty() ? QuoteIdentifier(name.table)
                             : absl::StrCat(QuoteIdentifier(name.schema), ".",
                                            QuoteIdentifier(name.table));
}

std::string QuoteColumns(const std::vector<std::string>& names) {
  return absl::StrJoin(names, ", ", [](std::string* out, const auto& name) {
    out->append(QuoteIdentifier(name));
  });
}

}  // namespace opsbench::pipeline::postgres
