#include "opsbench/profile/flame_graph.h"

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/profile/folded_stacks.h"

namespace opsbench::profile {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

StackProfile Folded(absl::string_view text) {
  StackProfile profile;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    EXPECT_TRUE(AddFoldedStack(line, &profile).ok()) << line;
  }
  return profile;
}

// A frame as the file holds it.
struct Drawn {
  int depth = 0;
  int64_t start = 0;
  int64_t total = 0;
  int64_t self = 0;
  std::string name;
  std::string kind;
  double left_pct = 0;
  double width_pct = 0;
  int y = 0;
};

nlohmann::json Data(const std::string& svg) {
  const std::string begin = "application/json\"><![CDATA[";
  const size_t at = svg.find(begin) + begin.size();
  return nlohmann::json::parse(svg.substr(at, svg.find("]]>", at) - at));
}

std::vector<Drawn> Frames(const std::string& svg) {
  const nlohmann::json data = Data(svg);
  std::vector<Drawn> frames;
  const std::regex form(
      "<g class=\"frame (\\w+) v[0-2](?: inlined)?\" "
      "data-f=\"(\\d+) (\\d+) (\\d+) (\\d+) (\\d+)\">.*"
      "<rect x=\"([0-9.]+)%\" y=\"(\\d+)\" width=\"([0-9.]+)%\".*");
  for (const std::string& line :
       std::vector<std::string>(absl::StrSplit(svg, '\n'))) {
    std::smatch match;
    if (!absl::StartsWith(line, "<g ")) continue;
    EXPECT_TRUE(std::regex_match(line, match, form)) << line;
    Drawn frame;
    frame.kind = match[1];
    frame.depth = std::stoi(match[2]);
    frame.start = std::stoll(match[3]);
    frame.total = std::stoll(match[4]);
    frame.self = std::stoll(match[5]);
    frame.name = data["names"][std::stoul(match[6])][0];
    frame.left_pct = std::stod(match[7]);
    frame.y = std::stoi(match[8]);
    frame.width_pct = std::stod(match[9]);
    frames.push_back(frame);
  }
  return frames;
}

TEST(FlameGraphTest, FramesAreAsWideAsTheirShareAndBelowTheirCallers) {
  const StackProfile profile =
      Folded("main;f;g 30\nmain;f 10\nmain;h 40\nother 20");
  const std::vector<Drawn> frames = Frames(RenderFlameGraph(profile, {}));
  ASSERT_EQ(frames.size(), 6u);
  std::map<std::string, Drawn> by_name;
  for (const Drawn& frame : frames) by_name[frame.name] = frame;
  EXPECT_EQ(by_name["all"].total, 100);
  EXPECT_EQ(by_name["main"].total, 80);
  EXPECT_EQ(by_name["f"].total, 40);
  EXPECT_EQ(by_name["f"].self, 10);
  EXPECT_EQ(by_name["g"].start, by_name["f"].start);
  EXPECT_EQ(by_name["h"].start, 40);
  EXPECT_EQ(by_name["other"].start, 80);
  EXPECT_EQ(by_name["g"].depth, 3);
  for (const Drawn& frame : frames) {
    EXPECT_NEAR(frame.left_pct, static_cast<double>(frame.start), 1e-3);
    EXPECT_NEAR(frame.width_pct, static_cast<double>(frame.total), 1e-3);
    EXPECT_EQ(frame.y - by_name["all"].y, 19 * frame.depth) << frame.name;
  }
}

// The script reads the tree from the order of the frames.
TEST(FlameGraphTest, AParentStandsBeforeItsChildren) {
  const StackProfile profile =
      Folded("a;b;c 1\na;b;d 2\na;e 3\nf;b;c 4\na 5\nf;g;h;i 6");
  const std::vector<Drawn> frames = Frames(RenderFlameGraph(profile, {}));
  ASSERT_EQ(frames.size(), profile.nodes().size());
  std::vector<Drawn> open;
  for (const Drawn& frame : frames) {
    open.resize(static_cast<size_t>(frame.depth));
    if (!open.empty()) {
      EXPECT_GE(frame.start, open.back().start);
      EXPECT_LE(frame.start + frame.total,
                open.back().start + open.back().total);
    }
    open.push_back(frame);
  }
}

TEST(FlameGraphTest, ShowsShortNamesAndKeepsFullOnes) {
  StackProfile profile;
  const std::string full = "long ns::Run<ns::A<int> >(int, ns::A<int>)";
  profile.Add({profile.Intern({full, "/x/program", FrameKind::kOurs, false}),
               profile.Intern({"memcpy", "/usr/lib/libc.so.6",
                               FrameKind::kLibrary, true})},
              5);
  const std::string svg = RenderFlameGraph(profile, {});
  const nlohmann::json names = Data(svg)["names"];
  ASSERT_EQ(names.size(), 3u);
  EXPECT_EQ(names[1], nlohmann::json({"ns::Run<…>", full, "/x/program"}));
  EXPECT_EQ(names[2], nlohmann::json({"memcpy", "", "/usr/lib/libc.so.6"}));
  EXPECT_THAT(svg, HasSubstr("<title>ns::Run&lt;…&gt; 100.00%</title>"));
  EXPECT_THAT(svg, HasSubstr("class=\"frame library v"));
  EXPECT_THAT(svg, HasSubstr(" inlined\""));
}

TEST(FlameGraphTest, LeavesOutWhatIsTooNarrow) {
  const StackProfile profile = Folded("a 99990\na;b 9\nc 1");
  FlameGraphOptions options;
  options.min_share = 0.0001;
  EXPECT_EQ(Frames(RenderFlameGraph(profile, options)).size(), 2u);
  options.min_share = 0;
  EXPECT_EQ(Frames(RenderFlameGraph(profile, options)).size(), 4u);
}

// Whatever a program calls its functions, the file is XML and its script is a
// script. (That an XML parser agrees is tested where xmllint is.)
TEST(FlameGraphTest, NamesCannotLeaveTheirPlace) {
  StackProfile profile;
  const std::string name = "</script><b>]]>&\"\x01\xff;a[b[0]]>(";
  profile.Add({profile.Intern({name, name, FrameKind::kOurs, false})}, 1);
  FlameGraphOptions options;
  options.title = name;
  options.subtitle = name;
  const std::string svg = RenderFlameGraph(profile, options);
  EXPECT_THAT(svg, Not(HasSubstr("</script><b>]]>")));
  EXPECT_THAT(svg, Not(HasSubstr("\x01")));
  EXPECT_THAT(svg, Not(HasSubstr("\xff")));
  const std::string kept = Data(svg)["names"][1][0];
  EXPECT_THAT(kept, HasSubstr("a[b[0]]>("));
  // Each CDATA section ends where it should: one end for each begin.
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(svg, "<![CDATA[")).size(),
            std::vector<std::string>(absl::StrSplit(svg, "]]>")).size());
}

TEST(FlameGraphTest, AnEmptyProfileIsAPictureToo) {
  const std::string svg = RenderFlameGraph(StackProfile(), {.title = "none"});
  EXPECT_EQ(Frames(svg).size(), 1u);
  EXPECT_TRUE(absl::EndsWith(svg, "</svg>\n"));
}

TEST(FlameGraphTest, ADeepStackNeedsNoDeepCallStack) {
  StackProfile profile;
  std::vector<int> stack;
  for (int i = 0; i < 20'000; ++i) {
    stack.push_back(profile.Intern(
        {absl::StrCat("f", i % 100), "", FrameKind::kOurs, false}));
  }
  profile.Add(stack, 1);
  EXPECT_EQ(Frames(RenderFlameGraph(profile, {})).size(), 20'001u);
  EXPECT_EQ(profile.Functions().size(), 100u);
}

}  // namespace
}  // namespace opsbench::profile
