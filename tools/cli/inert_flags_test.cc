// What this test is afraid of: a flag that is accepted and does nothing. Every
// flag of run, compare, gate and history is here with what leaves it without
// effect, or as one that always acts; a new flag has to be added.

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing.h"

namespace opsbench {
namespace {

using ::testing::StartsWith;

// Acts whatever else is given.
constexpr char kActs[] = "";

struct Flags {
  const char* command;
  // By flag: arguments with which it cannot act, or kActs.
  std::map<std::string, std::vector<std::string>> flags;
};

constexpr char kSides[] =
    "fixtures/compare/recorded_1.7.1/base.json "
    "fixtures/compare/recorded_1.7.1/head.json ";
constexpr char kSide[] = "fixtures/compare/recorded_1.7.1/base.json ";

const std::vector<Flags>& AllFlags() {
  static const auto* all = new std::vector<Flags>{
      {"run",
       {{"--area", {"--area memtable,stress --filter ^Stress/Draw"}},
        {"--scale", {kActs}},
        {"--engines",
         {"--engines mysql --area memtable", "--engines redis --area stress",
          "--engines mysql,redis --area stress",
          "--engines redis --area stress,vector"}},
        {"--filter", {"--filter ^none$"}},
        {"--save", {kActs}},
        {"--compare", {kActs}},
        {"--fail-on", {"--fail-on slower"}},
        {"--seed", {kActs}},
        {"--repetitions", {kActs}},
        {"--peers", {kActs}},
        {"--stages", {kActs}}}},
      {"compare",
       {{"--filter", {absl::StrCat(kSides, "--filter ^none$")}},
        {"--metric", {absl::StrCat(kSides, "--metric none_us")}},
        {"--sort", {absl::StrCat(kSide, "--self-test 1 --sort name")}},
        {"--threshold", {kActs}},
        {"--confidence", {kActs}},
        {"--format", {absl::StrCat(kSide, "--self-test 1 --format csv")}},
        {"--output", {absl::StrCat(kSide, "--self-test 1 --output x")}},
        {"--markdown-kib",
         {absl::StrCat(kSides, "--markdown-kib 100"),
          absl::StrCat(kSides, "--format csv --markdown-kib 100"),
          absl::StrCat(kSide, "--self-test 1 --markdown-kib 100")}},
        {"--rival",
         {absl::StrCat(kSides, "--rival a=b"),
          absl::StrCat(kSide, "--self-test 1 --rival a=b")}},
        {"--fail-on", {absl::StrCat(kSide, "--self-test 1 --fail-on same")}},
        {"--self-test", {absl::StrCat(kSides, "--self-test 1")}}}},
      {"gate",
       {{"--base", {"--self-test --base HEAD"}},
        {"--head", {"--base HEAD --head HEAD --allow-dirty"}},
        {"--exact-base", {"--self-test --exact-base"}},
        {"--allow-dirty", {"--self-test --allow-dirty"}},
        {"--filter", {kActs}},
        {"--area", {kActs}},
        {"--budget", {kActs}},
        {"--config", {kActs}},
        {"--format", {"--self-test --format json"}},
        {"--output", {"--self-test --output x"}},
        {"--report-only", {"--self-test --report-only"}},
        {"--always", {"--self-test --always"}},
        {"--preset", {kActs}},
        {"--seed", {"--self-test --seed 3"}},
        {"--self-test", {kActs}},
        {"--suites", {"--base HEAD --suites 5"}},
        {"--plant", {"--base HEAD --plant 5%"}}}},
      {"history",
       {{"--last", {kActs}},
        {"--sha", {kActs}},
        {"--rows", {kActs}},
        {"--area", {kActs}},
        {"--scale", {kActs}},
        {"--filter", {kActs}},
        {"--metric", {kActs}},
        {"--format", {kActs}}}}};
  return *all;
}

Outcome Opsbench(const TestFolder& folder, const std::string& text) {
  return RunOpsbench(folder.path(),
                     absl::StrSplit(text, ' ', absl::SkipEmpty()),
                     {absl::StrCat("OPSBENCH_ROOT=", folder.path().string())});
}

TEST(InertFlagsTest, EveryFlagIsKnown) {
  const TestFolder folder;
  for (const auto& [command, flags] : AllFlags()) {
    std::set<std::string> shown;
    const Outcome help = Opsbench(folder, absl::StrCat(command, " --help"));
    for (const absl::string_view line : absl::StrSplit(help.output, '\n')) {
      if (!absl::StartsWith(line, "  --")) continue;
      shown.emplace(line.substr(2, line.find_first_of(" :", 2) - 2));
    }
    std::set<std::string> known;
    for (const auto& [flag, without_effect] : flags) known.insert(flag);
    EXPECT_EQ(shown, known) << command;
  }
}

TEST(InertFlagsTest, AFlagThatCannotActIsRefused) {
  const TestFolder folder;
  for (const auto& [command, flags] : AllFlags()) {
    for (const auto& [flag, without_effect] : flags) {
      for (const std::string& arguments : without_effect) {
        if (arguments == kActs) continue;
        const Outcome outcome =
            Opsbench(folder, absl::StrCat(command, " ", arguments));
        SCOPED_TRACE(absl::StrCat(command, " ", arguments));
        EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
        EXPECT_THAT(outcome.errors, StartsWith("opsbench: "));
        EXPECT_EQ(
            std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
            << outcome.errors;
      }
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path() / ".opsbench"));
}

}  // namespace
}  // namespace opsbench
