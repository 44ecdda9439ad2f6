// replay.json: what goes in comes out, what was changed is found and named, and
// two runs are the same exactly when their users did the same operations.

#include "opsbench/stress/replay.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace opsbench::stress {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::ordered_json;

StressConfig ConfigOf(uint64_t seed) {
  StressConfig config;
  config.engine = Engine::kPostgres;
  config.plan.seed = seed;
  config.plan.inserter_users = 2;
  config.plan.query_users = 1;
  config.plan.mixed_users = 1;
  config.duration_s = 0.1 + 0.2;
  config.faults = *ParseFaults("kill=2,reset");
  config.hyperd_log = "/x/hyperd.log";
  return config;
}

// As a run leaves it in which user i did operations[i].
Replay RunOf(const Plan& plan, const StressConfig& config,
             const std::vector<int64_t>& operations) {
  StressReport report;
  report.stop_reason = StopReason::kInterrupted;
  for (const User& user : plan.users) {
    const int64_t count = operations[static_cast<size_t>(user.id)];
    uint64_t hash = 0;
    for (int64_t index = 0; index < count; ++index) {
      hash = HashOperation(hash, index, plan.At(user, index));
    }
    report.users.push_back({.user = user, .operations = count, .hash = hash});
  }
  return MakeReplay(config, plan, &report);
}

Replay RunAs(uint64_t seed, const std::vector<int64_t>& operations) {
  const StressConfig config = ConfigOf(seed);
  return RunOf(Plan::Make(config.plan), config, operations);
}

// All bits set: more than a double holds.
constexpr uint64_t kSeed = 0xfedcba9876543211u;

std::string Error(const std::string& text) {
  const absl::StatusOr<Replay> replay = ParseReplay(text, "r.json");
  EXPECT_TRUE(absl::IsInvalidArgument(replay.status())) << replay.status();
  const std::string message(replay.status().message());
  EXPECT_THAT(message, AllOf(StartsWith("r.json: "), Not(HasSubstr("\n"))));
  return message;
}

TEST(ReplayTest, WhatGoesInComesOut) {
  const Replay written = RunAs(kSeed, {1'000, 0, 17, 1});
  const auto read = ParseReplay(FormatReplay(written), "r.json");
  ASSERT_TRUE(read.ok()) << read.status();
  for (const Setting& setting : Settings()) {
    EXPECT_EQ(setting.get(read->config), setting.get(written.config))
        << setting.name;
  }
  EXPECT_EQ(read->config.plan.seed, kSeed);
  EXPECT_EQ(read->database_seeds, written.database_seeds);
  ASSERT_EQ(read->users.size(), 4);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(read->users[i].user.seed, written.users[i].user.seed);
    EXPECT_EQ(read->users[i].user.user_class, written.users[i].user.user_class);
    EXPECT_EQ(read->users[i].user.database, written.users[i].user.database);
    EXPECT_EQ(read->users[i].operations, written.users[i].operations);
    EXPECT_EQ(read->users[i].hash, written.users[i].hash);
  }
  EXPECT_EQ(read->stop_reason, StopReason::kInterrupted);
  EXPECT_EQ(FormatReplay(*read), FormatReplay(written));

  // Its plan draws the same operations.
  const Plan plan = Plan::Make(written.config.plan);
  const Plan again = read->MakePlan();
  for (const User& user : plan.users) {
    for (int64_t index = 0; index < 200; ++index) {
      ASSERT_EQ(again.At(again.users[static_cast<size_t>(user.id)], index),
                plan.At(user, index));
    }
  }
}

TEST(ReplayTest, SeedsComeFromTheFileNotFromTheConfig) {
  Replay replay = RunAs(1, {0, 0, 0, 0});
  replay.users[2].user.seed = 0xabcdef0123456789u;
  replay.database_seeds[1] = 77;
  const auto read = ParseReplay(FormatReplay(replay), "r.json");
  ASSERT_TRUE(read.ok()) << read.status();
  const Plan plan = read->MakePlan();
  EXPECT_EQ(plan.users[2].seed, 0xabcdef0123456789u);
  EXPECT_EQ(plan.databases[1].seed, 77);
}

TEST(ReplayTest, ARunThatStartsHasNotStopped) {
  const StressConfig config = ConfigOf(5);
  const Replay start = MakeReplay(config, Plan::Make(config.plan), nullptr);
  const auto read = ParseReplay(FormatReplay(start), "r.json");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->stop_reason.has_value());
  EXPECT_EQ(read->users[3].operations, 0);
}

TEST(ReplayTest, FormattingAndTheOrderOfFieldsAreFree) {
  const Replay replay = RunAs(kSeed, {10, 20, 30, 40});
  const nlohmann::json sorted = nlohmann::json::parse(FormatReplay(replay));
  const auto read = ParseReplay(sorted.dump(), "r.json");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FormatReplay(*read), FormatReplay(replay));
}

TEST(ReplayTest, EveryTruncationIsFound) {
  const std::string text = FormatReplay(RunAs(1, {5, 5, 5, 5}));
  for (size_t size = 0; size + 2 < text.size(); ++size) {
    EXPECT_THAT(Error(text.substr(0, size)), HasSubstr("truncated"));
  }
}

TEST(ReplayTest, WhatIsNoJsonHasLineAndColumn) {
  EXPECT_THAT(Error("{\n  \"version\": 1,\n  config\n}"),
              HasSubstr("line 3, column 3"));
  EXPECT_THAT(Error("[]"), HasSubstr("is no object"));
  EXPECT_THAT(Error("{}"), HasSubstr("version is missing"));
}

TEST(ReplayTest, NumbersOutOfAllRangesAreRefused) {
  for (const char* number :
       {"1e400", "-1e400", "1e308", "0.5", "-1", "99999999999999999999"}) {
    const auto replay =
        ParseReplay(absl::StrCat("{\"version\": ", number, "}"), "replay.json");
    EXPECT_EQ(replay.status().code(), absl::StatusCode::kInvalidArgument)
        << number;
  }
}

TEST(ReplayTest, AnotherVersionIsRefused) {
  Json json = Json::parse(FormatReplay(RunAs(1, {5, 5, 5, 5})));
  json["version"] = 2;
  // Whatever else a later version holds.
  json.erase("users");
  EXPECT_THAT(Error(json.dump()), HasSubstr("version is 2"));
}

// Every field of every part, changed to another good value.
TEST(ReplayTest, EachEditIsFoundAndItsPartNamed) {
  const Json json = Json::parse(FormatReplay(RunAs(1, {5, 6, 7, 8})));
  struct Edit {
    Json::json_pointer field;
    Json value;
    const char* part;
  };
  std::vector<Edit> edits = {
      {Json::json_pointer("/config/duration"), "61", "config was edited"},
      {Json::json_pointer("/config/seed"), "2", "config was edited"},
      {Json::json_pointer("/config/think-min-ms"), "11", "config was edited"},
      {Json::json_pointer("/config/faults"), "kill", "config was edited"},
      {Json::json_pointer("/config/checksum"), "00", "config was edited"},
      {Json::json_pointer("/databases/1/seed"), "0000000000000001",
       "databases[1] was edited"},
      {Json::json_pointer("/end/stop_reason"), "DurationElapsed",
       "end was edited"},
      {Json::json_pointer("/end/stop_reason"), nullptr, "end was edited"},
  };
  for (int i = 0; i < 4; ++i) {
    const std::string user = absl::StrCat("/users/", i);
    const std::string part = absl::StrCat("users[", i, "] was edited");
    for (const auto& [key, value] : {std::pair<const char*, Json>("id", 9),
                                     {"class", "tester"},
                                     {"database", 5},
                                     {"seed", "0000000000000001"},
                                     {"operations", 99},
                                     {"hash", "ffffffffffffffff"},
                                     {"checksum", "ffffffffffffffff"}}) {
      Json edited = json;
      edited[Json::json_pointer(user + "/" + key)] = value;
      EXPECT_THAT(Error(edited.dump()), HasSubstr(part)) << key;
    }
  }
  for (const Edit& edit : edits) {
    Json edited = json;
    ASSERT_NE(edited[edit.field], edit.value);
    edited[edit.field] = edit.value;
    EXPECT_THAT(Error(edited.dump()), HasSubstr(edit.part));
  }
}

TEST(ReplayTest, PartsThatChangedPlacesAreFound) {
  Json json = Json::parse(FormatReplay(RunAs(1, {5, 6, 7, 8})));
  std::swap(json["users"][0], json["users"][1]);
  EXPECT_THAT(Error(json.dump()), HasSubstr("users[0] was edited"));
}

TEST(ReplayTest, PartsThatWereAddedOrRemovedAreFound) {
  const Json json = Json::parse(FormatReplay(RunAs(1, {5, 6, 7, 8})));
  Json fewer = json;
  fewer["users"].erase(3);
  EXPECT_THAT(Error(fewer.dump()), HasSubstr("users has 3 entries"));
  Json more = json;
  more["databases"].push_back(more["databases"][0]);
  EXPECT_THAT(Error(more.dump()), HasSubstr("databases has 4 entries"));
}

TEST(ReplayTest, FieldsThatAreMissingOrOfAnotherTypeHaveTheirPath) {
  const Json json = Json::parse(FormatReplay(RunAs(1, {5, 6, 7, 8})));
  struct Fault {
    const char* field;
    Json value;  // Discarded: the field is removed.
    const char* message;
  };
  const Json removed = Json::parse("", nullptr, false);
  const std::vector<Fault> faults = {
      {"/version", "1", "version is no whole number"},
      {"/version", -1, "version is no whole number"},
      {"/config", removed, "config is missing"},
      {"/config", 7, "config is no object"},
      {"/config/log-mode", removed, "config.log-mode is missing"},
      {"/config/duration", 60, "config.duration is no text"},
      {"/config/duration", "soon", "config.duration must be a number"},
      {"/config/checksum", removed, "config.checksum is missing"},
      {"/databases", removed, "databases is missing"},
      {"/databases", "none", "databases is no list"},
      {"/databases/0", 1, "databases[0] is no object"},
      {"/databases/0/seed", "1", "databases[0].seed is not of 16"},
      {"/users/3/seed", 12345, "users[3].seed is no text"},
      {"/users/3/seed", "000000000000000g", "users[3].seed is not of 16"},
      {"/users/2/operations", -1, "users[2].operations is no whole number"},
      {"/users/2/operations", 1.5, "users[2].operations is no whole number"},
      {"/users/2/operations", uint64_t{1} << 63,
       "users[2].operations is no whole number"},
      {"/users/1/hash", removed, "users[1].hash is missing"},
      {"/end", removed, "end is missing"},
      {"/end/stop_reason", "Tired", "end.stop_reason \"Tired\""},
      {"/end/stop_reason", 3, "end.stop_reason is no text"},
  };
  for (const Fault& fault : faults) {
    Json broken = json;
    const Json::json_pointer pointer(fault.field);
    if (fault.value.is_discarded()) {
      broken[pointer.parent_pointer()].erase(pointer.back());
    } else {
      broken[pointer] = fault.value;
    }
    EXPECT_THAT(Error(broken.dump()), HasSubstr(fault.message));
  }
}

// --- Two runs ---

TEST(CompareReplaysTest, UsersThatStoppedElsewhereDidTheSame) {
  const auto comparison =
      CompareReplays(RunAs(3, {500, 40, 0, 77}), RunAs(3, {40, 500, 9, 77}));
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_TRUE(comparison->equal());
  ASSERT_EQ(comparison->users.size(), 4);
  EXPECT_EQ(comparison->users[0].compared, 40);
  EXPECT_EQ(comparison->users[1].compared, 40);
  EXPECT_EQ(comparison->users[2].compared, 0);
  EXPECT_EQ(comparison->users[3].compared, 77);
}

TEST(CompareReplaysTest, AnotherSeedOfOneUserIsThatUsersDifference) {
  for (const auto& [first, second] : {std::pair(50, 60), {60, 50}, {55, 55}}) {
    const StressConfig config = ConfigOf(3);
    const Plan plan = Plan::Make(config.plan);
    const Replay before = RunOf(plan, config, {first, first, first, first});
    Plan changed = plan;
    changed.users[1].seed ^= 1;
    const Replay again =
        RunOf(changed, config, {second, second, second, second});
    const auto comparison = CompareReplays(before, again);
    ASSERT_TRUE(comparison.ok()) << comparison.status();
    EXPECT_FALSE(comparison->equal());
    for (const auto& user : comparison->users) {
      EXPECT_EQ(user.equal, user.user != 1) << user.user;
    }
  }
}

// A run whose users drew something else although their seeds are the same:
// what a replay is there to find.
TEST(CompareReplaysTest, AHashThatTheSeedsDoNotGiveIsADifference) {
  for (const auto& [first, second] : {std::pair(50, 60), {60, 50}, {55, 55}}) {
    const Replay before = RunAs(3, {first, first, first, first});
    Replay again = RunAs(3, {second, second, second, second});
    again.users[2].hash ^= 1;
    const auto comparison = CompareReplays(before, again);
    ASSERT_TRUE(comparison.ok()) << comparison.status();
    for (const auto& user : comparison->users) {
      EXPECT_EQ(user.equal, user.user != 2) << user.user;
    }
  }
}

TEST(CompareReplaysTest, OtherSettingsAreOtherOperations) {
  const Replay before = RunAs(3, {50, 50, 50, 50});
  StressConfig config = ConfigOf(3);
  config.plan.batch_max = 9'999;
  const Replay again = RunOf(Plan::Make(config.plan), config, {60, 60, 60, 60});
  const auto comparison = CompareReplays(before, again);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_FALSE(comparison->equal());
}

TEST(CompareReplaysTest, OtherUsersAreNotCompared) {
  const Replay before = RunAs(3, {5, 5, 5, 5});
  StressConfig config = ConfigOf(3);
  config.plan.mixed_users = 2;
  EXPECT_TRUE(absl::IsInvalidArgument(
      CompareReplays(before,
                     RunOf(Plan::Make(config.plan), config, {5, 5, 5, 5, 5}))
          .status()));
  config = ConfigOf(3);
  config.plan.query_users = 2;
  config.plan.mixed_users = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(
      CompareReplays(before,
                     RunOf(Plan::Make(config.plan), config, {5, 5, 5, 5}))
          .status()));
}

}  // namespace
}  // namespace opsbench::stress
