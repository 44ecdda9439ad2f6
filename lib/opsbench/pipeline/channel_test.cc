// The channel's promises, alone and between threads. A lost, doubled or
// reordered parcel shows in the numbers that the parcels carry; what two
// threads touch without order shows under ThreadSanitizer.

#include "opsbench/pipeline/channel.h"

#include <set>
#include <thread>

#include "gtest/gtest.h"

namespace opsbench::pipeline {
namespace {

SchemaPtr OneColumn() {
  auto schema = std::make_shared<Schema>();
  schema->fields.push_back({"id", {TypeId::kInt64}});
  return schema;
}

std::unique_ptr<Parcel> Numbered(Channel& channel, int64_t number) {
  std::unique_ptr<Parcel> parcel = channel.Acquire();
  parcel->rows = number;
  return parcel;
}

TEST(ChannelTest, KeepsOrderAndEndsWhenAllSendersClosed) {
  Channel channel(4, 2);
  for (int64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(channel.Send(Numbered(channel, i)).ok());
  }
  channel.CloseSender();
  channel.CloseSender();
  for (int64_t i = 1; i <= 3; ++i) {
    auto parcel = channel.Receive();
    ASSERT_TRUE(parcel.ok());
    EXPECT_EQ((*parcel)->rows, i);
  }
  auto end = channel.Receive();
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(*end, nullptr);
  EXPECT_EQ(channel.counts().parcels, 3);
  EXPECT_EQ(channel.counts().depth_max, 3);
  EXPECT_EQ(channel.counts().send_waits, 0);
}

TEST(ChannelTest, AnErrorEndsBothSidesAndTheFirstOneStays) {
  Channel channel(1, 1);
  ASSERT_TRUE(channel.Send(Numbered(channel, 1)).ok());
  channel.Fail(absl::DataLossError("first"));
  channel.Fail(absl::InternalError("second"));
  EXPECT_EQ(channel.Send(Numbered(channel, 2)).message(), "first");
  EXPECT_EQ(channel.Receive().status().message(), "first");
  EXPECT_EQ(channel.status().message(), "first");
}

TEST(ChannelTest, ASenderThatWaitsIsWokenByAnError) {
  Channel channel(1, 1);
  ASSERT_TRUE(channel.Send(Numbered(channel, 1)).ok());
  absl::Status seen;
  std::thread sender([&] { seen = channel.Send(Numbered(channel, 2)); });
  while (channel.counts().send_waits == 0) std::this_thread::yield();
  channel.Fail(absl::CancelledError("stop"));
  sender.join();
  EXPECT_TRUE(absl::IsCancelled(seen));
}

TEST(ChannelTest, AReceiverThatWaitsIsWokenByAnErrorAndByTheEnd) {
  for (const bool fail : {false, true}) {
    Channel channel(1, 1);
    absl::StatusOr<std::unique_ptr<Parcel>> seen;
    std::thread receiver([&] { seen = channel.Receive(); });
    while (channel.counts().receive_waits == 0) std::this_thread::yield();
    if (fail) {
      channel.Fail(absl::CancelledError("stop"));
    } else {
      channel.CloseSender();
    }
    receiver.join();
    EXPECT_EQ(seen.ok(), !fail);
    if (seen.ok()) {
      EXPECT_EQ(*seen, nullptr);
    }
    EXPECT_EQ(channel.counts().receive_waits, 1);
  }
}

TEST(ChannelTest, ReturnedParcelsAreEmptyAndKeepTheirMemory) {
  Channel channel(2, 1);
  std::unique_ptr<Parcel> parcel = channel.Acquire();
  parcel->batch = Batch(OneColumn());
  parcel->batch.columns()[0].AppendFixed<int64_t>(7);
  parcel->batch.SetRows(1);
  const uint8_t* memory = parcel->batch.columns()[0].values().data();
  channel.Return(std::move(parcel));
  parcel = channel.Acquire();
  EXPECT_EQ(parcel->batch.rows(), 0);
  EXPECT_EQ(parcel->batch.columns()[0].size(), 0);
  EXPECT_EQ(parcel->batch.columns()[0].values().data(), memory);
  EXPECT_EQ(channel.counts().parcels_made, 1);
}

// Several senders and one receiver: each sender's parcels arrive once and in
// its order, and no more parcels are made than can be under way at once.
TEST(ChannelTest, ManySendersLoseNothingAndRecycle) {
  constexpr int kSenders = 3;
  constexpr int kCapacity = 2;
  constexpr int64_t kEach = 2'000;
  Channel channel(kCapacity, 1);
  channel.AddSenders(kSenders - 1);
  std::vector<std::thread> senders;
  for (int64_t sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&channel, sender] {
      for (int64_t i = 0; i < kEach; ++i) {
        std::unique_ptr<Parcel> parcel = channel.Acquire();
        if (parcel->batch.schema() == nullptr) {
          parcel->batch = Batch(OneColumn());
        }
        parcel->batch.columns()[0].AppendFixed<int64_t>(sender * kEach + i);
        parcel->rows = 1;
        ASSERT_TRUE(channel.Send(std::move(parcel)).ok());
      }
      channel.CloseSender();
    });
  }
  std::vector<int64_t> next(kSenders, 0);
  while (true) {
    auto parcel = channel.Receive();
    ASSERT_TRUE(parcel.ok());
    if (*parcel == nullptr) break;
    ASSERT_EQ((*parcel)->batch.columns()[0].size(), 1);
    const int64_t value = (*parcel)->batch.columns()[0].Fixed<int64_t>(0);
    ASSERT_EQ(value % kEach, next[static_cast<size_t>(value / kEach)]++);
    channel.Return(*std::move(parcel));
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(next, std::vector<int64_t>(kSenders, kEach));
  EXPECT_EQ(channel.counts().parcels, kSenders * kEach);
  EXPECT_LE(channel.counts().parcels_made, kCapacity + kSenders + 1);
  EXPECT_LE(channel.counts().depth_max, kCapacity);
}

}  // namespace
}  // namespace opsbench::pipeline
