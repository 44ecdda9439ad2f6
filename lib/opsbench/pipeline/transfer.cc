#include "opsbench/pipeline/transfer.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/channel.h"

namespace opsbench::pipeline {
namespace {

constexpr auto kTick = std::chrono::milliseconds(100);

// Charges all time to one phase or another: what lies between two calls goes to
// the phase that the second one names.
class PhaseClock {
 public:
  void Charge(int64_t* phase_ns) {
    const int64_t now_ns = MonotonicNowNs();
    *phase_ns += now_ns - last_ns_;
    last_ns_ = now_ns;
  }
  int64_t elapsed_ns() const { return MonotonicNowNs() - start_ns_; }

 private:
  const int64_t start_ns_ = MonotonicNowNs();
  int64_t last_ns_ = start_ns_;
};

// What the source's side has to offer before rows flow.
struct Offer {
  SchemaPtr schema;
  std::string identity;
  std::vector<std::string> wire_formats;
};

// What a thread that reads counts; nobody else looks before it has ended.
struct ReaderCounts {
  SourceTiming timing;
  int64_t rows = 0;
  int64_t bytes = 0;
  int64_t packed_from_bytes = 0;
  int64_t packed_to_bytes = 0;
};

absl::Status OutOfMemory() {
  return absl::ResourceExhaustedError(
      "out of memory: smaller resources.batch_bytes and "
      "resources.max_inflight_batches take less");
}

class TransferRun {
 public:
  TransferRun(const SourceFactory& make_source, Destination* destination,
              const TransferOptions& options)
      : make_source_(make_source),
        destination_(destination),
        options_(options),
        channel_(options.max_inflight_batches, 1),
        readers_(static_cast<size_t>(std::max(1, options.parallel_reads))) {}

  absl::StatusOr<PipelineResult> Run();

 private:
  // --- Meeting points; their state is guarded by mutex_ ---

  void Fail(const absl::Status& status);
  // Blocks until `reached`; the error when the transfer failed before.
  template <typename Condition>
  absl::Status WaitUntil(Condition reached) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return reached() || !status_.ok(); });
    return status_;
  }
  // Runs `body`, whose error is the transfer's, as one of its threads.
  template <typename Body>
  void AsThread(Body body) {
    absl::Status status;
    try {
      status = body();
    } catch (const std::bad_alloc&) {
      status = OutOfMemory();
    }
    if (!status.ok()) Fail(status);
    const std::lock_guard<std::mutex> lock(mutex_);
    ++ended_threads_;
    changed_.notify_all();
  }
  void Supervise();
  void InterruptAll();

  // --- The source's side ---

  // Makes a source known to InterruptAll() while it is in scope.
  class Registration {
   public:
    Registration(TransferRun* run, Source* source)
        : run_(run), source_(source) {
      const std::lock_guard<std::mutex> lock(run_->mutex_);
      run_->sources_.push_back(source_);
    }
    ~Registration() {
      const std::lock_guard<std::mutex> lock(run_->mutex_);
      std::erase(run_->sources_, source_);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    TransferRun* run_;
    Source* source_;
  };

  absl::Status Lead();
  absl::Status LeadPhases(PhaseClock* clock, ReaderCounts* counts);
  // The other readers, each in a thread; the first partition stays the lead's.
  absl::Status StartOthers(Source* source, ReadRequest* request);
  absl::Status Follow(size_t index, ReadRequest request, std::string snapshot);
  absl::Status FollowPhases(const ReadRequest& request,
                            const std::string& snapshot, PhaseClock* clock,
                            ReaderCounts* counts);
  absl::Status ReadAll(Source* source, const ReadRequest& request,
                       PhaseClock* clock, ReaderCounts* counts);

  // --- The destination's side ---

  void Drain();
  absl::Status DrainPhases(PhaseClock* clock);
  absl::Status WriteAll(PhaseClock* clock);

  PipelineResult Collect() const;

  const SourceFactory& make_source_;
  Destination* const destination_;
  const TransferOptions& options_;
  Channel channel_;
  std::vector<ReaderCounts> readers_;
  std::vector<std::thread> others_;  // Started and joined by the lead.

  std::mutex mutex_;
  std::condition_variable changed_;
  absl::Status status_;
  absl::optional<Offer> offer_;
  absl::optional<std::string> wire_format_;  // The answer.
  std::string cursor_until_;
  int threads_ = 2;
  int ended_threads_ = 0;
  int ready_readers_ = 0;
  bool destination_busy_ = false;
  std::vector<Source*> sources_;

  // Of the agreement; set before the threads that read them are told of it.
  SchemaPtr schema_;
  std::string agreed_format_;

  std::atomic<int64_t> rows_written_{0};
  // Of the writing thread.
  DestinationTiming destination_timing_;
  WriteCounts written_;
  absl::Status drained_;
};

void TransferRun::Fail(const absl::Status& status) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!status_.ok()) return;
    status_ = status;
  }
  changed_.notify_all();
  channel_.Fail(status);
}

void TransferRun::InterruptAll() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Source* source : sources_) source->Interrupt();
  // Not while it gives up what it wrote: that has to go through.
  if (destination_busy_) destination_->Interrupt();
}

void TransferRun::Supervise() {
  const int64_t start_ns = MonotonicNowNs();
  int64_t reported_ns = start_ns;
  int64_t reported_rows = 0;
  while (true) {
    bool failed = false;
    {
      // A deadline of the system's clock: ThreadSanitizer does not know the
      // call that waits by the monotonic one.
      std::unique_lock<std::mutex> lock(mutex_);
      const bool ended = changed_.wait_until(
          lock, std::chrono::system_clock::now() + kTick,
          [&] { return ended_threads_ == threads_ || !status_.ok(); });
      if (ended && ended_threads_ == threads_) return;
      failed = !status_.ok();
    }
    if (!failed && options_.stop != nullptr && *options_.stop) {
      Fail(absl::CancelledError("interrupted: the destination is unchanged"));
      failed = true;
    }
    if (failed) {
      // Again and again: a statement that begins just now misses the first.
      InterruptAll();
      std::unique_lock<std::mutex> lock(mutex_);
      if (changed_.wait_until(lock, std::chrono::system_clock::now() + kTick,
                              [&] { return ended_threads_ == threads_; })) {
        return;
      }
      continue;
    }
    const int64_t now_ns = MonotonicNowNs();
    const int64_t rows = rows_written_;
    if (options_.on_progress && now_ns > reported_ns) {
      options_.on_progress({rows, now_ns - start_ns,
                            static_cast<double>(rows - reported_rows) * 1e9 /
                                static_cast<double>(now_ns - reported_ns)});
      reported_ns = now_ns;
      reported_rows = rows;
    }
  }
}

absl::Status TransferRun::ReadAll(Source* source, const ReadRequest& request,
                                  PhaseClock* clock, ReaderCounts* counts) {
  SourceTiming& timing = counts->timing;
  OPSBENCH_RETURN_IF_ERROR(source->Start(request));
  clock->Charge(&timing.query_ns);
  const bool packs = options_.compression != Compression::kNone;
  Batch own(schema_);  // What is packed never leaves the thread as it is.
  BatchCodec codec(options_.compression);
  while (true) {
    std::unique_ptr<Parcel> parcel = channel_.Acquire();
    if (!packs && parcel->batch.schema() == nullptr) {
      parcel->batch = Batch(schema_);
    }
    Batch* batch = packs ? &own : &parcel->batch;
    clock->Charge(&timing.emit_ns);
    OPSBENCH_ASSIGN_OR_RETURN(const bool more, source->Next(batch));
    clock->Charge(&timing.fetch_ns);
    if (!more) return absl::OkStatus();
    if (batch->rows() == 0) continue;
    parcel->rows = batch->rows();
    parcel->bytes = batch->bytes();
    counts->rows += parcel->rows;
    counts->bytes += static_cast<int64_t>(parcel->bytes);
    if (packs) {
      const int64_t start_ns = MonotonicNowNs();
      OPSBENCH_RETURN_IF_ERROR(codec.Compress(*batch, &parcel->packed));
      timing.compress_ns += MonotonicNowNs() - start_ns;
      counts->packed_from_bytes += static_cast<int64_t>(parcel->bytes);
      counts->packed_to_bytes +=
          static_cast<int64_t>(parcel->packed.bytes.size());
      own.Clear();
    }
    OPSBENCH_RETURN_IF_ERROR(channel_.Send(std::move(parcel)));
    ++timing.emits;
    clock->Charge(&timing.emit_ns);
  }
}

absl::Status TransferRun::StartOthers(Source* source, ReadRequest* request) {
  if (options_.parallel_reads <= 1) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<Partition> partitions,
                            source->Split(*request, options_.parallel_reads));
  if (partitions.empty()) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(const std::string snapshot, source->Snapshot());
  const size_t others = std::min(partitions.size(), readers_.size()) - 1;
  channel_.AddSenders(static_cast<int>(others));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    threads_ += static_cast<int>(others);
  }
  for (size_t i = 1; i <= others; ++i) {
    ReadRequest part = *request;
    part.partition = partitions[i];
    others_.emplace_back([this, i, part, snapshot] {
      AsThread([&] { return Follow(i, part, snapshot); });
    });
  }
  request->partition = partitions[0];
  // The snapshot has to stay until all of them have it.
  return WaitUntil([&] { return ready_readers_ == static_cast<int>(others); });
}

absl::Status TransferRun::LeadPhases(PhaseClock* clock, ReaderCounts* counts) {
  SourceTiming& timing = counts->timing;
  // Closing the connection, which comes last, is of the phase that opened it.
  const absl::Cleanup closed = [&] { clock->Charge(&timing.connect_ns); };
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Source> source,
                            make_source_());
  const Registration registration(this, source.get());
  OPSBENCH_RETURN_IF_ERROR(source->Connect());
  clock->Charge(&timing.connect_ns);

  ReadRequest request = options_.read;
  OPSBENCH_ASSIGN_OR_RETURN(schema_, source->Describe(request));
  Offer offer;
  offer.schema = schema_;
  OPSBENCH_ASSIGN_OR_RETURN(offer.identity, source->Identity(request));
  if (!options_.always_decode) {
    offer.wire_formats = source->WireFormats(*schema_);
  }
  bool nothing_new = false;
  if (!request.cursor_column.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(request.cursor_until, source->MaxCursor(request));
    nothing_new = request.cursor_until.empty();
    if (nothing_new) request.cursor_until = request.cursor_after;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    offer_ = std::move(offer);
    cursor_until_ = request.cursor_until;
  }
  changed_.notify_all();
  OPSBENCH_RETURN_IF_ERROR(WaitUntil([&] { return wire_format_.has_value(); }));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    agreed_format_ = *wire_format_;
  }
  request.wire_format = agreed_format_;
  if (nothing_new) return absl::OkStatus();
  OPSBENCH_RETURN_IF_ERROR(StartOthers(source.get(), &request));
  return ReadAll(source.get(), request, clock, counts);
}

absl::Status TransferRun::Lead() {
  PhaseClock clock;
  absl::Status status;
  try {
    status = LeadPhases(&clock, &readers_[0]);
  } catch (const std::bad_alloc&) {
    status = OutOfMemory();
  }
  if (!status.ok()) Fail(status);  // The others have to hear of it to end.
  channel_.CloseSender();
  readers_[0].timing.duration_ns = clock.elapsed_ns();
  for (std::thread& other : others_) other.join();
  return status;
}

absl::Status TransferRun::FollowPhases(const ReadRequest& request,
                                       const std::string& snapshot,
                                       PhaseClock* clock,
                                       ReaderCounts* counts) {
  const absl::Cleanup closed = [&] {
    clock->Charge(&counts->timing.connect_ns);
  };
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Source> source,
                            make_source_());
  const Registration registration(this, source.get());
  OPSBENCH_RETURN_IF_ERROR(source->Connect());
  clock->Charge(&counts->timing.connect_ns);
  OPSBENCH_RETURN_IF_ERROR(source->ReadAs(snapshot));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++ready_readers_;
  }
  changed_.notify_all();
  OPSBENCH_ASSIGN_OR_RETURN(const SchemaPtr schema, source->Describe(request));
  if (*schema != *schema_) {
    return absl::AbortedError(
        absl::StrCat(request.table.ToString(),
                     ": its columns were altered while it was read"));
  }
  return ReadAll(source.get(), request, clock, counts);
}

absl::Status TransferRun::Follow(size_t index, ReadRequest request,
                                 std::string snapshot) {
  PhaseClock clock;
  const absl::Status status =
      FollowPhases(request, snapshot, &clock, &readers_[index]);
  if (!status.ok()) Fail(status);
  channel_.CloseSender();
  readers_[index].timing.duration_ns = clock.elapsed_ns();
  return status;
}

absl::Status TransferRun::WriteAll(PhaseClock* clock) {
  DestinationTiming& timing = destination_timing_;
  Batch unpacked(schema_);
  BatchCodec codec(options_.compression);
  while (true) {
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<Parcel> parcel,
                              channel_.Receive());
    if (parcel == nullptr) break;
    ++timing.nexts;
    const Batch* batch = &parcel->batch;
    if (options_.compression != Compression::kNone) {
      const int64_t start_ns = MonotonicNowNs();
      OPSBENCH_RETURN_IF_ERROR(codec.Decompress(parcel->packed, &unpacked));
      timing.decompress_ns += MonotonicNowNs() - start_ns;
      batch = &unpacked;
    }
    clock->Charge(&timing.next_ns);
    OPSBENCH_RETURN_IF_ERROR(destination_->Write(*batch));
    rows_written_ += parcel->rows;
    clock->Charge(&timing.flush_ns);
    channel_.Return(std::move(parcel));
  }
  clock->Charge(&timing.next_ns);
  return absl::OkStatus();
}

absl::Status TransferRun::DrainPhases(PhaseClock* clock) {
  DestinationTiming& timing = destination_timing_;
  OPSBENCH_RETURN_IF_ERROR(destination_->Connect());
  clock->Charge(&timing.connect_ns);

  OPSBENCH_RETURN_IF_ERROR(WaitUntil([&] { return offer_.has_value(); }));
  Offer offer;
  std::string cursor_until;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    offer = *offer_;
    cursor_until = cursor_until_;
  }
  OPSBENCH_RETURN_IF_ERROR(CheckOtherTable(offer.identity, options_.write,
                                           options_.read.table, destination_));
  std::string format;
  if (!offer.wire_formats.empty()) {
    format = destination_->ChooseWireFormat(options_.write, *offer.schema,
                                            offer.wire_formats);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    wire_format_ = std::move(format);
  }
  changed_.notify_all();
  clock->Charge(&timing.next_ns);

  OPSBENCH_RETURN_IF_ERROR(destination_->Prepare(options_.write, offer.schema));
  clock->Charge(&timing.flush_ns);
  const int64_t loop_start_ns = MonotonicNowNs();
  const absl::Status written = WriteAll(clock);
  timing.loop_ns = MonotonicNowNs() - loop_start_ns;
  OPSBENCH_RETURN_IF_ERROR(written);

  std::string marker;
  if (options_.before_commit) {
    OPSBENCH_ASSIGN_OR_RETURN(marker, options_.before_commit(cursor_until));
  }
  OPSBENCH_ASSIGN_OR_RETURN(written_, destination_->Commit(marker));
  clock->Charge(&timing.commit_ns);
  return absl::OkStatus();
}

void TransferRun::Drain() {
  PhaseClock clock;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    destination_busy_ = true;
  }
  try {
    drained_ = DrainPhases(&clock);
  } catch (const std::bad_alloc&) {
    drained_ = OutOfMemory();
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    destination_busy_ = false;
  }
  if (!drained_.ok()) {
    Fail(drained_);
    destination_->Abort();
  }
  destination_timing_.duration_ns = clock.elapsed_ns();
}

PipelineResult TransferRun::Collect() const {
  PipelineResult result;
  result.streams = 1;
  for (const ReaderCounts& reader : readers_) {
    if (reader.timing.duration_ns == 0) continue;  // Fewer partitions.
    ++result.readers;
    result.records_read += reader.rows;
    result.bytes_read += reader.bytes;
    result.uncompressed_bytes += reader.packed_from_bytes;
    result.compressed_bytes += reader.packed_to_bytes;
    if (reader.timing.duration_ns > result.source.duration_ns) {
      result.source = reader.timing;
    }
  }
  result.records_written = written_.rows;
  result.bytes_written = written_.bytes;
  result.destination = destination_timing_;
  result.channel = channel_.counts();
  result.wire_format = agreed_format_;
  if (!written_.warning.empty()) result.warnings = {written_.warning};
  return result;
}

absl::StatusOr<PipelineResult> TransferRun::Run() {
  const int64_t start_ns = MonotonicNowNs();
  std::thread writer([this] {
    AsThread([this] {
      Drain();
      return absl::OkStatus();
    });
  });
  std::thread lead([this] { AsThread([this] { return Lead(); }); });
  Supervise();
  lead.join();
  writer.join();
  if (absl::IsUnknown(drained_)) return drained_;
  // Nobody failed before the commit, or there would have been none.
  if (!drained_.ok()) return status_;
  PipelineResult result = Collect();
  if (result.records_read != rows_written_) {
    return absl::InternalError(
        absl::StrCat(options_.write.table.ToString(), ": ", result.records_read,
                     " rows were read, and ", rows_written_.load(),
                     " written, which stand"));
  }
  result.duration_ns = MonotonicNowNs() - start_ns;
  result.peak_memory_bytes = PeakMemoryBytes();
  return result;
}

}  // namespace

absl::Status CheckOtherTable(const std::string& source_identity,
                             const WriteRequest& request,
                             const TableName& source,
                             Destination* destination) {
  if (source_identity.empty()) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(const std::string identity,
                            destination->Identity(request));
  if (identity != source_identity) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      source.ToString(), " would be written to the table that it is read from",
      request.table.ToString() == source.ToString()
          ? ""
          : absl::StrCat(", ", request.table.ToString()),
      ": give the destination another schema or database, or the stream "
      "another table by into"));
}

absl::StatusOr<PipelineResult> Transfer(const SourceFactory& make_source,
                                        Destination* destination,
                                        const TransferOptions& options) {
  return TransferRun(make_source, destination, options).Run();
}

}  // namespace opsbench::pipeline
