#include "opsbench/vector/open_dataset.h"

#include <hdf5.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/vector/dataset_file.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/internal/hdf5_test_file.h"
#include "opsbench/vector/internal/test_files.h"

namespace opsbench::vector {
namespace {

using internal::BinBytes;
using internal::NpyBytes;
using internal::ReadBytes;
using internal::Rows;
using internal::TemporaryFolder;
using internal::VecsBytes;
using testing::HasSubstr;

constexpr size_t kTruth = 10;

template <typename T = float>
Rows<T> RowsOf(Matrix matrix) {
  Rows<T> rows;
  for (size_t i = 0; i < matrix.rows; ++i) {
    rows.emplace_back(matrix.row(i).begin(), matrix.row(i).end());
  }
  return rows;
}

Rows<int32_t> IdsOf(const Dataset& data) {
  Rows<int32_t> rows;
  for (size_t q = 0; q < data.queries().rows; ++q) {
    rows.emplace_back();
    for (const Neighbor& neighbor : data.truth(q)) {
      rows.back().push_back(static_cast<int32_t>(neighbor.id));
    }
  }
  return rows;
}

void ExpectVectors(const Dataset& got, const Dataset& expected) {
  ASSERT_EQ(got.base().rows, expected.base().rows);
  ASSERT_EQ(got.queries().rows, expected.queries().rows);
  for (size_t i = 0; i < got.base().rows; ++i) {
    ASSERT_EQ(got.base().row(i), expected.base().row(i));
  }
  for (size_t i = 0; i < got.queries().rows; ++i) {
    ASSERT_EQ(got.queries().row(i), expected.queries().row(i));
  }
}

// The truth of every query is that of a scan, and there are attributes.
void ExpectRight(const Dataset& data, size_t k) {
  ASSERT_EQ(data.truth_k(), k);
  for (size_t q = 0; q < data.queries().rows; ++q) {
    const auto expected = NearestByScan(data.base(), data.queries().row(q),
                                        data.metric(), k, {}, nullptr);
    ASSERT_EQ(data.truth(q), absl::MakeConstSpan(expected));
  }
  EXPECT_EQ(data.attributes().tags.size(), data.base().rows);
}

class OpenDatasetTest : public testing::Test {
 protected:
  OpenDatasetTest() {
    GenerateOptions generate;
    generate.rows = 300;
    generate.dimension = 6;
    generate.queries = 20;
    generate.truth_k = kTruth;
    data_ = *Generate(generate);
    options_.truth_k = kTruth;
  }

  std::string Message(const std::string& name) {
    const auto data = OpenDataset(name, options_);
    EXPECT_FALSE(data.ok());
    return std::string(data.status().message());
  }

  std::string WriteHdf5(const std::string& name, const std::string& distance,
                        const Dataset& data) {
    const std::string path = folder_.File(name);
    internal::WriteHdf5File(path, distance, data);
    return path;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Dataset> data_;
  OpenDatasetOptions options_;
};

TEST_F(OpenDatasetTest, GeneratesByName) {
  const auto data = OpenDataset("clusters-1k-8-cosine", options_);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ((*data)->name(), "clusters-1k-8-cosine");
  ExpectRight(**data, kTruth);
  EXPECT_THAT(Message("clusters-1k"), HasSubstr("is named by kind, rows"));
  EXPECT_THAT(Message("no/such.fvecs"),
              HasSubstr("'no/such.fvecs' is no file"));
}

// Servers keep it: it may not change, and whatever an index is made of counts.
TEST_F(OpenDatasetTest, TheHashOfTheContentIsAPromise) {
  const auto hash_of = [this](const char* name, uint64_t seed) {
    options_.seed = seed;
    const auto data = OpenDataset(name, options_);
    EXPECT_TRUE(data.ok()) << data.status();
    return data.ok() ? (*data)->content_hash() : 0;
  };
  const uint64_t hash = hash_of("clusters-1k-16", 1);
  EXPECT_EQ(hash, 0x8ecde87dfc3fe583);
  EXPECT_EQ(hash, hash_of("clusters-1k-16", 1));
  std::set<uint64_t> hashes = {hash,
                               hash_of("clusters-1k-16", 2),
                               hash_of("clusters-1k-16-cosine", 1),
                               hash_of("clusters-1k-15", 1),
                               hash_of("clusters-999-16", 1),
                               hash_of("uniform-1k-16", 1)};
  EXPECT_EQ(hashes.size(), 6U);
}

TEST_F(OpenDatasetTest, FindsQueriesAndTruthBesideTheBase) {
  const auto base = RowsOf(data_->base());
  const auto queries = RowsOf(data_->queries());
  const std::vector<std::string> paths = {
      folder_.Write("x_base.fvecs", VecsBytes(base)),
      folder_.Write("base.z.fbin", BinBytes(base)),
      folder_.Write("a-base.npy", NpyBytes(base, "<f4"))};
  folder_.Write("x_query.fvecs", VecsBytes(queries));
  folder_.Write("x_groundtruth.ivecs", VecsBytes(IdsOf(*data_)));
  folder_.Write("query.z.fbin", BinBytes(queries));
  folder_.Write("gt.z.ibin", BinBytes(IdsOf(*data_)));
  folder_.Write("a-queries.npy", NpyBytes(queries, "<f4"));
  folder_.Write("a-truth.npy", NpyBytes(IdsOf(*data_), "<i4"));
  for (const std::string& path : paths) {
    const auto data = OpenDataset(path, options_);
    ASSERT_TRUE(data.ok()) << data.status();
    ExpectVectors(**data, *data_);
    ExpectRight(**data, kTruth);
  }
}

TEST_F(OpenDatasetTest, TooFewNeighboursAreComputedAnew) {
  const std::string path =
      folder_.Write("x_base.fvecs", VecsBytes(RowsOf(data_->base())));
  folder_.Write("x_query.fvecs", VecsBytes(RowsOf(data_->queries())));
  folder_.Write("x_groundtruth.ivecs", VecsBytes(IdsOf(*data_)));
  options_.truth_k = kTruth + 5;
  const auto data = OpenDataset(path, options_);
  ASSERT_TRUE(data.ok()) << data.status();
  ExpectRight(**data, kTruth + 5);
  // Never more than there are.
  options_.truth_k = 100'000;
  ExpectRight(**OpenDataset(path, options_), 300);
}

TEST_F(OpenDatasetTest, HoldsQueriesOutWhenThereAreNone) {
  const std::string path =
      folder_.Write("glove.npy", NpyBytes(RowsOf(data_->base()), "<f4"));
  options_.held_out_queries = 30;
  options_.metric = Metric::kCosine;
  const auto data = OpenDataset(path, options_);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ((*data)->name(), "glove");
  EXPECT_EQ((*data)->queries().rows, 30u);
  EXPECT_EQ((*data)->base().rows, 270u);
  ExpectRight(**data, kTruth);
  // Together they are the rows of the file.
  Rows<float> rows = RowsOf((*data)->base());
  for (const auto& row : RowsOf((*data)->queries())) rows.push_back(row);
  EXPECT_THAT(rows, testing::UnorderedElementsAreArray(RowsOf(data_->base())));
  ExpectVectors(**OpenDataset(path, options_), **data);
  options_.seed = 2;
  EXPECT_NE(RowsOf((*OpenDataset(path, options_))->queries()),
            RowsOf((*data)->queries()));
  options_.held_out_queries = 300;
  EXPECT_THAT(Message(path), HasSubstr("cannot be held out"));
}

TEST_F(OpenDatasetTest, ReadsHdf5) {
  options_.held_out_queries = 0;
  for (const std::string& path :
       {WriteHdf5("a.hdf5", "euclidean", *data_),
        WriteHdf5("b-6-euclidean.h5", "", *data_),
        WriteHdf5("c-angular.hdf5", "euclidean", *data_)}) {
    const auto data = OpenDataset(path, options_);
    ASSERT_TRUE(data.ok()) << data.status();
    EXPECT_EQ((*data)->metric(), Metric::kL2);
    ExpectVectors(**data, *data_);
    ExpectRight(**data, kTruth);
  }
  EXPECT_THAT(Message(WriteHdf5("d.hdf5", "", *data_)),
              HasSubstr("d.hdf5: says no metric"));
  EXPECT_THAT(Message(WriteHdf5("e.hdf5", "hamming", *data_)),
              HasSubstr("e.hdf5: no metric 'hamming'"));
  // Neighbours by another metric are not right.
  EXPECT_THAT(Message(WriteHdf5("f.hdf5", "angular", *data_)),
              HasSubstr("is it another metric?"));
  options_.metric = Metric::kInnerProduct;
  const auto other =
      OpenDataset(WriteHdf5("g.hdf5", "euclidean", *data_), options_);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ((*other)->metric(), Metric::kInnerProduct);
  ExpectRight(**other, kTruth);
}

TEST_F(OpenDatasetTest, BrokenHdf5IsRefused) {
  const std::string bytes = ReadBytes(WriteHdf5("a.hdf5", "euclidean", *data_));
  const std::string path = folder_.File("b.hdf5");
  for (size_t length = 0; length < bytes.size(); length += 997) {
    folder_.Write("b.hdf5", bytes.substr(0, length));
    EXPECT_THAT(Message(path), HasSubstr("b.hdf5: ")) << length;
  }
  folder_.Write("b.hdf5", "no HDF5 at all, whatever its name says");
  EXPECT_THAT(Message(path), HasSubstr("b.hdf5: not an HDF5 file"));
  const hid_t file =
      H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
  EXPECT_THAT(Message(path), HasSubstr("has no data set 'train'"));
}

TEST_F(OpenDatasetTest, OpensItsOwnFileWhateverItsName) {
  for (const std::string name : {"a.opsvec", "a.data"}) {
    const std::string path = folder_.File(name);
    ASSERT_TRUE(WriteDatasetFile(*data_, path).ok());
    const auto data = OpenDataset(path, options_);
    ASSERT_TRUE(data.ok()) << data.status();
    ExpectVectors(**data, *data_);
    ExpectRight(**data, kTruth);
    EXPECT_EQ((*data)->attributes().tags, data_->attributes().tags);
  }
  options_.metric = Metric::kCosine;
  options_.truth_k = 20;
  const auto other = OpenDataset(folder_.File("a.opsvec"), options_);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ((*other)->metric(), Metric::kCosine);
  EXPECT_EQ((*other)->attributes().tags, data_->attributes().tags);
  ExpectRight(**other, 20);
  options_.queries = "q.fvecs";
  EXPECT_THAT(Message(folder_.File("a.opsvec")),
              HasSubstr("holds its own queries"));
}

TEST_F(OpenDatasetTest, OpensTheRealDataSetOfTheFixtures) {
  const auto data = OpenDataset("fixtures/vector/glove-2k-50.opsvec", options_);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ((*data)->name(), "glove-2k-50");
  EXPECT_EQ((*data)->metric(), Metric::kCosine);
  EXPECT_EQ((*data)->base().rows, 2'000u);
  EXPECT_EQ((*data)->queries().rows, 100u);
  ExpectRight(**data, 50);
  // The first word of GloVe, as its authors publish it: "the".
  EXPECT_THAT((*data)->base().row(0).subspan(0, 4),
              testing::ElementsAre(0.418f, 0.24968f, -0.41242f, 0.1217f));
}

TEST_F(OpenDatasetTest, SaysWhichFileIsWrong) {
  Rows<float> base = RowsOf(data_->base());
  const std::string path = folder_.Write("x_base.fvecs", VecsBytes(base));
  folder_.Write("x_query.fvecs", VecsBytes(Rows<float>{{1, 2, 3}}));
  EXPECT_THAT(Message(path), HasSubstr("x_query.fvecs: queries of dimension 3, "
                                       "but base vectors of 6"));
  folder_.Write("x_query.fvecs", VecsBytes(RowsOf(data_->queries())));
  Rows<int32_t> ids = IdsOf(*data_);
  ids[4][2] = 300;
  folder_.Write("x_groundtruth.ivecs", VecsBytes(ids));
  EXPECT_THAT(Message(path), HasSubstr("x_groundtruth.ivecs: neighbour 300 of "
                                       "query 4 is out of range"));
  ids[4][2] = ids[4][1];
  folder_.Write("x_groundtruth.ivecs", VecsBytes(ids));
  EXPECT_THAT(Message(path), HasSubstr("of query 4 is there twice"));
  ids.pop_back();
  folder_.Write("x_groundtruth.ivecs", VecsBytes(ids));
  EXPECT_THAT(
      Message(path),
      HasSubstr("x_groundtruth.ivecs: neighbours of 19 queries, of 20"));
  base[7][1] = std::numeric_limits<float>::infinity();
  folder_.Write("x_base.fvecs", VecsBytes(base));
  EXPECT_THAT(Message(path), HasSubstr("x_base.fvecs: component 1 of base "
                                       "vector 7 is inf"));
  EXPECT_THAT(Message(folder_.Write("x.csv", "1,2")), HasSubstr("x.csv: "));
  EXPECT_THAT(Message(folder_.File("")), HasSubstr(": "));
  options_.truth = folder_.File("gone.ivecs");
  options_.queries = folder_.File("x_query.fvecs");
  folder_.Write("x_base.fvecs", VecsBytes(RowsOf(data_->base())));
  EXPECT_THAT(Message(path), HasSubstr("gone.ivecs"));
}

}  // namespace
}  // namespace opsbench::vector
