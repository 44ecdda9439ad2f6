// `opsbench profile` as its users meet it, with the real tools. A machine on
// which perf may not record skips what needs it, and says so.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/profile/callgrind_output.h"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kGet[] = "/Get/impl:opsbench/items:1000/threads:1/";

class ProfileTest : public ::testing::Test {
 protected:
  Outcome Run(absl::string_view text,
              const std::vector<std::string>& variables = {}) const {
    std::vector<std::string> arguments =
        absl::StrSplit(text, ' ', absl::SkipEmpty());
    arguments.insert(arguments.begin(), "profile");
    std::vector<std::string> all = variables;
    all.push_back("OPSBENCH_ROOT=" + folder_.path().string());
    return RunOpsbench(folder_.path(), arguments, all);
  }
  std::string Path(absl::string_view name) const {
    return (folder_.path() / std::string(name)).string();
  }
  // What a shell command prints; the test's own folder is its only argument.
  std::string Shell(const std::string& command) const {
    std::string output;
    FILE* pipe = popen(command.c_str(), "r");
    char buffer[4096];
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
      output.append(buffer, got);
    }
    EXPECT_EQ(pclose(pipe), 0) << command << "\n" << output;
    return output;
  }

  const TestFolder folder_;
};

bool PerfIsRefused(const Outcome& outcome) {
  return outcome.exit_code == 2 &&
         (absl::StrContains(outcome.errors, "perf may not record") ||
          absl::StrContains(outcome.errors, "no perf events"));
}

// The flame graph is XML, holds what the table says, and is small enough for a
// browser; stacks begin where time counts.
TEST_F(ProfileTest, CpuSamplesWhereTimeCounts) {
  const Outcome outcome = Run(absl::StrCat(
      "memtable --scale smoke --seconds 1 --filter ", kGet, " --output ",
      Path("cpu.svg"), " --folded ", Path("stacks")));
  if (PerfIsRefused(outcome)) GTEST_SKIP() << outcome.errors;
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("samples of cpu-clock"));
  EXPECT_THAT(outcome.output, HasSubstr("opsbench::memtable"));
  EXPECT_THAT(Shell("xmllint --noout " + Path("cpu.svg") + " 2>&1"), "");

  int64_t all = 0;
  int64_t measured = 0;
  for (const std::string& line : std::vector<std::string>(
           absl::StrSplit(ReadText(Path("stacks")), '\n', absl::SkipEmpty()))) {
    int64_t weight = 0;
    ASSERT_TRUE(absl::SimpleAtoi(line.substr(line.rfind(' ') + 1), &weight));
    all += weight;
    // Kernel and libraries may cut a stack off above.
    if (absl::StrContains(line, "CallMeasured")) measured += weight;
    EXPECT_FALSE(absl::StrContains(line, "Fill<")) << line;
  }
  EXPECT_GT(static_cast<double>(measured), 0.7 * static_cast<double>(all));
  std::smatch root;
  const std::string svg = ReadText(Path("cpu.svg"));
  ASSERT_TRUE(
      std::regex_search(svg, root, std::regex("data-f=\"0 0 (\\d+) \\d+ 0\"")));
  EXPECT_EQ(std::stoll(root[1]), all);
}

// In a browser: a click zooms, Escape leaves the zoom, a search finds, and
// nothing throws.
TEST_F(ProfileTest, TheFlameGraphCanBeUsed) {
  if (std::system("command -v chromium >/dev/null") != 0) {
    GTEST_SKIP() << "no chromium here";
  }
  const Outcome outcome =
      Run(absl::StrCat("memtable --scale smoke --seconds 0.5 --filter ", kGet,
                       " --output ", Path("cpu.svg")));
  if (PerfIsRefused(outcome)) GTEST_SKIP() << outcome.errors;
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const std::string before =
      "<script>window.faults = []; window.addEventListener('error', "
      "(e) => window.faults.push(e.message));</script><script class=\"data\"";
  const std::string after = R"(<script><![CDATA[
    const shown = () => [...document.querySelectorAll('.frame')]
        .filter((e) => e.style.display !== 'none').length;
    const frame = [...document.querySelectorAll('.frame')].find((e) =>
        e.querySelector('title').textContent.includes('CallMeasured'));
    const results = [shown()];
    frame.dispatchEvent(new MouseEvent('click', {bubbles: true}));
    results.push(frame.querySelector('rect').getAttribute('width'));
    results.push(document.activeElement === frame);
    results.push(document.querySelector('.details').textContent
        .includes('opsbench::CallMeasured'));
    frame.dispatchEvent(new KeyboardEvent('keydown',
        {key: 'ArrowUp', bubbles: true}));
    results.push(document.activeElement !== frame);
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown',
        {key: 'Escape', bubbles: true}));
    results.push(shown() === results[0]);
    const search = document.querySelector('input');
    search.value = 'CallMeasured<';
    search.dispatchEvent(new Event('input'));
    results.push(frame.classList.contains('found'));
    search.value = '(';
    search.dispatchEvent(new Event('input'));
    results.push(document.querySelector('span.found').textContent !== '');
    document.documentElement.setAttribute('data-results',
        results.slice(1).join() + ' faults:' + window.faults.join());
  ]]></script></svg>)";
  std::ofstream(Path("test.svg")) << absl::StrReplaceAll(
      ReadText(Path("cpu.svg")),
      {{"<script class=\"data\"", before}, {"</svg>", after}});
  const std::string page =
      Shell("HOME=" + Path("") +
            " chromium --headless --no-sandbox --disable-gpu "
            "--user-data-dir=" +
            Path("browser") + " --dump-dom file://" + Path("test.svg") +
            " 2>/dev/null");
  EXPECT_THAT(page, HasSubstr("data-results=\"100%,true,true,true,true,true,"
                              "true faults:\""))
      << page.substr(0, 600);
}

TEST_F(ProfileTest, InstructionsAreThoseOfTheOperations) {
  const Outcome outcome =
      Run(absl::StrCat("memtable --scale smoke --instructions --filter ", kGet,
                       " --output ", Path("x.callgrind")));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  // A round of at least 2,000 reads at smoke scale.
  EXPECT_THAT(outcome.output, HasSubstr(" per operation of 2,000\n"));
  const auto costs =
      profile::ParseCallgrind(ReadText(Path("x.callgrind")), "x.callgrind");
  ASSERT_TRUE(costs.ok()) << costs.status();
  // A get is neither free nor does it include filling the table.
  EXPECT_GT(costs->TotalOf("Ir"), 2'000 * 20);
  EXPECT_LT(costs->TotalOf("Ir"), 2'000 * 500);

  // Counting is exact: again, the same but for a few of the clock.
  const Outcome again =
      Run(absl::StrCat("memtable --scale smoke --instructions --filter ", kGet,
                       " --output ", Path("y.callgrind")));
  const auto same =
      profile::ParseCallgrind(ReadText(Path("y.callgrind")), "y.callgrind");
  ASSERT_TRUE(same.ok()) << same.status() << again.errors;
  EXPECT_NEAR(static_cast<double>(same->TotalOf("Ir")),
              static_cast<double>(costs->TotalOf("Ir")),
              0.002 * static_cast<double>(costs->TotalOf("Ir")));
}

// Also with a size that has no power of two of sets, which valgrind refuses.
TEST_F(ProfileTest, CacheMissesOfACacheOfAnySize) {
  const Outcome outcome =
      Run(absl::StrCat("memtable --scale smoke --cache --last-level-kib 36000 "
                       "--filter ",
                       kGet));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("D1 cache: "));
  EXPECT_THAT(outcome.output, ContainsRegex("LL cache: 35[0-9]+ B"));
  EXPECT_THAT(outcome.output, HasSubstr("D1 misses of reads"));
  EXPECT_TRUE(fs::exists(folder_.path() / ".opsbench" / "profiles"));
}

TEST_F(ProfileTest, HeapAtItsPeak) {
  const Outcome outcome =
      Run(absl::StrCat("memtable --scale smoke --heap --filter ", kGet,
                       " --output ", Path("heap.svg")));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("peak heap memory consumption:"));
  EXPECT_THAT(outcome.output, HasSubstr("opsbench::"));
  Shell("xmllint --noout " + Path("heap.svg") + " " +
        Path("heap-allocations.svg"));
}

TEST_F(ProfileTest, BadInputIsOneLineAndTouchesNothing) {
  std::ofstream(Path("no.data")) << "not a recording\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "which area"},
      {"nothing", "memtable"},
      {"memtable --heap --cache", "one at a time"},
      {"memtable --filter ^none$ --heap", "no benchmark"},
      {"memtable --scale huge", "huge"},
      {"memtable --frequency 0", "--frequency"},
      {"sidetable --engines oracle --heap", "oracle"},
      {"memtable --heap --last-level-kib 512", "--cache"},
      {"memtable --cache --folded x", "--folded"},
      {"--from " + Path("absent"), "no such file"},
      {"--from " + Path("no.data"), "no.data"},
      {"memtable --from " + Path("no.data"), "without AREA"},
  };
  for (const auto& [arguments, expected] : cases) {
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments << outcome.errors;
    EXPECT_THAT(outcome.errors, StartsWith("opsbench: ")) << arguments;
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
        << outcome.errors;
    EXPECT_THAT(outcome.errors, HasSubstr(expected)) << arguments;
  }
  EXPECT_FALSE(fs::exists(folder_.path() / ".opsbench"));
}

TEST_F(ProfileTest, AToolThatIsMissingIsNamedWithItsPackage) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "linux-perf"}, {"--cache", "valgrind"}, {"--heap", "heaptrack"}};
  for (const auto& [flag, package] : cases) {
    const Outcome outcome =
        Run(absl::StrCat("memtable ", flag), {"PATH=/nonexistent"});
    EXPECT_EQ(outcome.exit_code, 2) << flag;
    EXPECT_THAT(outcome.errors, HasSubstr(package));
    EXPECT_THAT(outcome.errors, HasSubstr("setup --with profile"));
  }
}

}  // namespace
}  // namespace opsbench
