// Rows that go into PostgreSQL and come back, by every way of reading and
// writing, are the same: random tables of all types, compared value by value;
// a table with every type of PostgreSQL's that is mapped, compared by the
// server; pgbench's tables.

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/internal/postgres_testing.h"
#include "opsbench/pipeline/random_rows.h"
#include "opsbench/pipeline/value_text.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline::postgres {
namespace {

const char* const kLoadMethods[] = {"insert", "copy", "copy_text", "batch"};
const char* const kReadMethods[] = {"copy", "cursor"};

class PostgresRoundTripTest : public ConnectorTest<TestDatabase> {
 protected:
  // Copies `from` to `to` by each pair of methods and undecoded; `check` looks
  // at the table `to`, which is dropped after each.
  template <typename Check>
  void CopyByEveryMethod(const std::string& from, const std::string& to,
                         bool relay, Check check) {
    for (const char* load : kLoadMethods) {
      for (const char* read : kReadMethods) {
        SCOPED_TRACE(absl::StrCat(read, " to ", load));
        Job job;
        job.read.table.table = from;
        job.write.table.table = to;
        job.source = {{"method", read}};
        job.destination = {{"load_method", load}};
        Copy(job, check);
      }
    }
    if (!relay) return;
    SCOPED_TRACE("undecoded");
    Job job;
    job.read.table.table = from;
    job.write.table.table = to;
    job.destination = {{"load_method", "copy"}};
    job.relay = true;
    Copy(job, check);
  }

  template <typename Check>
  void Copy(const Job& job, Check check) {
    const auto rows = RunJob(url(), job);
    ASSERT_TRUE(rows.ok()) << rows.status();
    check();
    Run(absl::StrCat("DROP TABLE ", job.write.table.table));
  }
};

// The text of each value, because a column may come back wider than it went.
std::vector<std::string> Texts(const Batch& batch) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < batch.columns().size(); ++i) {
    const Column& column = batch.columns()[i];
    for (int64_t row = 0; row < column.size(); ++row) {
      std::string text = absl::StrCat("c", i, " row ", row, ": ");
      if (column.IsNull(row)) {
        text += "NULL";
      } else {
        AppendValueText(column, row, &text);
      }
      texts.push_back(std::move(text));
    }
  }
  return texts;
}

void ExpectSameTexts(const Batch& a, const Batch& b) {
  const std::vector<std::string> left = Texts(a), right = Texts(b);
  ASSERT_EQ(left.size(), right.size());
  for (size_t i = 0; i < left.size(); ++i) ASSERT_EQ(left[i], right[i]);
}

TEST_F(PostgresRoundTripTest, RandomTables) {
  constexpr uint64_t kSeed = 20260131;
  constexpr int kTables = 60;
  for (int table = 0; table < kTables; ++table) {
    SCOPED_TRACE(absl::StrCat("seed ", kSeed, ", table ", table));
    Random random = Random::Stream(kSeed, static_cast<uint64_t>(table));
    RandomRowsOptions options;
    const SchemaPtr schema = RandomSchema(options, &random);
    Batch rows(schema);
    AppendRandomRows(options, 1, random.Between(0, 60), &random, &rows);
    const std::string method = kLoadMethods[table % 4];
    const absl::Status written =
        WriteAll(url(), "source", rows, {{"load_method", method}});
    ASSERT_TRUE(written.ok()) << written;
    const auto stored = ReadAll(url(), "source");
    ASSERT_TRUE(stored.ok()) << stored.status();
    ExpectSameTexts(rows, *stored);
    if (HasFatalFailure()) return;
    const auto check = [&] {
      const auto copied = ReadAll(url(), "copied");
      ASSERT_TRUE(copied.ok()) << copied.status();
      EXPECT_EQ(*stored->schema(), *copied->schema());
      EXPECT_EQ(FirstDifference(*stored, *copied), "");
    };
    // A pair of methods a table; each comes several times.
    Job job;
    job.read.table.table = "source";
    job.read.batch_rows = random.Between(1, 40);
    job.write.table.table = "copied";
    job.source = {{"method", kReadMethods[table / 4 % 2]}};
    job.destination = {{"load_method", kLoadMethods[table % 4]},
                       {"insert_rows", absl::StrCat(random.Between(1, 20))},
                       {"flush_bytes", absl::StrCat(random.Between(1, 3000))}};
    Copy(job, check);
    job.source = {};
    job.destination["load_method"] = "copy";
    job.relay = true;
    Copy(job, check);
    if (HasFatalFailure()) return;
    Run("DROP TABLE source");
  }
}

// Every type that is mapped, with its ends and oddities.
constexpr const char* kEveryType[] = {
    "CREATE TYPE mood AS ENUM ('sad', 'it''s \"ok\"', 'happy')",
    "CREATE DOMAIN positive AS numeric(12, 3) CHECK (VALUE > 0)",
    "CREATE DOMAIN small_positive AS positive CHECK (VALUE < 1000)",
    "CREATE TABLE every_type (id int PRIMARY KEY, a_bool bool, a_int2 int2, "
    "a_int8 int8, a_float4 float4, a_float8 float8, a_numeric numeric, "
    "a_decimal numeric(38, 10), a_wide numeric(60, 5), a_negative "
    "numeric(5, -2), a_text text, a_varchar varchar(20), a_char char(5), "
    "a_name name, a_byte \"char\", a_bytea bytea, a_date date, a_time time, "
    "a_time3 time(3), a_timetz timetz, a_timestamp timestamp, a_timestamp0 "
    "timestamp(0), a_timestamptz timestamptz, a_interval interval, a_uuid "
    "uuid, a_json json, a_jsonb jsonb, a_xml xml, a_inet inet, a_cidr cidr, "
    "a_macaddr macaddr, a_bit bit(5), a_varbit varbit, a_money money, a_point "
    "point, a_box box, a_polygon polygon, a_tsvector tsvector, a_tsquery "
    "tsquery, a_int4range int4range, a_multirange datemultirange, a_ints "
    "int4[], a_texts text[], a_moods mood[], a_mood mood, a_positive positive, "
    "a_domain small_positive, a_oid oid, a_regclass regclass, a_lsn pg_lsn)",
    "INSERT INTO every_type VALUES (1, true, -32768, -9223372036854775808, "
    "'-Infinity', 'NaN', '-123456789012345678901234567890.5000', "
    "'-9999999999999999999999999999.9999999999', 12345678901234567890.12345, "
    "123400, E'tab\\tnew\\nline\\\\back\\rslash ''quote''', 'żółw', 'ab', "
    "'name', 'x', '\\x00ff0a5c', '-infinity', '24:00:00', '12:34:56.789', "
    "'12:34:56.789+05:30', 'infinity', '2026-01-31 23:59:59', "
    "'0044-03-15 12:00:00+00 BC', '1 year -2 mons 3 days -04:05:06.789', "
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{\"b\" : 1,  \"a\":[1, null]}', "
    "'{\"b\": 1, \"a\": [1, null]}', '<a>b</a>', '192.168.0.1/24', "
    "'10.0.0.0/8', '08:00:2b:01:02:03', B'10101', B'101', '$1,234.56', "
    "'(1.5,-2)', '(2,2),(0,0)', '((0,0),(1,1),(1,0))', 'a:1 fat:2', "
    "'fat & rat', '[1,10)', '{[2026-01-01,2026-02-01)}', '{1,NULL,-3}', "
    "'{\"a\\\"b\",\"c,d\",NULL,\"\"}', '{happy,sad}', 'it''s \"ok\"', 0.001, "
    "999.999, 4294967295, 'pg_class', '16/B374D848')",
    "INSERT INTO every_type (id) VALUES (2)",
    "INSERT INTO every_type (id, a_float4, a_float8, a_numeric, a_decimal, "
    "a_wide, a_text, a_bytea, a_date, a_time, a_timestamp, a_timestamptz, "
    "a_interval, a_ints, a_texts, a_jsonb) VALUES (3, 'NaN', '-0', "
    "'-Infinity', 0, 'NaN', '', '', '4714-11-24 BC', '00:00', "
    "'4714-11-24 00:00:00 BC', '294246-12-31 23:59:59+00', "
    "'-178000000 years', '{}', '{{a,b},{c,d}}', 'null')",
    "INSERT INTO every_type (id, a_float4, a_float8, a_numeric, a_date, "
    "a_interval) VALUES (4, 1.17549e-38, 5e-324, 0.00000100, "
    "'5874897-12-31', '00:00:00')",
};

TEST_F(PostgresRoundTripTest, EveryTypeOfPostgres) {
  for (const char* sql : kEveryType) Run(sql);
  const std::string expected = Checksum("every_type");
  const auto columns = [&](const char* table) {
    return Text(absl::StrCat(
        "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) "
        "|| attnotnull, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid "
        "= '",
        table, "'::regclass AND attnum > 0"));
  };
  const auto check = [&] {
    EXPECT_EQ(Checksum("copied"), expected);
    EXPECT_EQ(columns("copied"), columns("every_type"));
  };
  CopyByEveryMethod("every_type", "copied", false, check);
}

// Types whose binary form every server reads alike, handed on as they are.
TEST_F(PostgresRoundTripTest, TypesWithoutAFormOfOursAreRelayed) {
  for (const char* sql : kEveryType) Run(sql);
  Run("ALTER TABLE every_type DROP a_mood, DROP a_moods, DROP a_regclass");
  const std::string expected = Checksum("every_type");
  Job job;
  job.read.table.table = "every_type";
  job.write.table.table = "copied";
  job.destination = {{"load_method", "copy"}};
  job.relay = true;
  Copy(job, [&] { EXPECT_EQ(Checksum("copied"), expected); });
}

TEST_F(PostgresRoundTripTest, PgbenchTables) {
  if (std::system("pgbench --version > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "pgbench is not installed (postgresql-contrib)";
  }
  const std::string command = absl::StrCat(
      "PGHOST='", url().host, "' PGPORT=", url().EffectivePort(), " PGUSER='",
      url().user, "' PGPASSWORD='", url().password, "' PGDATABASE='",
      url().database, "' pgbench -q -i -s 1 2>&1 > /dev/null");
  ASSERT_EQ(std::system(command.c_str()), 0);
  for (const char* table : {"pgbench_accounts", "pgbench_branches",
                            "pgbench_tellers", "pgbench_history"}) {
    SCOPED_TRACE(table);
    const std::string expected = Checksum(table);
    CopyByEveryMethod(table, "copied", true,
                      [&] { EXPECT_EQ(Checksum("copied"), expected); });
  }
}

TEST_F(PostgresRoundTripTest, WideTablesEmptyTablesAndLargeValues) {
  std::string sql = "CREATE TABLE wide (";
  std::string values = "INSERT INTO wide SELECT ";
  for (int i = 0; i < 1600; ++i) {
    absl::StrAppend(&sql, i > 0 ? ", c" : "c", i, i == 0 ? " int" : " int2");
    absl::StrAppend(&values, i > 0 ? ", " : "",
                    i % 7 == 3 ? "NULL" : absl::StrCat("g + ", i));
  }
  Run(sql + ")");
  Run(values + " FROM generate_series(1, 20) g");
  const std::string wide = Checksum("wide");
  CopyByEveryMethod("wide", "copied", true,
                    [&] { EXPECT_EQ(Checksum("copied"), wide); });

  Run("CREATE TABLE empty (id int PRIMARY KEY, note text)");
  CopyByEveryMethod("empty", "copied", true, [&] {
    EXPECT_EQ(Text("SELECT count(*) FROM copied"), "0");
  });

  Run("CREATE TABLE large (id int, note text, bytes bytea)");
  Run("INSERT INTO large VALUES (1, repeat('x', 100000000), NULL), "
      "(2, 'small', decode(repeat('00ff', 10000000), 'hex'))");
  const std::string large = Text(
      "SELECT string_agg(md5(note) || length(note) || "
      "coalesce(md5(bytes), '-'), ',' ORDER BY id) FROM large");
  const auto check = [&] {
    EXPECT_EQ(Text("SELECT string_agg(md5(note) || length(note) || "
                   "coalesce(md5(bytes), '-'), ',' ORDER BY id) FROM copied"),
              large);
  };
  const struct {
    const char* read;
    const char* load;
    bool relay;
  } kWays[] = {{"copy", "copy", true},
               {"copy", "copy_text", false},
               {"cursor", "insert", false}};
  for (const auto& way : kWays) {
    SCOPED_TRACE(absl::StrCat(way.read, " to ", way.load));
    Job job;
    job.read.table.table = "large";
    job.write.table.table = "copied";
    job.source = {{"method", way.read}};
    job.destination = {{"load_method", way.load}};
    job.relay = way.relay;
    Copy(job, check);
  }
}

}  // namespace
}  // namespace opsbench::pipeline::postgres
