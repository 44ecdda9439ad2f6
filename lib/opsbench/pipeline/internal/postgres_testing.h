#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_TESTING_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_TESTING_H_

// What the tests of PostgreSQL's connectors share: a database of their own,
// connectors with their default settings, and a run from one to the other on
// one thread.
//
// Thread safety: for one thread at a time.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/db/url.h"
#include "opsbench/pipeline/connector.h"

namespace opsbench::pipeline::postgres {

using Settings = std::map<std::string, std::string>;

inline ConnectorConfig WithDefaults(const ConnectorKind& kind, const Url& url,
                                    const Settings& settings) {
  ConnectorConfig config;
  config.url = url.ToString();
  for (const ConnectorSetting& setting : kind.settings) {
    config.settings[setting.name] = setting.default_value;
  }
  for (const auto& [name, value] : settings) config.settings[name] = value;
  return config;
}

inline absl::StatusOr<std::unique_ptr<Source>> ConnectSource(
    const Url& url, const Settings& settings = {}) {
  const ConnectorKind kind = PostgresConnectors().at(0);
  OPSBENCH_ASSIGN_OR_RETURN(
      auto source, kind.make_source(WithDefaults(kind, url, settings)));
  OPSBENCH_RETURN_IF_ERROR(source->Connect());
  return source;
}

inline absl::StatusOr<std::unique_ptr<Destination>> ConnectDestination(
    const Url& url, const Settings& settings = {}) {
  const ConnectorKind kind = PostgresConnectors().at(1);
  OPSBENCH_ASSIGN_OR_RETURN(
      auto destination,
      kind.make_destination(WithDefaults(kind, url, settings)));
  OPSBENCH_RETURN_IF_ERROR(destination->Connect());
  return destination;
}

struct Job {
  ReadRequest read;
  WriteRequest write;
  Settings source;
  Settings destination;
  bool relay = false;  // Undecoded; it is an error when the ends do not agree.
  std::string marker;
};

// The rows that the destination says it has written.
inline absl::StatusOr<int64_t> RunJob(const Url& url, Job job) {
  OPSBENCH_ASSIGN_OR_RETURN(auto source, ConnectSource(url, job.source));
  OPSBENCH_ASSIGN_OR_RETURN(auto destination,
                            ConnectDestination(url, job.destination));
  OPSBENCH_ASSIGN_OR_RETURN(const SchemaPtr schema, source->Describe(job.read));
  if (job.relay) {
    job.read.wire_format = destination->ChooseWireFormat(
        job.write, *schema, source->WireFormats(*schema));
    if (job.read.wire_format.empty()) {
      return absl::InvalidArgumentError("there is no common wire format");
    }
  }
  OPSBENCH_RETURN_IF_ERROR(destination->Prepare(job.write, schema));
  OPSBENCH_RETURN_IF_ERROR(source->Start(job.read));
  Batch batch(schema);
  int64_t read = 0;
  while (true) {
    batch.Clear();
    OPSBENCH_ASSIGN_OR_RETURN(const bool more, source->Next(&batch));
    if (!more) break;
    read += batch.rows();
    OPSBENCH_RETURN_IF_ERROR(destination->Write(batch));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const WriteCounts counts,
                            destination->Commit(job.marker));
  EXPECT_EQ(counts.rows, read);
  return counts.rows;
}

// A table's rows as one batch, in the order of the first column.
inline absl::StatusOr<Batch> ReadAll(const Url& url, const std::string& table,
                                     const Settings& settings = {}) {
  OPSBENCH_ASSIGN_OR_RETURN(auto source, ConnectSource(url, settings));
  ReadRequest request;
  request.table.table = table;
  request.batch_rows = 1'000'000;
  request.batch_bytes = size_t{1} << 28;
  OPSBENCH_ASSIGN_OR_RETURN(SchemaPtr schema, source->Describe(request));
  request.cursor_column = schema->fields.front().name;
  OPSBENCH_RETURN_IF_ERROR(source->Start(request));
  Batch all(schema);
  OPSBENCH_ASSIGN_OR_RETURN(const bool some, source->Next(&all));
  (void)some;
  return all;
}

// Puts a batch into a new table.
inline absl::Status WriteAll(const Url& url, const std::string& table,
                             const Batch& batch,
                             const Settings& settings = {}) {
  OPSBENCH_ASSIGN_OR_RETURN(auto destination,
                            ConnectDestination(url, settings));
  WriteRequest request;
  request.table.table = table;
  OPSBENCH_RETURN_IF_ERROR(destination->Prepare(request, batch.schema()));
  OPSBENCH_RETURN_IF_ERROR(destination->Write(batch));
  return destination->Commit("").status();
}

// One database for a suite, and an empty schema `public` for each test.
// `Database` is TestDatabase, which the tests include themselves.
template <typename Database>
class ConnectorTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto database = Database::Create(Engine::kPostgres);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = database->release();
  }
  static void TearDownTestSuite() {
    delete database_;
    database_ = nullptr;
  }

  void SetUp() override {
    ASSERT_NE(database_, nullptr);
    auto session = Connect(url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    Run("DROP SCHEMA IF EXISTS public CASCADE");
    Run("CREATE SCHEMA public");
  }

  static const Url& url() { return database_->url(); }

  void Run(absl::string_view sql) {
    const absl::Status status = session_->Execute(sql).status();
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
  }

  // The one value of a query as text.
  std::string Text(absl::string_view sql) {
    ResultSet rows;
    const absl::Status status = session_->Query(sql, &rows);
    EXPECT_TRUE(status.ok()) << sql << ": " << status;
    if (!status.ok() || rows.row_count() != 1) return "";
    return rows.at(0, 0).ToString();
  }

  // A checksum of all rows of a table by the server, whatever their order.
  std::string Checksum(const std::string& table) {
    return Text(
        "SELECT count(*) || ' ' || coalesce(sum(hashtextextended("
        "t::text, 0)::numeric), 0) FROM " +
        table + " t");
  }

  static inline Database* database_ = nullptr;
  std::unique_ptr<Session> session_;
};

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_TESTING_H_
