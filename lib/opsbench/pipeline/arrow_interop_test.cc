// Arrow IPC between opsbench and pyarrow: its files as this repository keeps
// them, and, where python3 finds it, files both ways.

#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/arrow_ipc.h"
#include "opsbench/pipeline/internal/string_bytes.h"
#include "opsbench/pipeline/random_rows.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline {
namespace {

namespace fs = std::filesystem;
using internal::StringSink;
using internal::StringSource;

constexpr char kFolder[] = "fixtures/pipelines/arrow";
constexpr const char* kCompressions[] = {"none", "lz4", "zstd"};

std::string FileText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The text that pyarrow_tool.py's texts_of() has for the value.
std::string DumpedValue(const Column& column, int64_t row) {
  if (column.IsNull(row)) return "-";
  std::string text;
  switch (column.type().id) {
    case TypeId::kBool:
      return column.Bool(row) ? "1" : "0";
    case TypeId::kFloat32:
      return absl::StrFormat("%08x", column.Fixed<uint32_t>(row));
    case TypeId::kFloat64:
      return absl::StrFormat("%016x", column.Fixed<uint64_t>(row));
    case TypeId::kDate:
      return absl::StrCat(column.Fixed<int32_t>(row));
    case TypeId::kTime:
    case TypeId::kDuration:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      return absl::StrCat(column.Fixed<int64_t>(row));
    case TypeId::kNumeric:
    case TypeId::kText:
    case TypeId::kBytes:
    case TypeId::kUuid:
    case TypeId::kJson:
      return absl::StrCat("x", absl::BytesToHexString(column.Text(row)));
    default:
      AppendValueText(column, row, &text);
      return text;
  }
}

void AppendDump(int number, const Batch& batch, std::string* dump) {
  absl::StrAppend(dump, "batch ", number, " of ", batch.rows(), " rows\n");
  for (size_t c = 0; c < batch.columns().size(); ++c) {
    *dump += batch.schema()->fields[c].name;
    for (int64_t row = 0; row < batch.rows(); ++row) {
      absl::StrAppend(dump, " ", DumpedValue(batch.columns()[c], row));
    }
    *dump += "\n";
  }
}

std::string Dump(const std::vector<Batch>& batches) {
  std::string dump;
  for (size_t i = 0; i < batches.size(); ++i) {
    AppendDump(static_cast<int>(i), batches[i], &dump);
  }
  return dump;
}

absl::StatusOr<std::vector<Batch>> Read(absl::string_view bytes) {
  StringSource source(bytes);
  auto reader = ArrowReader::Open({}, &source);
  if (!reader.ok()) return reader.status();
  std::vector<Batch> batches;
  while (true) {
    Batch batch;
    const auto more = (*reader)->Next(&batch);
    if (!more.ok()) return more.status();
    if (!*more) return batches;
    batches.push_back(std::move(batch));
  }
}

// What stands behind the lines of the fields.
std::string BatchLines(const std::string& dump) {
  const size_t start = dump.find("batch 0");
  return start == std::string::npos ? "" : dump.substr(start);
}

TEST(ArrowGoldenTest, FilesAndStreamsOfPyarrow) {
  const std::string expected =
      BatchLines(FileText(fs::path(kFolder) / "values.txt"));
  ASSERT_GT(expected.size(), 1000);
  for (const char* compression : kCompressions) {
    for (const std::string& name :
         {absl::StrCat("file_", compression, ".arrow"),
          absl::StrCat("stream_", compression, ".arrows")}) {
      const auto batches = Read(FileText(fs::path(kFolder) / name));
      ASSERT_TRUE(batches.ok()) << name << ": " << batches.status();
      EXPECT_EQ(Dump(*batches), expected) << name;
    }
  }
}

TEST(ArrowGoldenTest, TheirTypesAreOurs) {
  const std::string bytes = FileText(fs::path(kFolder) / "file_none.arrow");
  StringSource source(bytes);
  const auto reader = ArrowReader::Open({}, &source);
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::string types;
  for (const Field& field : (*reader)->schema()->fields) {
    absl::StrAppend(&types, field.name, ":", TypeName(field.type),
                    field.nullable ? " " : "! ");
  }
  EXPECT_EQ(types,
            "int8:int8 uint8:uint8 int16:int16 uint16:uint16 int32:int32 "
            "uint32:uint32 int64:int64 uint64:uint64 bool:bool "
            "float32:float32 float64:float64 decimal:decimal(38, 9) "
            "text:text bytes:bytes date:date time:time duration:duration "
            "timestamp:timestamp timestamp_tz:timestamp_tz "
            "timestamp_berlin:timestamp_tz uuid:uuid json:json "
            "no_nulls:int32! only_nulls:text ");
  EXPECT_EQ((*reader)->metadata().at("made by"), "pyarrow");
}

class PyarrowTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 -c 'import pyarrow' >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "python3 finds no pyarrow: pip install pyarrow";
    }
    std::string folder = ::testing::TempDir() + "arrow_interop_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  ~PyarrowTest() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  // Runs pyarrow_tool.py; what it printed.
  std::string Tool(const std::string& arguments) {
    const std::string out = folder_ / "out";
    const std::string command =
        absl::StrCat("PYTHONDONTWRITEBYTECODE=1 python3 ", kFolder,
                     "/pyarrow_tool.py ", arguments, " > ", out, " 2>&1");
    const int status = std::system(command.c_str());
    std::string text = FileText(out);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << text;
    return text;
  }

  fs::path folder_;
};

// All tables of a compression and format in few calls of Python, whose start
// takes longer than its work.
TEST_F(PyarrowTest, ReadsWhatWeWriteAndWritesWhatWeRead) {
  uint64_t seed = 0;
  for (const char* name : kCompressions) {
    for (const ArrowFormat format :
         {ArrowFormat::kStream, ArrowFormat::kFile}) {
      Random random(++seed);
      RandomRowsOptions options;
      options.max_columns = 60;
      const SchemaPtr drawn = RandomSchema(options, &random);
      auto schema = std::make_shared<Schema>(*drawn);
      schema->fields.back().native = "engine:type";
      std::vector<Batch> batches;
      for (const int64_t rows : {100, 0, 1, 63, 64, 65}) {
        batches.emplace_back(schema);
        AppendRandomRows(options, 1, rows, &random, &batches.back());
      }
      StringSink sink;
      ArrowWriterOptions writing;
      writing.format = format;
      writing.compression = *ParseCompression(name);
      auto writer = ArrowWriter::Open(writing, schema, &sink);
      ASSERT_TRUE(writer.ok());
      for (const Batch& batch : batches) {
        ASSERT_TRUE((*writer)->Write(batch).ok());
      }
      ASSERT_TRUE((*writer)->Finish({{"a", "b"}}).ok());
      const std::string path = folder_ / "ours";
      std::ofstream(path, std::ios::binary) << sink.text;

      EXPECT_EQ(BatchLines(Tool(absl::StrCat("dump ", path))), Dump(batches));

      const std::string other = folder_ / "theirs";
      Tool(absl::StrCat("rewrite ", path, " ", other, " ", name));
      const auto back = Read(FileText(other));
      ASSERT_TRUE(back.ok()) << back.status();
      ASSERT_EQ(back->size(), batches.size());
      for (size_t i = 0; i < batches.size(); ++i) {
        EXPECT_EQ(*(*back)[i].schema(), *schema);
        EXPECT_EQ(FirstDifference((*back)[i], batches[i]), "");
      }
    }
  }
}

TEST_F(PyarrowTest, TakesBatchesThroughTheCDataInterfaceAndHandsThemBack) {
  // A Python without the sanitizers cannot load a library with them.
  const std::string library = OPSBENCH_C_DATA_PROBE;
  if (library.empty()) GTEST_SKIP() << "the build has sanitizers";
  for (const int64_t rows : {0, 1, 8, 70}) {
    const auto seed = static_cast<uint64_t>(rows) + 1;
    Random random(seed);
    RandomRowsOptions options;
    options.max_columns = 60;
    Batch batch(RandomSchema(options, &random));
    AppendRandomRows(options, 1, rows, &random, &batch);
    EXPECT_EQ(Tool(absl::StrCat("probe ", library, " ", seed, " ", rows)),
              Dump({batch}));
  }
}

TEST_F(PyarrowTest, TheGoldenValuesAreWhatItMakesToday) {
  Tool(absl::StrCat("make ", folder_.string()));
  EXPECT_EQ(FileText(folder_ / "values.txt"),
            FileText(fs::path(kFolder) / "values.txt"));
}

}  // namespace
}  // namespace opsbench::pipeline
