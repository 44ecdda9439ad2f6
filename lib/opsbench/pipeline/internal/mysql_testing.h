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

  std::string Select(absl::string_view sql) {
    return internal::CellsOf(*session_, sql);
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

// Tests of each way to write, on a fixture that has its database.
template <typename Fixture>
class MysqlMethodFixture : public Fixture,
                           public ::testing::WithParamInterface<const char*> {
 protected:
  absl::StatusOr<WriteCounts> Write(const WriteRequest& request,
                                    const std::vector<const Batch*>& batches,
                                    absl::string_view marker = "") {
    const auto destination = this->OpenDestination(GetParam());
    if (destination == nullptr) return absl::InternalError("no destination");
    return internal::WriteTable(*destination, request, batches, marker);
  }
};

inline auto MysqlMethods() {
  return ::testing::Values("insert", "load_data", "batch");
}

inline std::string MysqlMethodName(
    const ::testing::TestParamInfo<const char*>& method) {
  return method.param;
}

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_MYSQL_TESTING_H_
