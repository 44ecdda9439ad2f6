#include "opsbench/pipeline/channel.h"

#include <algorithm>
#include <utility>

#include "opsbench/base/clock.h"

namespace opsbench::pipeline {

Channel::Channel(int capacity, int senders)
    : ring_(static_cast<size_t>(capacity)), open_senders_(senders) {
  free_.reserve(ring_.size() + static_cast<size_t>(senders) + 1);
}

void Channel::AddSenders(int senders) {
  const std::lock_guard<std::mutex> lock(mutex_);
  open_senders_ += senders;
}

std::unique_ptr<Parcel> Channel::Acquire() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<Parcel> parcel = std::move(free_.back());
      free_.pop_back();
      return parcel;
    }
    ++counts_.parcels_made;
  }
  return std::make_unique<Parcel>();
}

absl::Status Channel::Send(std::unique_ptr<Parcel> parcel) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto may_send = [this] {
      return queued_ < ring_.size() || !status_.ok();
    };
    if (!may_send()) {
      ++counts_.send_waits;
      const int64_t start_ns = MonotonicNowNs();
      not_full_.wait(lock, may_send);
      counts_.send_wait_ns += MonotonicNowNs() - start_ns;
    }
    if (!status_.ok()) return status_;
    ring_[(first_ + queued_) % ring_.size()] = std::move(parcel);
    ++queued_;
    ++counts_.parcels;
    counts_.depth_max =
        std::max(counts_.depth_max, static_cast<int64_t>(queued_));
  }
  not_empty_.notify_one();
  return absl::OkStatus();
}

void Channel::CloseSender() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    --open_senders_;
  }
  not_empty_.notify_all();
}

absl::StatusOr<std::unique_ptr<Parcel>> Channel::Receive() {
  std::unique_ptr<Parcel> parcel;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto may_receive = [this] {
      return queued_ > 0 || open_senders_ == 0 || !status_.ok();
    };
    if (!may_receive()) {
      ++counts_.receive_waits;
      const int64_t start_ns = MonotonicNowNs();
      not_empty_.wait(lock, may_receive);
      counts_.receive_wait_ns += MonotonicNowNs() - start_ns;
    }
    if (!status_.ok()) return status_;
    if (queued_ == 0) return parcel;
    parcel = std::move(ring_[first_]);
    first_ = (first_ + 1) % ring_.size();
    --queued_;
  }
  not_full_.notify_one();
  return parcel;
}

void Channel::Return(std::unique_ptr<Parcel> parcel) {
  parcel->batch.Clear();
  parcel->rows = 0;
  parcel->bytes = 0;
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(std::move(parcel));
}

void Channel::Fail(absl::Status status) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (status_.ok()) status_ = std::move(status);
  }
  not_full_.notify_all();
  not_empty_.notify_all();
}

absl::Status Channel::status() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

ChannelCounts Channel::counts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return counts_;
}

}  // namespace opsbench::pipeline
