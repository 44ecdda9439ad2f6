#ifndef OPSBENCH_PIPELINE_CONFIG_H_
#define OPSBENCH_PIPELINE_CONFIG_H_

// A pipeline file: what to read, where to write it, and how. PIPELINE.md is the
// reference of its keys.
//
// Thread safety: plain data; the functions keep no state.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "opsbench/pipeline/codec.h"
#include "opsbench/pipeline/connector.h"

namespace opsbench::pipeline {

// One end, as the file says it.
struct ConnectorUse {
  std::string use;         // The name of its kind.
  ConnectorConfig config;  // Checked, with the defaults of the kind.
  std::string schema;
};

struct StreamConfig {
  std::string name;
  std::string into;  // The destination's table: `name` unless said.
  bool incremental = false;
  std::string cursor_field;
  std::vector<std::string> columns;  // Empty: all.
};

// Rows of `bench_events` to make where the source has no such table.
struct SeedConfig {
  int64_t rows = 0;  // 0: nothing is made.
  int profile_bytes = 120;
  // A table of another number of rows that is there already does not do.
  bool exact = false;
};

struct PipelineConfig {
  std::string pipeline;
  ConnectorUse source;
  std::vector<StreamConfig> streams;
  ConnectorUse destination;
  WriteMode write_mode = WriteMode::kAppend;
  bool staged = false;
  std::vector<std::string> primary_key;

  Compression compression = Compression::kNone;
  int max_inflight_batches = 16;
  int parallel_reads = 1;
  int64_t batch_rows = 10'000;
  int64_t batch_bytes = int64_t{1} << 20;
  bool always_decode = false;

  std::string state;  // Path of the database of what was done; empty: none.
  SeedConfig seed;
};

// The value of an environment variable; none when it is not set.
using Lookup =
    std::function<absl::optional<std::string>(absl::string_view name)>;

// `source` is what errors call the text, `${NAME}` and `${NAME:-default}` in
// values are replaced by what `lookup` says, and `kinds` are the connectors
// that there are.
//
// InvalidArgument, with line and column: not YAML, an unknown key (with the
// nearest known one), a key twice, one that is missing, a value that does not
// fit, a variable that is not set. No message holds a password, nor a url's
// text.
absl::StatusOr<PipelineConfig> ParsePipelineConfig(
    const std::string& text, absl::string_view source, const Lookup& lookup,
    absl::Span<const ConnectorKind> kinds);

// As ParsePipelineConfig. NotFound: no such file.
absl::StatusOr<PipelineConfig> ReadPipelineConfig(
    const std::string& path, const Lookup& lookup,
    absl::Span<const ConnectorKind> kinds);

// Null when there is none of this name.
const ConnectorKind* FindKind(absl::Span<const ConnectorKind> kinds,
                              absl::string_view name);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_CONFIG_H_
