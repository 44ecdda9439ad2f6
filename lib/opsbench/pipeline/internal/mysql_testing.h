#ifndef OPSBENCH_PIPELINE_INTERNAL_MYSQL_TESTING_H_
#define OPSBENCH_PIPELINE_INTERNAL_MYSQL_TESTING_H_

// What the tests of MySQL's connectors do with a database of their own.
//
// Thread safety: for one thread.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/internal/connector_testing.h"

namespace opsbench::pipeline::internal {

using Settings = std::map<std::string, std::string>;

class MysqlFixture : public ::testing::Test {
 protected:
  // For SetUp(), with the URL of an empty database.
  void Open(const Url& url) {
    url_ = url;
    auto session = Connect(url);
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  void Run(absl::string_view sql) {
    const auto run = session_->Execute(sql);
    ASSERT_TRUE(run.ok()) << run.status() << ": " << sql;
  }

  // The cells of all rows, with bars between.
  std::string Select(absl::string_view sql) {
    ResultSet rows;
    const absl::Status status = session_->Query(sql, &rows);
    if (!status.ok()) return status.ToString();
    std::vector<std::string> cells;
    for (size_t i = 0; i < rows.row_count(); ++i) {
      for (size_t j = 0; j < rows.column_count(); ++j) {
        cells.push_back(rows.at(i, j).ToString());
      }
    }
    return absl::StrJoin(cells, "|");
  }

  std::unique_ptr<Source> OpenSource(const Settings& settings = {}) {
    auto source = opsbench::pipeline::internal::OpenSource(
        MysqlConnectors(), "source-mysql", url_, settings);
    EXPECT_TRUE(source.ok()) << source.status();
    return source.ok() ? *std::move(source) : nullptr;
  }

  std::unique_ptr<Destination> OpenDestination(const std::string& method) {
    auto destination = opsbench::pipeline::internal::OpenDestination(
        MysqlConnectors(), "dest-mysql", url_, {{"load_method", method}});
    EXPECT_TRUE(destination.ok()) << destination.status();
    return destination.ok() ? *std::move(destination) : nullptr;
  }

  absl::StatusOr<Batch> Read(const std::string& table,
                             const Settings& settings = {}) {
    ReadRequest request;
    request.table.table = table;
    request.batch_rows = 7;
    const auto source = OpenSource(settings);
    if (source == nullptr) return absl::InternalError("no source");
    return internal::ReadTable(*source, request);
  }

  Url url_;
  std::unique_ptr<Session> session_;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_MYSQL_TESTING_H_
