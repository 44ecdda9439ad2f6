// Random tables of all types through each engine and back by each way of
// writing and reading: every value, null, name and key is as it was.
//
// OPSBENCH_RANDOM_TABLES says how many tables go each way, and
// OPSBENCH_RANDOM_SEED which; a failure names its own.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/connectors.h"
#include "opsbench/pipeline/internal/connector_testing.h"
#include "opsbench/pipeline/random_rows.h"
#include "opsbench/pipeline/value_text.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

using internal::To;

constexpr uint64_t kDefaultTables = 130;
constexpr uint64_t kDefaultSeed = 20'261'127;

uint64_t Number(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  uint64_t number = 0;
  return text != nullptr && absl::SimpleAtoi(text, &number) ? number
                                                            : otherwise;
}

struct Way {
  Engine engine;
  const char* load_method;
  const char* read_method;
};

RandomRowsOptions OptionsOf(Engine engine) {
  RandomRowsOptions options;
  options.infinities = engine != Engine::kMysql;
  options.nul_in_text = engine != Engine::kPostgres;
  // The others make 0 of -0.
  options.negative_zero = engine == Engine::kPostgres;
  return options;
}

std::string TextOf(const Column& column, int64_t row) {
  if (column.IsNull(row)) return "NULL";
  std::string text = "'";
  AppendValueText(column, row, &text);
  return text;
}

// As FirstDifference(), but by the values' texts: an engine may have another
// type for a column than the one that was written.
std::string FirstChange(const Batch& written, const Batch& read) {
  if (written.rows() != read.rows() ||
      written.columns().size() != read.columns().size()) {
    return absl::StrCat(written.rows(), " rows of ", written.columns().size(),
                        " columns and ", read.rows(), " of ",
                        read.columns().size());
  }
  for (size_t i = 0; i < written.columns().size(); ++i) {
    const Column& before = written.columns()[i];
    const Column& after = read.columns()[i];
    const std::string& name = written.schema()->fields[i].name;
    if (name != read.schema()->fields[i].name) return "names of columns";
    for (int64_t row = 0; row < before.size(); ++row) {
      const std::string texts[] = {TextOf(before, row), TextOf(after, row)};
      if (texts[0] == texts[1]) continue;
      return absl::StrCat("column ", name, ", ", TypeName(before.type()),
                          " and ", TypeName(after.type()), ", row ", row + 1,
                          ": ", texts[0], " and ", texts[1]);
    }
  }
  return "";
}

class RandomTablesTest : public ::testing::TestWithParam<Way> {
 protected:
  std::unique_ptr<Source> OpenSource() const {
    const std::string name = std::string(EngineName(GetParam().engine));
    std::map<std::string, std::string> settings;
    if (*GetParam().read_method != '\0') {
      settings["method"] = GetParam().read_method;
    }
    auto source =
        internal::OpenSource(AllConnectors(), absl::StrCat("source-", name),
                             database_->url(), settings);
    EXPECT_TRUE(source.ok()) << source.status();
    return source.ok() ? *std::move(source) : nullptr;
  }
  std::unique_ptr<Destination> OpenDestination(Random* random) const {
    const std::string name = std::string(EngineName(GetParam().engine));
    std::map<std::string, std::string> settings;
    if (*GetParam().load_method != '\0') {
      settings["load_method"] = GetParam().load_method;
    }
    if (GetParam().engine == Engine::kPostgres) {
      settings["insert_rows"] = absl::StrCat(random->Between(1, 20));
      settings["flush_bytes"] = absl::StrCat(random->Between(1, 3000));
    }
    auto destination =
        internal::OpenDestination(AllConnectors(), absl::StrCat("dest-", name),
                                  database_->url(), settings);
    EXPECT_TRUE(destination.ok()) << destination.status();
    return destination.ok() ? *std::move(destination) : nullptr;
  }

  // Writes a table; its rows as they went.
  absl::StatusOr<Batch> Write(const std::string& name, Random* random) {
    const RandomRowsOptions options = OptionsOf(GetParam().engine);
    const SchemaPtr schema = RandomSchema(options, random);
    Batch first(schema), second(schema);
    const int64_t rows = random->Between(0, 40);
    AppendRandomRows(options, 1, rows, random, &first);
    AppendRandomRows(options, rows + 1, 5, random, &second);
    const auto counts =
        internal::WriteTable(*destination_, To(name), {&first, &second});
    OPSBENCH_RETURN_IF_ERROR(counts.status());
    EXPECT_EQ(counts->rows, rows + 5);
    OPSBENCH_RETURN_IF_ERROR(internal::AppendBatch(second, &first));
    return first;
  }

  // In a new database, with one destination for all and one source, because
  // connections and transactions are what takes time.
  void RoundTrip(uint64_t seed, uint64_t first_table, uint64_t tables) {
    Random random = Random::Stream(seed, first_table);
    auto database = TestDatabase::Create(GetParam().engine);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    destination_ = OpenDestination(&random);
    ASSERT_NE(destination_, nullptr);
    std::vector<Batch> written;
    for (uint64_t i = 0; i < tables; ++i) {
      SCOPED_TRACE(absl::StrCat("table ", first_table + i));
      auto batch = Write(absl::StrCat("t", i), &random);
      ASSERT_TRUE(batch.ok()) << batch.status();
      written.push_back(*std::move(batch));
    }
    const auto source = OpenSource();
    ASSERT_NE(source, nullptr);
    for (uint64_t i = 0; i < tables; ++i) {
      SCOPED_TRACE(absl::StrCat("table ", first_table + i));
      ReadRequest request;
      request.table.table = absl::StrCat("t", i);
      request.batch_rows = random.Between(1, 50);
      const auto read = internal::ReadTable(*source, request);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(read->schema()->primary_key, written[i].schema()->primary_key);
      ASSERT_EQ(FirstChange(written[i], *read), "");
    }
    destination_ = nullptr;
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Destination> destination_;
};

TEST_P(RandomTablesTest, ComeBackAsTheyWere) {
  constexpr uint64_t kTogether = 40;
  const uint64_t tables = Number("OPSBENCH_RANDOM_TABLES", kDefaultTables);
  const uint64_t seed = Number("OPSBENCH_RANDOM_SEED", kDefaultSeed);
  for (uint64_t first = 0; first < tables; first += kTogether) {
    SCOPED_TRACE(absl::StrCat("OPSBENCH_RANDOM_SEED=", seed));
    RoundTrip(seed, first, std::min(kTogether, tables - first));
    if (HasFailure()) return;
  }
}

constexpr Way kWays[] = {{Engine::kPostgres, "copy", "copy"},
                         {Engine::kPostgres, "copy_text", "cursor"},
                         {Engine::kPostgres, "insert", "copy"},
                         {Engine::kPostgres, "batch", "cursor"},
                         {Engine::kMysql, "insert", ""},
                         {Engine::kMysql, "load_data", ""},
                         {Engine::kMysql, "batch", ""},
                         {Engine::kSqlite, "", ""}};

// For the messages of failures.
void PrintTo(const Way& way, std::ostream* out) {
  *out << EngineName(way.engine) << " " << way.load_method;
}

INSTANTIATE_TEST_SUITE_P(Ways, RandomTablesTest, ::testing::ValuesIn(kWays),
                         [](const auto& test) {
                           const Way& way = test.param;
                           return absl::StrCat(
                               EngineName(way.engine),
                               *way.load_method == '\0' ? "" : "_",
                               way.load_method);
                         });

}  // namespace
}  // namespace opsbench::pipeline
