// What pipeline files call `source-mysql` and `dest-mysql`.

#include <memory>
#include <utility>

#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/mysql_destination.h"
#include "opsbench/pipeline/internal/mysql_source.h"

namespace opsbench::pipeline {
namespace {

absl::StatusOr<Url> MysqlUrl(const ConnectorConfig& config) {
  OPSBENCH_ASSIGN_OR_RETURN(Url url, Url::Parse(config.url));
  if (url.engine != Engine::kMysql) {
    return absl::InvalidArgumentError("the url is not one of MySQL's");
  }
  return url;
}

absl::StatusOr<std::unique_ptr<Source>> MakeSource(
    const ConnectorConfig& config) {
  internal::MysqlSourceOptions options;
  OPSBENCH_ASSIGN_OR_RETURN(options.url, MysqlUrl(config));
  options.schema = config.settings.at("schema");
  options.tinyint1_is_bool = config.settings.at("tinyint1_is_bool") == "true";
  options.zero_dates_are_null = config.settings.at("zero_dates") == "null";
  return std::unique_ptr<Source>(
      std::make_unique<internal::MysqlSource>(std::move(options)));
}

absl::StatusOr<std::unique_ptr<Destination>> MakeDestination(
    const ConnectorConfig& config) {
  internal::MysqlDestinationOptions options;
  OPSBENCH_ASSIGN_OR_RETURN(options.url, MysqlUrl(config));
  options.schema = config.settings.at("schema");
  const std::string& method = config.settings.at("load_method");
  using Method = internal::MysqlDestinationOptions::Method;
  options.method = method == "load_data" ? Method::kLoadData
                   : method == "batch"   ? Method::kBatch
                                         : Method::kInsert;
  return std::unique_ptr<Destination>(
      std::make_unique<internal::MysqlDestination>(std::move(options)));
}

}  // namespace

std::vector<ConnectorKind> MysqlConnectors() {
  const ConnectorSetting schema = {
      "schema", "", {}, "the database of tables that name none"};
  std::vector<ConnectorKind> kinds(2);
  kinds[0].name = "source-mysql";
  kinds[0].engine = "mysql";
  kinds[0].settings = {
      schema,
      {"tinyint1_is_bool",
       "true",
       {"true", "false"},
       "whether tinyint(1) is a bool; another value than 0 and 1 is an error "
       "then"},
      {"zero_dates",
       "error",
       {"error", "null"},
       "what becomes of 0000-00-00 and of dates with a month or day of 0"},
  };
  kinds[0].make_source = MakeSource;
  kinds[0].rules = {{"resources.decode"}};
  kinds[1].name = "dest-mysql";
  kinds[1].engine = "mysql";
  kinds[1].settings = {
      schema,
      {"load_method",
       "insert",
       {"insert", "load_data", "batch"},
       "insert: INSERT of many rows; load_data: LOAD DATA LOCAL out of memory; "
       "batch: arrays bound to a prepared INSERT"},
  };
  kinds[1].make_destination = MakeDestination;
  kinds[1].rules = {{"resources.decode"}};
  return kinds;
}

}  // namespace opsbench::pipeline
