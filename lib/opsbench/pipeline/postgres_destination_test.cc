// What a PostgreSQL destination does to its table: each mode, each fault. A run
// that fails leaves the table as it was.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/url.h"
#include "opsbench/pipeline/internal/postgres_testing.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline::postgres {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

const char* const kLoadMethods[] = {"insert", "copy", "copy_text", "batch"};

SchemaPtr Columns(std::vector<Field> fields) {
  auto schema = std::make_shared<Schema>();
  schema->fields = std::move(fields);
  return schema;
}

// Rows 1 to `rows` of a table with a number and a text.
Batch Numbered(int64_t rows) {
  Batch batch(Columns({{"id", {TypeId::kInt32}, false, ""},
                       {"note", {TypeId::kText}, true, ""}}));
  for (int64_t i = 1; i <= rows; ++i) {
    batch.columns()[0].AppendFixed(static_cast<int32_t>(i));
    batch.columns()[1].AppendText(absl::StrCat("row ", i));
  }
  batch.SetRows(rows);
  return batch;
}

class PostgresDestinationTest : public ConnectorTest<TestDatabase> {
 protected:
  // Writes the batch and commits, or not.
  absl::Status Write(const WriteRequest& request, const Batch& batch,
                     const Settings& settings = {},
                     absl::string_view marker = "") {
    auto destination = ConnectDestination(url(), settings);
    if (!destination.ok()) return destination.status();
    absl::Status status = (*destination)->Prepare(request, batch.schema());
    if (status.ok()) status = (*destination)->Write(batch);
    if (status.ok()) status = (*destination)->Commit(marker).status();
    return status;
  }

  static WriteRequest To(const std::string& table,
                         WriteMode mode = WriteMode::kAppend) {
    WriteRequest request;
    request.table.table = table;
    request.mode = mode;
    return request;
  }
};

TEST_F(PostgresDestinationTest, AnyNameIsQuoted) {
  Run("CREATE SCHEMA \"odd \"\" schema\"");
  Batch batch(Columns({{"a \"quoted\" name", {TypeId::kInt32}, true, ""},
                       {"SELECT", {TypeId::kText}, true, ""},
                       {"col, umn: \\", {TypeId::kText}, true, ""}}));
  batch.columns()[0].AppendFixed<int32_t>(7);
  batch.columns()[1].AppendText("x'; DROP TABLE y; --");
  batch.columns()[2].AppendNull();
  batch.SetRows(1);
  WriteRequest request = To("a 'table\"; DROP");
  request.table.schema = "odd \" schema";
  for (const char* method : kLoadMethods) {
    const absl::Status written =
        Write(request, batch, {{"load_method", method}}, "it's/1");
    EXPECT_TRUE(written.ok()) << written;
  }
  EXPECT_EQ(Text("SELECT count(*) FROM \"odd \"\" schema\".\"a 'table\"\"; "
                 "DROP\" WHERE \"a \"\"quoted\"\" name\" = 7 AND \"SELECT\" = "
                 "'x''; DROP TABLE y; --' AND \"col, umn: \\\" IS NULL"),
            "4");
}

TEST_F(PostgresDestinationTest, ANativeTypeIsNoWayIntoAStatement) {
  Batch batch(Columns({{"a",
                        {TypeId::kInt32},
                        true,
                        "postgres:int4, b int4); DROP TABLE x; --"},
                       {"b", {TypeId::kText}, true, "postgres:no_such_type"},
                       {"c", {TypeId::kText}, true, "mysql:varchar(10)"},
                       {"d", {TypeId::kInt32}, true, "postgres:int4 --"}}));
  for (Column& column : batch.columns()) column.AppendNull();
  batch.SetRows(1);
  Run("CREATE TABLE x (a int)");
  const absl::Status written = Write(To("t"), batch);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(Text("SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' "
                 "ORDER BY attnum) FROM pg_attribute WHERE attrelid = "
                 "'t'::regclass AND attnum > 0"),
            "a integer, b text, c text, d integer");
  EXPECT_EQ(Text("SELECT count(*) FROM x"), "0");
}

TEST_F(PostgresDestinationTest, ReplaceLeavesTheseRowsAndNoOthers) {
  for (const bool staged : {false, true}) {
    for (const char* by : {"truncate", "delete"}) {
      Run("DROP TABLE IF EXISTS t");
      Run("CREATE TABLE t (id int PRIMARY KEY, note text)");
      Run("INSERT INTO t VALUES (1, 'old'), (9, 'old')");
      WriteRequest request = To("t", WriteMode::kReplace);
      request.staged = staged;
      const absl::Status written =
          Write(request, Numbered(3), {{"replace_by", by}});
      ASSERT_TRUE(written.ok()) << written;
      EXPECT_EQ(Text("SELECT string_agg(id || note, ',' ORDER BY id) FROM t"),
                "1row 1,2row 2,3row 3");
    }
  }
}

// Rows of other tables do not go with those that are replaced.
TEST_F(PostgresDestinationTest, ReplacingDoesNotReachOtherTables) {
  for (const char* by : {"truncate", "delete"}) {
    for (const char* other :
         {"CREATE TABLE other (id int REFERENCES t ON DELETE CASCADE)",
          "CREATE TABLE other (id int REFERENCES t ON DELETE SET NULL)",
          "CREATE TABLE other () INHERITS (t)"}) {
      Run("DROP TABLE IF EXISTS t CASCADE");
      Run("DROP TABLE IF EXISTS other");
      Run("CREATE TABLE t (id int PRIMARY KEY, note text)");
      Run("INSERT INTO t VALUES (1, 'old')");
      Run(other);
      Run("INSERT INTO other (id) VALUES (1)");
      const absl::Status status = Write(To("t", WriteMode::kReplace),
                                        Numbered(3), {{"replace_by", by}});
      EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr("other ("));
      EXPECT_EQ(Text("SELECT count(id) FROM other"), "1") << other;
      EXPECT_EQ(Text("SELECT note FROM ONLY t"), "old") << other;
    }
  }
}

TEST_F(PostgresDestinationTest, RowsThatATriggerOrARuleDropsAreAnError) {
  Run("CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW; END'");
  for (const char* what :
       {"CREATE TRIGGER drops BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION "
        "drops()",
        "CREATE RULE drops AS ON INSERT TO t DO INSTEAD NOTHING"}) {
    Run("DROP TABLE IF EXISTS t");
    Run("CREATE TABLE t (id int PRIMARY KEY, note text)");
    Run(what);
    for (const char* method : kLoadMethods) {
      for (const WriteMode mode :
           {WriteMode::kAppend, WriteMode::kReplace, WriteMode::kUpsert}) {
        WriteRequest request = To("t", mode);
        request.key = {"id"};
        const absl::Status status =
            Write(request, Numbered(3), {{"load_method", method}});
        // A rule is none of COPY's.
        const bool rule = absl::StrContains(what, "RULE");
        if (rule && absl::StrContains(method, "copy") &&
            mode != WriteMode::kUpsert) {
          EXPECT_TRUE(status.ok()) << status;
          Run("TRUNCATE t");
          continue;
        }
        EXPECT_FALSE(status.ok()) << method << " " << what;
        EXPECT_EQ(Text("SELECT count(*) FROM t"), "0") << method << what;
      }
    }
  }
}

TEST_F(PostgresDestinationTest, AForeignTableOfMarkersIsRefusedAndStays) {
  Run("CREATE TABLE opsbench_pipeline_marker (name text PRIMARY KEY, value "
      "text NOT NULL)");
  Run("INSERT INTO opsbench_pipeline_marker VALUES ('m', 'precious')");
  for (const bool early : {true, false}) {
    WriteRequest request = To("t");
    request.marked = early;
    const absl::Status status = Write(request, Numbered(2), {}, "m/1");
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("opsbench_pipeline_marker"));
  }
  EXPECT_FALSE((*ConnectDestination(url()))->HasMarker("m/1").ok());
  EXPECT_EQ(Text("SELECT value FROM opsbench_pipeline_marker"), "precious");
  EXPECT_EQ(Text("SELECT count(*) FROM pg_class WHERE relname = 't'"), "0");
}

TEST_F(PostgresDestinationTest, AForeignTableWhereRowsAreStagedStays) {
  Run("CREATE TABLE t (id int PRIMARY KEY, note text)");
  const std::string staged =
      absl::StrCat("opsbench_staged_", Text("SELECT 't'::regclass::oid"));
  Run(absl::StrCat("CREATE TABLE ", staged, " AS SELECT 1 AS precious"));
  WriteRequest request = To("t", WriteMode::kReplace);
  request.staged = true;
  const absl::Status status = Write(request, Numbered(2));
  EXPECT_EQ(status.code(), Code::kAlreadyExists) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(staged));
  EXPECT_EQ(Text(absl::StrCat("SELECT precious FROM ", staged)), "1");
}

// What a table is protected by does not go with the one that it replaces.
TEST_F(PostgresDestinationTest, AStagedTableLosesNoProtection) {
  for (const char* what :
       {"ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE t REPLICA IDENTITY FULL", "ALTER TABLE t SET UNLOGGED"}) {
    Run("DROP TABLE IF EXISTS t");
    Run("CREATE TABLE t (id int PRIMARY KEY, note text)");
    Run(what);
    WriteRequest request = To("t", WriteMode::kReplace);
    request.staged = true;
    EXPECT_EQ(Write(request, Numbered(2)).code(), Code::kInvalidArgument)
        << what;
  }
}

// A staged table is the old one in all but its rows.
TEST_F(PostgresDestinationTest, AStagedTableKeepsWhatTheOldOneHad) {
  Run("CREATE TABLE other (id int PRIMARY KEY)");
  Run("INSERT INTO other SELECT generate_series(1, 10)");
  Run("CREATE TABLE t (id serial, gone int, note text DEFAULT 'none' NOT NULL, "
      "number int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS "
      "(id * 2) STORED, CONSTRAINT \"the key\" PRIMARY KEY (id), CONSTRAINT "
      "positive CHECK (id > 0), CONSTRAINT refers FOREIGN KEY (id) REFERENCES "
      "other, CONSTRAINT itself FOREIGN KEY (number) REFERENCES t) WITH "
      "(fillfactor = 70)");
  Run("ALTER TABLE t DROP gone");
  Run("CREATE INDEX by_note ON t (note) WHERE id > 1");
  Run("CREATE INDEX by_note_too ON t (note) WHERE id > 1");
  Run("CREATE UNIQUE INDEX by_lower ON t (lower(note), id)");
  Run("COMMENT ON TABLE t IS 'a table''s comment'");
  Run("GRANT SELECT ON t TO PUBLIC");
  Run("INSERT INTO t (note) VALUES ('a'), ('b'), ('c')");
  const char* const kDescription =
      "SELECT string_agg(line, E'\\n' ORDER BY line) FROM ("
      "SELECT attname || format_type(atttypid, atttypmod) || attnotnull || "
      "attidentity::text || attgenerated::text || coalesce(pg_get_expr(adbin, "
      "adrelid), '')"
      " AS line FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = "
      "a.attrelid AND d.adnum = a.attnum WHERE attrelid = 't'::regclass AND "
      "attnum > 0 AND NOT attisdropped "
      "UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE "
      "indrelid = 't'::regclass "
      "UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM "
      "pg_constraint WHERE conrelid = 't'::regclass "
      "UNION ALL SELECT obj_description('t'::regclass) || relacl::text || "
      "reloptions::text FROM pg_class WHERE oid = 't'::regclass "
      "UNION ALL SELECT pg_get_serial_sequence('t', 'id')) lines";
  const std::string before = Text(kDescription);
  WriteRequest request = To("t", WriteMode::kReplace);
  request.staged = true;
  // `number` refers to an id, so its values must exist.
  const absl::Status written = Write(request, Numbered(4));
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(Text(kDescription), before);
  // The sequences go on: three numbers were given to the old rows.
  Run("INSERT INTO t (note) VALUES ('next') ON CONFLICT (id) DO NOTHING");
  EXPECT_EQ(Text("SELECT nextval(pg_get_serial_sequence('t', 'id'))"), "5");
}

TEST_F(PostgresDestinationTest, WhatCannotBeStagedIsRefused) {
  Run("CREATE TABLE t (id int PRIMARY KEY, note text)");
  Run("CREATE VIEW reader AS SELECT * FROM t");
  WriteRequest request = To("t", WriteMode::kReplace);
  request.staged = true;
  const absl::Status written = Write(request, Numbered(1));
  EXPECT_EQ(written.code(), Code::kInvalidArgument);
  EXPECT_THAT(written.message(), HasSubstr("a view or rule that reads it"));
  EXPECT_EQ(Write(
                [] {
                  WriteRequest append = To("t");
                  append.staged = true;
                  return append;
                }(),
                Numbered(1))
                .code(),
            Code::kInvalidArgument);
}

TEST_F(PostgresDestinationTest, UpsertReplacesRowsOfTheSameKey) {
  Run("CREATE TABLE t (id int PRIMARY KEY, note text, kept int DEFAULT 5)");
  WriteRequest request = To("t", WriteMode::kUpsert);
  request.key = {"id"};
  for (const char* method : kLoadMethods) {
    Run("TRUNCATE t");
    Run("INSERT INTO t VALUES (2, 'old', 7), (9, 'old', 7)");
    const absl::Status written =
        Write(request, Numbered(3), {{"load_method", method}});
    ASSERT_TRUE(written.ok()) << written;
    EXPECT_EQ(
        Text("SELECT string_agg(id || note || kept, ',' ORDER BY id) FROM t"),
        "1row 15,2row 27,3row 35,9old7");
  }
  request.table.table = "made";
  ASSERT_TRUE(Write(request, Numbered(3)).ok());
  ASSERT_TRUE(Write(request, Numbered(4)).ok());
  EXPECT_EQ(Text("SELECT count(*) FROM made"), "4");

  request.key = {"note"};
  EXPECT_EQ(Write(request, Numbered(1)).code(), Code::kInvalidArgument);
  request.key = {"missing"};
  EXPECT_EQ(Write(request, Numbered(1)).code(), Code::kInvalidArgument);
  request.key = {};
  EXPECT_EQ(Write(request, Numbered(1)).code(), Code::kInvalidArgument);
}

TEST_F(PostgresDestinationTest, AMarkerIsStoredWithTheRows) {
  auto destination = ConnectDestination(url());
  ASSERT_TRUE(destination.ok()) << destination.status();
  EXPECT_FALSE((*destination)->HasMarker("run/1").value());
  ASSERT_TRUE(Write(To("t"), Numbered(2), {}, "run/1").ok());
  EXPECT_TRUE((*destination)->HasMarker("run/1").value());
  ASSERT_TRUE(Write(To("u"), Numbered(2), {}, "run/2").ok());
  ASSERT_TRUE(Write(To("u"), Numbered(2), {}, "other/1").ok());
  EXPECT_FALSE((*destination)->HasMarker("run/1").value());
  EXPECT_TRUE((*destination)->HasMarker("run/2").value());
  EXPECT_TRUE((*destination)->HasMarker("other/1").value());
}

TEST_F(PostgresDestinationTest, AFaultAtTheLastRowLeavesEverythingAsItWas) {
  Run("CREATE TABLE t (id int PRIMARY KEY, note text CHECK (note <> 'row "
      "5000'))");
  Run("INSERT INTO t VALUES (0, 'old')");
  for (const WriteMode mode :
       {WriteMode::kAppend, WriteMode::kReplace, WriteMode::kUpsert}) {
    for (const char* method : kLoadMethods) {
      SCOPED_TRACE(absl::StrCat(method, " mode ", static_cast<int>(mode)));
      WriteRequest request = To("t", mode);
      if (mode == WriteMode::kUpsert) request.key = {"id"};
      const absl::Status written =
          Write(request, Numbered(5000), {{"load_method", method}}, "marker/1");
      EXPECT_EQ(written.code(), Code::kInvalidArgument) << written;
      EXPECT_THAT(written.message(), HasSubstr("t_note_check"));
      if (mode != WriteMode::kUpsert) {
        EXPECT_THAT(written.message(), HasSubstr("t, row 5000: "));
      }
      EXPECT_EQ(Text("SELECT id || note FROM t"), "0old");
    }
  }
  // Nor is a table made, or a marker.
  Batch batch = Numbered(10);
  batch.columns()[0].Clear();
  for (int i = 0; i < 9; ++i) batch.columns()[0].AppendFixed<int32_t>(i);
  batch.columns()[0].AppendNull();
  for (const char* method : kLoadMethods) {
    const absl::Status written =
        Write(To("made"), batch, {{"load_method", method}}, "marker/1");
    EXPECT_EQ(written.code(), Code::kInvalidArgument);
    EXPECT_THAT(written.message(), HasSubstr("made, column id, row 10: "));
  }
  EXPECT_EQ(Text("SELECT count(*) FROM pg_class WHERE relname IN ('made', "
                 "'opsbench_pipeline_marker')"),
            "0");
}

// One column of one type into a table with another, a row that does not fit
// behind two that do: each fault names table, column and row.
struct Misfit {
  const char* column_type;
  TypeId type;
  Code code;
  void (*append)(Column*, bool fits);
};

TEST_F(PostgresDestinationTest, AValueThatDoesNotFitIsNamed) {
  const Misfit kMisfits[] = {
      {"int8", TypeId::kUInt64, Code::kOutOfRange,
       [](Column* column, bool fits) {
         column->AppendFixed(fits ? uint64_t{1} << 62 : uint64_t{1} << 63);
       }},
      {"int2", TypeId::kInt32, Code::kOutOfRange,
       [](Column* column, bool fits) {
         column->AppendFixed<int32_t>(fits ? 32767 : 32768);
       }},
      {"text", TypeId::kText, Code::kInvalidArgument,
       [](Column* column, bool fits) {
         column->AppendText(fits ? "fine" : absl::string_view("a\0b", 3));
       }},
      {"text", TypeId::kText, Code::kInvalidArgument,
       [](Column* column, bool fits) {
         column->AppendText(fits ? "żółw" : "\xc5");
       }},
      {"varchar(4)", TypeId::kText, Code::kOutOfRange,
       [](Column* column, bool fits) {
         column->AppendText(fits ? "four" : "fives");
       }},
      {"inet", TypeId::kText, Code::kInvalidArgument,
       [](Column* column, bool fits) {
         column->AppendText(fits ? "10.0.0.1" : "10.0.0.256");
       }},
      {"jsonb", TypeId::kJson, Code::kInvalidArgument,
       [](Column* column, bool fits) {
         column->AppendText(fits ? "{}" : "{");
       }},
      {"numeric(4,1)", TypeId::kNumeric, Code::kOutOfRange,
       [](Column* column, bool fits) {
         column->AppendText(fits ? "1.500" : "1.55");
       }},
      {"numeric(4,1)", TypeId::kNumeric, Code::kOutOfRange,
       [](Column* column, bool fits) {
         column->AppendText(fits ? "999.9" : "1000");
       }},
      {"timestamp(0)", TypeId::kTimestamp, Code::kOutOfRange,
       [](Column* column, bool fits) {
         column->AppendFixed<int64_t>(fits ? 3'000'000 : 3'000'001);
       }},
      {"timestamp", TypeId::kTimestamp, Code::kOutOfRange,
       [](Column* column, bool fits) {
         column->AppendFixed<int64_t>(fits ? INT64_MIN : INT64_MIN + 1);
       }},
  };
  for (const Misfit& misfit : kMisfits) {
    for (const char* method : kLoadMethods) {
      SCOPED_TRACE(absl::StrCat(misfit.column_type, " by ", method));
      Run("DROP TABLE IF EXISTS t");
      Run(absl::StrCat("CREATE TABLE t (id int, x ", misfit.column_type, ")"));
      Batch batch(Columns({{"id", {TypeId::kInt32}, true, ""},
                           {"x", {misfit.type}, true, ""}}));
      for (int32_t i = 0; i < 3; ++i) {
        batch.columns()[0].AppendFixed(i);
        misfit.append(&batch.columns()[1], i < 2);
      }
      batch.SetRows(3);
      const absl::Status written =
          Write(To("t"), batch, {{"load_method", method}});
      EXPECT_EQ(written.code(), misfit.code) << written;
      EXPECT_TRUE(absl::StartsWith(written.message(), "t, column x, row 3: ") ||
                  (absl::StartsWith(written.message(), "t, row 3: ") &&
                   (method == absl::string_view("insert") ||
                    method == absl::string_view("batch"))))
          << written;
      EXPECT_EQ(Text("SELECT count(*) FROM t"), "0");
      Batch good(batch.schema());
      good.columns()[0].AppendFixed<int32_t>(1);
      misfit.append(&good.columns()[1], true);
      good.SetRows(1);
      const absl::Status fits = Write(To("t"), good, {{"load_method", method}});
      EXPECT_TRUE(fits.ok()) << fits;
    }
  }
}

TEST_F(PostgresDestinationTest, WhatDoesNotGoTogetherIsRefusedAtFirst) {
  Run("CREATE TABLE t (id bytea, made int GENERATED ALWAYS AS (1) STORED)");
  Run("CREATE VIEW v AS SELECT 1 AS id, 'x' AS note");
  const auto prepare = [&](const std::string& table, Field field) {
    auto destination = ConnectDestination(url(), {{"load_method", "copy"}});
    EXPECT_TRUE(destination.ok());
    return (*destination)->Prepare(To(table), Columns({std::move(field)}));
  };
  const Type number{TypeId::kInt32};
  EXPECT_EQ(prepare("t", {"id", number, true, ""}).code(),
            Code::kInvalidArgument);
  EXPECT_EQ(prepare("t", {"made", number, true, ""}).code(),
            Code::kInvalidArgument);
  EXPECT_EQ(prepare("t", {"missing", number, true, ""}).code(),
            Code::kNotFound);
  EXPECT_EQ(prepare("v", {"id", number, true, ""}).code(),
            Code::kInvalidArgument);
  EXPECT_EQ(prepare("u", {std::string(64, 'x'), number, true, ""}).code(),
            Code::kInvalidArgument);
  WriteRequest elsewhere = To("t");
  elsewhere.table.schema = "missing";
  EXPECT_EQ(Write(elsewhere, Numbered(1)).code(), Code::kNotFound);
  EXPECT_EQ(Write(To("w"), Numbered(1), {{"create_table", "false"}}).code(),
            Code::kNotFound);
  EXPECT_EQ(Write(To("w"), Numbered(1), {{"insert_rows", "0"}}).code(),
            Code::kInvalidArgument);
}

TEST_F(PostgresDestinationTest, NullsEverywhere) {
  Batch batch(Columns({{"a", {TypeId::kBool}, true, ""},
                       {"b", {TypeId::kDecimal, 10, 2}, true, ""},
                       {"c", {TypeId::kText}, true, ""},
                       {"d", {TypeId::kUuid}, true, ""}}));
  for (Column& column : batch.columns()) {
    for (int i = 0; i < 100; ++i) column.AppendNull();
  }
  batch.SetRows(100);
  for (const char* method : kLoadMethods) {
    ASSERT_TRUE(Write(To("t"), batch, {{"load_method", method}}).ok());
  }
  EXPECT_EQ(Text("SELECT count(*) FROM t WHERE num_nonnulls(a, b, c, d) = 0"),
            "400");
}

TEST_F(PostgresDestinationTest, AnInterruptedRunEnds) {
  auto destination = ConnectDestination(url(), {{"load_method", "copy"}});
  ASSERT_TRUE(destination.ok());
  const Batch batch = Numbered(10);
  ASSERT_TRUE((*destination)->Prepare(To("t"), batch.schema()).ok());
  ASSERT_TRUE((*destination)->Write(batch).ok());
  (*destination)->Interrupt();
  EXPECT_EQ((*destination)->Write(batch).code(), Code::kCancelled);
  EXPECT_EQ((*destination)->Commit("").status().code(), Code::kCancelled);
  EXPECT_EQ(Text("SELECT count(*) FROM pg_class WHERE relname = 't'"), "0");
}

TEST_F(PostgresDestinationTest, AServerKilledMidWriteHasNothingOfTheRun) {
  ServerOptions options;
  options.kind = ServerKind::kPostgres;
  options.cache_bytes = int64_t{16} << 20;
  auto server = PrivateServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const Url target = Url::Parse((*server)->url()).value();
  {
    auto session = Connect(target);
    ASSERT_TRUE(session.ok());
    ASSERT_TRUE((*session)->Execute("CREATE TABLE t (id int, note text)").ok());
    ASSERT_TRUE((*session)->Execute("CHECKPOINT").ok());
  }
  for (const char* method : {"insert", "copy"}) {
    SCOPED_TRACE(method);
    auto destination = ConnectDestination(target, {{"load_method", method}});
    ASSERT_TRUE(destination.ok()) << destination.status();
    const Batch batch = Numbered(2000);
    ASSERT_TRUE((*destination)->Prepare(To("t"), batch.schema()).ok());
    ASSERT_TRUE((*destination)->Write(batch).ok());
    ASSERT_TRUE((*server)->Kill().ok());
    absl::Status written;
    for (int i = 0; i < 1000 && written.ok(); ++i) {
      written = (*destination)->Write(batch);
    }
    EXPECT_EQ(written.code(), Code::kUnavailable) << written;
    EXPECT_EQ((*destination)->Commit("").status().code(), Code::kUnavailable);
    ASSERT_TRUE((*server)->Restart().ok());
    auto session = Connect(target);
    ASSERT_TRUE(session.ok()) << session.status();
    ResultSet rows;
    ASSERT_TRUE((*session)->Query("SELECT count(*) FROM t", &rows).ok());
    EXPECT_EQ(rows.at(0, 0).int64(), 0);
  }
}

}  // namespace
}  // namespace opsbench::pipeline::postgres
