#include "opsbench/sidetable/mix.h"

#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/sidetable/generator.h"
#include "opsbench/sidetable/workload.h"

namespace opsbench::sidetable {
namespace {

using ::testing::HasSubstr;

std::map<std::string, double> WeightsOf(absl::string_view text) {
  const auto mix = ParseMix(text);
  EXPECT_TRUE(mix.ok()) << mix.status();
  std::map<std::string, double> weights;
  if (!mix.ok()) return weights;
  for (const MixOperation& operation : *mix) {
    weights[operation.name] = operation.weight;
  }
  return weights;
}

TEST(MixTest, MixesHaveTheWeightsOfTheDocuments) {
  using Weights = std::map<std::string, double>;
  EXPECT_EQ(WeightsOf("A"), (Weights{{"latest_l2", 60},
                                     {"latest_l3", 20},
                                     {"exact", 10},
                                     {"count_24h", 10}}));
  EXPECT_EQ(WeightsOf("B"), (Weights{{"insert_1000", 70},
                                     {"latest_l2", 10},
                                     {"latest_l3_cold", 10},
                                     {"error_rate", 10}}));
  EXPECT_EQ(WeightsOf("C"), (Weights{{"latest_offset", 40},
                                     {"count_24h", 20},
                                     {"exact", 20},
                                     {"insert_500", 20}}));
  EXPECT_EQ(WeightsOf("d"), (Weights{{"insert_single", 50},
                                     {"exact", 10},
                                     {"latest_l1", 10},
                                     {"latest_l2", 10},
                                     {"latest_l3", 10},
                                     {"latest_l4", 10}}));
}

TEST(MixTest, ParsesAListOfOnesOwn) {
  const auto mix = ParseMix("latest_l5=2.5,insert_20,exact=1");
  ASSERT_TRUE(mix.ok()) << mix.status();
  ASSERT_EQ(mix->size(), 3u);
  EXPECT_EQ((*mix)[0].level, 5);
  EXPECT_EQ((*mix)[0].weight, 2.5);
  EXPECT_EQ((*mix)[1].kind, OperationKind::kInsertBatch);
  EXPECT_EQ((*mix)[1].batch, 20);
  EXPECT_EQ((*mix)[1].weight, 1);
}

TEST(MixTest, SaysWhatIsWrong) {
  const struct {
    const char* text;
    const char* says;
  } cases[] = {
      {"", "unknown mix ''"},
      {"E", "use A, B, C, D"},
      {"latest_l0=1", "unknown operation 'latest_l0'"},
      {"latest_l6=1", "unknown operation 'latest_l6'"},
      {"insert_1=1", "unknown operation 'insert_1'"},
      {"insert_99999999999999999999=1", "unknown operation"},
      {"exact=0", "weight \"0\""},
      {"exact=-1", "weight \"-1\""},
      {"exact=nan", "weight \"nan\""},
      {"exact=inf", "weight \"inf\""},
      {"exact= 1", "weight \" 1\""},
      {"exact=0x10", "weight \"0x10\""},
      {"exact=1e999", "weight \"1e999\""},
      {"latest_l 3", "latest_l 3"},
      {"insert_0x10", "insert_0x10"},
      {"exact=", "weight \"\""},
      {"exact=1,exact=2", "occurs twice"},
      {"exact=1,", "unknown operation ''"},
  };
  for (const auto& test : cases) {
    const auto mix = ParseMix(test.text);
    EXPECT_EQ(mix.status().code(), absl::StatusCode::kInvalidArgument)
        << test.text;
    EXPECT_THAT(std::string(mix.status().message()), HasSubstr(test.says));
  }
}

TEST(MixTest, SetBatchRenamesWhatItResizes) {
  auto mix = *ParseMix("B");
  SetBatch(250, &mix);
  EXPECT_EQ(mix[0].name, "insert_250");
  EXPECT_EQ(mix[0].batch, 250);
  EXPECT_EQ(mix[1].name, "latest_l2");
}

// A read at level k asks for a prefix of k components, an offset stays in its
// range, a batch has its size: for any stream.
TEST(RequestTest, DrawsWhatTheOperationSays) {
  std::set<int64_t> offsets;
  for (const char* text : {"A", "B", "C", "D", "latest_l5=1"}) {
    const auto mix = *ParseMix(text);
    for (uint64_t i = 0; i < 200; ++i) {
      for (const MixOperation& operation : mix) {
        Random random = Random::Stream(1, 0, i);
        Request request;
        request.Draw(operation, random);
        switch (operation.kind) {
          case OperationKind::kInsertSingle:
          case OperationKind::kInsertBatch:
            ASSERT_EQ(request.inserts().size(),
                      static_cast<size_t>(operation.batch));
            EXPECT_GE(request.inserts()[0].operation.created_at_us, kDataNowUs);
            break;
          case OperationKind::kExact:
            EXPECT_TRUE(ValidatePath(request.path).ok());
            break;
          default:
            EXPECT_EQ(Depth(request.path), operation.level);
            EXPECT_GE(request.offset, 0);
            EXPECT_LE(request.offset, kMaxOffset);
            offsets.insert(request.offset);
        }
      }
    }
  }
  EXPECT_GT(offsets.size(), 100u);
}

}  // namespace
}  // namespace opsbench::sidetable
