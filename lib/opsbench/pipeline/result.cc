#include "opsbench/pipeline/result.h"

#include <sys/resource.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace opsbench::pipeline {
namespace {

double Seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

void AddCounts(const ChannelCounts& from, ChannelCounts* to) {
  to->parcels += from.parcels;
  to->parcels_made += from.parcels_made;
  to->depth_max = std::max(to->depth_max, from.depth_max);
  to->send_waits += from.send_waits;
  to->send_wait_ns += from.send_wait_ns;
  to->receive_waits += from.receive_waits;
  to->receive_wait_ns += from.receive_wait_ns;
}

}  // namespace

SourceTiming& SourceTiming::operator+=(const SourceTiming& other) {
  duration_ns += other.duration_ns;
  connect_ns += other.connect_ns;
  query_ns += other.query_ns;
  fetch_ns += other.fetch_ns;
  emit_ns += other.emit_ns;
  compress_ns += other.compress_ns;
  emits += other.emits;
  return *this;
}

DestinationTiming& DestinationTiming::operator+=(
    const DestinationTiming& other) {
  duration_ns += other.duration_ns;
  connect_ns += other.connect_ns;
  next_ns += other.next_ns;
  decompress_ns += other.decompress_ns;
  nexts += other.nexts;
  flush_ns += other.flush_ns;
  commit_ns += other.commit_ns;
  loop_ns += other.loop_ns;
  return *this;
}

double PipelineResult::rows_per_second() const {
  return duration_ns == 0 ? 0 : static_cast<double>(records_read) / seconds();
}

double PipelineResult::bytes_per_second() const {
  return duration_ns == 0 ? 0 : static_cast<double>(bytes_read) / seconds();
}

double PipelineResult::bytes_per_row() const {
  return records_read == 0 ? 0
                           : static_cast<double>(bytes_read) /
                                 static_cast<double>(records_read);
}

void PipelineResult::Add(const PipelineResult& stream) {
  records_read += stream.records_read;
  records_written += stream.records_written;
  bytes_read += stream.bytes_read;
  bytes_written += stream.bytes_written;
  duration_ns += stream.duration_ns;
  source += stream.source;
  destination += stream.destination;
  uncompressed_bytes += stream.uncompressed_bytes;
  compressed_bytes += stream.compressed_bytes;
  AddCounts(stream.channel, &channel);
  retry_count += stream.retry_count;
  streams += stream.streams;
  readers = std::max(readers, stream.readers);
  if (streams == stream.streams) {
    wire_format = stream.wire_format;
  } else if (wire_format != stream.wire_format) {
    wire_format.clear();
  }
  peak_memory_bytes = std::max(peak_memory_bytes, stream.peak_memory_bytes);
  warnings.insert(warnings.end(), stream.warnings.begin(),
                  stream.warnings.end());
}

std::string FormatBytes(double bytes) {
  constexpr absl::string_view kUnits[] = {"B", "KB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrFormat("%.0f B", bytes)
                   : absl::StrFormat("%.2f %s", bytes, kUnits[unit]);
}

int64_t PeakMemoryBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

std::string RenderResult(const PipelineResult& result) {
  const SourceTiming& source = result.source;
  const DestinationTiming& destination = result.destination;
  std::string text = absl::StrFormat(
      "Pipeline '%s' completed successfully.\n"
      "  Records read:    %d\n"
      "  Records written: %d\n"
      "  Bytes read:      %s\n"
      "  Bytes written:   %s\n"
      "  Avg row size:    %.0f B\n"
      "  Duration:        %.2fs\n"
      "  Throughput:      %.0f rows/sec, %.2f MB/s\n",
      result.pipeline, result.records_read, result.records_written,
      FormatBytes(static_cast<double>(result.bytes_read)),
      FormatBytes(static_cast<double>(result.bytes_written)),
      result.bytes_per_row(), result.seconds(), result.rows_per_second(),
      result.bytes_per_second() / (1 << 20));
  absl::StrAppendFormat(&text,
                        "  Source duration:  %.2fs\n"
                        "    Connect:       %.3fs\n"
                        "    Query:         %.3fs\n"
                        "    Fetch:         %.3fs\n",
                        Seconds(source.duration_ns), Seconds(source.connect_ns),
                        Seconds(source.query_ns), Seconds(source.fetch_ns));
  absl::StrAppendFormat(
      &text,
      "  Dest duration:   %.2fs\n"
      "    VM setup:      0.000s\n"
      "    Recv loop:     %.3fs\n"
      "    Connect:       %.3fs\n"
      "    Flush:         %.3fs\n"
      "    Commit:        %.3fs\n"
      "    WASM overhead: 0.000s\n",
      Seconds(destination.duration_ns), Seconds(destination.loop_ns),
      Seconds(destination.connect_ns), Seconds(destination.flush_ns),
      Seconds(destination.commit_ns));
  absl::StrAppendFormat(&text,
                        "  Host emit_batch: %.3fs (%d calls)\n"
                        "  Host next_batch: %.3fs (%d calls)\n"
                        "  Source load:     0ms\n"
                        "  Dest load:       0ms\n",
                        Seconds(source.emit_ns), source.emits,
                        Seconds(destination.next_ns), destination.nexts);
  absl::StrAppendFormat(
      &text,
      "  Backpressure:    channel full %d times (%.3fs), empty %d times "
      "(%.3fs), at most %d batches\n",
      result.channel.send_waits, Seconds(result.channel.send_wait_ns),
      result.channel.receive_waits, Seconds(result.channel.receive_wait_ns),
      result.channel.depth_max);
  if (result.uncompressed_bytes > 0) {
    absl::StrAppendFormat(
        &text,
        "  Compression:     %s to %s (%.1fx), %.3fs, decompression %.3fs\n",
        FormatBytes(static_cast<double>(result.uncompressed_bytes)),
        FormatBytes(static_cast<double>(result.compressed_bytes)),
        static_cast<double>(result.uncompressed_bytes) /
            static_cast<double>(std::max<int64_t>(1, result.compressed_bytes)),
        Seconds(source.compress_ns), Seconds(destination.decompress_ns));
  }
  absl::StrAppendFormat(
      &text, "  Values:          %s\n",
      result.wire_format.empty()
          ? "decoded and encoded"
          : "handed on as the source sent them: both sides agree on types");
  absl::StrAppendFormat(
      &text, "  Peak memory:     %s\n",
      FormatBytes(static_cast<double>(result.peak_memory_bytes)));
  return text;
}

std::string BenchJsonLine(const PipelineResult& result) {
  const SourceTiming& source = result.source;
  const DestinationTiming& destination = result.destination;
  const ChannelCounts& channel = result.channel;
  // In the order of the documentation, not of the alphabet.
  const nlohmann::ordered_json json = {
      {"records_read", result.records_read},
      {"records_written", result.records_written},
      {"bytes_read", result.bytes_read},
      {"bytes_written", result.bytes_written},
      {"duration_secs", Seconds(result.duration_ns)},
      {"source_duration_secs", Seconds(source.duration_ns)},
      {"dest_duration_secs", Seconds(destination.duration_ns)},
      {"source_module_load_ms", 0},
      {"dest_module_load_ms", 0},
      {"source_connect_secs", Seconds(source.connect_ns)},
      {"source_query_secs", Seconds(source.query_ns)},
      {"source_fetch_secs", Seconds(source.fetch_ns)},
      {"dest_connect_secs", Seconds(destination.connect_ns)},
      {"dest_flush_secs", Seconds(destination.flush_ns)},
      {"dest_commit_secs", Seconds(destination.commit_ns)},
      {"dest_vm_setup_secs", 0.0},
      {"dest_recv_secs", Seconds(destination.loop_ns)},
      {"wasm_overhead_secs", 0.0},
      {"source_emit_nanos", source.emit_ns},
      {"source_emit_count", source.emits},
      {"source_compress_nanos", source.compress_ns},
      {"dest_recv_nanos", destination.next_ns},
      {"dest_recv_count", destination.nexts},
      {"dest_decompress_nanos", destination.decompress_ns},
      {"emit_batch_nanos", source.emit_ns},
      {"next_batch_nanos", destination.next_ns},
      {"compress_nanos", source.compress_ns},
      {"decompress_nanos", destination.decompress_ns},
      {"emit_batch_count", source.emits},
      {"next_batch_count", destination.nexts},
      {"transform_count", 0},
      {"transform_duration_secs", 0.0},
      {"transform_module_load_ms", 0},
      {"retry_count", result.retry_count},
      {"pipeline", result.pipeline},
      {"rows_per_second", result.rows_per_second()},
      {"bytes_per_row", result.bytes_per_row()},
      {"uncompressed_bytes", result.uncompressed_bytes},
      {"compressed_bytes", result.compressed_bytes},
      {"channel_batches", channel.parcels},
      {"channel_depth_max", channel.depth_max},
      {"channel_full_count", channel.send_waits},
      {"channel_full_nanos", channel.send_wait_ns},
      {"channel_empty_count", channel.receive_waits},
      {"channel_empty_nanos", channel.receive_wait_ns},
      {"streams", result.streams},
      {"readers", result.readers},
      {"wire_format", result.wire_format},
      {"peak_memory_bytes", result.peak_memory_bytes}};
  // Names of pipelines may be any bytes.
  return absl::StrCat(
      "@@BENCH_JSON@@",
      json.dump(-1, ' ', false,
                nlohmann::ordered_json::error_handler_t::replace));
}

std::map<std::string, double> ResultCounters(const PipelineResult& result) {
  const SourceTiming& source = result.source;
  const DestinationTiming& destination = result.destination;
  std::map<std::string, double> counters = {
      {"rows_per_second", result.rows_per_second()},
      {"bytes_per_second", result.bytes_per_second()},
      {"peak_memory_bytes", static_cast<double>(result.peak_memory_bytes)}};
  for (const auto& [name, ns] : {
           std::pair("source_connect_ns", source.connect_ns),
           std::pair("source_query_ns", source.query_ns),
           std::pair("fetch_ns", source.fetch_ns),
           std::pair("emit_ns", source.emit_ns),
           std::pair("compress_ns", source.compress_ns),
           std::pair("dest_connect_ns", destination.connect_ns),
           std::pair("receive_ns", destination.next_ns),
           std::pair("decompress_ns", destination.decompress_ns),
           std::pair("flush_ns", destination.flush_ns),
           std::pair("commit_ns", destination.commit_ns),
           std::pair("channel_full_ns", result.channel.send_wait_ns),
           std::pair("channel_empty_ns", result.channel.receive_wait_ns),
       }) {
    counters[name] = static_cast<double>(ns);
  }
  if (result.compressed_bytes > 0) {
    counters["compressed_bytes"] = static_cast<double>(result.compressed_bytes);
  }
  return counters;
}

}  // namespace opsbench::pipeline
