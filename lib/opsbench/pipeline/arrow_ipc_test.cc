#include "opsbench/pipeline/arrow_ipc.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/internal/string_bytes.h"
#include "opsbench/pipeline/random_rows.h"

namespace opsbench::pipeline {
namespace {

using internal::StringSink;
using internal::StringSource;
using ::testing::HasSubstr;

constexpr auto kDamaged = absl::StatusCode::kDataLoss;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

constexpr Compression kCompressions[] = {Compression::kNone, Compression::kLz4,
                                         Compression::kZstd};
constexpr ArrowFormat kFormats[] = {ArrowFormat::kStream, ArrowFormat::kFile};

std::vector<Batch> RandomBatches(uint64_t seed, int count) {
  Random random(seed);
  const RandomRowsOptions options;
  const SchemaPtr schema = RandomSchema(options, &random);
  std::vector<Batch> batches;
  for (int i = 0; i < count; ++i) {
    batches.emplace_back(schema);
    AppendRandomRows(options, 1, random.Between(0, 40), &random,
                     &batches.back());
  }
  return batches;
}

std::string Written(const ArrowWriterOptions& options,
                    const std::vector<Batch>& batches) {
  StringSink sink;
  auto writer = ArrowWriter::Open(options, batches[0].schema(), &sink);
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const Batch& batch : batches) {
    const absl::Status status = (*writer)->Write(batch);
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_TRUE((*writer)->Finish({{"footer", "of it"}}).ok());
  EXPECT_EQ((*writer)->bytes_written(), static_cast<int64_t>(sink.text.size()));
  return std::move(sink.text);
}

// The first error of reading all of it.
absl::Status ReadAll(absl::string_view bytes,
                     const ArrowReaderOptions& options = {}) {
  StringSource source(bytes);
  auto reader = ArrowReader::Open(options, &source);
  if (!reader.ok()) return reader.status();
  Batch batch;
  while (true) {
    const auto more = (*reader)->Next(&batch);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
  }
}

TEST(ArrowIpcTest, RandomTablesComeBack) {
  for (uint64_t seed = 0; seed < 150; ++seed) {
    const std::vector<Batch> batches =
        RandomBatches(seed, static_cast<int>(seed % 4) + 1);
    for (const Compression compression : kCompressions) {
      for (const ArrowFormat format : kFormats) {
        ArrowWriterOptions options;
        options.format = format;
        options.compression = compression;
        options.metadata = {{"k", "v"}};
        const std::string bytes = Written(options, batches);
        // Of odd pieces, as pipes give them.
        StringSource source(bytes, 1 + seed * 7);
        auto reader = ArrowReader::Open({}, &source);
        ASSERT_TRUE(reader.ok()) << reader.status();
        EXPECT_EQ((*reader)->format(), format);
        EXPECT_EQ(*(*reader)->schema(), *batches[0].schema());
        EXPECT_EQ((*reader)->metadata(), options.metadata);
        Batch batch;
        for (const Batch& expected : batches) {
          const auto more = (*reader)->Next(&batch);
          ASSERT_TRUE(more.ok()) << more.status();
          ASSERT_TRUE(*more);
          ASSERT_EQ(FirstDifference(expected, batch), "");
        }
        for (int twice = 0; twice < 2; ++twice) {
          const auto more = (*reader)->Next(&batch);
          ASSERT_TRUE(more.ok()) << more.status();
          ASSERT_FALSE(*more);
        }
        if (format == ArrowFormat::kFile) {
          EXPECT_EQ((*reader)->index().metadata.at("footer"), "of it");
          EXPECT_EQ((*reader)->index().blocks.size(), batches.size());
        }
      }
    }
  }
}

TEST(ArrowIpcTest, SchemasKeepNamesKeysAndNativeTypes) {
  auto schema = std::make_shared<Schema>();
  schema->fields.push_back(
      {"ün\"ï", Type{TypeId::kNumeric}, false, "postgres:numeric"});
  schema->fields.push_back({"", Type{TypeId::kDecimal, 38, 38}, true, ""});
  schema->fields.push_back({"j", Type{TypeId::kJson}, true, "mysql:json"});
  schema->primary_key = {"j", "ün\"ï"};
  const std::string bytes = Written({}, {Batch(schema)});
  StringSource source(bytes);
  auto reader = ArrowReader::Open({}, &source);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(*(*reader)->schema(), *schema);
}

TEST(ArrowIpcTest, TablesOf1600ColumnsAndOfNone) {
  auto wide = std::make_shared<Schema>();
  for (int i = 0; i < 1600; ++i) {
    Type type = {static_cast<TypeId>(i % kTypeCount)};
    if (type.id == TypeId::kDecimal) type = {type.id, 10, 1};
    wide->fields.push_back({absl::StrCat(std::string(60, 'n'), i), type, true,
                            std::string(100, 't')});
  }
  wide->fields[0].type = Type{TypeId::kInt64};
  Random random(1);
  for (Batch batch : {Batch(wide), Batch(std::make_shared<Schema>())}) {
    if (!batch.columns().empty()) {
      AppendRandomRows({}, 1, 3, &random, &batch);
    }
    const std::string bytes = Written({}, {batch});
    StringSource source(bytes);
    auto reader = ArrowReader::Open({}, &source);
    ASSERT_TRUE(reader.ok()) << reader.status();
    Batch back;
    const auto more = (*reader)->Next(&back);
    ASSERT_TRUE(more.ok()) << more.status();
    EXPECT_EQ(FirstDifference(batch, back), "");
  }
}

TEST(ArrowIpcTest, EveryTruncationIsRefused) {
  for (const Compression compression : kCompressions) {
    for (const ArrowFormat format : kFormats) {
      ArrowWriterOptions options;
      options.format = format;
      options.compression = compression;
      const std::string bytes = Written(options, RandomBatches(5, 2));
      ASSERT_TRUE(ReadAll(bytes).ok());
      for (size_t size = 0; size < bytes.size(); ++size) {
        ASSERT_EQ(ReadAll(absl::string_view(bytes).substr(0, size)).code(),
                  kDamaged)
            << size;
      }
    }
  }
}

TEST(ArrowIpcTest, WhatIsNoArrowIsRefused) {
  EXPECT_EQ(ReadAll("").code(), kDamaged);
  EXPECT_EQ(ReadAll("id,name\n1,a\n2,b\n").code(), kDamaged);
  EXPECT_EQ(ReadAll("PAR1 and what Parquet has").code(), kDamaged);
  EXPECT_EQ(ReadAll(std::string(100, '\0')).code(), kDamaged);
  EXPECT_EQ(ReadAll(std::string(100, '\xff')).code(), kDamaged);
  // Only an end mark.
  EXPECT_EQ(ReadAll(std::string("\xff\xff\xff\xff\0\0\0\0", 8)).code(),
            kDamaged);
}

TEST(ArrowIpcTest, AFileWithAnotherFilesFooterIsRefused) {
  ArrowWriterOptions options;
  options.format = ArrowFormat::kFile;
  const std::vector<Batch> batches = RandomBatches(6, 2);
  const std::string two = Written(options, batches);
  const std::string one = Written(options, {batches[0]});
  // Behind the last batch is the end mark, then the footer.
  const auto end_of = [](const std::string& bytes) {
    StringSource source(bytes);
    auto reader = ArrowReader::Open({}, &source);
    Batch batch;
    while ((*reader)->Next(&batch).value_or(false)) {
    }
    return static_cast<size_t>((*reader)->index().end_offset);
  };
  const absl::Status status =
      ReadAll(two.substr(0, end_of(two)) + one.substr(end_of(one)));
  EXPECT_EQ(status.code(), kDamaged);
  EXPECT_THAT(status.message(), HasSubstr("footer"));
}

TEST(ArrowIpcTest, LimitsHoldBeforeMemoryIsTaken) {
  auto schema = std::make_shared<Schema>();
  schema->fields.push_back({"t", Type{TypeId::kText}, true, ""});
  Batch batch(schema);
  batch.columns()[0].AppendText(std::string(1'000'000, 'x'));
  batch.SetRows(1);
  ArrowReaderOptions small;
  small.max_batch_bytes = 500'000;
  for (const Compression compression : kCompressions) {
    ArrowWriterOptions options;
    options.compression = compression;
    const std::string bytes = Written(options, {batch});
    EXPECT_TRUE(ReadAll(bytes).ok());
    EXPECT_EQ(ReadAll(bytes, small).code(),
              absl::StatusCode::kResourceExhausted);
  }
}

TEST(ArrowIpcTest, AFileCanBeContinued) {
  for (const Compression compression : kCompressions) {
    const std::vector<Batch> batches = RandomBatches(8, 4);
    ArrowWriterOptions options;
    options.format = ArrowFormat::kFile;
    options.compression = compression;
    const std::string first =
        Written(options, {batches.begin(), batches.begin() + 2});
    StringSource source(first);
    auto reader = ArrowReader::Open({}, &source);
    ASSERT_TRUE(reader.ok());
    Batch batch;
    while ((*reader)->Next(&batch).value_or(false)) {
    }
    const ArrowFileIndex& index = (*reader)->index();
    StringSink sink;
    sink.text = first.substr(0, static_cast<size_t>(index.end_offset));
    auto writer =
        ArrowWriter::Continue(options, batches[0].schema(), index, &sink);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->Write(batches[2]).ok());
    ASSERT_TRUE((*writer)->Write(batches[3]).ok());
    ASSERT_TRUE((*writer)->Finish(index.metadata).ok());
    EXPECT_EQ(sink.text, Written(options, batches));
  }
}

TEST(ArrowIpcTest, BatchesThatDoNotFitAreRefused) {
  const std::vector<Batch> batches = RandomBatches(9, 1);
  StringSink sink;
  auto writer = ArrowWriter::Open({}, batches[0].schema(), &sink);
  ASSERT_TRUE(writer.ok());
  const size_t before = sink.text.size();
  EXPECT_EQ((*writer)->Write(RandomBatches(10, 1)[0]).code(), kInvalid);
  Batch ragged = batches[0];
  ragged.SetRows(ragged.rows() + 1);
  EXPECT_EQ((*writer)->Write(ragged).code(), kInvalid);
  Batch wire(batches[0].schema());
  wire.set_wire_format("x");
  EXPECT_EQ((*writer)->Write(wire).code(), kInvalid);
  EXPECT_EQ(sink.text.size(), before);
}

// A sink whose disk is full from a byte on.
class FullSink : public ByteSink {
 public:
  explicit FullSink(size_t room) : room_(room) {}
  absl::Status Write(absl::string_view bytes) override {
    if (bytes.size() > room_) return absl::ResourceExhaustedError("full");
    room_ -= bytes.size();
    return absl::OkStatus();
  }

 private:
  size_t room_;
};

TEST(ArrowIpcTest, ErrorsOfTheSinkAreHandedOn) {
  const std::vector<Batch> batches = RandomBatches(11, 2);
  ArrowWriterOptions options;
  options.format = ArrowFormat::kFile;
  const size_t size = Written(options, batches).size();
  for (size_t room = 0; room < size; room += 16) {
    FullSink sink(room);
    absl::Status status;
    auto writer = ArrowWriter::Open(options, batches[0].schema(), &sink);
    status.Update(writer.status());
    for (const Batch& batch : batches) {
      if (status.ok()) status.Update((*writer)->Write(batch));
    }
    if (status.ok()) status.Update((*writer)->Finish({{"footer", "of it"}}));
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << room;
  }
}

}  // namespace
}  // namespace opsbench::pipeline
