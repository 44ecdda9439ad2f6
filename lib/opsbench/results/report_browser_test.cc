// The report in a real browser: it renders without an error, shows the figures
// of its data, and does what its controls say. A script is added to the page
// that works the controls and tells the frame around it what it saw.

#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/internal/report_testing.h"
#include "opsbench/results/report.h"

namespace opsbench::results {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// Before everything else in the page.
constexpr char kCollector[] = R"js(<head><script>
const seenErrors = [];
// Charts are drawn when they come into view, which takes a frame: virtual time
// does not wait for frames. Here everything is in view at once.
window.IntersectionObserver = class {
  constructor(callback) { this.callback = callback; }
  observe(target) {
    setTimeout(() => this.callback([{isIntersecting: true, target}], this), 0);
  }
  unobserve() {}
  disconnect() {}
};
addEventListener("error", (e) => seenErrors.push(String(e.message)), true);
addEventListener("unhandledrejection", (e) => seenErrors.push(String(e.reason)));
addEventListener("securitypolicyviolation", (e) => seenErrors.push(e.violatedDirective));
for (const level of ["error", "warn"]) {
  console[level] = (...words) => seenErrors.push(words.join(" "));
}
</script>)js";

// After everything else.
constexpr char kDriver[] = R"js(<script>
const drive = () => {
  const seen = {};
  const all = (selector) => [...document.querySelectorAll(selector)];
  const times = () => all("#memtable-results tbody td[data-key=real_time_ns]")
    .filter((td) => td.dataset.value !== undefined).map((td) => Number(td.dataset.value));
  const table = () => Object.fromEntries(all("#memtable-results tbody tr")
    .map((tr) => [tr.dataset.name, tr.querySelector("[data-key=real_time_ns]").dataset.value]));
  try {
    seen.title = document.title;
    seen.ready = document.documentElement.dataset.ready;
    seen.times = table();
    seen.failed = all("#memtable-results tbody td[data-key=real_time_ns]")
      .filter((td) => td.dataset.value === undefined).map((td) => td.textContent);
    seen.headings = all("h2").map((h) => h.textContent);
    seen.facts = Object.fromEntries(all("#environment dt")
      .map((dt) => [dt.textContent, dt.nextElementSibling.textContent]));
    seen.strays = /\[object|undefined|NaN/.test(document.getElementById("main").textContent);
    seen.links = all(".contents a").every((a) => document.querySelector(a.getAttribute("href")));
    seen.cards = all(".card .value").map((v) => v.textContent);
    seen.canvases = all("canvas").length;
    seen.drawn = all("canvas").filter((c) => Chart.getChart(c)).length;
    seen.labelled = all("canvas").filter((c) => c.getAttribute("aria-label")).length;
    seen.chart = Chart.getChart(all("#area-memtable canvas")[0]).data.datasets
      .map((d) => [d.label, d.data.map((p) => p.y)]);
    seen.chartTable = all("#area-memtable figure:first-of-type td").map((td) => Number(td.dataset.value));
    const sort = () => all("#memtable-results thead .sort").find((b) => b.textContent === "time");
    seen.sortIsButton = sort().tagName;
    sort().click();
    seen.ascending = times();
    seen.ariaAscending = sort().parentNode.getAttribute("aria-sort");
    sort().click();
    seen.descending = times();
    const search = document.querySelector("#area-memtable input[type=search]");
    search.value = "tbb threads 8";
    search.dispatchEvent(new Event("input"));
    seen.filtered = all("#memtable-results tbody tr").map((tr) => tr.dataset.name);
    const key = document.querySelector("#area-memtable .legend button");
    key.click();
    seen.pressed = key.getAttribute("aria-pressed");
    seen.visible = Chart.getChart(all("#area-memtable canvas")[0]).isDatasetVisible(0);
    const paper = () => getComputedStyle(document.body).backgroundColor;
    const theme = document.getElementById("theme");
    seen.papers = [];
    for (let i = 0; i < 3; ++i) {
      theme.click();
      seen.papers.push([theme.textContent, paper()]);
    }
    seen.width = innerWidth;
    seen.overflow = document.documentElement.scrollWidth > innerWidth;
    seen.firstFocus = document.querySelector("a, button, input, select").className;
    seen.loads = performance.getEntriesByType("resource").length;
    seen.verdicts = all("#comparison-table tbody tr").map((tr) => [
      tr.querySelector("[data-key=verdict]").textContent,
      Number(tr.querySelector("[data-key=effect]").dataset.value)]);
    seen.changes = all("#changes-table tbody tr").length;
  } catch (error) {
    seenErrors.push(String(error.stack));
  }
  seen.errors = seenErrors;
  parent.postMessage(seen, "*");
};
setTimeout(drive, 500);
</script>
</body>)js";

// Shows the page in a frame, which may be narrower than a browser's window, and
// keeps what it tells.
constexpr char kFrame[] = R"html(<!DOCTYPE html><title>test</title>
<iframe src="report.html" style="border:0;height:19000px;width:$0px"></iframe>
<script>
addEventListener("message", (event) => {
  const probe = document.createElement("pre");
  probe.id = "probe";
  const bytes = new TextEncoder().encode(JSON.stringify(event.data));
  probe.textContent = btoa(String.fromCharCode(...bytes));
  document.body.append(probe);
});
</script>)html";

std::string Output(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  size_t count = 0;
  while ((count = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    output.append(buffer, count);
  }
  (void)pclose(pipe);
  return output;
}

bool Installed(const std::string& program) {
  return !Output("command -v " + program).empty();
}

class ReportBrowserTest : public ::testing::Test {
 protected:
  ReportBrowserTest() {
    std::string pattern = fs::temp_directory_path() / "opsbench-report-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~ReportBrowserTest() override {
    std::error_code ignored;  // The browser's helpers may still write.
    fs::remove_all(folder_, ignored);
  }

  void SetUp() override {
    const std::string remedy = "tools/opsbench setup --with test";
    if (!Installed("chromium")) GTEST_SKIP() << "no chromium: " << remedy;
  }

  // What the driver saw of the page at that width.
  json See(const ReportData& data, int width, bool dark) {
    const std::string page = absl::StrReplaceAll(
        RenderHtmlReport(data), {{"<head>", kCollector}, {"</body>", kDriver}});
    std::ofstream(folder_ / "report.html") << page;
    const fs::path path = folder_ / "frame.html";
    std::ofstream(path) << absl::Substitute(kFrame, width);
    const std::string dom = Output(absl::StrCat(
        "HOME='", folder_.string(), "' timeout 90 chromium --headless ",
        "--no-sandbox --disable-gpu --disable-dev-shm-usage ",
        "--user-data-dir='", folder_.string(), "/profile' ",
        "--window-size=1500,20000 --virtual-time-budget=10000 ",
        "--blink-settings=preferredColorScheme=", dark ? 0 : 1,
        " --dump-dom 'file://", path.string(), "' 2>'", folder_.string(),
        "/browser.log'"));
    const std::string mark = "<pre id=\"probe\">";
    const size_t begin = dom.find(mark);
    EXPECT_NE(begin, std::string::npos) << dom.substr(0, 300);
    if (begin == std::string::npos) return json::object();
    std::string text;
    EXPECT_TRUE(absl::Base64Unescape(
        dom.substr(begin + mark.size(),
                   dom.find('<', begin + 1) - begin - mark.size()),
        &text));
    return json::parse(text);
  }

  fs::path folder_;
};

// The page's own cells against the data, not the data against itself: the
// medians are worked out here from the rows.
TEST_F(ReportBrowserTest, ShowsTheFiguresWithoutAnError) {
  const ReportData data = internal::SampleReport();
  const json seen = See(data, 1400, false);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen["errors"], json::array());
  EXPECT_EQ(seen["ready"], "yes");
  EXPECT_EQ(seen["title"], "opsbench: memtable, 0123456789");
  EXPECT_EQ(seen["loads"], 0);
  EXPECT_EQ(seen["headings"],
            json({"Summary", "Comparison", "memtable", "Distributions",
                  "History", "Environment"}));
  EXPECT_EQ(seen["links"], true);
  EXPECT_EQ(seen["strays"], false);
  EXPECT_EQ(seen["facts"]["Compiler"], "GNU 12.2.0");
  EXPECT_EQ(seen["facts"]["Run"], "20260131T120000Z-0123456789");

  std::map<std::string, std::vector<double>> samples;
  for (const BenchmarkRow& row : data.run.areas.at("memtable").rows) {
    if (!row.error_occurred) samples[row.run_name].push_back(row.real_time);
  }
  EXPECT_EQ(seen["times"].size(), samples.size());
  for (const auto& [name, times] : samples) {
    ASSERT_TRUE(seen["times"].contains(name)) << name;
    EXPECT_NEAR(std::stod(seen["times"][name].get<std::string>()),
                times[times.size() / 2], 1e-9)
        << name;
  }
  EXPECT_EQ(seen["failed"], json::parse(R"(["error"])"));
  // Every chart is drawn and labelled; the first is Get's throughput by
  // threads.
  EXPECT_EQ(seen["canvases"], seen["drawn"]);
  EXPECT_EQ(seen["canvases"], seen["labelled"]);
  EXPECT_EQ(seen["canvases"], 5);  // Two families, forest, strip, history.
  EXPECT_EQ(seen["chart"][0][0], "opsbench");
  EXPECT_NEAR(seen["chart"][0][1][0].get<double>(), 1e9 / 122.4, 1);
  EXPECT_NEAR(seen["chartTable"][0].get<double>(), 1e9 / 122.4, 1);
  EXPECT_EQ(
      seen["verdicts"],
      json::parse(R"([["slower", 0.2], ["improved", -0.1], ["same", 0.001]])"));
  EXPECT_EQ(seen["changes"], 1);
  EXPECT_EQ(seen["cards"], json({"1", "1", "1", "18 ×"}));
}

TEST_F(ReportBrowserTest, ControlsSortFilterHideAndSwitch) {
  const json seen = See(internal::SampleReport(), 400, true);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen["errors"], json::array());
  EXPECT_EQ(seen["sortIsButton"], "BUTTON");
  const auto ascending = seen["ascending"].get<std::vector<double>>();
  const auto descending = seen["descending"].get<std::vector<double>>();
  EXPECT_EQ(ascending.size(), 11u);
  EXPECT_TRUE(std::is_sorted(ascending.begin(), ascending.end()));
  EXPECT_TRUE(std::is_sorted(descending.rbegin(), descending.rend()));
  EXPECT_EQ(seen["ariaAscending"], "ascending");
  EXPECT_EQ(seen["filtered"],
            json({"Memtable/Get/impl:tbb/items:200000/threads:8"}));
  EXPECT_EQ(seen["pressed"], "false");
  EXPECT_EQ(seen["visible"], false);
  // The system's theme is dark: light, dark, and back to auto.
  EXPECT_EQ(seen["papers"][0][0], "Theme: light");
  EXPECT_NE(seen["papers"][0][1], seen["papers"][1][1]);
  EXPECT_EQ(seen["papers"][1][1], seen["papers"][2][1]);
  EXPECT_EQ(seen["width"], 400);
  EXPECT_EQ(seen["overflow"], false);
  EXPECT_EQ(seen["firstFocus"], "skip");
}

TEST_F(ReportBrowserTest, AnEmptyRunRendersToo) {
  ReportData data;
  data.run.info.started = "2026-01-31T12:00:00Z";
  const json seen = See(data, 1400, false);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen["ready"], "yes");
  EXPECT_EQ(seen["headings"], json({"Summary", "Environment"}));
}

TEST_F(ReportBrowserTest, TheMarkupIsValid) {
  if (!Installed("tidy")) {
    GTEST_SKIP() << "tidy is not installed: tools/opsbench setup --with test";
  }
  const fs::path path = folder_ / "report.html";
  std::ofstream(path) << RenderHtmlReport(internal::SampleReport());
  EXPECT_EQ(Output(absl::StrCat("tidy -quiet -errors --show-info no '",
                                path.string(), "' 2>&1")),
            "");
}

}  // namespace
}  // namespace opsbench::results
