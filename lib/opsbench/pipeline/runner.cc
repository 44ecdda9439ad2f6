#include "opsbench/pipeline/runner.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/bench_events.h"
#include "opsbench/pipeline/state.h"

namespace opsbench::pipeline {
namespace {

absl::StatusOr<const ConnectorKind*> RequireKind(
    absl::Span<const ConnectorKind> kinds, absl::string_view name) {
  const ConnectorKind* kind = FindKind(kinds, name);
  if (kind == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("no connector is named ", name));
  }
  return kind;
}

absl::Status Interrupted() {
  return absl::CancelledError("interrupted: the destination is unchanged");
}

ReadRequest ReadOf(const PipelineConfig& config, const StreamConfig& stream) {
  ReadRequest read;
  read.table = {config.source.schema, stream.name};
  read.columns = stream.columns;
  read.batch_rows = config.batch_rows;
  read.batch_bytes = static_cast<size_t>(config.batch_bytes);
  if (stream.incremental) read.cursor_column = stream.cursor_field;
  return read;
}

WriteRequest WriteOf(const PipelineConfig& config, const StreamConfig& stream) {
  WriteRequest write;
  write.table = {config.destination.schema, stream.into};
  write.mode = config.write_mode;
  write.staged = config.staged;
  write.key = config.primary_key;
  write.marked = stream.incremental;
  return write;
}

// How long an earlier run's transaction is waited for that its server has not
// ended yet.
constexpr int64_t kSettleNs = int64_t{60} * 1'000'000'000;

absl::StatusOr<bool> AskForMarker(Destination* destination,
                                  absl::string_view marker,
                                  const std::atomic<bool>* stop) {
  const int64_t start_ns = MonotonicNowNs();
  while (true) {
    absl::StatusOr<bool> has = destination->HasMarker(marker);
    if (!absl::IsDeadlineExceeded(has.status())) return has;
    if (stop != nullptr && *stop) return Interrupted();
    if (MonotonicNowNs() - start_ns > kSettleNs) {
      return absl::DeadlineExceededError(
          "the destination has not ended the transaction of an earlier run, "
          "whose rows may stand yet: run again when it has");
    }
  }
}

// Finds out whether the step that an earlier run left pending was committed.
absl::Status Settle(Destination* destination, StateStore* store,
                    const StreamKey& key, const std::atomic<bool>* stop,
                    StreamState* state) {
  if (state->pending_marker.empty()) return absl::OkStatus();
  OPSBENCH_RETURN_IF_ERROR(destination->Connect());
  OPSBENCH_ASSIGN_OR_RETURN(
      const bool committed,
      AskForMarker(destination, state->pending_marker, stop));
  if (committed) state->cursor = state->pending_cursor;
  state->pending_marker.clear();
  state->pending_cursor.clear();
  return store->Write(key, *state);
}

struct Ends {
  const ConnectorKind* source;
  const ConnectorKind* destination;
};

absl::StatusOr<Ends> EndsOf(const PipelineConfig& config,
                            absl::Span<const ConnectorKind> kinds) {
  Ends ends;
  OPSBENCH_ASSIGN_OR_RETURN(ends.source, RequireKind(kinds, config.source.use));
  OPSBENCH_ASSIGN_OR_RETURN(ends.destination,
                            RequireKind(kinds, config.destination.use));
  return ends;
}

// What can be done about a commit without an answer.
absl::Status WithAdvice(const absl::Status& status, bool incremental) {
  if (!absl::IsUnknown(status)) return status;
  return absl::UnknownError(absl::StrCat(
      status.message(),
      incremental ? "; the next run finds out, and goes on from there"
                  : "; see before the next run, by `opsbench pipeline verify` "
                    "for one"));
}

absl::StatusOr<PipelineResult> RunStream(const PipelineConfig& config,
                                         const StreamConfig& stream,
                                         const Ends& ends, StateStore* store,
                                         const RunOptions& options) {
  TransferOptions transfer;
  transfer.read = ReadOf(config, stream);
  transfer.write = WriteOf(config, stream);
  transfer.always_decode = config.always_decode;
  transfer.compression = config.compression;
  transfer.max_inflight_batches = config.max_inflight_batches;
  transfer.parallel_reads = config.parallel_reads;
  transfer.stop = options.stop;
  if (options.on_progress) {
    transfer.on_progress = [&](const TransferProgress& progress) {
      options.on_progress(stream.name, progress);
    };
  }
  const StreamKey key = {config.pipeline, stream.name,
                         transfer.write.table.ToString()};
  StreamState state;
  if (stream.incremental) {
    OPSBENCH_ASSIGN_OR_RETURN(state, store->Read(key));
    OPSBENCH_ASSIGN_OR_RETURN(
        const std::unique_ptr<Destination> asked,
        ends.destination->make_destination(config.destination.config));
    OPSBENCH_RETURN_IF_ERROR(
        Settle(asked.get(), store, key, options.stop, &state));
    transfer.read.cursor_after = state.cursor;
    transfer.before_commit =
        [&](absl::string_view until) -> absl::StatusOr<std::string> {
      state.pending_marker = NewMarker(key);
      state.pending_cursor = std::string(until);
      OPSBENCH_RETURN_IF_ERROR(store->Write(key, state));
      return state.pending_marker;
    };
  }
  OPSBENCH_ASSIGN_OR_RETURN(
      const std::unique_ptr<Destination> destination,
      ends.destination->make_destination(config.destination.config));
  absl::StatusOr<PipelineResult> result =
      Transfer([&] { return ends.source->make_source(config.source.config); },
               destination.get(), transfer);
  if (!result.ok()) return WithAdvice(result.status(), stream.incremental);
  if (stream.incremental) {
    state.cursor = state.pending_cursor;
    state.pending_marker.clear();
    state.pending_cursor.clear();
    const absl::Status written = store->Write(key, state);
    if (!written.ok()) {
      return absl::Status(
          written.code(),
          absl::StrCat(key.into,
                       ": its rows stand, but the state could not be "
                       "written: ",
                       written.message(),
                       "; the next run finds out, and goes on from there"));
    }
  }
  return result;
}

// The source that reads what a destination writes: of the same name but for
// its beginning, with the settings that both have.
absl::StatusOr<std::unique_ptr<Source>> SourceOfDestination(
    const ConnectorUse& use, absl::Span<const ConnectorKind> kinds) {
  absl::string_view name = use.use;
  absl::ConsumePrefix(&name, "dest-");
  const ConnectorKind* kind = FindKind(kinds, absl::StrCat("source-", name));
  if (kind == nullptr || !kind->make_source) {
    return absl::UnimplementedError(absl::StrCat(
        "what ", use.use, " writes cannot be read: there is no source-", name));
  }
  ConnectorConfig config;
  config.url = use.config.url;
  for (const ConnectorSetting& setting : kind->settings) {
    const auto same = use.config.settings.find(setting.name);
    config.settings[setting.name] = same == use.config.settings.end()
                                        ? setting.default_value
                                        : same->second;
  }
  return kind->make_source(config);
}

absl::string_view WriteModeName(const PipelineConfig& config) {
  switch (config.write_mode) {
    case WriteMode::kAppend:
      return "append";
    case WriteMode::kReplace:
      return config.staged ? "replace, staged" : "replace";
    case WriteMode::kUpsert:
      return "upsert";
  }
  return "";
}

std::string DescribeEnd(const ConnectorUse& use) {
  const auto url = Url::Parse(use.config.url);
  return url.ok() ? absl::StrCat(use.use, " ", url->Redacted()) : use.use;
}

absl::StatusOr<std::string> PlanStream(const PipelineConfig& config,
                                       const StreamConfig& stream,
                                       const Ends& ends) {
  const ReadRequest read = ReadOf(config, stream);
  const WriteRequest write = WriteOf(config, stream);
  OPSBENCH_ASSIGN_OR_RETURN(const auto source,
                            ends.source->make_source(config.source.config));
  OPSBENCH_RETURN_IF_ERROR(source->Connect());
  OPSBENCH_ASSIGN_OR_RETURN(const SchemaPtr schema, source->Describe(read));
  OPSBENCH_ASSIGN_OR_RETURN(
      const auto destination,
      ends.destination->make_destination(config.destination.config));
  OPSBENCH_RETURN_IF_ERROR(destination->Connect());
  OPSBENCH_ASSIGN_OR_RETURN(const std::string identity, source->Identity(read));
  OPSBENCH_RETURN_IF_ERROR(
      CheckOtherTable(identity, write, read.table, destination.get()));
  std::string format;
  if (!config.always_decode) {
    const std::vector<std::string> formats = source->WireFormats(*schema);
    if (!formats.empty()) {
      format = destination->ChooseWireFormat(write, *schema, formats);
    }
  }
  std::string text = absl::StrFormat(
      "  %s -> %s (%s)\n", read.table.ToString(), write.table.ToString(),
      stream.incremental ? absl::StrCat("incremental by ", stream.cursor_field)
                         : "full");
  for (const Field& field : schema->fields) {
    absl::StrAppendFormat(
        &text, "    %s %s%s%s\n", field.name, TypeName(field.type),
        field.nullable ? "" : " not null",
        field.native.empty() ? "" : absl::StrCat(" (", field.native, ")"));
  }
  if (!schema->primary_key.empty()) {
    absl::StrAppendFormat(&text, "    primary key (%s)\n",
                          absl::StrJoin(schema->primary_key, ", "));
  }
  absl::StrAppendFormat(&text, "    values: %s\n",
                        format.empty() ? "decoded and encoded"
                                       : "handed on as the source sends them");
  return text;
}

}  // namespace

absl::StatusOr<PipelineResult> RunPipeline(
    const PipelineConfig& config, absl::Span<const ConnectorKind> kinds,
    const RunOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(const Ends ends, EndsOf(config, kinds));
  std::unique_ptr<StateStore> store;
  if (!config.state.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(store, StateStore::Open(config.state));
  }
  PipelineResult result;
  result.pipeline = config.pipeline;
  std::vector<std::string> done;
  for (const StreamConfig& stream : config.streams) {
    // The one before may have been committed when somebody wanted to stop.
    const bool stop = options.stop != nullptr && *options.stop;
    const absl::StatusOr<PipelineResult> one =
        stop ? Interrupted()
             : RunStream(config, stream, ends, store.get(), options);
    if (!one.ok()) {
      if (done.empty()) return one.status();
      return absl::Status(
          one.status().code(),
          absl::StrCat(one.status().message(),
                       " (committed before: ", absl::StrJoin(done, ", "), ")"));
    }
    result.Add(*one);
    done.push_back(stream.into);
  }
  return result;
}

absl::StatusOr<std::string> PlanPipeline(
    const PipelineConfig& config, absl::Span<const ConnectorKind> kinds) {
  OPSBENCH_ASSIGN_OR_RETURN(const Ends ends, EndsOf(config, kinds));
  std::string text = absl::StrFormat(
      "Pipeline '%s' would do this:\n"
      "  from %s\n  to %s (%s)\n"
      "  compression %s, %d batches of up to %d rows and %s in flight, "
      "%d reading at once\n",
      config.pipeline, DescribeEnd(config.source),
      DescribeEnd(config.destination), WriteModeName(config),
      CompressionName(config.compression), config.max_inflight_batches,
      config.batch_rows, FormatBytes(static_cast<double>(config.batch_bytes)),
      config.parallel_reads);
  for (const StreamConfig& stream : config.streams) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string plan,
                              PlanStream(config, stream, ends));
    absl::StrAppend(&text, plan);
  }
  return text;
}

absl::StatusOr<std::vector<Verdict>> VerifyPipeline(
    const PipelineConfig& config, absl::Span<const ConnectorKind> kinds,
    const std::atomic<bool>* stop) {
  OPSBENCH_ASSIGN_OR_RETURN(const Ends ends, EndsOf(config, kinds));
  std::vector<Verdict> verdicts;
  for (const StreamConfig& stream : config.streams) {
    OPSBENCH_ASSIGN_OR_RETURN(const auto source,
                              ends.source->make_source(config.source.config));
    OPSBENCH_ASSIGN_OR_RETURN(const auto written,
                              SourceOfDestination(config.destination, kinds));
    ReadRequest read = ReadOf(config, stream);
    read.cursor_column.clear();
    ReadRequest read_written = read;
    read_written.table = {config.destination.schema, stream.into};
    OPSBENCH_ASSIGN_OR_RETURN(
        Verdict verdict,
        VerifyTables(source.get(), read, written.get(), read_written, stop));
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

absl::StatusOr<bool> NeedsSeed(const PipelineConfig& config,
                               absl::Span<const ConnectorKind> kinds) {
  if (config.seed.rows == 0) return false;
  OPSBENCH_ASSIGN_OR_RETURN(const Ends ends, EndsOf(config, kinds));
  const ReadRequest read = ReadOf(config, config.streams[0]);
  {
    OPSBENCH_ASSIGN_OR_RETURN(const auto source,
                              ends.source->make_source(config.source.config));
    absl::Status described = source->Connect();
    if (described.ok()) described = source->Describe(read).status();
    // A database that is no file yet has no table either.
    if (absl::IsNotFound(described)) return true;
    OPSBENCH_RETURN_IF_ERROR(described);
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Url url,
                            Url::Parse(config.source.config.url));
  ConnectOptions connect;
  connect.read_only = true;
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url, connect));
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t rows,
                            SeededRows(session.get(), read.table));
  if (!config.seed.exact || rows == config.seed.rows) return false;
  return absl::FailedPreconditionError(absl::StrCat(
      "the table ", read.table.ToString(), " is there already, and ",
      rows == 0 ? "was not made by `opsbench pipeline seed`"
                : absl::StrCat("has ", rows, " rows, not ", config.seed.rows),
      ": leave --rows out, or make the table again by `opsbench pipeline seed "
      "--fresh`"));
}

absl::Status SeedSource(
    const PipelineConfig& config, const std::atomic<bool>* stop,
    const std::function<void(int64_t rows_done)>& on_progress) {
  OPSBENCH_ASSIGN_OR_RETURN(const Url url,
                            Url::Parse(config.source.config.url));
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
  BenchEventsOptions options;
  options.table = {config.source.schema, config.streams[0].name};
  options.rows = config.seed.rows;
  options.profile_bytes = config.seed.profile_bytes;
  options.stop = stop;
  options.on_progress = on_progress;
  return SeedBenchEvents(session.get(), options);
}

}  // namespace opsbench::pipeline
