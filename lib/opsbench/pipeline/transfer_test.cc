// A transfer's threads with connectors in memory: what arrives, what is
// counted, and what happens when any step of either side fails. Races between
// the threads show under ThreadSanitizer; a wait that nobody ends shows as the
// test's time-out.

#include "opsbench/pipeline/transfer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/clock.h"
#include "opsbench/pipeline/internal/memory_connectors.h"

namespace opsbench::pipeline {
namespace {

using ::testing::HasSubstr;

class TransferTest : public ::testing::Test {
 protected:
  TransferTest() {
    options_.read.table.table = "t";
    options_.write.table.table = "u";
    options_.read.batch_rows = 10;
  }

  absl::StatusOr<PipelineResult> Run(int64_t rows) {
    MemoryDestination destination(&table_, destination_faults_);
    return Transfer(
        [&]() -> absl::StatusOr<std::unique_ptr<Source>> {
          return std::make_unique<CountingSource>(rows, source_faults_, wire_);
        },
        &destination, options_);
  }

  void ExpectRows(int64_t first, int64_t last, bool wire = false) {
    std::sort(table_.rows.begin(), table_.rows.end());
    ASSERT_EQ(table_.rows.size(), static_cast<size_t>(last - first + 1));
    for (int64_t i = first; i <= last; ++i) {
      const auto& [id, name] = table_.rows[static_cast<size_t>(i - first)];
      ASSERT_EQ(id, i);
      ASSERT_EQ(name, wire         ? "wire"
                      : i % 7 == 0 ? "NULL"
                                   : absl::StrCat("name", i));
    }
  }

  TransferOptions options_;
  MemoryFaults source_faults_;
  MemoryFaults destination_faults_;
  MemoryTable table_;
  bool wire_ = false;
};

TEST_F(TransferTest, MovesEveryRowAndCounts) {
  const auto result = Run(1234);
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectRows(1, 1234);
  EXPECT_EQ(result->records_read, 1234);
  EXPECT_EQ(result->records_written, 1234);
  EXPECT_GT(result->bytes_read, 1234 * 8);
  EXPECT_EQ(result->bytes_written, result->bytes_read);
  EXPECT_EQ(result->source.emits, 124);
  EXPECT_EQ(result->destination.nexts, 124);
  EXPECT_EQ(result->channel.parcels, 124);
  EXPECT_LE(result->channel.parcels_made, 18);
  EXPECT_EQ(result->wire_format, "");
  EXPECT_EQ(table_.aborted, 0);
}

TEST_F(TransferTest, NoRowsAreFine) {
  const auto result = Run(0);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->records_written, 0);
  EXPECT_TRUE(table_.rows.empty());
}

TEST_F(TransferTest, CompressedAndWithSeveralReaders) {
  for (const Compression codec :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    for (const int readers : {1, 3}) {
      table_.rows.clear();
      options_.compression = codec;
      options_.parallel_reads = readers;
      options_.max_inflight_batches = 1;
      const auto result = Run(5000);
      ASSERT_TRUE(result.ok()) << result.status();
      ExpectRows(1, 5000);
      EXPECT_EQ(result->readers, readers);
      EXPECT_EQ(result->records_written, 5000);
      EXPECT_EQ(result->compressed_bytes > 0, codec != Compression::kNone);
      EXPECT_EQ(result->uncompressed_bytes,
                codec == Compression::kNone ? 0 : result->bytes_read);
    }
  }
}

TEST_F(TransferTest, AgreesOnAWireFormatUnlessTheUserWantsValues) {
  wire_ = true;
  auto result = Run(100);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->wire_format, "memory");
  ExpectRows(1, 100, true);
  table_.rows.clear();
  options_.always_decode = true;
  result = Run(100);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->wire_format, "");
  ExpectRows(1, 100);
}

TEST_F(TransferTest, ACursorReadsWhatIsNewAndTellsHowFar) {
  options_.read.cursor_column = "id";
  options_.read.cursor_after = "40";
  std::string until;
  options_.before_commit = [&](absl::string_view cursor_until) {
    until = std::string(cursor_until);
    return absl::StatusOr<std::string>("p/1");
  };
  ASSERT_TRUE(Run(100).ok());
  ExpectRows(41, 100);
  EXPECT_EQ(until, "100");
  EXPECT_EQ(table_.marker, "p/1");
  options_.read.cursor_after = "100";
  const auto nothing = Run(100);
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_EQ(nothing->records_read, 0);
  EXPECT_EQ(until, "100");
  // Rows were deleted, and the highest cursor with them.
  for (const int64_t rows : {90, 0}) {
    const auto fewer = Run(rows);
    ASSERT_TRUE(fewer.ok()) << fewer.status();
    EXPECT_EQ(until, "100");
  }
}

// Every step in turn fails, with one reader and with several; the transfer ends
// with that error and nothing of it is committed.
TEST_F(TransferTest, AnErrorOfAnyStepIsTheTransfersAndLeavesNothing) {
  const auto fail = [] { return absl::DataLossError("planted"); };
  const auto none = [] { return absl::OkStatus(); };
  for (const int readers : {1, 3}) {
    options_.parallel_reads = readers;
    options_.max_inflight_batches = 2;
    for (int step = 0; step < 6; ++step) {
      SCOPED_TRACE(absl::StrCat(readers, " readers, step ", step));
      source_faults_ = {};
      destination_faults_ = {};
      options_.before_commit = nullptr;
      if (step == 0) source_faults_.connect = fail;
      if (step == 1) {
        source_faults_.next = [&](int64_t row) {
          return row == 777 ? fail() : none();
        };
      }
      if (step == 2) destination_faults_.connect = fail;
      if (step == 3) {
        destination_faults_.write = [&](int64_t rows) {
          return rows > 300 ? fail() : none();
        };
      }
      if (step == 4) destination_faults_.commit = fail;
      if (step == 5) {
        options_.before_commit = [](absl::string_view) {
          return absl::StatusOr<std::string>(absl::DataLossError("planted"));
        };
      }
      const int aborted = table_.aborted;
      const auto result = Run(2000);
      EXPECT_TRUE(absl::IsDataLoss(result.status())) << result.status();
      EXPECT_EQ(result.status().message(), "planted");
      EXPECT_TRUE(table_.rows.empty());
      EXPECT_EQ(table_.aborted, aborted + 1);
    }
  }
}

// A source without end stops when asked to.
TEST_F(TransferTest, StopsWhenAskedTo) {
  std::atomic<bool> stop{false};
  options_.stop = &stop;
  source_faults_.next = [&](int64_t row) {
    if (row == 5000) stop = true;
    return absl::OkStatus();
  };
  const auto result = Run(int64_t{1} << 60);
  EXPECT_TRUE(absl::IsCancelled(result.status())) << result.status();
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("interrupted"));
  EXPECT_TRUE(table_.rows.empty());
  EXPECT_EQ(table_.aborted, 1);
}

// The commit goes on until the stop was seen, and then succeeds: rows that
// stand are no failure.
TEST_F(TransferTest, AStopDuringTheCommitDoesNotDenyTheRows) {
  std::atomic<bool> stop{false};
  options_.stop = &stop;
  destination_faults_.commit = [&] {
    stop = true;
    while (table_.interrupted == 0) std::this_thread::yield();
    return absl::OkStatus();
  };
  const auto result = Run(100);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->records_written, 100);
  ExpectRows(1, 100);
  EXPECT_EQ(table_.aborted, 0);
}

// And when it fails, its own error is what is said.
TEST_F(TransferTest, ACommitWithoutAnAnswerIsUnknownAlsoWhenStopped) {
  for (const bool stopped : {false, true}) {
    std::atomic<bool> stop{false};
    options_.stop = &stop;
    destination_faults_.committed = [&]() -> absl::Status {
      if (stopped) {
        const int before = table_.interrupted;
        stop = true;
        while (table_.interrupted == before) std::this_thread::yield();
      }
      return CommitUnknown({"s", "u"}, absl::UnavailableError("gone"));
    };
    const auto result = Run(100);
    EXPECT_TRUE(absl::IsUnknown(result.status())) << result.status();
    EXPECT_THAT(std::string(result.status().message()),
                ::testing::AllOf(HasSubstr("s.u"), HasSubstr("unknown"),
                                 HasSubstr("gone")));
  }
}

TEST_F(TransferTest, ReportsProgress) {
  std::atomic<int64_t> reports{0};
  options_.on_progress = [&](const TransferProgress& progress) {
    EXPECT_GE(progress.rows, 0);
    EXPECT_GT(progress.elapsed_ns, 0);
    ++reports;
  };
  // The last row waits for a report: no time is assumed.
  source_faults_.next = [&](int64_t row) {
    while (row == 50 && reports == 0) std::this_thread::yield();
    return absl::OkStatus();
  };
  ASSERT_TRUE(Run(50).ok());
  EXPECT_GT(reports, 0);
}

// Work that takes time in each phase: the phases of both threads add up to
// their wall time, and the slow side's work shows as the other's waiting.
TEST_F(TransferTest, PhasesAddUpToTheThreadsTime) {
  const auto spin = [](int64_t us) {
    const int64_t end_ns = MonotonicNowNs() + us * 1000;
    while (MonotonicNowNs() < end_ns) {
    }
    return absl::OkStatus();
  };
  source_faults_.connect = [&] { return spin(3000); };
  source_faults_.next = [&](int64_t) { return spin(5); };
  destination_faults_.connect = [&] { return spin(2000); };
  destination_faults_.write = [&](int64_t) { return spin(200); };
  destination_faults_.commit = [&] { return spin(3000); };
  options_.compression = Compression::kLz4;
  options_.max_inflight_batches = 2;
  const auto result = Run(5000);
  ASSERT_TRUE(result.ok()) << result.status();
  const auto expect_sum = [](int64_t phases_ns, int64_t duration_ns) {
    EXPECT_LE(phases_ns, duration_ns);
    EXPECT_GE(static_cast<double>(phases_ns),
              0.98 * static_cast<double>(duration_ns));
  };
  expect_sum(result->source.phases_ns(), result->source.duration_ns);
  expect_sum(result->destination.phases_ns(), result->destination.duration_ns);
  EXPECT_LE(result->source.duration_ns, result->duration_ns);
  EXPECT_LE(result->destination.duration_ns, result->duration_ns);
  EXPECT_GE(result->source.connect_ns, 3'000'000);
  EXPECT_GE(result->source.fetch_ns, 25'000'000);
  EXPECT_GE(result->destination.flush_ns, 100'000'000);
  EXPECT_GE(result->destination.commit_ns, 3'000'000);
  EXPECT_LE(result->source.compress_ns, result->source.emit_ns);
  EXPECT_LE(result->destination.decompress_ns, result->destination.next_ns);
  EXPECT_GT(result->channel.send_waits, 0);
  EXPECT_LE(result->channel.send_wait_ns, result->source.emit_ns);
}

TEST_F(TransferTest, TheBreakdownHasTheDocumentedShape) {
  PipelineResult result;
  result.pipeline = "bench_pg";
  result.records_read = 10'000;
  result.records_written = 10'000;
  result.bytes_read = 1'200'000;
  result.duration_ns = 1'230'000'000;
  result.source = {450'000'000, 12'000'000, 1'000'000, 430'000'000,
                   50'000'000,  0,          10};
  result.destination.duration_ns = 780'000'000;
  result.destination.loop_ns = 770'000'000;
  result.destination.connect_ns = 15'000'000;
  result.destination.flush_ns = 700'000'000;
  result.destination.commit_ns = 20'000'000;
  result.destination.next_ns = 40'000'000;
  result.destination.nexts = 10;
  EXPECT_THAT(
      RenderResult(result),
      ::testing::StartsWith("Pipeline 'bench_pg' completed successfully.\n"
                            "  Records read:    10000\n"
                            "  Records written: 10000\n"
                            "  Bytes read:      1.14 MB\n"
                            "  Bytes written:   0 B\n"
                            "  Avg row size:    120 B\n"
                            "  Duration:        1.23s\n"
                            "  Throughput:      8130 rows/sec, 0.93 MB/s\n"
                            "  Source duration:  0.45s\n"
                            "    Connect:       0.012s\n"
                            "    Query:         0.001s\n"
                            "    Fetch:         0.430s\n"
                            "  Dest duration:   0.78s\n"
                            "    VM setup:      0.000s\n"
                            "    Recv loop:     0.770s\n"
                            "    Connect:       0.015s\n"
                            "    Flush:         0.700s\n"
                            "    Commit:        0.020s\n"
                            "    WASM overhead: 0.000s\n"
                            "  Host emit_batch: 0.050s (10 calls)\n"
                            "  Host next_batch: 0.040s (10 calls)\n"
                            "  Source load:     0ms\n"
                            "  Dest load:       0ms\n"));
}

TEST_F(TransferTest, TheJsonLineHasEveryField) {
  const auto result = Run(100);
  ASSERT_TRUE(result.ok());
  const std::string line = BenchJsonLine(*result);
  constexpr absl::string_view kPrefix = "@@BENCH_JSON@@";
  ASSERT_EQ(line.substr(0, kPrefix.size()), kPrefix);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(line.substr(kPrefix.size()));
  EXPECT_EQ(json["records_read"], 100);
  EXPECT_EQ(json["records_written"], 100);
  for (const char* name : {"bytes_read",
                           "bytes_written",
                           "duration_secs",
                           "source_duration_secs",
                           "dest_duration_secs",
                           "source_module_load_ms",
                           "dest_module_load_ms",
                           "source_connect_secs",
                           "source_query_secs",
                           "source_fetch_secs",
                           "dest_connect_secs",
                           "dest_flush_secs",
                           "dest_commit_secs",
                           "dest_vm_setup_secs",
                           "dest_recv_secs",
                           "wasm_overhead_secs",
                           "source_emit_nanos",
                           "source_emit_count",
                           "source_compress_nanos",
                           "dest_recv_nanos",
                           "dest_recv_count",
                           "dest_decompress_nanos",
                           "emit_batch_nanos",
                           "next_batch_nanos",
                           "compress_nanos",
                           "decompress_nanos",
                           "emit_batch_count",
                           "next_batch_count",
                           "transform_count",
                           "transform_duration_secs",
                           "transform_module_load_ms",
                           "retry_count",
                           "peak_memory_bytes"}) {
    EXPECT_TRUE(json.contains(name)) << name;
  }
}

}  // namespace
}  // namespace opsbench::pipeline
