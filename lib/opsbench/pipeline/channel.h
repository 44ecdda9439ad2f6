#ifndef OPSBENCH_PIPELINE_CHANNEL_H_
#define OPSBENCH_PIPELINE_CHANNEL_H_

// The way of batches from the threads that read to the one that writes: a queue
// of bounded length, which makes the faster side wait, counts how often and how
// long, and gives emptied parcels back to the senders, so that a batch costs no
// allocation once as many parcels exist as are ever under way.
//
// Either side may end it with an error, which both sides then get: parcels that
// are still queued are never received after it.
//
// Thread safety: all functions may be called from any thread; a parcel belongs
// to the thread that holds it.

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/codec.h"

namespace opsbench::pipeline {

// A batch under way: as it is, or packed by a codec.
struct Parcel {
  Batch batch;
  CompressedBatch packed;
  int64_t rows = 0;
  // Of the rows before packing.
  size_t bytes = 0;
};

struct ChannelCounts {
  int64_t parcels = 0;
  // Parcels that were ever made: what recycling left to allocate.
  int64_t parcels_made = 0;
  // The longest that the queue was.
  int64_t depth_max = 0;
  // Backpressure: senders found the channel full.
  int64_t send_waits = 0;
  int64_t send_wait_ns = 0;
  // The receiver found it empty.
  int64_t receive_waits = 0;
  int64_t receive_wait_ns = 0;
};

class Channel {
 public:
  // REQUIRES: capacity and senders are at least 1.
  Channel(int capacity, int senders);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Before any of the senders that there are has closed.
  void AddSenders(int senders);

  // An empty parcel, of those that came back if there is one. Its batch has the
  // schema that it had before, or none.
  std::unique_ptr<Parcel> Acquire();

  // Waits while the channel is full. The error with which it was ended.
  absl::Status Send(std::unique_ptr<Parcel> parcel);

  // One of the senders has no more. The last one ends the channel when what is
  // queued was received.
  void CloseSender();

  // The next parcel, null at the end, or the error with which it was ended.
  absl::StatusOr<std::unique_ptr<Parcel>> Receive();

  // Gives a parcel back, whose batch is cleared; `packed` keeps what it holds
  // until it is filled again.
  void Return(std::unique_ptr<Parcel> parcel);

  // Ends the channel; the first error stays. REQUIRES: !status.ok().
  void Fail(absl::Status status);

  absl::Status status() const;
  ChannelCounts counts() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;

  // All of these are guarded by mutex_, which has no annotations in Debian's
  // standard library.
  std::vector<std::unique_ptr<Parcel>> ring_;
  size_t first_ = 0;
  size_t queued_ = 0;
  int open_senders_;
  absl::Status status_;
  // The last one to come back goes out first: it is warm, and a channel that
  // stays short leaves the others' memory untouched.
  std::vector<std::unique_ptr<Parcel>> free_;
  ChannelCounts counts_;
};

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_CHANNEL_H_
