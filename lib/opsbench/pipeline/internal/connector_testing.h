#ifndef OPSBENCH_PIPELINE_INTERNAL_CONNECTOR_TESTING_H_
#define OPSBENCH_PIPELINE_INTERNAL_CONNECTOR_TESTING_H_

// What the tests of sources and destinations share: connectors as a pipeline
// file would make them, and whole tables read and written at once.
//
// Thread safety: functions may be called from any thread.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/db/url.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline::internal {

inline absl::StatusOr<const ConnectorKind*> FindKind(
    const std::vector<ConnectorKind>& kinds, absl::string_view name) {
  for (const ConnectorKind& kind : kinds) {
    if (kind.name == name) return &kind;
  }
  return absl::NotFoundError(name);
}

inline ConnectorConfig ConfigOf(
    const ConnectorKind& kind, const Url& url,
    const std::map<std::string, std::string>& settings) {
  ConnectorConfig config;
  config.url = url.ToString();
  for (const ConnectorSetting& setting : kind.settings) {
    config.settings[setting.name] = setting.default_value;
  }
  for (const auto& [name, value] : settings) config.settings.at(name) = value;
  return config;
}

inline absl::StatusOr<std::unique_ptr<Source>> OpenSource(
    const std::vector<ConnectorKind>& kinds, absl::string_view name,
    const Url& url, const std::map<std::string, std::string>& settings = {}) {
  OPSBENCH_ASSIGN_OR_RETURN(const ConnectorKind* kind, FindKind(kinds, name));
  OPSBENCH_ASSIGN_OR_RETURN(auto source,
                            kind->make_source(ConfigOf(*kind, url, settings)));
  OPSBENCH_RETURN_IF_ERROR(source->Connect());
  return source;
}

inline absl::StatusOr<std::unique_ptr<Destination>> OpenDestination(
    const std::vector<ConnectorKind>& kinds, absl::string_view name,
    const Url& url, const std::map<std::string, std::string>& settings = {}) {
  OPSBENCH_ASSIGN_OR_RETURN(const ConnectorKind* kind, FindKind(kinds, name));
  OPSBENCH_ASSIGN_OR_RETURN(
      auto destination, kind->make_destination(ConfigOf(*kind, url, settings)));
  OPSBENCH_RETURN_IF_ERROR(destination->Connect());
  return destination;
}

// The cells of all rows of a query, with bars between, or its error.
inline std::string CellsOf(Session& session, absl::string_view sql) {
  ResultSet rows;
  const absl::Status status = session.Query(sql, &rows);
  if (!status.ok()) return status.ToString();
  std::vector<std::string> cells;
  for (size_t i = 0; i < rows.row_count(); ++i) {
    for (size_t j = 0; j < rows.column_count(); ++j) {
      cells.push_back(rows.at(i, j).ToString());
    }
  }
  return absl::StrJoin(cells, "|");
}

// Appends the rows of `batch` to those of `all`, of the same schema.
inline absl::Status AppendBatch(const Batch& batch, Batch* all) {
  for (size_t i = 0; i < batch.columns().size(); ++i) {
    const Column& from = batch.columns()[i];
    Column& to = all->columns()[i];
    if (from.size() != batch.rows()) {
      return absl::InternalError("columns of different sizes");
    }
    const TypeId id = from.type().id;
    const int width = FixedWidth(id);
    for (int64_t row = 0; row < from.size(); ++row) {
      if (from.IsNull(row)) {
        to.AppendNull();
      } else if (id == TypeId::kBool) {
        to.AppendBool(from.Bool(row));
      } else if (HasOffsets(id) || id == TypeId::kUuid) {
        to.AppendText(from.Text(row));
      } else if (width == 1) {
        to.AppendFixed(from.Fixed<int8_t>(row));
      } else if (width == 2) {
        to.AppendFixed(from.Fixed<int16_t>(row));
      } else if (width == 4) {
        to.AppendFixed(from.Fixed<int32_t>(row));
      } else if (width == 8) {
        to.AppendFixed(from.Fixed<int64_t>(row));
      } else {
        to.AppendFixed(from.Fixed<absl::int128>(row));
      }
    }
  }
  all->SetRows(all->rows() + batch.rows());
  return absl::OkStatus();
}

// All rows of the request, in one batch, after they came in several of at most
// `request.batch_rows`.
inline absl::StatusOr<Batch> ReadTable(Source& source,
                                       const ReadRequest& request) {
  OPSBENCH_ASSIGN_OR_RETURN(const SchemaPtr schema, source.Describe(request));
  OPSBENCH_RETURN_IF_ERROR(source.Start(request));
  Batch all(schema);
  Batch batch(schema);
  while (true) {
    batch.Clear();
    OPSBENCH_ASSIGN_OR_RETURN(const bool more, source.Next(&batch));
    if (!more) return all;
    if (batch.rows() == 0 || batch.rows() > request.batch_rows) {
      return absl::InternalError(
          absl::StrCat("a batch of ", batch.rows(), " rows"));
    }
    OPSBENCH_RETURN_IF_ERROR(AppendBatch(batch, &all));
  }
}

// Prepares, writes, commits; aborts on an error.
inline absl::StatusOr<WriteCounts> WriteTable(
    Destination& destination, const WriteRequest& request,
    const std::vector<const Batch*>& batches, absl::string_view marker = "") {
  absl::Status status = destination.Prepare(request, batches.front()->schema());
  for (const Batch* batch : batches) {
    if (status.ok()) status = destination.Write(*batch);
  }
  if (!status.ok()) {
    destination.Abort();
    return status;
  }
  return destination.Commit(marker);
}

inline SchemaPtr SchemaOf(std::vector<Field> fields,
                          std::vector<std::string> key = {}) {
  auto schema = std::make_shared<Schema>();
  schema->fields = std::move(fields);
  schema->primary_key = std::move(key);
  return schema;
}

// Rows of texts; "NULL" is null.
inline Batch BatchOf(const SchemaPtr& schema,
                     const std::vector<std::vector<std::string>>& rows) {
  Batch batch(schema);
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i] == "NULL") {
        batch.columns()[i].AppendNull();
      } else {
        const absl::Status status =
            AppendParsedValue(row[i], &batch.columns()[i]);
        EXPECT_TRUE(status.ok()) << status;
      }
    }
  }
  batch.SetRows(static_cast<int64_t>(rows.size()));
  return batch;
}

inline WriteRequest To(const std::string& table,
                       WriteMode mode = WriteMode::kAppend) {
  WriteRequest request;
  request.table.table = table;
  request.mode = mode;
  return request;
}

inline std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_CONNECTOR_TESTING_H_
