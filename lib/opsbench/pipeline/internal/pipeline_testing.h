#ifndef OPSBENCH_PIPELINE_INTERNAL_PIPELINE_TESTING_H_
#define OPSBENCH_PIPELINE_INTERNAL_PIPELINE_TESTING_H_

// Pipelines between two real ends, as their files would say them: for tests
// that move a table the whole way.
//
// Thread safety: functions may be called from any thread.

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/db/url.h"
#include "opsbench/pipeline/config.h"
#include "opsbench/pipeline/connectors.h"
#include "opsbench/pipeline/runner.h"

namespace opsbench::pipeline::internal {

// "postgres" with a URL, or "arrow" with a path; and settings in YAML's flow
// style: "load_method: copy, insert_rows: 7".
struct PipelineEnd {
  std::string connector;
  std::string place;
  std::string settings = {};
};

inline PipelineEnd EndAt(const Url& url, std::string settings = "") {
  return {std::string(EngineName(url.engine)), url.ToString(),
          std::move(settings)};
}

struct OneStream {
  std::string from;
  std::string into;
  std::string write_mode = "append";
  std::string more = {};  // Further lines of the file.
};

inline absl::StatusOr<PipelineConfig> ConfigBetween(const PipelineEnd& source,
                                                    const PipelineEnd& dest,
                                                    const OneStream& stream) {
  const auto end = [](const char* kind, const PipelineEnd& at) {
    return absl::StrCat("  use: ", kind, "-", at.connector, "\n  config: {",
                        at.connector == "arrow" ? "path" : "url", ": \"${",
                        kind, "}\"", at.settings.empty() ? "" : ", ",
                        at.settings, "}\n");
  };
  const std::string text = absl::StrCat(
      "version: 1\npipeline: test\nsource:\n", end("source", source),
      "  streams: [{name: \"", stream.from, "\", into: \"", stream.into,
      "\"}]\ndestination:\n", end("dest", dest),
      "  write_mode: ", stream.write_mode, "\n", stream.more);
  const std::map<std::string, std::string> places = {{"source", source.place},
                                                     {"dest", dest.place}};
  return ParsePipelineConfig(
      text, "test",
      [&](absl::string_view name) -> absl::optional<std::string> {
        const auto place = places.find(std::string(name));
        if (place == places.end()) return absl::nullopt;
        return place->second;
      },
      AllConnectors());
}

inline absl::StatusOr<PipelineResult> RunBetween(
    const PipelineEnd& source, const PipelineEnd& dest, const OneStream& stream,
    const RunOptions& options = {}) {
  OPSBENCH_ASSIGN_OR_RETURN(const PipelineConfig config,
                            ConfigBetween(source, dest, stream));
  return RunPipeline(config, AllConnectors(), options);
}

// Empty when both tables hold the same content, else what differs.
inline std::string DifferenceBetween(const PipelineEnd& source,
                                     const PipelineEnd& dest,
                                     const OneStream& stream) {
  const auto config = ConfigBetween(source, dest, stream);
  if (!config.ok()) return config.status().ToString();
  const auto verdicts = VerifyPipeline(*config, AllConnectors());
  if (!verdicts.ok()) return verdicts.status().ToString();
  return verdicts->front().equal() ? "" : RenderVerdict(verdicts->front());
}

// A session and what tests ask of one.
class Database {
 public:
  static absl::StatusOr<std::unique_ptr<Database>> Open(const Url& url) {
    OPSBENCH_ASSIGN_OR_RETURN(auto session, Connect(url));
    auto database = std::make_unique<Database>();
    database->url_ = url;
    database->session_ = std::move(session);
    return database;
  }

  const Url& url() const { return url_; }
  Engine engine() const { return url_.engine; }
  PipelineEnd End(std::string settings = "") const {
    return EndAt(url_, std::move(settings));
  }

  void Run(absl::string_view sql) const {
    const auto run = session_->Execute(sql);
    ASSERT_TRUE(run.ok()) << run.status() << ": " << sql;
  }
  // All cells of all rows, with bars between, or the error.
  std::string Cells(absl::string_view sql) const {
    ResultSet rows;
    const absl::Status status = session_->Query(sql, &rows);
    if (!status.ok()) return absl::StrCat(status.ToString(), ": ", sql);
    std::string cells;
    for (size_t i = 0; i < rows.row_count(); ++i) {
      for (size_t j = 0; j < rows.column_count(); ++j) {
        absl::StrAppend(&cells, cells.empty() ? "" : "|",
                        rows.at(i, j).ToString());
      }
    }
    return cells;
  }
  // The names of its tables, in their order, with commas between.
  std::string Tables() const {
    switch (engine()) {
      case Engine::kPostgres:
        return Cells(
            "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace");
      case Engine::kSqlite:
        return Cells(
            "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema "
            "WHERE type = 'table' ORDER BY name)");
      default:
        return Cells(
            "SELECT GROUP_CONCAT(table_name ORDER BY table_name) FROM "
            "information_schema.tables WHERE table_schema = DATABASE() AND "
            "table_type = 'BASE TABLE'");
    }
  }

 private:
  Url url_;
  std::unique_ptr<Session> session_;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_PIPELINE_TESTING_H_
