// The flags of the side table's commands: each acts, or is refused.

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sidetable_testing.h"

namespace opsbench {
namespace {

using ::testing::HasSubstr;

// Every flag of every subcommand, with a command line beside which it would
// change nothing; "" where there is none, because it always changes something.
// A flag that is not here fails the test.
TEST_F(SidetableCommandTest, AFlagThatWouldChangeNothingIsRefused) {
  const std::map<std::string, std::map<std::string, std::string>> kIdle = {
      {"seed",
       {{"--engine", "--engine mysql"},
        {"--url", ""},
        {"--strategy", ""},
        {"--ops", ""},
        {"--seed", ""},
        {"--workers", "--workers 4"},
        {"--resume", "--resume --fresh"},
        {"--fresh", ""},
        {"--replace-foreign", "--replace-foreign"},
        {"--stages", ""}}},
      {"run",
       {{"--engine", "--engine postgres"},
        {"--url", ""},
        {"--strategy", ""},
        {"--ops", "--ops 7"},
        {"--seed", ""},
        {"--workers", ""},
        {"--mix", ""},
        {"--seconds", "--seconds 1 --operations 5"},
        {"--warmup", ""},
        {"--operations", ""},
        {"--rate", ""},
        {"--arrival", "--arrival poisson"},
        {"--batch-size", "--batch-size 10 --mix latest_l2"},
        {"--driver", "--driver connector"},
        {"--distinct", ""},
        {"--out", ""},
        {"--stages", ""}}},
      {"records",
       {{"--engine", "--engine mysql"},
        {"--url", ""},
        {"--strategy", ""},
        {"--ops", "--ops 7"},
        {"--seed", "--seed 9"}}},
      {"explain",
       {{"--engine", "--engine mysql"},
        {"--url", ""},
        {"--strategy", ""},
        {"--ops", "--ops 7"},
        {"--seed", "--seed 9"},
        {"--path", ""}}},
      {"validate",
       {{"--engine", "--engine mysql"},
        {"--url", ""},
        {"--strategy", ""},
        {"--ops", "--ops 7"},
        {"--seed", "--seed 9"},
        {"--path", ""}}},
      {"requests",
       {{"--engine", "--engine mysql --mix exact"},
        {"--url", ""},
        {"--strategy", ""},
        {"--ops", "--ops 7 --mix exact"},
        {"--seed", "--seed 9 --mix exact"},
        {"--mix", ""},
        {"--distinct", ""}}},
      {"compare",
       {{"--engine", "--engine mysql"},
        {"--url", ""},
        {"--strategy", ""},
        {"--ops", ""},
        {"--seed", ""},
        {"--seconds", ""}}}};
  ASSERT_EQ(OnSqlite("seed --ops 500").exit_code, 0);
  for (const auto& [command, flags] : kIdle) {
    const Outcome help = Sidetable(absl::StrCat(command, " --help"), "");
    for (const absl::string_view line : absl::StrSplit(help.output, '\n')) {
      const std::vector<std::string> words =
          absl::StrSplit(line, absl::ByAnyChar(" ,"), absl::SkipEmpty());
      if (words.empty() || !absl::StartsWith(line, "  --")) continue;
      if (words[0] == "--help") continue;
      EXPECT_EQ(flags.count(words[0]), 1u) << command << " " << words[0];
    }
    for (const auto& [flag, idle] : flags) {
      EXPECT_THAT(help.output, HasSubstr(flag)) << command;
      if (idle.empty()) continue;
      const Outcome outcome = OnSqlite(absl::StrCat(command, " ", idle));
      EXPECT_EQ(outcome.exit_code, 2) << command << " " << idle;
      ExpectOneLine(outcome.errors);
      EXPECT_THAT(outcome.errors, HasSubstr(flag)) << command << " " << idle;
      EXPECT_THAT(outcome.errors, HasSubstr("would change nothing"));
      EXPECT_EQ(outcome.output, "") << command << " " << idle;
    }
  }
  // What the data has may be said.
  EXPECT_EQ(OnSqlite("records --ops 500 --seed 1").exit_code, 0);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM operations"), 500);
}

}  // namespace
}  // namespace opsbench
