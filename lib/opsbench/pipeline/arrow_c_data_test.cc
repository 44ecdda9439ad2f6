#include "opsbench/pipeline/arrow_c_data.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/random_rows.h"

namespace opsbench::pipeline {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

Schema SchemaOfEveryType() {
  Schema schema;
  schema.fields.push_back({"c0", Type{TypeId::kInt64}, false, ""});
  for (int i = 0; i < kTypeCount; ++i) {
    Type type = {static_cast<TypeId>(i)};
    if (type.id == TypeId::kDecimal) type = {type.id, 20, 3};
    schema.fields.push_back(
        {TypeName(type), type, i % 2 == 0, i % 3 == 0 ? "engine:x" : ""});
  }
  schema.primary_key = {"text", "c0"};
  return schema;
}

Batch RandomBatch(uint64_t seed, int64_t rows) {
  Random random(seed);
  const RandomRowsOptions options;
  Batch batch(std::make_shared<Schema>(SchemaOfEveryType()));
  AppendRandomRows(options, 1, rows, &random, &batch);
  return batch;
}

// Counts what is released, by standing before the release of an array.
int released = 0;
void (*true_release)(ArrowArray*) = nullptr;
void CountingRelease(ArrowArray* array) {
  ++released;
  true_release(array);
}

TEST(ArrowCDataTest, SchemasComeBack) {
  const Schema schema = SchemaOfEveryType();
  ArrowSchema exported;
  ExportSchema(schema, &exported);
  const auto imported = ImportSchema(&exported);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(**imported, schema);
  EXPECT_EQ(exported.release, nullptr);
}

TEST(ArrowCDataTest, FormatsAreTheInterfaces) {
  ArrowSchema exported;
  ExportSchema(SchemaOfEveryType(), &exported);
  std::string formats;
  for (int64_t i = 0; i < exported.n_children; ++i) {
    formats += std::string(exported.children[i]->format) + " ";
  }
  EXPECT_EQ(formats,
            "l b c s i l C S I L f g d:20,3 u u z tdD ttu tDu tsu: tsu:UTC "
            "w:16 u ");
  EXPECT_EQ(exported.children[0]->flags, 0);
  EXPECT_EQ(exported.children[1]->flags, ARROW_FLAG_NULLABLE);
  exported.release(&exported);
}

TEST(ArrowCDataTest, BatchesComeBackWithoutACopyOfTheirColumns) {
  for (int64_t rows : {0, 1, 7, 8, 9, 64, 1000}) {
    const Batch batch = RandomBatch(static_cast<uint64_t>(rows), rows);
    Batch copy = batch;
    const void* const values = copy.columns()[1].values().data();
    ArrowArray array;
    ASSERT_TRUE(ExportBatch(std::move(copy), &array).ok());
    if (rows > 0) {
      EXPECT_EQ(array.children[1]->buffers[1], values);
    }
    EXPECT_NE(array.children[1]->buffers[1], nullptr);
    true_release = array.release;
    array.release = CountingRelease;
    released = 0;
    const auto imported = ImportBatch(batch.schema(), &array);
    ASSERT_TRUE(imported.ok()) << imported.status();
    EXPECT_EQ(FirstDifference(batch, *imported), "");
    EXPECT_EQ(released, 1);
    EXPECT_EQ(array.release, nullptr);
  }
}

// Every slice of a batch, cut by the struct's offset, the children's, or both.
TEST(ArrowCDataTest, SlicesOfBatches) {
  constexpr int64_t kRows = 40;
  const Batch batch = RandomBatch(9, kRows);
  for (int64_t first = 0; first <= kRows; first += 3) {
    for (int64_t rows = 0; first + rows <= kRows; rows += 5) {
      for (int64_t by_child = 0; by_child <= first; by_child += 4) {
        ArrowArray array;
        ASSERT_TRUE(ExportBatch(batch, &array).ok());
        array.offset = first - by_child;
        array.length = rows;
        for (int64_t i = 0; i < array.n_children; ++i) {
          array.children[i]->offset = by_child;
          array.children[i]->length -= by_child;
          if (array.children[i]->null_count > 0) {
            array.children[i]->null_count = -1;  // Not known.
          }
        }
        const auto slice = ImportBatch(batch.schema(), &array);
        ASSERT_TRUE(slice.ok()) << slice.status();
        ASSERT_EQ(slice->rows(), rows);
        for (size_t c = 0; c < batch.columns().size(); ++c) {
          const Column& whole = batch.columns()[c];
          const Column& part = slice->columns()[c];
          for (int64_t row = 0; row < rows; ++row) {
            ASSERT_EQ(part.IsNull(row), whole.IsNull(first + row));
            if (part.IsNull(row)) continue;
            const TypeId id = whole.type().id;
            if (id == TypeId::kBool) {
              ASSERT_EQ(part.Bool(row), whole.Bool(first + row));
            } else if (HasOffsets(id)) {
              ASSERT_EQ(part.Text(row), whole.Text(first + row));
            } else {
              const auto width = static_cast<size_t>(FixedWidth(id));
              ASSERT_EQ(
                  std::memcmp(
                      part.values().data() + static_cast<size_t>(row) * width,
                      whole.values().data() +
                          static_cast<size_t>(first + row) * width,
                      width),
                  0);
            }
          }
        }
      }
    }
  }
}

TEST(ArrowCDataTest, ChildrenMayBeMovedAwayAndOutliveTheirParent) {
  const Batch batch = RandomBatch(2, 50);
  ArrowArray array;
  ASSERT_TRUE(ExportBatch(batch, &array).ok());
  ArrowArray child = *array.children[0];
  array.children[0]->release = nullptr;
  array.release(&array);
  EXPECT_EQ(array.release, nullptr);
  EXPECT_EQ(static_cast<const int64_t*>(child.buffers[1])[49], 50);
  child.release(&child);

  ArrowSchema schema;
  ExportSchema(*batch.schema(), &schema);
  ArrowSchema field = *schema.children[3];
  schema.children[3]->release = nullptr;
  schema.release(&schema);
  EXPECT_STREQ(field.name, "int16");
  field.release(&field);
}

TEST(ArrowCDataTest, MisuseIsRefusedAndReleased) {
  const Batch batch = RandomBatch(3, 10);
  const auto refused = [&](void (*spoil)(ArrowArray*)) {
    ArrowArray array;
    EXPECT_TRUE(ExportBatch(batch, &array).ok());
    spoil(&array);
    true_release = array.release;
    array.release = CountingRelease;
    released = 0;
    const auto imported = ImportBatch(batch.schema(), &array);
    EXPECT_EQ(released, 1);
    return imported.status().code();
  };
  EXPECT_EQ(refused([](ArrowArray* a) { --a->n_children; }), kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) { a->length = 11; }), kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) { a->length = -1; }), kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) { a->offset = INT64_MAX; }), kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) { a->offset = 1; }), kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) { a->null_count = 1; }), kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) { a->n_buffers = 2; }), kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) { a->children[1]->n_buffers = 3; }),
            kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) { a->children[1]->length = 9; }),
            kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) { a->children[1]->offset = -1; }),
            kInvalid);
  EXPECT_EQ(
      refused([](ArrowArray* a) { a->children[1]->buffers[1] = nullptr; }),
      kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) {
              a->children[1]->null_count = 2;
              a->children[1]->buffers[0] = nullptr;
            }),
            kInvalid);
  EXPECT_EQ(refused([](ArrowArray* a) {
              static const int32_t kFalling[11] = {0, 5, 3};
              a->children[14]->buffers[1] = kFalling;
            }),
            absl::StatusCode::kDataLoss);

  ArrowArray array = {};
  EXPECT_EQ(ImportBatch(batch.schema(), &array).status().code(), kInvalid);
  Batch wire(batch.schema());
  wire.set_wire_format("x");
  EXPECT_EQ(ExportBatch(wire, &array).code(), kInvalid);
  Batch ragged = batch;
  ragged.SetRows(9);
  EXPECT_EQ(ExportBatch(ragged, &array).code(), kInvalid);
}

TEST(ArrowCDataTest, SchemasOfOtherTypesAreRefused) {
  const auto import = [](const char* format, ArrowSchema* dictionary) {
    ArrowSchema exported;
    ExportSchema(SchemaOfEveryType(), &exported);
    exported.children[2]->format = format;
    exported.children[2]->dictionary = dictionary;
    return ImportSchema(&exported).status();
  };
  for (const char* format : {"", "n", "e", "U", "Z", "vu", "d:39,2", "d:10,11",
                             "d:10,2,256", "d:", "d:0,0", "w:15", "tdm", "tts",
                             "tsn:", "tiM", "+l", "+s", "x\n"}) {
    EXPECT_EQ(import(format, nullptr).code(), absl::StatusCode::kUnimplemented)
        << format;
  }
  EXPECT_THAT(import("+l", nullptr).message(), HasSubstr("\"+l\""));
  EXPECT_EQ(import(nullptr, nullptr).code(), kInvalid);
  ArrowSchema dictionary = {};
  EXPECT_EQ(import("i", &dictionary).code(), absl::StatusCode::kUnimplemented);

  ArrowSchema plain;
  ExportSchema(SchemaOfEveryType(), &plain);
  ArrowSchema field = *plain.children[0];
  plain.children[0]->release = nullptr;
  EXPECT_EQ(ImportSchema(&plain).status().code(), kInvalid);
  EXPECT_EQ(plain.release, nullptr);
  EXPECT_EQ(ImportSchema(&field).status().code(), kInvalid);
  EXPECT_EQ(ImportSchema(&field).status().code(), kInvalid);
}

}  // namespace
}  // namespace opsbench::pipeline
