// opsbench vector, as a user calls it.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/db/redis.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/server/private_server.h"
#include "testing.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;

class VectorCommandTest : public ::testing::Test {
 protected:
  Outcome Vector(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "vector");
    return Running(folder(), arguments,
                   {absl::StrCat("OPSBENCH_ROOT=", folder().string())})
        .Wait();
  }

  const fs::path& folder() const { return folder_.path(); }
  std::string Path(const char* name) const {
    return (folder() / name).string();
  }

 private:
  TestFolder folder_;
};

TEST_F(VectorCommandTest, QueryAloneFindsASettingAndPrintsTheCommand) {
  const Outcome outcome =
      Vector({"query", "--dataset", "clusters-1k-16", "--min-recall", "0.9",
              "--seconds", "0.05", "--budget", "5", "--output-dir", Path("run"),
              "--output", Path("o.csv")});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors << outcome.output;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("clusters-1k-16: 1000 vectors of dimension 16"),
                    HasSubstr("Best: ef_search"), HasSubstr("Recall"),
                    HasSubstr("tools/opsbench vector query --backend hnsw "
                              "--dataset clusters-1k-16 --k 10 --ef ")));
  for (const char* file : {"run/run.json", "run/vector.json", "run/results.csv",
                           "run/report.html", "o.csv"}) {
    EXPECT_TRUE(fs::exists(folder() / file)) << file;
  }
  const auto rows = results::ReadBenchmarkFile(Path("run/vector.json"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_THAT(rows->rows, SizeIs(Gt(4u)));
  EXPECT_THAT(ReadText(folder() / "run/report.html"),
              HasSubstr("Recall against throughput"));
  // The command that it prints works.
  const size_t at = outcome.output.find("tools/opsbench vector ");
  const std::string line =
      outcome.output.substr(at + 22, outcome.output.find('\n', at) - at - 22);
  const Outcome again = Vector(absl::StrSplit(line, ' '));
  EXPECT_EQ(again.exit_code, 0) << again.errors;
  EXPECT_THAT(again.output, Not(HasSubstr("Best:")));
}

TEST_F(VectorCommandTest, TuneSaysWhatIsOutOfReach) {
  const Outcome outcome =
      Vector({"tune", "--dataset", "sphere-2k-32", "--ef", "10,11,12",
              "--clients", "1", "--min-recall", "1", "--seconds", "0.02",
              "--max-evaluations", "6"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.errors;
  EXPECT_THAT(outcome.output,
              HasSubstr("No setting keeps the constraints. Closest: "
                        "ef_search 12"));
}

TEST_F(VectorCommandTest, WhatCannotBeTunedIsToldBeforeAnythingIsBuilt) {
  for (const auto& [arguments, said] :
       {std::pair(std::vector<std::string>{"--ef", "20", "--clients", "1"},
                  "nothing to tune"),
        {{"--budget", "0"}, "--budget: expected a time"},
        {{"--ef", "20..10"}, "--ef: \"20..10\""}}) {
    std::vector<std::string> all = {"tune", "--dataset", "clusters-1k-16"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Outcome outcome = Vector(all);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.output, "");
    EXPECT_THAT(outcome.errors, HasSubstr(said));
  }
}

// Of a rate that cannot be kept the warm-up ends at its time, and the user is
// told.
TEST_F(VectorCommandTest, ARateThatIsNotKeptIsSaid) {
  for (const std::string backend : {"hnsw", "redis"}) {
    std::vector<std::string> all = {
        "query", "--backend", backend, "--rate",   "50000000", "--clients",
        "1",     "--seconds", "0.001", "--warmup", "0.001"};
    if (backend == "redis") {
      all.insert(all.end(), {"-t", "ping"});
    } else {
      all.insert(all.end(), {"--ef", "10", "--dataset", "clusters-1k-16"});
    }
    const Outcome outcome = Vector(all);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("The rate was not kept"));
  }
}

TEST_F(VectorCommandTest, GridMeasuresAllAndKeepsSome) {
  const Outcome outcome =
      Vector({"grid", "--dataset", "clusters-1k-16", "--backend", "faiss_ivf",
              "--lists", "16", "--ef", "1..4", "--clients", "1,2", "--seconds",
              "0.02", "--keep", "recall>=0.5", "--output", Path("grid.json")});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("8 of 8 settings measured"));
  const auto rows = results::ReadBenchmarkFile(Path("grid.json"));
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_THAT(rows->rows, SizeIs(8));
}

TEST_F(VectorCommandTest, PlainCommandsOnAPrivateRedis) {
  const Outcome outcome =
      Vector({"query", "--backend", "redis", "-t", "get", "--clients", "5",
              "--pipeline", "4", "--requests", "2000", "--key-space", "100"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors << outcome.output;
  EXPECT_THAT(outcome.errors, HasSubstr("redis: a private server"));
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("2000 requests"), HasSubstr("Round trip"),
                    HasSubstr(", get, 5 clients, pipeline 4")));
}

// Each stage is over before the next begins, and that of the operation is the
// timed part: nothing of the set-up, which it once was for nine tenths, is in
// it.
TEST_F(VectorCommandTest, StagesCoverWhatTheyName) {
  const Outcome outcome =
      Vector({"query", "--backend", "redis", "-t", "get", "--requests", "200",
              "--key-space", "100", "--stages"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  std::vector<std::string> stages;
  for (const absl::string_view line : absl::StrSplit(outcome.errors, '\n')) {
    for (const absl::string_view mark : {"[STAGE:START] ", "[STAGE:END] "}) {
      if (!absl::StartsWith(line, mark)) continue;
      const std::string name(line.substr(mark.size()));
      stages.push_back(absl::StrCat(mark == "[STAGE:END] " ? "/" : "",
                                    name.substr(0, name.find(':'))));
    }
  }
  EXPECT_THAT(stages,
              ElementsAre("baseline", "/baseline", "populate", "/populate",
                          "warmup", "/warmup", "get", "/get"));
}

TEST_F(VectorCommandTest, StagesOfASearchInThisProcess) {
  const Outcome outcome =
      Vector({"query", "--dataset", "clusters-1k-16", "--ef", "10", "--clients",
              "1", "--requests", "50", "--stages"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const size_t load = outcome.errors.find("[STAGE:END] load:");
  const size_t warmup = outcome.errors.find("[STAGE:END] warmup:");
  const size_t query = outcome.errors.find("[STAGE:START] vec-query:");
  EXPECT_NE(load, std::string::npos);
  EXPECT_LT(load, warmup);
  EXPECT_LT(warmup, query);
  EXPECT_THAT(outcome.errors, Not(HasSubstr("STAGE:START] measure")));
}

// What is not measured, or not on what was named, is not reported either.
TEST_F(VectorCommandTest, FlagsThatDoNothingAreRefused) {
  for (const auto& [arguments, said] :
       {std::pair(std::vector<std::string>{"--engine", "redis", "--ef", "20"},
                  "--engine does nothing with --backend hnsw"),
        {{"--engine", "elephant"}, "--engine does nothing"},
        {{"--backend", "redis", "--engine", "elephant"},
         "there are auto, search and vector_set"},
        {{"--lists", "7"}, "(it is for faiss_ivf)"},
        {{"--threads", "2"}, "--threads does nothing"},
        {{"--backend", "redis", "-t", "get", "--k", "5"},
         "--k does nothing with --operation get"},
        {{"--dataset", "clusters-1k-16", "--truth", "t.ivecs"},
         "makes its own queries and neighbours"},
        {{"--filter-tag", "999999", "--dataset", "clusters-1k-16"},
         "passes none of the 1000 vectors"}}) {
    std::vector<std::string> all = {"query"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Outcome outcome = Vector(all);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.errors;
    EXPECT_EQ(outcome.output, "");
    EXPECT_THAT(outcome.errors, HasSubstr(said));
    EXPECT_THAT(outcome.errors, MatchesRegex("opsbench: [^\n]*\n"));
  }
}

// Latency that no measurement has: the figures are told, and that they break
// it.
TEST_F(VectorCommandTest, AConstraintIsCheckedOnWhatIsReported) {
  const Outcome outcome =
      Vector({"query", "--dataset", "clusters-1k-16", "--ef", "10", "--clients",
              "1", "--requests", "50", "--max-p99-ms", "0.000001"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("Constraints  broken: p99 "));
}

TEST_F(VectorCommandTest, AServerWithoutSearchIsToldWhatItLacks) {
  const Outcome outcome = Vector({"query", "--backend", "redis", "--dataset",
                                  "clusters-1k-16", "--ef", "10"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.errors, AllOf(HasSubstr("Redis 7"), HasSubstr("FT.")));
}

// What users own on a server, under each name that a measurement would write.
TEST_F(VectorCommandTest, KeysOfOthersAreRefusedAndStay) {
  auto server = PrivateServer::Start({.kind = ServerKind::kRedis});
  ASSERT_TRUE(server.ok()) << server.status();
  auto session = ConnectRedis(*Url::Parse((*server)->url()));
  ASSERT_TRUE(session.ok()) << session.status();
  for (const char* operation : {"set", "get", "incr"}) {
    for (const char* key :
         {"ops:000000000003", "ops:counter:000000000003", "ops:mark"}) {
      ASSERT_TRUE((*session)->Execute({"RPUSH", key, "mine"}).ok());
    }
    const Outcome outcome = Vector({"query", "--backend", (*server)->url(),
                                    "-t", operation, "--requests", "10"});
    EXPECT_EQ(outcome.exit_code, 2) << outcome.errors;
    EXPECT_THAT(outcome.errors,
                MatchesRegex("opsbench: key ops:[^\n]*rename it[^\n]*\n"));
    const auto keys = (*session)->Execute({"DBSIZE"});
    ASSERT_TRUE(keys.ok()) << keys.status();
    EXPECT_EQ(keys->integer, 3);
    ASSERT_TRUE((*session)->Execute({"FLUSHDB"}).ok());
  }
}

TEST_F(VectorCommandTest, FaultsAreOneLineAndUsage) {
  std::ofstream(Path("bad.fvecs")) << "no vectors";
  const auto expect = [&](std::vector<std::string> arguments,
                          const char* said) {
    arguments.insert(arguments.begin(), "query");
    const Outcome outcome = Vector(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.errors;
    EXPECT_THAT(outcome.errors, HasSubstr(said));
    EXPECT_THAT(outcome.errors, MatchesRegex("opsbench: [^\n]*\n"));
  };
  expect({"--dataset", Path("bad.fvecs")}, "bad.fvecs");
  expect({"--dataset", "nowhere"}, "nowhere");
  expect({"--backend", "hnsww"}, "hnswlib");
  expect({"--ef", "0x"}, "--ef: \"0x\"");
  expect({"--k", "0"}, "--k: expected");
  expect({"--min-recall", "1.5"}, "--min-recall");
  expect({"--seconds", "soon"}, "--seconds: expected a time");
  expect({"--filter-number", "1"}, "--filter-number");
  expect({"--output", Path("a.txt")}, ".csv, .json or .html");
  expect({"--output", Path("none/a.csv")}, "there is no folder");
  expect({"--output-dir", Path("bad.fvecs")}, "is no folder");
  expect({"--output", "/proc/a.csv"}, "cannot write");
  expect({"--clients", "5000"}, "each is a thread");
  expect({"-t", "get"}, "--backend redis");
  expect({"--replace"}, "--replace does nothing");
  expect({"--replace-foreign"}, "--replace-foreign does nothing");
  expect({"--backend", "redis://127.0.0.1:1", "-t", "get", "--replace"},
         "--replace does nothing");
  expect({"--backend", "redis://127.0.0.1:6379", "-t", "gett"}, "gett");
}

}  // namespace
}  // namespace opsbench::cli
