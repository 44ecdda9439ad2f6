#ifndef OPSBENCH_PIPELINE_RESULT_H_
#define OPSBENCH_PIPELINE_RESULT_H_

// What a pipeline's run read and wrote, and where its threads spent their time.
//
// The phases of a thread follow each other without a gap, so that they add up
// to the thread's wall time:
//   source       connect, query, fetch, emit (which holds compress)
//   destination  connect, next_batch (which holds decompress), flush, commit
// PIPELINE.md has the whole hierarchy. A run of several streams, one after the
// other, adds up their times and counts.
//
// Thread safety: value types; pure functions.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "opsbench/pipeline/channel.h"

namespace opsbench::pipeline {

// Of the reading thread that took longest, when there are several.
struct SourceTiming {
  int64_t duration_ns = 0;
  int64_t connect_ns = 0;  // And closing at the end.
  // Describing, splitting, agreeing with the destination on a format, and
  // waiting until the first rows can come.
  int64_t query_ns = 0;
  int64_t fetch_ns = 0;  // Reading and decoding.
  int64_t emit_ns = 0;   // Compressing, handing over, waiting while it is full.
  int64_t compress_ns = 0;
  int64_t emits = 0;

  int64_t phases_ns() const {
    return connect_ns + query_ns + fetch_ns + emit_ns;
  }
  SourceTiming& operator+=(const SourceTiming& other);
};

struct DestinationTiming {
  int64_t duration_ns = 0;
  int64_t connect_ns = 0;
  int64_t next_ns = 0;  // Waiting for the source and its batches; unpacking.
  int64_t decompress_ns = 0;
  int64_t nexts = 0;
  int64_t flush_ns = 0;   // Preparing the table, encoding and writing.
  int64_t commit_ns = 0;  // And what comes at the end.
  // The loop in which batches come and are written: part of the two before.
  int64_t loop_ns = 0;

  int64_t phases_ns() const {
    return connect_ns + next_ns + flush_ns + commit_ns;
  }
  DestinationTiming& operator+=(const DestinationTiming& other);
};

struct PipelineResult {
  std::string pipeline;
  int64_t records_read = 0;
  int64_t records_written = 0;
  int64_t bytes_read = 0;     // Of the batches, in their layout.
  int64_t bytes_written = 0;  // Sent to the destination's engine.

  int64_t duration_ns = 0;
  SourceTiming source;
  DestinationTiming destination;

  // Of the batches that were packed, before and after.
  int64_t uncompressed_bytes = 0;
  int64_t compressed_bytes = 0;
  ChannelCounts channel;

  int64_t retry_count = 0;
  int streams = 0;
  int readers = 0;          // Threads that read at once, at most.
  std::string wire_format;  // That no value was decoded from; empty: they were.
  int64_t peak_memory_bytes = 0;      // Of this process, ever.
  std::vector<std::string> warnings;  // Of streams whose rows stand.

  double seconds() const { return static_cast<double>(duration_ns) / 1e9; }
  // 0 when nothing was read.
  double rows_per_second() const;
  double bytes_per_second() const;
  double bytes_per_row() const;

  // Another stream of the same run.
  void Add(const PipelineResult& stream);
};

// The breakdown for people, many lines.
std::string RenderResult(const PipelineResult& result);

// One line: `@@BENCH_JSON@@{…}`, without an end of line.
std::string BenchJsonLine(const PipelineResult& result);

// The phases, rates and sizes by names whose last words are their units.
std::map<std::string, double> ResultCounters(const PipelineResult& result);

// "1.14 MB", "120 B": 1024 bytes a step.
std::string FormatBytes(double bytes);

// The most memory that this process has had, by the kernel's count.
int64_t PeakMemoryBytes();

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_RESULT_H_
