// What users own on a Redis server is refused and stays, whatever vector search
// is asked to do, and what opsbench made earlier is not taken for something
// else.
//
// Servers: the tests' own Redis behind a stand-in for the search module; the
// one that OPSBENCH_VECTOR_REDIS_URL names, by its search module and its vector
// sets.

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/redis.h"
#include "opsbench/testing/test_servers.h"
#include "opsbench/vector/benchmark.h"
#include "opsbench/vector/testing_search_module.h"
#include "opsbench/vector/wire_backends.h"
#include "opsbench/vector/wire_test_data.h"

namespace opsbench::vector {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using Code = absl::StatusCode;
using Command = std::vector<std::string>;

enum class Kind { kStandIn, kSearch, kVectorSet };

class RedisOwnershipTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    const char* const named = std::getenv("OPSBENCH_VECTOR_REDIS_URL");
    if (GetParam() == Kind::kStandIn) {
      const auto url = TestServerUrl(Engine::kRedis);
      ASSERT_TRUE(url.ok()) << url.status();
      server_ = *url;
      server_.socket.clear();
      stand_in_ = std::make_unique<SearchModuleStandIn>(server_);
      url_ = stand_in_->url();
    } else if (named != nullptr && *named != '\0') {
      const auto url = Url::Parse(named);
      ASSERT_TRUE(url.ok()) << url.status();
      server_ = url_ = *url;
      WireOptions options;
      options.redis_kind =
          is_set() ? RedisIndexKind::kVectorSet : RedisIndexKind::kSearch;
      const absl::Status has =
          OpenWireEngine(url_, Metric::kCosine, options).status();
      if (!has.ok()) GTEST_SKIP() << has;
    } else {
      GTEST_SKIP() << "name a server with vector search in "
                      "OPSBENCH_VECTOR_REDIS_URL";
    }
    auto session = ConnectRedis(url_);
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    Clear();
  }

  void TearDown() override {
    if (session_ != nullptr) Clear();
    session_.reset();
  }

  bool is_set() const { return GetParam() == Kind::kVectorSet; }
  static std::string Name() { return WireTestName(1); }
  static std::string MarkKey() {
    return absl::StrCat("opsbench:index:", Name());
  }

  BenchmarkConfig Config() const {
    BenchmarkConfig config;
    config.backend = url_.ToString();
    config.engine = is_set() ? "vector_set" : "search";
    config.dataset = is_set() ? "sphere-200-8" : "clusters-200-8";
    config.index = Name();
    config.num_requests = 50;
    config.num_clients = 2;
    config.warmup = absl::ZeroDuration();
    config.ef_search = 200;
    return config;
  }

  RedisReply Ask(const Command& command) {
    session_->Append(
        std::vector<absl::string_view>(command.begin(), command.end()));
    std::vector<RedisReply> replies;
    (void)session_->Flush(&replies);
    EXPECT_EQ(replies.size(), 1U);
    return replies.empty() ? RedisReply() : replies[0];
  }

  // All keys of the test, and its index.
  void Clear() {
    (void)Ask({"FT.DROPINDEX", Name()});
    for (const auto& [key, dump] : Everything()) (void)Ask({"UNLINK", key});
  }

  // The contents of all keys of the test by name.
  std::map<std::string, std::string> Everything() {
    std::map<std::string, std::string> all;
    for (const char* pattern : {"*", ":*"}) {
      const RedisReply keys =
          Ask({"KEYS", absl::StrCat("*", WireTestName(1), pattern)});
      for (const RedisReply& key : keys.elements) {
        all[key.text] = Ask({"DUMP", key.text}).text;
      }
    }
    return all;
  }

  bool HasIndex() {
    return Ask({"FT.INFO", Name()}).type != RedisReply::Type::kError;
  }

  static absl::Status Load(const BenchmarkConfig& config,
                           Replace replace = Replace::kNothing) {
    VectorBenchmark benchmark;
    return benchmark.Load(config, replace).status();
  }

  static double RecallOf(const BenchmarkConfig& config) {
    VectorBenchmark benchmark;
    const auto result = benchmark.Run(config);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->recall_avg.value_or(0) : 0;
  }

  Url server_;  // Without the stand-in.
  Url url_;
  std::unique_ptr<SearchModuleStandIn> stand_in_;
  std::unique_ptr<RedisSession> session_;
};

// What a user may have under the names that a load uses.
std::vector<Command> ForeignThings(const std::string& name, bool set) {
  std::vector<Command> plants = {
      {"SET", "opsbench:index:" + name, "mine"},
      {"SET", "opsbench:index:" + name, "opsbench: sidetable seed"},
      {"RPUSH", "opsbench:index:" + name, "mine"},
  };
  if (set) {
    plants.push_back({"SET", name, "my ledger"});
    plants.push_back({"HSET", name, "field", "mine"});
    plants.push_back({"VADD", name, "VALUES", "3", "1", "2", "3", "mine"});
    return plants;
  }
  for (const char* row : {":1", ":products", ":", ":200", ":007"}) {
    plants.push_back({"HSET", name + row, "v", "mine"});
    plants.push_back({"SET", name + row, "mine"});
  }
  for (const std::string& prefix : {name + ":", std::string("elsewhere:")}) {
    plants.push_back({"FT.CREATE", name, "ON", "HASH", "PREFIX", "1", prefix,
                      "SCHEMA", "v", "VECTOR", "HNSW", "6", "TYPE", "FLOAT32",
                      "DIM", "2", "DISTANCE_METRIC", "L2"});
  }
  return plants;
}

TEST_P(RedisOwnershipTest, WhatOpsbenchDidNotMakeIsRefusedAndStays) {
  for (const Command& plant : ForeignThings(Name(), is_set())) {
    Clear();
    SCOPED_TRACE(absl::StrCat(plant[0], " ", plant[1]));
    ASSERT_NE(Ask(plant).type, RedisReply::Type::kError);
    const auto before = Everything();
    const bool had_index = HasIndex();
    VectorBenchmark benchmark;
    for (const absl::Status& status :
         {benchmark.Load(Config()).status(),
          benchmark.Load(Config(), Replace::kOurs).status(),
          benchmark.Run(Config()).status()}) {
      EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
      const std::string text(status.message());
      EXPECT_THAT(text, HasSubstr(plant[1]));
      EXPECT_THAT(text, HasSubstr("--replace-foreign"));
      EXPECT_THAT(text, Not(HasSubstr("\n")));
    }
    EXPECT_EQ(Everything(), before);
    EXPECT_EQ(HasIndex(), had_index);

    const absl::Status replaced =
        benchmark.Load(Config(), Replace::kForeign).status();
    EXPECT_TRUE(replaced.ok()) << replaced;
    const auto result = benchmark.Run(Config());
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_GE(result->recall_avg.value_or(0), 0.99);
  }
}

// Of its neighbours by name, none is touched; removing leaves nothing.
TEST_P(RedisOwnershipTest, OnlyWhatTheMarkCoversIsReplaced) {
  ASSERT_TRUE(Load(Config()).ok());
  const std::string near = Name() + "0:1";
  ASSERT_NE(Ask({"SET", near, "mine"}).type, RedisReply::Type::kError);
  ASSERT_TRUE(Load(Config(), Replace::kOurs).ok());
  EXPECT_EQ(Ask({"GETDEL", near}).text, "mine");
  EXPECT_GE(RecallOf(Config()), 0.99);
  if (is_set()) return;

  // A user's keys that came later are refused before anything is removed.
  for (const std::string& key : {Name() + ":mine", Name() + ":7"}) {
    ASSERT_TRUE(Load(Config(), Replace::kForeign).ok());
    ASSERT_EQ(Ask({"SET", key, "mine"}).text, "OK");
    BenchmarkConfig other = Config();
    other.build.m = 8;
    const auto before = Everything();
    const absl::Status status = Load(other, Replace::kOurs);
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(key));
    EXPECT_EQ(Everything(), before);
    EXPECT_TRUE(HasIndex());
  }
}

TEST_P(RedisOwnershipTest, AnIndexOfOtherDataOrOptionsIsNotSearched) {
  ASSERT_TRUE(Load(Config()).ok());
  std::vector<BenchmarkConfig> others(4, Config());
  others[0].open.seed = 2;
  others[1].build.m = 8;
  others[2].build.ef_construction = 100;
  others[3].dataset = is_set() ? "sphere-200-16" : "uniform-200-8";
  for (const BenchmarkConfig& other : others) {
    const auto before = Everything();
    VectorBenchmark benchmark;
    for (const absl::Status& status :
         {Load(other), benchmark.Run(other).status()}) {
      EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
      EXPECT_THAT(std::string(status.message()),
                  MatchesRegex("index .* holds 200 vectors .*, and asked for "
                               "are 200 vectors .*--replace"));
    }
    EXPECT_EQ(Everything(), before);
    ASSERT_TRUE(Load(other, Replace::kOurs).ok());
    EXPECT_GE(RecallOf(other), 0.99);
    ASSERT_TRUE(Load(Config(), Replace::kOurs).ok());
  }
  // It is found again, and not loaded twice.
  VectorBenchmark benchmark;
  const auto again = benchmark.Load(Config());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->was_there);
}

TEST_P(RedisOwnershipTest, AnInterruptedLoadIsDoneAgain) {
  std::atomic<bool> stop{false};
  {
    VectorBenchmark benchmark({.stop = &stop,
                               .on_progress =
                                   [&](const std::string& text) {
                                     if (text.rfind("building", 0) == 0)
                                       stop = true;
                                   },
                               .on_result = nullptr});
    const absl::Status status = benchmark.Load(Config()).status();
    ASSERT_EQ(status.code(), Code::kCancelled) << status;
  }
  EXPECT_THAT(Ask({"GET", MarkKey()}).text, HasSubstr("state=building"));
  VectorBenchmark benchmark;
  const auto loaded = benchmark.Load(Config());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_FALSE(loaded->was_there);
  EXPECT_GE(RecallOf(Config()), 0.99);
}

// Somebody, or an eviction, took rows, or wrote others into their place.
TEST_P(RedisOwnershipTest, ADamagedIndexIsNotSearched) {
  const Command take = is_set() ? Command{"VREM", Name(), "5"}
                                : Command{"UNLINK", Name() + ":5"};
  // The first row is one of those that are read back.
  const Command change =
      is_set() ? Command{"VADD", Name(), "VALUES", "8", "1", "0", "0",
                         "0",    "0",    "0",      "0", "0", "0", "NOQUANT"}
               : Command{"HSET", Name() + ":0", "v", std::string(32, 'x')};
  for (const Command& damage : {take, change}) {
    ASSERT_TRUE(Load(Config(), Replace::kOurs).ok());
    ASSERT_NE(Ask(damage).type, RedisReply::Type::kError);
    const absl::Status status = Load(Config());
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--replace"));
    const absl::Status replaced = Load(Config(), Replace::kOurs);
    EXPECT_TRUE(replaced.ok()) << replaced;
  }
}

// With a user who may not do all that a load takes.
TEST_P(RedisOwnershipTest, WhoseRightsDoNotCoverItGetsARefusal) {
  if (stand_in_ == nullptr) GTEST_SKIP() << "users are made on our own server";
  ASSERT_TRUE(Load(Config()).ok());
  const std::string user = WireTestName(2);
  for (const char* command : {"unlink", "scan", "set", "hset", "hlen"}) {
    ASSERT_EQ(Ask({"ACL", "SETUSER", user, "reset", "on", ">secret", "~*",
                   "+@all", absl::StrCat("-", command)})
                  .text,
              "OK");
    const auto before = Everything();
    Url limited = server_;
    limited.user = user;
    limited.password = "secret";
    {
      SearchModuleStandIn stand_in(limited);
      BenchmarkConfig config = Config();
      config.backend = stand_in.url().ToString();
      config.build.m = 8;
      // The stand-in does not know the index, whose rows it did not see.
      const absl::Status status = Load(config, Replace::kOurs);
      EXPECT_EQ(status.code(), Code::kPermissionDenied)
          << command << ": " << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr("NOPERM"));
    }
    // Rows that are gone were opsbench's, and the mark then says so.
    if (Everything() != before) {
      EXPECT_THAT(Ask({"GET", MarkKey()}).text, HasSubstr("state=building"));
    }
  }
  ASSERT_EQ(Ask({"ACL", "DELUSER", user}).integer, 1);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RedisOwnershipTest,
                         ::testing::Values(Kind::kStandIn, Kind::kSearch,
                                           Kind::kVectorSet),
                         [](const auto& kind) {
                           switch (kind.param) {
                             case Kind::kStandIn:
                               return "StandIn";
                             case Kind::kSearch:
                               return "Search";
                             case Kind::kVectorSet:
                               return "VectorSet";
                           }
                           return "";
                         });

}  // namespace
}  // namespace opsbench::vector
