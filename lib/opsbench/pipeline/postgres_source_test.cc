// What a PostgreSQL source reads: the types it tells, partitions, snapshots,
// increments, and what it refuses.

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/pipeline/internal/postgres_testing.h"
#include "opsbench/pipeline/value_text.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline::postgres {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

ReadRequest From(const std::string& table) {
  ReadRequest request;
  request.table.table = table;
  return request;
}

// The first column's values, as text, in the order in which they come.
absl::StatusOr<std::vector<std::string>> FirstColumn(
    Source& source, const ReadRequest& request) {
  OPSBENCH_ASSIGN_OR_RETURN(const SchemaPtr schema, source.Describe(request));
  OPSBENCH_RETURN_IF_ERROR(source.Start(request));
  std::vector<std::string> values;
  Batch batch(schema);
  while (true) {
    batch.Clear();
    OPSBENCH_ASSIGN_OR_RETURN(const bool more, source.Next(&batch));
    if (!more) return values;
    for (int64_t row = 0; row < batch.rows(); ++row) {
      AppendValueText(batch.columns()[0], row, &values.emplace_back());
    }
  }
}

class PostgresSourceTest : public ConnectorTest<TestDatabase> {
 protected:
  std::unique_ptr<Source> Open(const Settings& settings = {}) {
    auto source = ConnectSource(url(), settings);
    EXPECT_TRUE(source.ok()) << source.status();
    return source.ok() ? *std::move(source) : nullptr;
  }

  absl::Status Read(const ReadRequest& request, const Settings& settings = {}) {
    return FirstColumn(*Open(settings), request).status();
  }
};

TEST_F(PostgresSourceTest, DescribesColumnsAndKey) {
  Run("CREATE DOMAIN price AS numeric(10, 2)");
  Run("CREATE TABLE t (a int8, b price NOT NULL, c numeric, d numeric(40, 2), "
      "e int4[], f timestamptz(3), PRIMARY KEY (e, a))");
  const auto schema = Open()->Describe(From("t"));
  ASSERT_TRUE(schema.ok()) << schema.status();
  std::vector<std::string> fields;
  for (const Field& field : (*schema)->fields) {
    fields.push_back(absl::StrCat(field.name, " ", TypeName(field.type), " ",
                                  field.native, " ", field.nullable));
  }
  EXPECT_THAT(
      fields,
      ElementsAre(
          "a int64 postgres:bigint 0", "b decimal(10, 2) postgres:price 0",
          "c numeric postgres:numeric 1", "d numeric postgres:numeric(40,2) 1",
          "e text postgres:integer[] 0",
          "f timestamp_tz postgres:timestamp(3) with time zone 1"));
  EXPECT_THAT((*schema)->primary_key, ElementsAre("e", "a"));
  ReadRequest some = From("t");
  some.columns = {"c", "a"};
  const auto part = Open({{"numeric", "text"}})->Describe(some);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ((*part)->fields.size(), 2);
  EXPECT_THAT((*part)->primary_key, ElementsAre());
}

TEST_F(PostgresSourceTest, RefusesWhatIsNotThereOrHasNoMapping) {
  Run("CREATE TYPE pair AS (a int, b int)");
  Run("CREATE TABLE t (id int, p pair, ps pair[])");
  EXPECT_EQ(Read(From("missing")).code(), Code::kNotFound);
  ReadRequest request = From("t");
  absl::Status status = Read(request);
  EXPECT_EQ(status.code(), Code::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("t, column p: the type pair"));
  request.columns = {"ps"};
  EXPECT_EQ(Read(request).code(), Code::kUnimplemented);
  request.columns = {"id"};
  EXPECT_TRUE(Read(request).ok());
  request.columns = {"id", "nothing"};
  EXPECT_EQ(Read(request).code(), Code::kNotFound);
  request.columns = {"id", "id"};
  EXPECT_EQ(Read(request).code(), Code::kInvalidArgument);
  request.columns = {"id"};
  request.cursor_column = "nothing";
  EXPECT_EQ(Read(request).code(), Code::kNotFound);
  request.cursor_column = "";
  request.wire_format = "mysql.text";
  EXPECT_EQ(Read(request).code(), Code::kInvalidArgument);
  request.wire_format = "";
  request.batch_rows = 0;
  EXPECT_EQ(Read(request).code(), Code::kInvalidArgument);
}

TEST_F(PostgresSourceTest, AValueThatAColumnCannotHoldIsNamed) {
  Run("CREATE TABLE t (id int, x numeric(5, 2), at timestamp)");
  Run("INSERT INTO t VALUES (1, 1.5, '2026-01-01'), (2, 'NaN', NULL)");
  for (const char* method : {"copy", "cursor"}) {
    const absl::Status status = Read(From("t"), {{"method", method}});
    EXPECT_EQ(status.code(), Code::kOutOfRange) << status;
    EXPECT_THAT(status.message(), HasSubstr("t, column x, row 2: NaN"));
    EXPECT_TRUE(
        Read(From("t"), {{"method", method}, {"numeric", "text"}}).ok());
  }
  Run("UPDATE t SET x = NULL, at = '294276-12-31'");
  const absl::Status late = Read(From("t"));
  EXPECT_EQ(late.code(), Code::kOutOfRange) << late;
  EXPECT_THAT(late.message(), HasSubstr("t, column at, row 1: "));
}

TEST_F(PostgresSourceTest, PartitionsAreDisjointAndComplete) {
  Run("CREATE TABLE t (id int PRIMARY KEY, pad text)");
  Run("INSERT INTO t SELECT i * 3, repeat('x', 200) FROM "
      "generate_series(-2500, 2499) i");
  Run("CREATE TABLE parts (id int, pad text) PARTITION BY RANGE (id)");
  Run("CREATE TABLE low PARTITION OF parts FOR VALUES FROM (-99999) TO (0)");
  Run("CREATE TABLE high PARTITION OF parts FOR VALUES FROM (0) TO (99999)");
  Run("INSERT INTO parts SELECT * FROM t");
  Run("CREATE VIEW v AS SELECT * FROM t");
  Run("CREATE TABLE empty (id int PRIMARY KEY)");
  const struct {
    const char* table;
    const char* split;
    size_t parts;
    size_t rows;
  } kCases[] = {{"t", "auto", 4, 5000}, {"t", "ctid", 4, 5000},
                {"t", "key", 4, 5000},  {"parts", "auto", 4, 5000},
                {"v", "auto", 1, 5000}, {"empty", "ctid", 1, 0},
                {"empty", "key", 1, 0}};
  for (const auto& test : kCases) {
    SCOPED_TRACE(absl::StrCat(test.table, " by ", test.split));
    const auto first = Open({{"split", test.split}});
    const auto snapshot = first->Snapshot();
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    const auto parts = first->Split(From(test.table), 4);
    ASSERT_TRUE(parts.ok()) << parts.status();
    EXPECT_EQ(parts->size(), test.parts);
    std::multiset<std::string> seen;
    size_t most = 0;
    for (const Partition& part : *parts) {
      const auto source = Open();
      ASSERT_TRUE(source->ReadAs(*snapshot).ok());
      ReadRequest request = From(test.table);
      request.partition = part;
      const auto values = FirstColumn(*source, request);
      ASSERT_TRUE(values.ok()) << values.status();
      seen.insert(values->begin(), values->end());
      most = std::max(most, values->size());
    }
    EXPECT_EQ(seen.size(), test.rows);
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(),
              test.rows);
    if (test.parts == 4) {
      EXPECT_LT(most, test.rows);
    }
  }
  EXPECT_EQ(Open({{"split", "ctid"}})->Split(From("v"), 4).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Open({{"split", "key"}})->Split(From("parts"), 4).status().code(),
            Code::kInvalidArgument);
}

TEST_F(PostgresSourceTest, ASnapshotIsOneStateOfTheTable) {
  Run("CREATE TABLE t (id int)");
  Run("INSERT INTO t VALUES (1), (2)");
  const auto first = Open();
  const auto snapshot = first->Snapshot();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  Run("INSERT INTO t VALUES (3)");
  const auto second = Open();
  ASSERT_TRUE(second->ReadAs(*snapshot).ok());
  for (Source* const source : {first.get(), second.get()}) {
    EXPECT_THAT(FirstColumn(*source, From("t")).value(), ElementsAre("1", "2"));
  }
  EXPECT_THAT(FirstColumn(*Open(), From("t")).value(),
              ElementsAre("1", "2", "3"));
  EXPECT_FALSE(Open()->ReadAs("no' snapshot").ok());
}

TEST_F(PostgresSourceTest, ReadsWhatIsNewByACursorColumn) {
  Run("CREATE TABLE t (id int, at timestamptz)");
  Run("INSERT INTO t SELECT i, timestamptz '2026-01-01 00:00:00.000001+00' + i "
      "* interval '1 hour' FROM generate_series(9, 1, -1) i");
  Run("INSERT INTO t VALUES (100, NULL)");
  const auto source = Open();
  ReadRequest request = From("t");
  EXPECT_EQ(source->MaxCursor(request).status().code(), Code::kInvalidArgument);
  request.cursor_column = "at";
  const auto until = source->MaxCursor(request);
  EXPECT_EQ(until.value(), "2026-01-01 09:00:00.000001+00");
  request.cursor_after = "2026-01-01 06:00:00.000001+00";
  request.cursor_until = *until;
  Run("INSERT INTO t VALUES (10, '2027-01-01')");
  for (const char* method : {"copy", "cursor"}) {
    EXPECT_THAT(FirstColumn(*Open({{"method", method}}), request).value(),
                ElementsAre("7", "8", "9"));
  }
  request.cursor_until.clear();
  EXPECT_EQ(Open()->MaxCursor(request).value(), "2027-01-01 00:00:00+00");
  request.cursor_after = "2027-01-01 00:00:00+00";
  EXPECT_EQ(Open()->MaxCursor(request).value(), "");
  request.cursor_after.clear();
  EXPECT_NE(Open()->MaxCursor(request).value(), "");
  Run("TRUNCATE t");
  EXPECT_EQ(source->MaxCursor(request).value(), "");
}

TEST_F(PostgresSourceTest, BatchesEndAtRowsOrBytes) {
  Run("CREATE TABLE t (id int, pad text)");
  Run("INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 100) "
      "i");
  for (const char* method : {"copy", "cursor"}) {
    for (const bool by_bytes : {false, true}) {
      const auto source = Open({{"method", method}});
      ReadRequest request = From("t");
      request.batch_rows = by_bytes ? 1000 : 7;
      request.batch_bytes = by_bytes ? 5000 : size_t{1} << 20;
      const auto schema = source->Describe(request);
      ASSERT_TRUE(source->Start(request).ok());
      Batch batch(*schema);
      int64_t rows = 0;
      while (source->Next(&batch).value()) {
        EXPECT_LE(batch.rows(), 7);
        rows += batch.rows();
        batch.Clear();
      }
      EXPECT_EQ(rows, 100);
      EXPECT_EQ(batch.rows(), 0);
      EXPECT_FALSE(source->Next(&batch).value());
    }
  }
}

TEST_F(PostgresSourceTest, AReadIsStartedAnewBeforeItsEndAndAfter) {
  Run("CREATE TABLE t AS SELECT generate_series(1, 50000) AS id");
  for (const char* method : {"copy", "cursor"}) {
    const auto source = Open({{"method", method}});
    ReadRequest request = From("t");
    request.batch_rows = 10;
    const auto schema = source->Describe(request);
    ASSERT_TRUE(schema.ok()) << schema.status();
    Batch batch(*schema);
    for (int i = 0; i < 2; ++i) {
      const absl::Status started = source->Start(request);
      ASSERT_TRUE(started.ok()) << method << ": " << started;
      batch.Clear();
      ASSERT_TRUE(source->Next(&batch).value());
      EXPECT_EQ(batch.columns()[0].Fixed<int32_t>(0), 1);
    }
    for (int i = 0; i < 2; ++i) {
      const auto values = FirstColumn(*source, request);
      ASSERT_TRUE(values.ok()) << method << ": " << values.status();
      EXPECT_EQ(values->size(), 50'000);
    }
  }
}

TEST_F(PostgresSourceTest, ATableThatChangedIsNotRead) {
  Run("CREATE TABLE t (id int)");
  const auto source = Open();
  ASSERT_TRUE(source->Describe(From("t")).ok());
  Run("ALTER TABLE t ALTER id TYPE int8");
  EXPECT_EQ(source->Start(From("t")).code(), Code::kFailedPrecondition);
}

TEST_F(PostgresSourceTest, InterruptEndsARead) {
  Run("CREATE VIEW slow AS SELECT i, CASE WHEN i > 9999 THEN pg_sleep(600)::"
      "text END AS pause FROM generate_series(1, 10000) i");
  const auto source = Open();
  std::atomic<bool> ended{false};
  std::thread interrupter([&] {
    // Repeated, because the read may not have begun to wait.
    while (!ended) source->Interrupt();
  });
  const absl::Status status = FirstColumn(*source, From("slow")).status();
  ended = true;
  interrupter.join();
  EXPECT_EQ(status.code(), Code::kCancelled) << status;
}

TEST_F(PostgresSourceTest, AServerKilledMidReadIsUnavailable) {
  ServerOptions options;
  options.kind = ServerKind::kPostgres;
  options.cache_bytes = int64_t{16} << 20;
  auto server = PrivateServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const Url target = Url::Parse((*server)->url()).value();
  auto session = Connect(target);
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE((*session)
                  ->Execute("CREATE VIEW many AS SELECT "
                            "generate_series(1, 100000000) AS id")
                  .ok());
  std::vector<std::unique_ptr<Source>> sources;
  for (const char* method : {"copy", "cursor"}) {
    auto source = ConnectSource(target, {{"method", method}});
    ASSERT_TRUE(source.ok());
    ASSERT_TRUE((*source)->Start(From("many")).ok());
    sources.push_back(*std::move(source));
  }
  ASSERT_TRUE((*server)->Kill().ok());
  for (const auto& source : sources) {
    auto schema = std::make_shared<Schema>();
    schema->fields = {{"id", {TypeId::kInt32}, true, ""}};
    Batch batch(schema);
    absl::StatusOr<bool> more = true;
    while ((more = source->Next(&batch)).ok() && *more) batch.Clear();
    EXPECT_EQ(more.status().code(), Code::kUnavailable) << more.status();
  }
}

}  // namespace
}  // namespace opsbench::pipeline::postgres
