#ifndef OPSBENCH_PIPELINE_TRANSFER_H_
#define OPSBENCH_PIPELINE_TRANSFER_H_

// Moves one stream: threads that read, a channel, a thread that writes, and
// every moment of each in one of its phases.
//
// The threads meet once before rows flow: the source offers schema and wire
// formats, the destination answers with the format to use. From then on they
// meet in the channel alone. Whichever fails first ends the others, and its
// error is the transfer's; the destination is then as it was. A commit counts
// for more than what else happened: rows that stand are a success, also when
// somebody wanted to stop meanwhile, and a commit without an answer is Unknown.
//
// Thread safety: Transfer() is called from one thread, on which it reports
// progress; it starts its own.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/codec.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/result.h"

namespace opsbench::pipeline {

struct TransferProgress {
  int64_t rows = 0;  // Written so far.
  int64_t elapsed_ns = 0;
  double rows_per_second = 0;  // Since the report before.
};

struct TransferOptions {
  ReadRequest read;  // `cursor_until` is found out when there is a cursor.
  WriteRequest write;

  // The marker of the commit, empty for none. Called on the destination's
  // thread when all rows are written, with the cursor's value that they reach
  // to; an error ends the transfer.
  std::function<absl::StatusOr<std::string>(absl::string_view cursor_until)>
      before_commit;

  // Decodes values even where both sides could speak one wire format.
  bool always_decode = false;
  Compression compression = Compression::kNone;
  int max_inflight_batches = 16;
  // Connections that read partitions of the table at once: in one snapshot
  // where the source has one to share, as PostgreSQL has.
  int parallel_reads = 1;

  // Set by somebody else to have it end with Cancelled.
  const std::atomic<bool>* stop = nullptr;
  // About ten times a second.
  std::function<void(const TransferProgress&)> on_progress;
};

using SourceFactory = std::function<absl::StatusOr<std::unique_ptr<Source>>()>;

// InvalidArgument: the table that is written to has the identity of the one
// that is read. REQUIRES: `destination` is connected.
absl::Status CheckOtherTable(const std::string& source_identity,
                             const WriteRequest& request,
                             const TableName& source, Destination* destination);

// InvalidArgument: the destination's table is the one that is read.
// `destination` is used on another thread until this returns, and its changes
// are committed or given up then.
absl::StatusOr<PipelineResult> Transfer(const SourceFactory& make_source,
                                        Destination* destination,
                                        const TransferOptions& options);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_TRANSFER_H_
