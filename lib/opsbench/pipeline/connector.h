#ifndef OPSBENCH_PIPELINE_CONNECTOR_H_
#define OPSBENCH_PIPELINE_CONNECTOR_H_

// Where rows come from and where they go: a Source fills batches from a table,
// a Destination writes batches to one. The runner gives each a thread of its
// own and a channel between them.
//
// Errors are those of a Session (db/session.h), and of values:
//   NotFound            no such table or column
//   Unimplemented       a type without a mapping
//   InvalidArgument     a setting, a key, a method that does not fit
//   OutOfRange          a value that its destination's type cannot hold
//   DataLoss            a file or stream that is damaged
//   Unknown             a commit whose answer was lost: its rows may stand
// What concerns a value names table, column and row (ValueError).
//
// Thread safety: for one thread at a time; Interrupt() from any.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline {

// A table as users name it. In MySQL a schema is a database; SQLite has none.
struct TableName {
  std::string schema;  // Empty: the connection's own.
  std::string table;

  // "schema.table", or "table": for messages.
  std::string ToString() const;
};

// "public.events, column amount, row 123: what is wrong". Rows count from 1.
absl::Status ValueError(absl::StatusCode code, const TableName& table,
                        absl::string_view column, int64_t row,
                        absl::string_view what);

// Unknown, with the table: `error` came instead of a commit's answer.
absl::Status CommitUnknown(const TableName& table, const absl::Status& error);

// InvalidArgument unless `dependents` is empty: other tables, whose rows would
// go or change when those of `table` are deleted.
absl::Status RefuseDependents(const TableName& table,
                              absl::string_view dependents);

// Internal unless both are the same: of the rows that were sent to `table` the
// engine has counted `kept`.
absl::Status CheckKept(const TableName& table, int64_t sent, int64_t kept);

// Who makes the table of markers (db/ownership.h), and what to do about another
// table of its name.
inline constexpr char kMarkerMaker[] = "pipeline marker";
inline constexpr char kMarkerRemedy[] =
    "incremental streams keep their markers in a table of this name; rename "
    "yours, or write to another schema or database";

// A part of a table: what to put behind WHERE, in the engine's SQL; empty for
// the whole table.
struct Partition {
  std::string predicate;
};

struct ReadRequest {
  TableName table;
  std::vector<std::string> columns;  // Empty: all, in the table's order.

  // Incremental reading: rows whose `cursor_column` is above `cursor_after` (as
  // text, empty for all) and at most `cursor_until`, in its order.
  std::string cursor_column;
  std::string cursor_after;
  std::string cursor_until;

  Partition partition;

  // A batch ends at either.
  int64_t batch_rows = 10'000;
  size_t batch_bytes = size_t{1} << 20;

  // The wire format to hand on undecoded, of WireFormats(); empty: columns.
  std::string wire_format;
};

// Where a source's thread spent its time.
struct SourceTimes {
  int64_t connect_ns = 0;
  int64_t query_ns =
      0;  // Describing, splitting, until the first rows can come.
  int64_t fetch_ns = 0;  // Reading and decoding.
};

class Source {
 public:
  virtual ~Source() = default;

  virtual absl::Status Connect() = 0;

  // The columns of the request, with their types. Everything of the request is
  // checked here.
  virtual absl::StatusOr<SchemaPtr> Describe(const ReadRequest& request) = 0;

  // At most `parts` disjoint partitions that make up the whole request, each
  // for a source of its own with ReadAs() of this one's Snapshot().
  virtual absl::StatusOr<std::vector<Partition>> Split(
      const ReadRequest& request, int parts);
  // What lets another source of the same database read the same state of it;
  // empty where there is nothing like it. The snapshot lives as long as this.
  virtual absl::StatusOr<std::string> Snapshot();
  virtual absl::Status ReadAs(absl::string_view snapshot);

  // What no other table of any server has, by whatever name the request knows
  // it; empty where there is nothing like it. REQUIRES: Connect().
  virtual absl::StatusOr<std::string> Identity(const ReadRequest& request);

  // The highest value of the cursor column above the request's `cursor_after`,
  // as text; empty when there is none.
  virtual absl::StatusOr<std::string> MaxCursor(const ReadRequest& request) = 0;

  // Wire formats in which the rows of this request could be handed on without
  // decoding, each with all that both ends have to agree on: engine, format and
  // the columns' types.
  virtual std::vector<std::string> WireFormats(const Schema& schema);

  // Runs the query. REQUIRES: Connect().
  virtual absl::Status Start(const ReadRequest& request) = 0;

  // Fills `batch`, which is of the described schema and empty; false at the
  // end.
  virtual absl::StatusOr<bool> Next(Batch* batch) = 0;

  virtual void Interrupt() {}

  const SourceTimes& times() const { return times_; }

 protected:
  SourceTimes times_;
};

enum class WriteMode {
  kAppend,   // Rows are added.
  kReplace,  // The table holds these rows and no others.
  kUpsert,   // A row of the same primary key is replaced.
};

struct WriteRequest {
  TableName table;
  WriteMode mode = WriteMode::kAppend;
  // Rows go to a table beside the target that takes its place at the end, so
  // that readers never wait. With kReplace only.
  bool staged = false;
  // For kUpsert; empty: the source's primary key.
  std::vector<std::string> key;
  // Commit() will be given a marker: where it goes to is checked before any row
  // is written.
  bool marked = false;
};

// Where a destination's thread spent its time.
struct DestinationTimes {
  int64_t connect_ns = 0;
  int64_t flush_ns = 0;   // Preparing the table, encoding and writing.
  int64_t commit_ns = 0;  // And what comes at the end: swap, analyze, rename.
};

struct WriteCounts {
  int64_t rows = 0;
  int64_t bytes = 0;    // Sent to the engine.
  std::string warning;  // What went wrong although the rows stand, for people.
};

class Destination {
 public:
  virtual ~Destination() = default;

  virtual absl::Status Connect() = 0;

  // As a source's Identity(); empty of a table that is to be made.
  virtual absl::StatusOr<std::string> Identity(const WriteRequest& request);

  // The one of `formats` (a source's WireFormats()) that Write() would take for
  // this request, or an empty text.
  virtual std::string ChooseWireFormat(const WriteRequest& request,
                                       const Schema& schema,
                                       absl::Span<const std::string> formats);

  // Makes the table when it is missing, checks that its columns take the
  // schema's, and begins the transaction. REQUIRES: Connect().
  virtual absl::Status Prepare(const WriteRequest& request,
                               SchemaPtr schema) = 0;

  virtual absl::Status Write(const Batch& batch) = 0;

  // Everything that was written stands, and nothing of it before. `marker`, if
  // any, is stored in the same transaction, under which HasMarker() finds it:
  // how a run that was killed learns whether it had committed. Markers of the
  // same name before the slash replace each other. After an error nothing
  // stands, unless it is Unknown.
  virtual absl::StatusOr<WriteCounts> Commit(absl::string_view marker) = 0;
  // Waits for a transaction of another session that stores a marker of the same
  // name: DeadlineExceeded when that goes on for about a second, and is to be
  // asked again. False is for good.
  virtual absl::StatusOr<bool> HasMarker(absl::string_view marker) = 0;

  // Leaves the target as it was before Prepare(). Also done when destroyed.
  virtual void Abort() = 0;

  // What runs ends with Cancelled, but for the step of Commit() after which
  // nobody could tell whether the rows stand.
  virtual void Interrupt() {}

  const DestinationTimes& times() const { return times_; }

 protected:
  DestinationTimes times_;
};

// What a pipeline file says under `config` of a source or a destination: the
// keys that its kind lists, and no others. `url` is put together by the reader
// of the file, from `url` itself or from host, port, user, password, database.
struct ConnectorConfig {
  std::string url;
  std::map<std::string, std::string> settings;
};

struct ConnectorSetting {
  std::string name;
  std::string default_value;
  std::vector<std::string> values;  // What it may be; empty: anything.
  std::string help;
  int64_t max = 0;  // Of a whole number from 1 on; 0: it is no number.
};

// A key of a pipeline file that acts with this connector only where `setting`
// has one of `values`; nowhere without a setting. What cannot act is refused.
struct KeyRule {
  // "config.insert_rows" is one of the connector's own, "destination.staged",
  // "resources.decode" and "seed" are the pipeline's.
  std::string key;
  // A setting of the connector's, or one of the pipeline: "write_mode" (append,
  // replace, "staged replace", upsert), "parallel_reads" (1, many), "source"
  // (the other connector).
  std::string setting = {};
  std::vector<std::string> values = {};
};

// One kind of connector, as `use:` names it.
struct ConnectorKind {
  std::string name;    // "source-postgres", "dest-postgres".
  std::string engine;  // "postgres"; empty: takes no url.
  std::vector<ConnectorSetting> settings;
  // One of the two. The config was checked against `settings`, and holds each.
  std::function<absl::StatusOr<std::unique_ptr<Source>>(const ConnectorConfig&)>
      make_source;
  std::function<absl::StatusOr<std::unique_ptr<Destination>>(
      const ConnectorConfig&)>
      make_destination;
  std::vector<KeyRule> rules = {};
};

// The kinds, one function an engine; each is in the engine's own files.
std::vector<ConnectorKind> PostgresConnectors();
std::vector<ConnectorKind> MysqlConnectors();
std::vector<ConnectorKind> SqliteConnectors();
// Arrow IPC files, and `dest-null`, which counts rows and forgets them.
std::vector<ConnectorKind> FileConnectors();

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_CONNECTOR_H_
