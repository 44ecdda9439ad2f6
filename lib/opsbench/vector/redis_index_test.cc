// The codecs of Redis's engines against what servers answered
// (fixtures/vector/replies), and against what no server should answer.

#include "opsbench/vector/redis_index.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/vector/redis_recordings.h"
#include "opsbench/vector/wire_test_data.h"

namespace opsbench::vector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;
using Kind = ExchangeStep::Kind;

void ExpectNeighbors(const Dataset& data, const ExchangeStep& step,
                     const std::vector<Neighbor>& found) {
  const auto right = RightNeighbors(data, step.query, 10, step.filter);
  ASSERT_EQ(found.size(), right.size());
  for (size_t i = 0; i < right.size(); ++i) {
    EXPECT_EQ(found[i].id, right[i].id);
    EXPECT_NEAR(found[i].distance, right[i].distance,
                1e-5 * (1 + std::abs(right[i].distance)));
  }
}

RedisReply Converted(RedisReplyView view) {
  RedisReply reply;
  reply.type = view.type();
  reply.text = std::string(view.text());
  for (size_t i = 0; i < view.size(); ++i) {
    reply.elements.push_back(Converted(view[i]));
  }
  return reply;
}

void ExpectReply(const RedisIndex& index, const RedisIndex& ids,
                 const Dataset& data, const ExchangeStep& step,
                 const std::string& bytes) {
  const auto reply = ParseReply(bytes);
  ASSERT_TRUE(reply.ok()) << reply.status();
  std::vector<Neighbor> found;
  switch (step.kind) {
    case Kind::kGreeting:
      break;
    case Kind::kInserted:
      EXPECT_TRUE(index.ParseInsert(**reply).ok());
      break;
    case Kind::kRow:
      EXPECT_TRUE(index.CheckRow(data, step.row, Converted(**reply)).ok());
      EXPECT_EQ(index
                    .CheckRow(data, step.row + 1 - 2 * (step.row % 2),
                              Converted(**reply))
                    .code(),
                Code::kInternal);
      break;
    case Kind::kRemoved:
    case Kind::kDone:
      EXPECT_NE(RedisReplyView(**reply).type(), RedisReply::Type::kError);
      break;
    case Kind::kCount:
      EXPECT_EQ(index.ParseCount(**reply).value_or(-1), step.count);
      break;
    case Kind::kNoCount: {
      const auto count = index.ParseCount(**reply);
      EXPECT_TRUE(count.ok() ? *count == 0
                             : count.status().code() == Code::kNotFound)
          << count.status();
      break;
    }
    case Kind::kSearch: {
      const absl::Status status = index.ParseSearch(**reply, &found);
      ASSERT_TRUE(status.ok()) << status;
      ExpectNeighbors(data, step, found);
      break;
    }
    case Kind::kSearchIds: {
      const absl::Status status = ids.ParseSearch(**reply, &found);
      ASSERT_TRUE(status.ok()) << status;
      const auto right = RightNeighbors(data, step.query, 10, step.filter);
      ASSERT_EQ(found.size(), right.size());
      for (size_t i = 0; i < right.size(); ++i) {
        EXPECT_EQ(found[i].id, right[i].id);
        EXPECT_EQ(found[i].distance, static_cast<float>(i));
      }
      break;
    }
    case Kind::kBadSearch:
      EXPECT_FALSE(index.ParseSearch(**reply, &found).ok());
      EXPECT_TRUE(found.empty());
      break;
  }
}

bool IsRemoval(const Exchange& exchange) {
  return absl::StrContains(exchange.request, "FT.DROPINDEX") ||
         absl::StrContains(exchange.request, "UNLINK");
}

// The next exchange with the request of a step. Servers that cannot be had any
// more were recorded when rows were not read back and an index was removed
// otherwise: such exchanges are passed over, and such steps are not found.
size_t FindExchange(const std::vector<Exchange>& exchanges, size_t next,
                    const ExchangeStep& step) {
  for (size_t i = next; i < exchanges.size(); ++i) {
    if (exchanges[i].request == step.request) return i;
    if (!IsRemoval(exchanges[i])) break;
  }
  EXPECT_TRUE(step.kind == Kind::kRow || step.kind == Kind::kRemoved)
      << step.request;
  return exchanges.size();
}

// The commands are those that the servers were sent, and their answers, read,
// are the right ones.
TEST(RedisIndex, SpeaksAsRecorded) {
  int recordings = 0;
  for (const Server& server : Servers()) {
    for (const std::string& name : server.indexes) {
      for (const Metric metric : MetricsOf(name)) {
        SCOPED_TRACE(
            absl::StrCat(server.file, " ", name, " ", MetricName(metric)));
        const auto index = MakeIndex(server, name, metric);
        const auto data = RecordedData(metric);
        const auto ids = MakeIndex(server, name, metric, false);
        const auto steps = IndexScript(*index, *ids, *data);
        const auto exchanges = Recorded(
            absl::StrCat(server.file, ".", name, ".", MetricName(metric)));
        size_t next = 0;
        for (const ExchangeStep& step : steps) {
          const size_t at = FindExchange(exchanges, next, step);
          if (at == exchanges.size()) continue;
          ExpectReply(*index, *ids, *data, step, exchanges[at].reply);
          next = at + 1;
        }
        EXPECT_EQ(next, exchanges.size());
        ++recordings;
      }
    }
  }
  EXPECT_EQ(recordings, 11);
}

// Whatever comes, the answer is an error of one line and nothing found, or
// neighbours in their order.
void ExpectSane(const RedisIndex& index, const redisReply& reply) {
  std::vector<Neighbor> found = {{-1, 0}};
  const absl::Status status = index.ParseSearch(reply, &found);
  if (!status.ok()) {
    EXPECT_TRUE(found.empty());
  }
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
  for (const Neighbor& neighbor : found) EXPECT_GE(neighbor.id, 0);
  const auto count = index.ParseCount(reply);
  if (count.ok()) {
    EXPECT_GE(*count, 0);
  }
}

std::vector<std::unique_ptr<RedisIndex>> AllIndexes() {
  std::vector<std::unique_ptr<RedisIndex>> indexes;
  for (const Server& server : Servers()) {
    for (const std::string& name : server.indexes) {
      for (const bool distances : {false, true}) {
        indexes.push_back(MakeIndex(server, name, Metric::kCosine, distances));
      }
    }
  }
  return indexes;
}

// Recorded replies with a few bytes changed, taken out or doubled.
TEST(RedisIndex, SpoiltRepliesAreTakenOrRefused) {
  const auto indexes = AllIndexes();
  Random random(7);
  int parsed = 0;
  for (const Server& server : Servers()) {
    for (const std::string& name : server.indexes) {
      for (const Exchange& exchange :
           Recorded(absl::StrCat(server.file, ".", name, ".cosine"))) {
        for (int round = 0; round < 100; ++round) {
          std::string bytes = exchange.reply;
          for (uint64_t n = random.Below(4); !bytes.empty();) {
            const size_t at = random.Below(bytes.size());
            const size_t size = random.Below(8) + 1;
            switch (random.Below(4)) {
              case 0:
                bytes[at] = static_cast<char>(random.Below(256));
                break;
              case 1:
                bytes[at] = ":$*-+_,\r\n0123456789"[random.Below(19)];
                break;
              case 2:
                bytes.erase(at, size);
                break;
              default:
                bytes.insert(at, bytes.substr(at, size));
            }
            if (n-- == 0) break;
          }
          const auto reply = ParseReply(bytes);
          if (!reply.ok()) continue;
          ++parsed;
          for (const auto& index : indexes) ExpectSane(*index, **reply);
        }
      }
    }
  }
  // Or the codecs saw none of them.
  EXPECT_GT(parsed, 1'000);
}

// A value of any shape, of words that replies are made of.
void AppendAnyValue(Random& random, int depth, std::string* out) {
  static constexpr absl::string_view kWords[] = {"recorded:0",
                                                 "recorded:7",
                                                 "recorded:-1",
                                                 "recorded:",
                                                 "other:3",
                                                 "0",
                                                 "7",
                                                 "-1",
                                                 "0.5",
                                                 "nan",
                                                 "-inf",
                                                 "1e400",
                                                 "dist",
                                                 "num_docs",
                                                 "",
                                                 "hash_indexing_failures",
                                                 "Index Errors",
                                                 "99999999999999999999"};
  const uint64_t kind = random.Below(depth > 0 ? 6 : 4);
  if (kind == 0) {
    absl::StrAppend(out, ":", static_cast<int64_t>(random.Below(20)) - 4,
                    "\r\n");
  } else if (kind == 1) {
    absl::StrAppend(out, "$-1\r\n");
  } else if (kind < 4) {
    const absl::string_view word = kWords[random.Below(std::size(kWords))];
    absl::StrAppend(out, "$", word.size(), "\r\n", word, "\r\n");
  } else {
    const uint64_t size = random.Below(8);
    absl::StrAppend(out, "*", size, "\r\n");
    for (uint64_t i = 0; i < size; ++i) AppendAnyValue(random, depth - 1, out);
  }
}

TEST(RedisIndex, RepliesOfAnyShapeAreTakenOrRefused) {
  const auto indexes = AllIndexes();
  Random random(11);
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes;
    AppendAnyValue(random, 3, &bytes);
    const auto reply = ParseReply(bytes);
    ASSERT_TRUE(reply.ok()) << reply.status();
    for (const auto& index : indexes) ExpectSane(*index, **reply);
  }
}

absl::Status SearchStatus(const RedisIndex& index, absl::string_view bytes,
                          std::vector<Neighbor>* found) {
  const auto reply = ParseReply(bytes);
  if (!reply.ok()) return reply.status();
  return index.ParseSearch(**reply, found);
}

TEST(RedisIndex, WhatIsWrongWithAReplyIsSaid) {
  const Server server = Servers()[3];
  const auto search = MakeIndex(server, "redis_search", Metric::kL2);
  const auto set = MakeIndex(server, "redis_vector_set", Metric::kCosine);
  struct Case {
    const RedisIndex* index;
    absl::string_view reply;
    Code code;
    std::string text;
  };
  for (const Case& wrong : std::vector<Case>{
           {search.get(), ":1\r\n", Code::kInternal, "but an integer"},
           {search.get(), "*0\r\n", Code::kInternal, "but an array of 0"},
           {search.get(), "*2\r\n:1\r\n$1\r\na\r\n", Code::kInternal,
            "but an array of 2"},
           {search.get(), "*3\r\n:1\r\n$7\r\nother:1\r\n*0\r\n",
            Code::kInternal, "a key that is not recorded:<row>"},
           {search.get(), "*3\r\n:1\r\n$10\r\nrecorded:1\r\n$-1\r\n",
            Code::kInternal, "row 1 has no distance, its fields are nil"},
           {search.get(), "-recorded: no such index\r\n", Code::kNotFound,
            "no such index"},
           {search.get(), "-LOADING wait\r\n", Code::kUnavailable, "LOADING"},
           {set.get(), "*1\r\n$1\r\n7\r\n", Code::kInternal,
            "but an array of 1"},
           {set.get(), "*2\r\n$1\r\n7\r\n$3\r\n7.5\r\n", Code::kInternal,
            "element 0 is not a row, or its similarity no number"},
           {set.get(), "-WRONGTYPE of a key\r\n", Code::kInvalidArgument,
            "WRONGTYPE"},
       }) {
    std::vector<Neighbor> found = {{1, 1}};
    const absl::Status status = SearchStatus(*wrong.index, wrong.reply, &found);
    EXPECT_EQ(status.code(), wrong.code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(wrong.text));
    EXPECT_TRUE(found.empty());
  }
}

// RediSearch's distance of a query of zeros.
TEST(RedisIndex, NotANumberIsTheDistanceOfZeros) {
  const auto index = MakeIndex(Servers()[1], "redis_search", Metric::kCosine);
  std::vector<Neighbor> found;
  ASSERT_TRUE(SearchStatus(*index,
                           "*5\r\n:2\r\n"
                           "$10\r\nrecorded:4\r\n*2\r\n$4\r\ndist\r\n$4\r\n-nan"
                           "\r\n"
                           "$10\r\nrecorded:2\r\n*2\r\n$4\r\ndist\r\n$4\r\n-nan"
                           "\r\n",
                           &found)
                  .ok());
  EXPECT_THAT(found, ElementsAre(Neighbor{2, 1}, Neighbor{4, 1}));
}

TEST(RedisIndex, RowsThatTheServerCouldNotTakeAreAnError) {
  const auto index = MakeIndex(Servers()[1], "redis_search", Metric::kCosine);
  const auto reply = ParseReply(
      "*6\r\n$8\r\nnum_docs\r\n:3\r\n$22\r\nhash_indexing_failures\r\n:1\r\n"
      "$12\r\nIndex Errors\r\n*2\r\n$19\r\nlast indexing error\r\n$8\r\nbad "
      "blob\r\n");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(index->ParseCount(**reply).status().message(),
            "Redis: index recorded could not take 1 of the rows under "
            "recorded:: bad blob");
}

// Until a new index has looked through the keys that there are.
TEST(RedisIndex, FewerThanAllCanBeSearchedWhileTheServerScans) {
  const Server redis = Servers()[1];
  const Server valkey = Servers()[5];
  const auto count = [](const RedisIndex& index, absl::string_view flag,
                        absl::string_view flag_value, absl::string_view part,
                        absl::string_view part_value) {
    std::string bytes = "*6\r\n$8\r\nnum_docs\r\n:2000\r\n";
    for (const absl::string_view word : {flag, flag_value, part, part_value}) {
      absl::StrAppend(&bytes, "$", word.size(), "\r\n", word, "\r\n");
    }
    const auto reply = ParseReply(bytes);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return index.ParseCount(**reply).value_or(-1);
  };
  const auto search = MakeIndex(redis, "redis_search", Metric::kL2);
  const auto other = MakeIndex(valkey, "valkey_search", Metric::kL2);
  const auto redis_count = [&](absl::string_view flag, absl::string_view part) {
    return count(*search, "indexing", flag, "percent_indexed", part);
  };
  const auto valkey_count = [&](absl::string_view flag,
                                absl::string_view part) {
    return count(*other, "backfill_in_progress", flag,
                 "backfill_complete_percent", part);
  };
  EXPECT_EQ(redis_count("0", "1"), 2'000);
  EXPECT_EQ(redis_count("1", "0.5"), 999);
  EXPECT_EQ(redis_count("1", "1"), 1'999);
  EXPECT_EQ(redis_count("1", "nan"), 0);
  EXPECT_EQ(valkey_count("0", "1.000000"), 2'000);
  EXPECT_EQ(valkey_count("1", "0.500000"), 999);
  EXPECT_EQ(valkey_count("1", "0.000000"), 0);
}

TEST(RedisVectorSet, OptionsAreInTheCommand) {
  WireOptions options = RecordedOptions("redis_vector_set");
  options.vector_set.quantization = VectorSetOptions::Quantization::kInt8;
  options.vector_set.check_and_set = true;
  options.vector_set.m = 7;
  options.vector_set.ef_construction = 77;
  RedisFeatures features;
  features.vector_sets = true;
  const auto index = ChooseRedisIndex(features, Metric::kCosine, options);
  ASSERT_TRUE(index.ok()) << index.status();
  const auto data = RecordedData(Metric::kCosine);
  std::string command;
  EXPECT_EQ((*index)->AppendInsert(*data, 3, &command),
            ClusterSlot("recorded"));
  EXPECT_THAT(command, HasSubstr("\r\n3\r\n$3\r\nCAS\r\n$2\r\nQ8\r\n$2\r\nEF"
                                 "\r\n$2\r\n77\r\n"));
  EXPECT_THAT(command, HasSubstr("\r\n$1\r\nM\r\n$1\r\n7\r\n"));
}

// A file that nobody reads proves nothing.
TEST(Recordings, AreAllRead) {
  std::vector<std::string> known;
  for (const Server& server : Servers()) {
    known.push_back(server.file + ".greeting.resp");
    for (const std::string& name : server.indexes) {
      for (const Metric metric : MetricsOf(name)) {
        known.push_back(absl::StrCat(server.file, ".", name, ".",
                                     MetricName(metric), ".resp"));
      }
    }
  }
  std::vector<std::string> there;
  for (const auto& entry : std::filesystem::directory_iterator(kRecordings)) {
    if (entry.path().extension() == ".resp") {
      there.push_back(entry.path().filename());
    }
  }
  EXPECT_THAT(there, ::testing::UnorderedElementsAreArray(known));
}

}  // namespace
}  // namespace opsbench::vector
