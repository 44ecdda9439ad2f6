#include "opsbench/base/stage.h"

#include <fcntl.h>
#include <unistd.h>

#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

using ::testing::ElementsAre;
using ::testing::MatchesRegex;

// Signals go to a pipe; reading it ends them.
class StageTest : public ::testing::Test {
 protected:
  StageTest() { EXPECT_EQ(pipe(pipe_), 0); }
  ~StageTest() override {
    EnableStageSignals(-1);
    close(pipe_[0]);
  }

  void Enable() { EnableStageSignals(pipe_[1]); }
  std::vector<std::string> Lines() {
    EnableStageSignals(-1);
    close(pipe_[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got; (got = read(pipe_[0], buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<size_t>(got));
    }
    return absl::StrSplit(text, '\n', absl::SkipEmpty());
  }

  int pipe_[2];
};

TEST_F(StageTest, IsOffUntilEnabled) {
  { const Stage stage("measure"); }
  EXPECT_FALSE(StageSignalsEnabled());
  EXPECT_THAT(Lines(), ElementsAre());
}

TEST_F(StageTest, NestsAndEndsOnce) {
  Enable();
  {
    Stage outer("run", "area");
    { const Stage inner("measure", "Get/impl:a"); }
    outer.End();
    outer.End();
  }
  EXPECT_THAT(
      Lines(),
      ElementsAre(
          "[STAGE:START] run:area", "[STAGE:START] measure:Get/impl:a",
          MatchesRegex(
              "\\[STAGE:END\\] measure:Get/impl:a duration=[0-9]+\\.[0-9]{3}s"),
          MatchesRegex(
              "\\[STAGE:END\\] run:area duration=[0-9]+\\.[0-9]{3}s")));
}

// A stage that began while signals were off has nothing to end.
TEST_F(StageTest, AStageThatWasNotStartedDoesNotEnd) {
  {
    const Stage stage("setup");
    Enable();
  }
  EXPECT_THAT(Lines(), ElementsAre());
}

TEST_F(StageTest, ATagCannotForgeALine) {
  Enable();
  { const Stage stage("measure", "a b\n[STAGE:END] c"); }
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "[STAGE:START] measure:a_b_[STAGE:END]_c");
}

// Eight threads with lines of different lengths into a pipe: a line that is
// torn or mixed with another matches neither its form nor the set of tags.
TEST_F(StageTest, LinesOfThreadsDoNotMix) {
  Enable();
  ASSERT_GT(fcntl(pipe_[1], F_SETPIPE_SZ, 1 << 20), 0);
  constexpr int kThreads = 8;
  constexpr int kStages = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < kStages; ++i) {
        const Stage stage(
            "s", absl::StrCat(t, "-", i, std::string(10 * t + i % 7, 'x')));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::multiset<std::string> starts;
  std::multiset<std::string> ends;
  const std::regex form(
      R"(\[STAGE:(START|END)\] s:(\d+-\d+x*)( duration=\d+\.\d{3}s)?)");
  for (const std::string& line : Lines()) {
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, form)) << line;
    EXPECT_EQ(match[3].matched, match[1] == "END") << line;
    (match[1] == "START" ? starts : ends).insert(match[2]);
  }
  EXPECT_EQ(starts.size(), size_t{kThreads} * kStages);
  EXPECT_EQ(starts, ends);
}

}  // namespace
}  // namespace opsbench
