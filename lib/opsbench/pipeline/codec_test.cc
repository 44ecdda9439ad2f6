#include "opsbench/pipeline/codec.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/random_rows.h"

namespace opsbench::pipeline {
namespace {

constexpr Compression kAll[] = {Compression::kNone, Compression::kLz4,
                                Compression::kZstd};

Batch RandomBatch(uint64_t seed, int64_t rows) {
  Random random(seed);
  const RandomRowsOptions options;
  Batch batch(RandomSchema(options, &random));
  AppendRandomRows(options, 1, rows, &random, &batch);
  return batch;
}

TEST(CodecTest, NamesAreReadBack) {
  for (const Compression compression : kAll) {
    const auto read = ParseCompression(CompressionName(compression));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, compression);
  }
  EXPECT_EQ(ParseCompression("gzip").status().code(),
            absl::StatusCode::kInvalidArgument);
}

// One codec and one pair of batches through all tables: what an earlier one
// left must not show.
TEST(CodecTest, RandomTablesComeBack) {
  for (const Compression compression : kAll) {
    BatchCodec codec(compression);
    CompressedBatch compressed;
    Batch back;
    for (uint64_t seed = 0; seed < 300; ++seed) {
      const Batch batch = RandomBatch(seed, static_cast<int64_t>(seed % 70));
      for (int twice = 0; twice < 2; ++twice) {
        ASSERT_TRUE(codec.Compress(batch, &compressed).ok());
        ASSERT_EQ(compressed.raw_bytes(), batch.bytes());
        ASSERT_LE(compressed.bytes.size(), batch.bytes());
        const absl::Status status = codec.Decompress(compressed, &back);
        ASSERT_TRUE(status.ok()) << status;
        ASSERT_EQ(FirstDifference(batch, back), "") << seed;
      }
    }
  }
}

TEST(CodecTest, RowsCanBeAppendedToWhatCameBack) {
  Random random(5);
  const RandomRowsOptions options;
  Batch batch = RandomBatch(3, 13);
  BatchCodec codec(Compression::kLz4);
  CompressedBatch compressed;
  Batch back;
  ASSERT_TRUE(codec.Compress(batch, &compressed).ok());
  ASSERT_TRUE(codec.Decompress(compressed, &back).ok());
  Random same = random;
  AppendRandomRows(options, 14, 50, &random, &batch);
  AppendRandomRows(options, 14, 50, &same, &back);
  EXPECT_EQ(FirstDifference(batch, back), "");
}

TEST(CodecTest, WireFormatsComeBackAndColumnsAfterThem) {
  Batch batch = RandomBatch(1, 100);
  Batch wire(batch.schema());
  wire.set_wire_format("postgres:copy-binary");
  wire.wire().Append(std::string(100'000, 'w').data(), 100'000);
  wire.SetRows(1234);
  for (const Compression compression : kAll) {
    BatchCodec codec(compression);
    CompressedBatch compressed;
    Batch back;
    for (const Batch* each : {&wire, &batch, &wire}) {
      ASSERT_TRUE(codec.Compress(*each, &compressed).ok());
      ASSERT_TRUE(codec.Decompress(compressed, &back).ok());
      EXPECT_EQ(FirstDifference(*each, back), "");
    }
    if (compression != Compression::kNone) {
      EXPECT_LT(compressed.bytes.size(), 1'000);
    }
  }
}

TEST(CodecTest, MemoryIsUsedAgain) {
  const Batch batch = RandomBatch(2, 1'000);
  BatchCodec codec(Compression::kZstd);
  CompressedBatch compressed;
  Batch back;
  ASSERT_TRUE(codec.Compress(batch, &compressed).ok());
  ASSERT_TRUE(codec.Decompress(compressed, &back).ok());
  const uint8_t* const bytes = compressed.bytes.data();
  const uint8_t* const values = back.columns()[0].values().data();
  ASSERT_TRUE(codec.Compress(batch, &compressed).ok());
  ASSERT_TRUE(codec.Decompress(compressed, &back).ok());
  EXPECT_EQ(compressed.bytes.data(), bytes);
  EXPECT_EQ(back.columns()[0].values().data(), values);
}

TEST(CodecTest, DamageIsRefusedOrHarmless) {
  Random random(11);
  const Batch batch = RandomBatch(4, 200);
  for (const Compression compression : kAll) {
    BatchCodec codec(compression);
    CompressedBatch fine;
    ASSERT_TRUE(codec.Compress(batch, &fine).ok());
    Batch back;
    int refused = 0;
    for (int i = 0; i < 2'000; ++i) {
      CompressedBatch damaged = fine;
      const size_t at = random.Below(damaged.bytes.size());
      damaged.bytes.data()[at] ^= static_cast<uint8_t>(1 + random.Below(255));
      const absl::Status status = codec.Decompress(damaged, &back);
      if (status.ok()) {
        // Some value is another one; reading them all stays within bounds.
        FirstDifference(batch, back);
      } else {
        ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
        ++refused;
      }
    }
    EXPECT_GT(refused, 10);
    CompressedBatch damaged = fine;
    damaged.parts.pop_back();
    EXPECT_FALSE(codec.Decompress(damaged, &back).ok());
    damaged = fine;
    damaged.parts.push_back({1, 1});
    EXPECT_FALSE(codec.Decompress(damaged, &back).ok());
    damaged = fine;
    damaged.bytes.Resize(damaged.bytes.size() - 1);
    EXPECT_FALSE(codec.Decompress(damaged, &back).ok());
    damaged = fine;
    damaged.rows += 1000;
    EXPECT_FALSE(codec.Decompress(damaged, &back).ok());
    // And the batch can be filled again.
    ASSERT_TRUE(codec.Decompress(fine, &back).ok());
    EXPECT_EQ(FirstDifference(batch, back), "");
  }
}

}  // namespace
}  // namespace opsbench::pipeline
