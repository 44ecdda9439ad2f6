#include "opsbench/pipeline/internal/every_type.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace opsbench::pipeline::internal {
namespace {

// Every character that some format escapes, and of each length in UTF-8.
std::string EveryEscape() {
  std::string text;
  for (char c = 1; c < 127; ++c) text.push_back(c);
  return text + "\x7f\\N\\.\\x41''\"\"``$$%s\r\n\xc2\x80\xc3\xa9\xe2\x82\xac" +
         "\xef\xbf\xbf\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf ";
}

std::string EveryByte() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

constexpr char kFloatMax[] = "-3.4028234663852886e38";
constexpr char kFloatMin[] = "1.1754943508222875e-38";
constexpr char kDoubleMax[] = "-1.7976931348623157e308";
constexpr char kDoubleMin[] = "5e-324";
constexpr char kFirst[] = "0001-01-01 00:00:00.000001";
constexpr char kLast[] = "9999-12-31 23:59:59.999999";
constexpr char kUuidLow[] = "00000000-0000-0000-0000-000000000000";
constexpr char kUuidHigh[] = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
constexpr char kJson[] = R"({"a": [1, null, true, -2.5], "b": "q\"\\\n\u0001 )"
                         "\xf0\x9f\x98\x80\"}";

std::vector<EveryColumn> PostgresColumns() {
  return {
      {"boolean", Shown::kBool, "0", "1"},
      {"smallint", Shown::kNumber, "-32768", "32767"},
      {"integer", Shown::kNumber, "-2147483648", "2147483647"},
      {"bigint", Shown::kNumber, "-9223372036854775808", "9223372036854775807"},
      {"oid", Shown::kNumber, "0", "4294967295"},
      {"real", Shown::kFloat, kFloatMax, kFloatMin},
      {"double precision", Shown::kFloat, kDoubleMax, kDoubleMin},
      {"numeric(5,0)", Shown::kNumber, "-99999", "0"},
      {"numeric(38,10)", Shown::kNumber,
       "-9999999999999999999999999999.9999999999", "0.0000000001"},
      {"numeric(38,38)", Shown::kNumber,
       "-0.99999999999999999999999999999999999999",
       "0.00000000000000000000000000000000000001"},
      {"numeric(60,5)", Shown::kNumber,
       "-1234567890123456789012345678901234567890123456789012345.12345",
       "0.10000"},
      {"numeric", Shown::kNumber, "-12345678901234567890.1234567890123456789",
       "0.000000000000000000000000000000000000000000000000001"},
      {"text", Shown::kText, "", EveryEscape()},
      {"varchar(20)", Shown::kText, "  both ends  ", "\\N"},
      {"char(5)", Shown::kText, "a   b", "NULL!"},
      {"bytea", Shown::kBytes, "", EveryByte()},
      {"date", Shown::kDate, "0001-01-01", "9999-12-31"},
      {"time", Shown::kTime, "00:00:00.000001", "23:59:59.999999"},
      {"interval", Shown::kText, "-1 years -2 mons +3 days -04:05:06.789",
       "178000000 years"},
      {"timestamp", Shown::kInstant, kFirst, kLast},
      {"timestamptz", Shown::kInstantTz, kFirst, kLast},
      {"uuid", Shown::kUuid, kUuidLow, kUuidHigh},
      {"json", Shown::kText, "null", kJson},
      {"jsonb", Shown::kText, "[]", R"({"a": [1, null, 2.50], "bb": "\"\\"})"},
      {"int4[]", Shown::kText, "{}", "{-2147483648,NULL,2147483647}"},
      {"text[]", Shown::kText, "{{a,b},{c,d}}",
       R"({"a\"b","c,d",NULL,"","\\N"})"},
      {"timestamp[]", Shown::kText, "{NULL}", R"({"2026-01-31 00:00:00.5"})"},
      {"inet", Shown::kText, "192.168.0.1/24", "2001:db8::ff00:42:8329/128"},
      {"bit(5)", Shown::kText, "00000", "10101"},
      {"int4range", Shown::kText, "empty", "[1,10)"},
      {"tsvector", Shown::kText, "", "'a':1 'fat':2"},
  };
}

std::vector<EveryColumn> MysqlColumns() {
  return {
      {"tinyint(1)", Shown::kBool, "0", "1"},
      {"tinyint", Shown::kNumber, "-128", "127"},
      {"tinyint unsigned", Shown::kNumber, "0", "255"},
      {"smallint", Shown::kNumber, "-32768", "32767"},
      {"smallint unsigned", Shown::kNumber, "0", "65535"},
      {"mediumint", Shown::kNumber, "-8388608", "8388607"},
      {"mediumint unsigned", Shown::kNumber, "0", "16777215"},
      {"int", Shown::kNumber, "-2147483648", "2147483647"},
      {"int unsigned", Shown::kNumber, "0", "4294967295"},
      {"bigint", Shown::kNumber, "-9223372036854775808", "9223372036854775807"},
      {"bigint unsigned", Shown::kNumber, "0", "18446744073709551615"},
      {"float", Shown::kFloat, kFloatMax, kFloatMin},
      {"double", Shown::kFloat, kDoubleMax, kDoubleMin},
      {"decimal(5,2)", Shown::kNumber, "-999.90", "0.00"},
      {"decimal(38,38)", Shown::kNumber,
       "-0.99999999999999999999999999999999999999",
       "0.00000000000000000000000000000000000001"},
      {"decimal(65,30)", Shown::kNumber,
       "-99999999999999999999999999999999999."
       "999999999999999999999999999999",
       "0.000000000000000000000000000001"},
      {"bit(1)", Shown::kBits, "0", "1"},
      {"bit(64)", Shown::kBits, "0", "18446744073709551615"},
      {"year", Shown::kNumber, "1901", "2155"},
      {"char(5)", Shown::kText, "a   b", "\\N"},
      {"varchar(20)", Shown::kText, "  both ends  ", "NULL"},
      {"varchar(9) character set latin1", Shown::kText, "",
       "\xc3\xa4\xc3\x9f\xe2\x82\xac"},
      {"text", Shown::kText, "", EveryEscape()},
      {"longtext", Shown::kText, "\\.", "\n"},
      {"enum('a', 'it''s', 'x,y')", Shown::kText, "it's", "x,y"},
      {"set('a', 'b', 'c')", Shown::kText, "", "a,c"},
      {"binary(3)", Shown::kBytes, std::string(3, '\0'), "\xff\\N"},
      {"varbinary(300)", Shown::kBytes, "", EveryByte()},
      {"longblob", Shown::kBytes, "\n", "\x80"},
      {"date", Shown::kDate, "0001-01-01", "9999-12-31"},
      {"time(6)", Shown::kTime, "-838:59:58.999999", "00:00:00.000001"},
      {"datetime(6)", Shown::kInstant, kFirst, kLast},
      {"timestamp(6) null", Shown::kInstantTz, "1970-01-01 00:00:01.000001",
       "2038-01-19 03:14:07.999999"},
      {"json", Shown::kText, "null", kJson},
      {"uuid", Shown::kUuid, kUuidLow, kUuidHigh},
      {"inet6", Shown::kText, "::1", "2001:db8::ff00:42:8329"},
  };
}

std::vector<EveryColumn> SqliteColumns() {
  return {
      {"BOOLEAN", Shown::kBool, "0", "1"},
      {"INTEGER_8", Shown::kNumber, "-128", "127"},
      {"UINTEGER_8", Shown::kNumber, "0", "255"},
      {"INTEGER_16", Shown::kNumber, "-32768", "32767"},
      {"UINTEGER_16", Shown::kNumber, "0", "65535"},
      {"INTEGER_32", Shown::kNumber, "-2147483648", "2147483647"},
      {"UINTEGER_32", Shown::kNumber, "0", "4294967295"},
      {"INTEGER", Shown::kNumber, "-9223372036854775808",
       "9223372036854775807"},
      {"UNSIGNED BIG INT", Shown::kNumber, "0", "9223372036854775807"},
      {"TEXT_U64", Shown::kNumber, "0", "18446744073709551615"},
      {"FLOAT_32", Shown::kFloat, kFloatMax, kFloatMin},
      {"REAL", Shown::kFloat, kDoubleMax, kDoubleMin},
      {"DOUBLE PRECISION", Shown::kFloat, "0.1", "-1e-300"},
      {"TEXT_DECIMAL(38,10)", Shown::kNumber,
       "-9999999999999999999999999999.9999999999", "0.0000000001"},
      {"DECIMAL(9,0)", Shown::kNumber, "-999999999", "0"},
      {"TEXT_NUMERIC", Shown::kNumber,
       "-12345678901234567890.1234567890123456789", "0.10"},
      {"TEXT", Shown::kText, "", EveryEscape()},
      {"VARCHAR(10)", Shown::kText, "12", "\\N"},
      {"", Shown::kText, "NULL", "  both ends  "},
      {"BLOB", Shown::kBytes, "", EveryByte()},
      {"DATE", Shown::kDate, "0001-01-01", "9999-12-31"},
      {"TIME", Shown::kTime, "00:00:00.000001", "23:59:59.999999"},
      {"DURATION", Shown::kTime, "-838:59:58.999999", "00:00:00.000001"},
      {"DATETIME", Shown::kInstant, kFirst, kLast},
      {"TIMESTAMP_TZ", Shown::kInstantTz, kFirst, kLast},
      {"UUID", Shown::kUuid, kUuidLow, kUuidHigh},
      {"JSON", Shown::kText, "null", kJson},
      {"TEXT_JSON", Shown::kText, "[]", kJson},
  };
}

std::string Hex(absl::string_view bytes) {
  return absl::AsciiStrToUpper(absl::BytesToHexString(bytes));
}

std::string Literal(Engine engine, const EveryColumn& column, bool high) {
  const std::string& value = high ? column.high : column.low;
  if (engine == Engine::kPostgres) {
    return column.shown == Shown::kBytes
               ? absl::StrCat("'\\x", Hex(value), "'")
               : absl::StrCat("'", absl::StrReplaceAll(value, {{"'", "''"}}),
                              "'");
  }
  switch (column.shown) {
    case Shown::kBool:
    case Shown::kFloat:
    case Shown::kBits:
      return value == "Infinity"    ? "9e999"
             : value == "-Infinity" ? "-9e999"
             : value == "NaN"       ? "'NaN'"
                                    : value;
    case Shown::kNumber:
      // SQLite's text of a number that it could not hold.
      return engine == Engine::kSqlite ? absl::StrCat("'", value, "'") : value;
    case Shown::kBytes:
      return absl::StrCat("X'", Hex(value), "'");
    default:
      return engine == Engine::kMysql
                 ? absl::StrCat("CONVERT(X'", Hex(value), "' USING utf8mb4)")
                 : absl::StrCat("CAST(X'", Hex(value), "' AS TEXT)");
  }
}

std::string PostgresSql(const EveryColumn& column, const std::string& name,
                        const std::string& literal) {
  switch (column.shown) {
    case Shown::kBool:
      return absl::StrCat(name, "::integer::text");
    case Shown::kFloat:
      return absl::StrCat("(", name, " = ", literal,
                          "::float8)::integer::text");
    case Shown::kText:
      return absl::StrCat("upper(encode(convert_to(", name,
                          "::text, 'UTF8'), 'hex'))");
    case Shown::kBytes:
      return absl::StrCat("upper(encode(", name, ", 'hex'))");
    case Shown::kInstant:
    case Shown::kInstantTz:
      return absl::StrCat(
          "CASE WHEN isfinite(", name, ") THEN to_char(", name,
          column.shown == Shown::kInstant ? "" : " AT TIME ZONE 'UTC'",
          ", 'YYYY-MM-DD HH24:MI:SS.US') ELSE ", name, "::text END");
    default:
      return absl::StrCat(name, "::text");
  }
}

std::string MysqlSql(const EveryColumn& column, const std::string& name,
                     const std::string& literal) {
  switch (column.shown) {
    case Shown::kFloat:
      return absl::StrCat("CAST(", name, " = ", literal, " AS CHAR)");
    case Shown::kBits:
      return absl::StrCat("CAST(", name, " + 0 AS CHAR)");
    case Shown::kText:
      return absl::StrCat("HEX(CONVERT(", name, " USING utf8mb4))");
    case Shown::kBytes:
      return absl::StrCat("HEX(", name, ")");
    case Shown::kInstant:
    case Shown::kInstantTz:
      return absl::StrCat("DATE_FORMAT(", name, ", '%Y-%m-%d %H:%i:%s.%f')");
    default:
      return absl::StrCat("CAST(", name, " AS CHAR)");
  }
}

std::string SqliteSql(const EveryColumn& column, const std::string& name,
                      const std::string& literal) {
  switch (column.shown) {
    case Shown::kFloat:
      return absl::StrCat("CAST(", name, " = ", literal, " AS TEXT)");
    case Shown::kText:
    case Shown::kBytes:
      // hex() of NULL is an empty text.
      return absl::StrCat("CASE WHEN ", name, " IS NOT NULL THEN hex(", name,
                          ") END");
    case Shown::kInstantTz:
      return absl::StrCat("replace(", name, ", '+00', '')");
    default:
      return absl::StrCat("CAST(", name, " AS TEXT)");
  }
}

}  // namespace

const std::vector<EveryColumn>& EveryColumnOf(Engine engine) {
  static const auto* const postgres = new auto(PostgresColumns());
  static const auto* const mysql = new auto(MysqlColumns());
  static const auto* const sqlite = new auto(SqliteColumns());
  return engine == Engine::kPostgres ? *postgres
         : engine == Engine::kMysql  ? *mysql
                                     : *sqlite;
}

const std::vector<EveryColumn>& BoundlessColumnsOf(Engine engine) {
  static const auto* const postgres = new std::vector<EveryColumn>{
      {"real", Shown::kFloat, "NaN", "-Infinity"},
      {"double precision", Shown::kFloat, "Infinity", "NaN"},
      {"numeric", Shown::kNumber, "NaN", "-Infinity"},
      {"date", Shown::kDate, "-infinity", "infinity"},
      {"timestamp", Shown::kInstant, "-infinity", "infinity"},
      {"timestamptz", Shown::kInstantTz, "-infinity", "infinity"},
  };
  static const auto* const sqlite = new std::vector<EveryColumn>{
      {"FLOAT_32", Shown::kFloat, "NaN", "-Infinity"},
      {"REAL", Shown::kFloat, "Infinity", "NaN"},
      {"TEXT_NUMERIC", Shown::kNumber, "NaN", "-Infinity"},
      {"DATE", Shown::kDate, "-infinity", "infinity"},
      {"TIMESTAMP", Shown::kInstant, "-infinity", "infinity"},
      {"TIMESTAMP_TZ", Shown::kInstantTz, "-infinity", "infinity"},
  };
  return engine == Engine::kPostgres ? *postgres : *sqlite;
}

std::vector<std::string> CreateEveryType(
    Engine engine, absl::string_view table,
    const std::vector<EveryColumn>& columns) {
  std::string create =
      absl::StrCat("CREATE TABLE ", table, " (id INTEGER PRIMARY KEY");
  std::string rows[] = {"1", "2", "3"};
  for (size_t i = 0; i < columns.size(); ++i) {
    absl::StrAppend(&create, ", c", i, " ", columns[i].type);
    absl::StrAppend(&rows[0], ", ", Literal(engine, columns[i], false));
    absl::StrAppend(&rows[1], ", ", Literal(engine, columns[i], true));
    absl::StrAppend(&rows[2], ", NULL");
  }
  std::vector<std::string> statements = {create + ")"};
  for (const std::string& row : rows) {
    statements.push_back(
        absl::StrCat("INSERT INTO ", table, " VALUES (", row, ")"));
  }
  return statements;
}

std::string ShownSql(Engine engine, const EveryColumn& column, size_t index,
                     bool high) {
  const std::string name = absl::StrCat("c", index);
  const std::string literal = Literal(engine, column, high);
  return engine == Engine::kPostgres ? PostgresSql(column, name, literal)
         : engine == Engine::kMysql  ? MysqlSql(column, name, literal)
                                     : SqliteSql(column, name, literal);
}

std::string ShownText(const EveryColumn& column, bool high) {
  const std::string& value = high ? column.high : column.low;
  switch (column.shown) {
    case Shown::kFloat:
      return "1";
    case Shown::kText:
    case Shown::kBytes:
      return Hex(value);
    default:
      return value;
  }
}

}  // namespace opsbench::pipeline::internal
