#include "opsbench/sidetable/path.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::sidetable {
namespace {

using ::testing::HasSubstr;

TEST(PathTest, AcceptsComponentsOfLowerCaseDigitsAndUnderscore) {
  for (const char* path :
       {"a", "labs.result_webhooks.quest", "0._.z9", "a.b.c.d.e"}) {
    EXPECT_TRUE(ValidatePath(path).ok()) << path;
  }
  EXPECT_TRUE(ValidatePath(std::string(kMaxPathBytes, 'a')).ok());
}

TEST(PathTest, NamesTheComponentThatIsWrong) {
  const struct {
    std::string path;
    std::string says;
  } cases[] = {
      {"", "component ''"},
      {".", "component ''"},
      {"a..b", "component ''"},
      {"a.b.", "component ''"},
      {"labs.Result", "component 'Result'"},
      {"labs.a b", "component 'a b'"},
      {"labs.a-b", "component 'a-b'"},
      {"labs.'; DROP TABLE operations", "component ''; DROP TABLE operations'"},
      {"labs.\xc3\xa9t\xc3\xa9", "component '"},
      {"a.b.c.d.e.f", "6 levels"},
      {std::string(kMaxPathBytes + 1, 'a'), "192 bytes"},
  };
  for (const auto& test : cases) {
    const absl::Status status = ValidatePath(test.path);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << test.path;
    EXPECT_THAT(std::string(status.message()), HasSubstr(test.says));
  }
}

TEST(PathTest, PrefixesAreWholeComponents) {
  EXPECT_EQ(Depth("a"), 1);
  EXPECT_EQ(Depth("labs.result_webhooks.quest"), 3);
  EXPECT_EQ(Prefix("labs.result_webhooks.quest", 1), "labs");
  EXPECT_EQ(Prefix("labs.result_webhooks.quest", 2), "labs.result_webhooks");
  EXPECT_EQ(Prefix("labs.result_webhooks.quest", 3),
            "labs.result_webhooks.quest");
  std::string json;
  PrefixesAsJson("a.bc.d", &json);
  EXPECT_EQ(json, R"(["a","a.bc","a.bc.d"])");
}

// An underscore stands for any character in LIKE: unescaped, the pattern for
// a_b would find what lies under axb.
TEST(PathTest, LikePatternEscapesUnderscores) {
  std::string pattern;
  LikePattern("a_b.c", &pattern);
  EXPECT_EQ(pattern, "a!_b.c.%");
}

}  // namespace
}  // namespace opsbench::sidetable
