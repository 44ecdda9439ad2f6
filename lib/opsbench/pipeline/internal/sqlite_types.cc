#include "opsbench/pipeline/internal/sqlite_types.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/pipeline/internal/sqlite_sql_files.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline::internal {
namespace {

constexpr absl::string_view kNative = "sqlite:";

struct Word {
  absl::string_view word;
  TypeId id;
};

// The first of a type is what a destination declares.
constexpr Word kWords[] = {
    {"BOOLEAN", TypeId::kBool},
    {"BOOL", TypeId::kBool},
    {"INTEGER_8", TypeId::kInt8},
    {"INTEGER_16", TypeId::kInt16},
    {"INTEGER_32", TypeId::kInt32},
    {"INTEGER", TypeId::kInt64},
    {"UINTEGER_8", TypeId::kUInt8},
    {"UINTEGER_16", TypeId::kUInt16},
    {"UINTEGER_32", TypeId::kUInt32},
    {"TEXT_U64", TypeId::kUInt64},
    {"FLOAT_32", TypeId::kFloat32},
    {"DOUBLE", TypeId::kFloat64},
    {"TEXT_DECIMAL", TypeId::kDecimal},
    {"DECIMAL", TypeId::kDecimal},
    {"TEXT_NUMERIC", TypeId::kNumeric},
    {"NUMERIC", TypeId::kDecimal},
    {"TEXT", TypeId::kText},
    {"BLOB", TypeId::kBytes},
    {"DATE", TypeId::kDate},
    {"TIME", TypeId::kTime},
    {"DURATION", TypeId::kDuration},
    {"TIMESTAMP", TypeId::kTimestamp},
    {"DATETIME", TypeId::kTimestamp},
    {"TIMESTAMP_TZ", TypeId::kTimestampTz},
    {"TIMESTAMPTZ", TypeId::kTimestampTz},
    {"TIMESTAMP WITH TIME ZONE", TypeId::kTimestampTz},
    {"UUID", TypeId::kUuid},
    {"TEXT_JSON", TypeId::kJson},
    {"JSON", TypeId::kJson},
    {"JSONB", TypeId::kJson},
};

// Words of other people's types of which SQLiteAffinityOf() says nothing.
constexpr absl::string_view kMoreWords[] = {
    "SIGNED",   "UNSIGNED",  "BIG",     "LONG",      "NATIVE",
    "NATIONAL", "CHARACTER", "VARYING", "PRECISION", "WITH",
    "WITHOUT",  "TIME",      "ZONE"};
// What SQLite's grammar has a use of its own for, though it holds "INT".
constexpr absl::string_view kNoTypes[] = {"CONSTRAINT", "INTO", "INTERSECT"};

bool IsTypeWord(absl::string_view word) {
  const std::string upper = absl::AsciiStrToUpper(word);
  const auto is = [&](absl::string_view other) { return upper == other; };
  if (upper.empty() || absl::ascii_isdigit(upper[0]) ||
      !std::all_of(
          upper.begin(), upper.end(),
          [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; }) ||
      std::any_of(std::begin(kNoTypes), std::end(kNoTypes), is)) {
    return false;
  }
  return SqliteAffinityOf(upper) != SqliteAffinity::kNumeric ||
         std::any_of(std::begin(kMoreWords), std::end(kMoreWords), is) ||
         std::any_of(std::begin(kWords), std::end(kWords),
                     [&](const Word& known) { return is(known.word); });
}

// Whether `text`, which may come from a file, is words of types with one or two
// numbers behind them, and nothing but that; or empty, as a type may be.
bool IsTypeName(absl::string_view text) {
  if (text.empty()) return true;
  const size_t open = std::min(text.find('('), text.size());
  for (const absl::string_view word : absl::StrSplit(
           absl::StripTrailingAsciiWhitespace(text.substr(0, open)), ' ')) {
    if (!IsTypeWord(word)) return false;
  }
  text.remove_prefix(open);
  if (text.empty()) return true;
  if (!absl::ConsumePrefix(&text, "(") || !absl::ConsumeSuffix(&text, ")")) {
    return false;
  }
  const std::vector<absl::string_view> numbers = absl::StrSplit(text, ',');
  return numbers.size() <= 2 &&
         std::all_of(numbers.begin(), numbers.end(), [](absl::string_view n) {
           int64_t number = 0;
           return n.find('\0') == absl::string_view::npos &&
                  absl::SimpleAtoi(n, &number);
         });
}

// "DECIMAL(10, 2)" into its word and its numbers; -1 for those not there.
struct Declared {
  std::string word;
  int first = -1;
  int second = -1;
};

Declared ParseDeclared(absl::string_view text) {
  Declared declared;
  const size_t open = text.find('(');
  declared.word =
      absl::AsciiStrToUpper(absl::StripAsciiWhitespace(text.substr(0, open)));
  if (open == absl::string_view::npos) return declared;
  const std::vector<absl::string_view> numbers = absl::StrSplit(
      absl::StripSuffix(text.substr(open + 1), ")"), absl::MaxSplits(',', 1));
  if (!absl::SimpleAtoi(numbers[0], &declared.first)) declared.first = -1;
  if (numbers.size() < 2 || !absl::SimpleAtoi(numbers[1], &declared.second)) {
    declared.second = -1;
  }
  return declared;
}

bool TypeOfDeclared(absl::string_view text, Type* type) {
  const Declared declared = ParseDeclared(text);
  *type = {TypeId::kText};
  if (declared.word.empty()) return true;
  for (const Word& word : kWords) {
    if (declared.word != word.word) continue;
    type->id = word.id;
    if (word.id != TypeId::kDecimal) return true;
    type->precision = declared.first;
    type->scale = std::max(declared.second, 0);
    if (type->precision < 1 || type->precision > kMaxDecimalDigits ||
        type->scale > type->precision) {
      *type = {TypeId::kNumeric};
    }
    return true;
  }
  switch (SqliteAffinityOf(text)) {
    case SqliteAffinity::kInteger:
      type->id = TypeId::kInt64;
      return true;
    case SqliteAffinity::kText:
      return true;
    case SqliteAffinity::kBlob:
      type->id = TypeId::kBytes;
      return true;
    case SqliteAffinity::kReal:
      type->id = TypeId::kFloat64;
      return true;
    case SqliteAffinity::kNumeric:
      return false;
  }
  return false;
}

absl::string_view ClassName(Value::Type type) {
  switch (type) {
    case Value::Type::kInt64:
      return "an INTEGER";
    case Value::Type::kDouble:
      return "a REAL";
    case Value::Type::kText:
      return "TEXT";
    default:
      return "a BLOB";
  }
}

absl::Status WrongClass(const Value& value, const Type& type) {
  return absl::InvalidArgumentError(absl::StrCat(
      ClassName(value.type()), " is stored, which is no ", TypeName(type)));
}

// A REAL in decimal digits, as few as read back equal.
std::string FixedText(double value) {
  if (!std::isfinite(value)) {
    return std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  }
  char text[400];
  const auto result =
      std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed);
  return std::string(text, result.ptr);
}

// Numbers of any kind by way of their digits, which hold them exactly.
absl::Status AppendNumber(const Value& value, Column* column) {
  const Type& type = column->type();
  if (value.type() == Value::Type::kInt64) {
    if (type.id == TypeId::kInt64) {
      column->AppendFixed(value.int64());
      return absl::OkStatus();
    }
    if (type.id == TypeId::kFloat64 || type.id == TypeId::kFloat32) {
      const auto number = static_cast<double>(value.int64());
      const auto single = static_cast<float>(number);
      const bool exact = std::fabs(number) <= 9007199254740992.0 &&
                         (type.id == TypeId::kFloat64 ||
                          static_cast<double>(single) == number);
      if (!exact) {
        return absl::OutOfRangeError(absl::StrCat(
            value.int64(), " is no ", TypeName(type), " without rounding"));
      }
      if (type.id == TypeId::kFloat64) {
        column->AppendFixed(number);
      } else {
        column->AppendFixed(single);
      }
      return absl::OkStatus();
    }
    return AppendParsedValue(absl::StrCat(value.int64()), column);
  }
  if (value.type() == Value::Type::kDouble) {
    const double number = value.float64();
    if (type.id == TypeId::kFloat64) {
      column->AppendFixed(number);
      return absl::OkStatus();
    }
    if (type.id == TypeId::kFloat32) {
      const auto single = static_cast<float>(number);
      if (static_cast<double>(single) != number) {
        return absl::OutOfRangeError(
            absl::StrCat(FixedText(number), " is no float32 without rounding"));
      }
      column->AppendFixed(single);
      return absl::OkStatus();
    }
    if (type.id == TypeId::kBool) return WrongClass(value, type);
    return AppendParsedValue(FixedText(number), column);
  }
  if (value.type() == Value::Type::kText && !value.text().empty()) {
    return AppendParsedValue(value.text(), column);
  }
  return WrongClass(value, type);
}

absl::Status AppendTextual(const Value& value, Column* column) {
  const TypeId id = column->type().id;
  if (value.type() == Value::Type::kInt64) {
    if (id == TypeId::kBytes) return WrongClass(value, column->type());
    column->AppendText(absl::StrCat(value.int64()));
    return absl::OkStatus();
  }
  if (value.type() == Value::Type::kDouble) {
    if (id == TypeId::kBytes) return WrongClass(value, column->type());
    char text[40];
    const auto result =
        std::to_chars(text, text + sizeof(text), value.float64());
    column->AppendText({text, static_cast<size_t>(result.ptr - text)});
    return absl::OkStatus();
  }
  if (value.type() == Value::Type::kBytes && id != TypeId::kBytes) {
    return WrongClass(value, column->type());
  }
  if (id != TypeId::kBytes && !IsUtf8(value.text())) {
    return absl::InvalidArgumentError("not UTF-8");
  }
  column->AppendText(value.text());
  return absl::OkStatus();
}

absl::Status WouldChange(absl::string_view text, const char* why) {
  return absl::OutOfRangeError(
      absl::StrCat("SQLite would change ", text, ": ", why));
}

// A decimal for a column that makes INTEGER or REAL of it.
absl::StatusOr<Value> NumberOfDecimal(absl::string_view text,
                                      SqliteAffinity affinity) {
  const auto trimmed = [](absl::string_view number) {
    if (!absl::StrContains(number, '.')) return number;
    while (absl::EndsWith(number, "0")) number.remove_suffix(1);
    absl::ConsumeSuffix(&number, ".");
    return number;
  };
  const absl::string_view number = trimmed(text);
  int64_t integer = 0;
  const char* const end = number.data() + number.size();
  const auto whole = std::from_chars(number.data(), end, integer);
  if (affinity != SqliteAffinity::kReal && whole.ec == std::errc() &&
      whole.ptr == end) {
    return Value::Int64(integer);
  }
  double real = 0;
  const auto parsed = std::from_chars(number.data(), end, real);
  if (affinity == SqliteAffinity::kInteger || parsed.ec != std::errc() ||
      parsed.ptr != end || !std::isfinite(real) ||
      trimmed(FixedText(real)) != number) {
    return WouldChange(text, "the column stores numbers as INTEGER or REAL");
  }
  return Value::Double(real);
}

}  // namespace

SqliteAffinity SqliteAffinityOf(absl::string_view declared) {
  const std::string upper = absl::AsciiStrToUpper(declared);
  const auto has = [&](absl::string_view part) {
    return absl::StrContains(upper, part);
  };
  if (has("INT")) return SqliteAffinity::kInteger;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return SqliteAffinity::kText;
  if (has("BLOB") || upper.empty()) return SqliteAffinity::kBlob;
  if (has("REAL") || has("FLOA") || has("DOUB")) return SqliteAffinity::kReal;
  return SqliteAffinity::kNumeric;
}

const SqliteColumnInfo* SqliteTable::Find(absl::string_view column) const {
  for (const SqliteColumnInfo& info : columns) {
    if (absl::EqualsIgnoreCase(info.name, column)) return &info;
  }
  return nullptr;
}

std::vector<std::string> SqliteTable::PrimaryKey() const {
  std::vector<std::string> key;
  for (int place = 1;; ++place) {
    const auto column =
        std::find_if(columns.begin(), columns.end(),
                     [&](const auto& info) { return info.key == place; });
    if (column == columns.end()) return key;
    key.push_back(column->name);
  }
}

std::string SqliteQuoted(absl::string_view identifier) {
  return absl::StrCat("\"", absl::StrReplaceAll(identifier, {{"\"", "\"\""}}),
                      "\"");
}

std::string SqliteQuotedList(absl::Span<const std::string> names) {
  return absl::StrJoin(names, ", ", [](std::string* out, const auto& name) {
    absl::StrAppend(out, SqliteQuoted(name));
  });
}

std::string SqliteLiteral(absl::string_view text) {
  return absl::StrCat("CAST(X'", absl::BytesToHexString(text), "' AS TEXT)");
}

CompiledSql SqlitePipelineSql(absl::string_view name) {
  return SqlCatalog::Parse(sqlite_sql::SqlFiles()[0].content)
      .value()
      .Compile(name, Engine::kSqlite)
      .value();
}

absl::Status RunSqlitePipelineSql(
    Session& session, absl::string_view name,
    const std::map<std::string, std::string>& parameters, ResultSet* rows) {
  const CompiledSql sql = SqlitePipelineSql(name);
  std::vector<Value> values;
  for (const std::string& parameter : sql.parameters) {
    values.push_back(Value::Text(parameters.at(parameter)));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const auto statement, session.Prepare(sql.sql));
  return statement->Execute(values, rows).status();
}

absl::StatusOr<SqliteTable> DescribeSqliteTable(Session& session,
                                                const TableName& table) {
  if (!table.schema.empty() && table.schema != "main") {
    return absl::InvalidArgumentError(
        absl::StrCat(table.ToString(), ": SQLite has no schemas"));
  }
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      RunSqlitePipelineSql(session, "table", {{"table", table.table}}, &rows));
  if (rows.row_count() == 0) {
    return absl::NotFoundError(
        absl::StrCat("no such table: ", table.ToString()));
  }
  SqliteTable described;
  described.name = std::string(rows.at(0, 0).text());
  OPSBENCH_RETURN_IF_ERROR(RunSqlitePipelineSql(
      session, "indexes", {{"table", described.name}}, &rows));
  described.has_indexes = rows.row_count() > 0;
  OPSBENCH_RETURN_IF_ERROR(RunSqlitePipelineSql(
      session, "columns", {{"table", described.name}}, &rows));
  int keys = 0;
  for (size_t i = 0; i < rows.row_count(); ++i) {
    SqliteColumnInfo column;
    column.name = std::string(rows.at(i, 0).text());
    column.declared = std::string(rows.at(i, 1).text());
    column.nullable = rows.at(i, 2).int64() == 0;
    column.key = static_cast<int>(rows.at(i, 3).int64());
    column.generated = rows.at(i, 4).int64() != 0;
    keys += column.key > 0 ? 1 : 0;
    described.columns.push_back(std::move(column));
  }
  for (SqliteColumnInfo& column : described.columns) {
    // The rowid under another name is never NULL.
    if (keys == 1 && column.key == 1 &&
        absl::EqualsIgnoreCase(column.declared, "INTEGER")) {
      column.nullable = false;
    }
  }
  return described;
}

absl::StatusOr<std::string> SqliteIdentity(Session& session,
                                           const TableName& table) {
  const auto described = DescribeSqliteTable(session, table);
  if (absl::IsNotFound(described.status())) return std::string();
  OPSBENCH_RETURN_IF_ERROR(described.status());
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunSqlitePipelineSql(session, "file", {}, &rows));
  struct stat file = {};
  const std::string path(rows.at(0, 0).text());
  if (stat(path.c_str(), &file) != 0) return std::string();
  return absl::StrCat(file.st_dev, "/", file.st_ino, "/", described->name);
}

absl::StatusOr<Field> FieldOfSqliteColumn(const SqliteTable& table,
                                          const SqliteColumnInfo& column) {
  Field field;
  field.name = column.name;
  field.nullable = column.nullable;
  if (!TypeOfDeclared(column.declared, &field.type)) {
    return absl::UnimplementedError(
        absl::StrCat(table.name, ", column ", column.name,
                     ": there is no mapping for the type ", column.declared));
  }
  field.native = absl::StrCat(kNative, column.declared);
  return field;
}

bool SqliteCanHold(SqliteAffinity affinity, const Type& type) {
  switch (type.id) {
    case TypeId::kBytes:
      return true;
    case TypeId::kText:
    case TypeId::kJson:
      // The others make numbers of text that looks like one.
      return affinity == SqliteAffinity::kText ||
             affinity == SqliteAffinity::kBlob;
    case TypeId::kDate:
    case TypeId::kTime:
    case TypeId::kDuration:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
    case TypeId::kUuid:
      return affinity != SqliteAffinity::kInteger &&
             affinity != SqliteAffinity::kReal;
    case TypeId::kFloat32:
    case TypeId::kFloat64:
      return affinity != SqliteAffinity::kInteger;
    case TypeId::kInt64:
    case TypeId::kUInt64:
      return affinity != SqliteAffinity::kReal;
    default:
      return true;
  }
}

std::string SqliteCreateTableSql(absl::string_view table, const Schema& schema,
                                 absl::Span<const std::string> primary_key) {
  std::vector<std::string> parts;
  for (const Field& field : schema.fields) {
    absl::string_view declared = field.native;
    std::string type;
    Type told;
    if (absl::ConsumePrefix(&declared, kNative) && IsTypeName(declared) &&
        SqliteCanHold(SqliteAffinityOf(declared), field.type) &&
        TypeOfDeclared(declared, &told) && told == field.type) {
      type = std::string(declared);
    } else {
      for (const Word& word : kWords) {
        if (word.id != field.type.id) continue;
        type = std::string(word.word);
        break;
      }
      if (field.type.id == TypeId::kDecimal) {
        absl::StrAppend(&type, "(", field.type.precision, ",", field.type.scale,
                        ")");
      }
    }
    parts.push_back(absl::StrCat(SqliteQuoted(field.name), " ", type,
                                 field.nullable ? "" : " NOT NULL"));
  }
  if (!primary_key.empty()) {
    parts.push_back(
        absl::StrCat("PRIMARY KEY (", SqliteQuotedList(primary_key), ")"));
  }
  return absl::StrCat("CREATE TABLE ", SqliteQuoted(table), " (",
                      absl::StrJoin(parts, ", "), ")");
}

absl::Status AppendSqliteValue(const Value& value, Column* column) {
  const Type& type = column->type();
  switch (type.id) {
    case TypeId::kText:
    case TypeId::kBytes:
    case TypeId::kJson:
      return AppendTextual(value, column);
    case TypeId::kUuid:
      if (value.type() == Value::Type::kBytes && value.text().size() == 16) {
        column->AppendText(value.text());
        return absl::OkStatus();
      }
      [[fallthrough]];
    case TypeId::kDate:
    case TypeId::kTime:
    case TypeId::kDuration:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      if (value.type() == Value::Type::kText && !value.text().empty()) {
        return AppendParsedValue(value.text(), column);
      }
      return WrongClass(value, type);
    default:
      return AppendNumber(value, column);
  }
}

absl::StatusOr<Value> SqliteValueOf(const Column& column, int64_t row,
                                    SqliteAffinity affinity,
                                    std::string* scratch) {
  const bool as_text = affinity == SqliteAffinity::kText;
  switch (column.type().id) {
    case TypeId::kText:
    case TypeId::kJson:
      return Value::Text(column.Text(row));
    case TypeId::kBytes:
      return Value::Bytes(column.Text(row));
    case TypeId::kBool:
      return Value::Int64(column.Bool(row) ? 1 : 0);
    case TypeId::kInt8:
      return Value::Int64(column.Fixed<int8_t>(row));
    case TypeId::kInt16:
      return Value::Int64(column.Fixed<int16_t>(row));
    case TypeId::kInt32:
      return Value::Int64(column.Fixed<int32_t>(row));
    case TypeId::kInt64:
      return Value::Int64(column.Fixed<int64_t>(row));
    case TypeId::kUInt8:
      return Value::Int64(column.Fixed<uint8_t>(row));
    case TypeId::kUInt16:
      return Value::Int64(column.Fixed<uint16_t>(row));
    case TypeId::kUInt32:
      return Value::Int64(column.Fixed<uint32_t>(row));
    case TypeId::kFloat32:
    case TypeId::kFloat64: {
      const double value = column.type().id == TypeId::kFloat32
                               ? double{column.Fixed<float>(row)}
                               : column.Fixed<double>(row);
      // Of a REAL SQLite would write 15 digits into a TEXT column.
      if (!as_text && !std::isnan(value)) return Value::Double(value);
      break;
    }
    default:
      break;
  }
  scratch->clear();
  AppendValueText(column, row, scratch);
  const TypeId id = column.type().id;
  const bool number =
      id == TypeId::kUInt64 || id == TypeId::kDecimal || id == TypeId::kNumeric;
  if (number && affinity != SqliteAffinity::kText &&
      affinity != SqliteAffinity::kBlob) {
    return NumberOfDecimal(*scratch, affinity);
  }
  return Value::Text(*scratch);
}

}  // namespace opsbench::pipeline::internal
