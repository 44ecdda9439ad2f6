// What values cost on their way: as text and back, into a column, through Arrow
// IPC, and through the codec of the channel; for each type, and for rows of
// bench_events.
//
// Timed: one batch of 8,192 rows an iteration, into memory that was used
// before; reading IPC, a stream of 16 batches. Left out: drawing the values.
// Dominated by arithmetic and copies within the caches; a table's batches come
// from farther away. Values are random: of all lengths that their types have,
// which compresses worse than a user's rows, and parses slower.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/arrow_ipc.h"
#include "opsbench/pipeline/codec.h"
#include "opsbench/pipeline/internal/string_bytes.h"
#include "opsbench/pipeline/random_rows.h"
#include "opsbench/pipeline/value_text.h"
#include "opsbench/testing/fixed_iterations.h"

namespace opsbench::pipeline {
namespace {

constexpr uint64_t kSeed = 1;
constexpr int64_t kRows = 8'192;
constexpr int kStreamBatches = 16;

// The key that random rows start with, and one column of the type.
Batch RowsOfType(TypeId id) {
  RandomRowsOptions options;
  options.null_share = 0;
  options.infinities = false;
  options.max_numeric_digits = 18;
  options.max_numeric_scale = 6;
  options.max_text_bytes = 60;
  options.min_year = 1970;
  options.max_year = 2037;
  Type type = {id};
  if (id == TypeId::kDecimal) type = {id, 12, 2};
  auto schema = std::make_shared<Schema>();
  schema->fields.push_back({"key", Type{TypeId::kInt64}, false, ""});
  schema->fields.push_back({"value", type, false, ""});
  Random random(kSeed);
  Batch both(schema);
  AppendRandomRows(options, 1, kRows, &random, &both);
  auto alone = std::make_shared<Schema>();
  alone->fields.push_back(schema->fields[1]);
  Batch batch(std::move(alone));
  batch.columns()[0] = std::move(both.columns()[1]);
  batch.SetRows(kRows);
  return batch;
}

// Rows as `pipeline seed` makes them: 120 bytes each.
Batch RowsOfBenchEvents() {
  constexpr const char* kKinds[] = {"click", "purchase", "view", "signup",
                                    "logout"};
  auto schema = std::make_shared<Schema>();
  schema->fields = {{"id", Type{TypeId::kInt32}, false, ""},
                    {"event_type", Type{TypeId::kText}, false, ""},
                    {"user_id", Type{TypeId::kInt32}, false, ""},
                    {"amount", Type{TypeId::kInt32}, false, ""},
                    {"is_active", Type{TypeId::kBool}, false, ""},
                    {"payload", Type{TypeId::kText}, false, ""},
                    {"created_at", Type{TypeId::kTimestamp}, false, ""}};
  Batch batch(std::move(schema));
  std::vector<Column>& columns = batch.columns();
  for (int32_t i = 1; i <= kRows; ++i) {
    columns[0].AppendFixed(i);
    columns[1].AppendText(kKinds[i % 5]);
    columns[2].AppendFixed(i % 1'000 + 1);
    columns[3].AppendFixed(i * 7 % 10'000);
    columns[4].AppendBool(i % 3 != 0);
    columns[5].AppendText(
        absl::StrCat("payload-", i, "-", std::string(50, 'x')));
    columns[6].AppendFixed(int64_t{1'767'225'600'000'000} +
                           int64_t{i} * 10'546'875);
  }
  batch.SetRows(kRows);
  return batch;
}

void Count(int64_t rows, size_t bytes, benchmark::State* state) {
  state->SetItemsProcessed(state->iterations() * rows);
  state->SetBytesProcessed(state->iterations() * static_cast<int64_t>(bytes));
}

// Whether two batches are the same; says so when they are not.
bool IsSame(const Batch& expected, const Batch& batch,
            benchmark::State* state) {
  const std::string difference = FirstDifference(expected, batch);
  if (difference.empty()) return true;
  state->SkipWithError(difference.c_str());
  return false;
}

void FormatText(const Batch& batch, benchmark::State& state) {
  const Column& column = batch.columns()[0];
  Batch reread(batch.schema());
  std::string text;
  size_t bytes = 0;
  for (int64_t row = 0; row < kRows; ++row) {
    text.clear();
    AppendValueText(column, row, &text);
    bytes += text.size();
    const absl::Status status = AppendParsedValue(text, &reread.columns()[0]);
    if (!status.ok()) return state.SkipWithError(status.ToString().c_str());
  }
  reread.SetRows(kRows);
  if (!IsSame(batch, reread, &state)) return;
  for (auto _ : state) {
    text.clear();
    for (int64_t row = 0; row < kRows; ++row) {
      AppendValueText(column, row, &text);
    }
    benchmark::DoNotOptimize(text.data());
    benchmark::ClobberMemory();
  }
  Count(kRows, bytes, &state);
}

void ParseText(const Batch& batch, benchmark::State& state) {
  std::string all;
  std::vector<size_t> ends;
  for (int64_t row = 0; row < kRows; ++row) {
    AppendValueText(batch.columns()[0], row, &all);
    ends.push_back(all.size());
  }
  Batch parsed(batch.schema());
  Column& column = parsed.columns()[0];
  const auto parse = [&] {
    column.Clear();
    size_t start = 0;
    bool ok = true;
    for (const size_t end : ends) {
      ok &= AppendParsedValue(absl::string_view(all).substr(start, end - start),
                              &column)
                .ok();
      start = end;
    }
    return ok;
  };
  if (!parse()) return state.SkipWithError("a text is refused");
  parsed.SetRows(kRows);
  if (!IsSame(batch, parsed, &state)) return;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse());
  }
  Count(kRows, all.size(), &state);
}

template <typename T>
void AppendAll(const Column& from, Column* to) {
  for (int64_t row = 0; row < kRows; ++row) to->AppendFixed(from.Fixed<T>(row));
}

void AppendColumn(const Column& from, Column* to) {
  const TypeId id = from.type().id;
  if (id == TypeId::kBool) {
    for (int64_t row = 0; row < kRows; ++row) to->AppendBool(from.Bool(row));
  } else if (HasOffsets(id) || id == TypeId::kUuid) {
    for (int64_t row = 0; row < kRows; ++row) to->AppendText(from.Text(row));
  } else if (FixedWidth(id) == 1) {
    AppendAll<int8_t>(from, to);
  } else if (FixedWidth(id) == 2) {
    AppendAll<int16_t>(from, to);
  } else if (FixedWidth(id) == 4) {
    AppendAll<int32_t>(from, to);
  } else if (FixedWidth(id) == 8) {
    AppendAll<int64_t>(from, to);
  } else {
    AppendAll<absl::int128>(from, to);
  }
}

void Append(const Batch& batch, benchmark::State& state) {
  Batch copy(batch.schema());
  const auto append = [&] {
    copy.Clear();
    for (size_t c = 0; c < batch.columns().size(); ++c) {
      AppendColumn(batch.columns()[c], &copy.columns()[c]);
    }
    copy.SetRows(kRows);
  };
  append();
  if (!IsSame(batch, copy, &state)) return;
  for (auto _ : state) {
    append();
    benchmark::ClobberMemory();
  }
  Count(kRows, batch.bytes(), &state);
}

std::string Stream(const Batch& batch, Compression compression) {
  ArrowWriterOptions options;
  options.compression = compression;
  internal::StringSink sink;
  auto writer = ArrowWriter::Open(options, batch.schema(), &sink);
  if (!writer.ok()) return "";
  for (int i = 0; i < kStreamBatches; ++i) {
    if (!(*writer)->Write(batch).ok()) return "";
  }
  if (!(*writer)->Finish().ok()) return "";
  return std::move(sink.text);
}

void DecodeIpc(const Batch& batch, Compression compression,
               benchmark::State& state) {
  const std::string bytes = Stream(batch, compression);
  Batch decoded;
  bool compare = true;
  const auto decode = [&] {
    internal::StringSource source(bytes);
    auto reader = ArrowReader::Open({}, &source);
    if (!reader.ok()) return false;
    int batches = 0;
    while (true) {
      const auto more = (*reader)->Next(&decoded);
      if (!more.ok()) return false;
      if (!*more) return batches == kStreamBatches;
      ++batches;
      if (compare && !IsSame(batch, decoded, &state)) return false;
    }
  };
  if (!decode()) return state.SkipWithError("the stream does not come back");
  compare = false;
  for (auto _ : state) {
    if (!decode()) return state.SkipWithError("the stream is refused");
  }
  Count(kRows * kStreamBatches, batch.bytes() * kStreamBatches, &state);
}

void EncodeIpc(const Batch& batch, Compression compression,
               benchmark::State& state) {
  const std::string expected = Stream(batch, compression);
  ArrowWriterOptions options;
  options.compression = compression;
  internal::StringSink sink;
  auto writer = ArrowWriter::Open(options, batch.schema(), &sink);
  const std::string start = sink.text;
  sink.text.clear();
  if (!writer.ok() || !(*writer)->Write(batch).ok() ||
      expected.compare(0, start.size() + sink.text.size(), start + sink.text) !=
          0) {
    return state.SkipWithError("the stream is another one");
  }
  const size_t encoded = sink.text.size();
  for (auto _ : state) {
    sink.text.clear();
    if (!(*writer)->Write(batch).ok()) {
      return state.SkipWithError("the batch is refused");
    }
  }
  Count(kRows, batch.bytes(), &state);
  state.counters["encoded_pct"] =
      100.0 * static_cast<double>(encoded) / static_cast<double>(batch.bytes());
}

void Compress(const Batch& batch, Compression compression,
              benchmark::State& state) {
  BatchCodec codec(compression);
  CompressedBatch compressed;
  Batch back;
  if (!codec.Compress(batch, &compressed).ok() ||
      !codec.Decompress(compressed, &back).ok() ||
      !IsSame(batch, back, &state)) {
    return state.SkipWithError("the batch does not come back");
  }
  for (auto _ : state) {
    if (!codec.Compress(batch, &compressed).ok()) {
      return state.SkipWithError("the batch is refused");
    }
  }
  Count(kRows, batch.bytes(), &state);
  state.counters["encoded_pct"] = 100.0 *
                                  static_cast<double>(compressed.bytes.size()) /
                                  static_cast<double>(batch.bytes());
}

void Decompress(const Batch& batch, Compression compression,
                benchmark::State& state) {
  BatchCodec codec(compression);
  CompressedBatch compressed;
  Batch back;
  if (!codec.Compress(batch, &compressed).ok() ||
      !codec.Decompress(compressed, &back).ok() ||
      !IsSame(batch, back, &state)) {
    return state.SkipWithError("the batch does not come back");
  }
  for (auto _ : state) {
    if (!codec.Decompress(compressed, &back).ok()) {
      return state.SkipWithError("the batch is refused");
    }
  }
  Count(kRows, batch.bytes(), &state);
}

void Register(const std::string& name,
              std::function<void(benchmark::State&)> run) {
  FixedIterations(benchmark::RegisterBenchmark(name.c_str(), std::move(run)));
}

// What each table goes through, whatever its columns.
void RegisterTable(const std::string& suffix,
                   const std::shared_ptr<const Batch>& batch) {
  Register(absl::StrCat("Pipeline/Append/", suffix),
           [batch](benchmark::State& state) { Append(*batch, state); });
  using Run = void (*)(const Batch&, Compression, benchmark::State&);
  const std::pair<const char*, Run> kRuns[] = {{"IpcEncode", EncodeIpc},
                                               {"IpcDecode", DecodeIpc},
                                               {"Compress", Compress},
                                               {"Decompress", Decompress}};
  for (const auto& [name, run] : kRuns) {
    for (const Compression compression :
         {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
      const bool is_ipc = run == EncodeIpc || run == DecodeIpc;
      // The channel does not copy what it does not compress.
      if (!is_ipc && compression == Compression::kNone) continue;
      Register(absl::StrCat("Pipeline/", name, "/", suffix,
                            "/compression:", CompressionName(compression)),
               [batch, compression, run = run](benchmark::State& state) {
                 run(*batch, compression, state);
               });
    }
  }
}

const bool registered = [] {
  for (int i = 0; i < kTypeCount; ++i) {
    const auto id = static_cast<TypeId>(i);
    const auto batch = std::make_shared<const Batch>(RowsOfType(id));
    const std::string suffix = absl::StrCat(
        "type:", id == TypeId::kDecimal ? "decimal" : TypeName(Type{id}));
    Register(absl::StrCat("Pipeline/FormatText/", suffix),
             [batch](benchmark::State& state) { FormatText(*batch, state); });
    Register(absl::StrCat("Pipeline/ParseText/", suffix),
             [batch](benchmark::State& state) { ParseText(*batch, state); });
    RegisterTable(suffix, batch);
  }
  RegisterTable("table:bench_events",
                std::make_shared<const Batch>(RowsOfBenchEvents()));
  return true;
}();

}  // namespace
}  // namespace opsbench::pipeline
