#include "opsbench/profile/flame_graph.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/xml_text.h"
#include "opsbench/profile/cpp_name.h"
#include "opsbench/profile/internal/flame_graph_files.h"

namespace opsbench::profile {
namespace {

constexpr int kHeadHeight = 190;
constexpr int kRowHeight = 19;
// Of the picture without scripts: they measure the window and the letters.
constexpr double kAssumedWidth = 1200;
constexpr double kAssumedLetter = 7.2;
// A name of several kilobytes helps nobody.
constexpr size_t kMaxName = 1500;

std::string Cut(const std::string& text, size_t bytes) {
  return text.size() <= bytes ? text
                              : absl::StrCat(text.substr(0, bytes), " …");
}

// In letters, of which "…" is one.
std::string Label(const std::string& name, double letters) {
  if (letters < 3) return "";
  std::string label;
  double used = 0;
  for (const char c : name) {
    if ((c & '\xc0') != '\x80' && ++used > letters) return label + "…";
    label.push_back(c);
  }
  return label;
}

// One of three, so that neighbours can be told apart.
int Shade(const std::string& name) {
  unsigned sum = 0;
  for (const char c : name) sum = 31 * sum + static_cast<unsigned char>(c);
  return static_cast<int>(sum % 3);
}

class Renderer {
 public:
  Renderer(const StackProfile& profile, const FlameGraphOptions& options)
      : profile_(profile), options_(options) {}

  std::string Render() {
    names_.push_back({"all", "", ""});
    AddFrame({0, 0, 0});
    AddChildren();
    return absl::StrCat(Opening(), body_, Scripts(), "</svg>\n");
  }

 private:
  struct Place {
    int node;
    int depth;
    int64_t start;
  };

  bool Visible(int node) const {
    return static_cast<double>(profile_.nodes()[node].total) >=
           options_.min_share * static_cast<double>(profile_.total());
  }

  // Depth first, without recursion: a stack may be very deep. Children stand
  // by name, so that equal profiles make equal files.
  void AddChildren() {
    std::vector<Place> open = {{0, 0, 0}};
    while (!open.empty()) {
      const Place place = open.back();
      open.pop_back();
      if (place.node != 0) AddFrame(place);
      std::vector<int> children = profile_.nodes()[place.node].children;
      std::sort(children.begin(), children.end(),
                [&](int a, int b) { return NameOf(a) < NameOf(b); });
      int64_t start = place.start;
      const size_t first = open.size();
      for (const int child : children) {
        if (Visible(child)) open.push_back({child, place.depth + 1, start});
        start += profile_.nodes()[child].total;
      }
      std::reverse(open.begin() + static_cast<ptrdiff_t>(first), open.end());
    }
  }

  const std::string& NameOf(int node) const {
    return profile_.frames()[profile_.nodes()[node].frame].name;
  }

  // Its place in names_.
  size_t NameIndex(int frame) {
    const auto [entry, is_new] =
        name_indexes_.try_emplace(frame, names_.size());
    if (is_new) {
      const Frame& known = profile_.frames()[frame];
      const std::string shortened = Cut(ShortenCppName(known.name), kMaxName);
      names_.push_back(
          {shortened, shortened == known.name ? "" : Cut(known.name, kMaxName),
           known.module});
    }
    return entry->second;
  }

  void AddFrame(const Place& place) {
    const StackProfile::Node& node = profile_.nodes()[place.node];
    const bool is_root = place.node == 0;
    const size_t index = is_root ? 0 : NameIndex(node.frame);
    const std::string& name = names_[index][0];
    const auto all =
        static_cast<double>(std::max<int64_t>(1, profile_.total()));
    const double left = 100 * static_cast<double>(place.start) / all;
    const double share = is_root ? 1 : static_cast<double>(node.total) / all;
    const int y = kHeadHeight + kRowHeight * place.depth;
    const char* kind = "unknown";
    const char* inlined = "";
    if (!is_root) {
      kind = FrameKindName(profile_.frames()[node.frame].kind).data();
      inlined = profile_.frames()[node.frame].inlined ? " inlined" : "";
    }
    depth_ = std::max(depth_, place.depth);
    absl::StrAppendFormat(
        &body_,
        "<g class=\"frame %s v%d%s\" data-f=\"%d %d %d %d %d\">"
        "<title>%s %.2f%%</title>"
        "<rect x=\"%.4f%%\" y=\"%d\" width=\"%.4f%%\" height=\"%d\" rx=\"2\"/>"
        "<text x=\"%.4f%%\" dx=\"4\" y=\"%d\">%s</text></g>\n",
        kind, Shade(name), inlined, place.depth, place.start, node.total,
        node.self, index, XmlText(name), 100 * share, left, y, 100 * share,
        kRowHeight - 1, left, y + kRowHeight - 6,
        XmlText(Label(
            name, std::floor((share * kAssumedWidth - 6) / kAssumedLetter))));
  }

  std::string Opening() const {
    std::string keys;
    for (const FrameKind kind : {FrameKind::kOurs, FrameKind::kLibrary,
                                 FrameKind::kKernel, FrameKind::kUnknown}) {
      const absl::string_view name = FrameKindName(kind);
      absl::StrAppend(&keys, "<span class=\"key\"><i class=\"", name, "\"></i>",
                      name, "</span>");
    }
    return absl::StrCat(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100%\" height=\"",
        kHeadHeight + kRowHeight * (depth_ + 1) + 12, "\">\n<title>",
        XmlText(options_.title), "</title>\n<style><![CDATA[\n",
        internal::kFlameGraphCss,
        "]]></style>\n<foreignObject width=\"100%\" height=\"", kHeadHeight,
        "\"><div class=\"head\" xmlns=\"http://www.w3.org/1999/xhtml\"><h1>",
        XmlText(options_.title), "</h1><p>", XmlText(options_.subtitle),
        "</p><div class=\"bar\"><input type=\"search\" placeholder=\"Search "
        "(/): a regular expression\" aria-label=\"Search functions\"/>"
        "<button type=\"button\">Show all (Esc)</button>",
        keys,
        "<span class=\"found\" role=\"status\"></span></div><div "
        "class=\"details\">Point at a frame for its figures; click it or "
        "press Enter to zoom, walk by arrow keys. Italic: inlined.</div></div>"
        "</foreignObject>\n");
  }

  std::string Scripts() const {
    const nlohmann::json data = {{"unit", options_.unit}, {"names", names_}};
    const std::string text = absl::StrReplaceAll(
        data.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace),
        {{"]]>", "]]\\u003e"}});
    return absl::StrCat(
        "<script class=\"data\" type=\"application/json\"><![CDATA[", text,
        "]]></script>\n<script><![CDATA[\n", internal::kFlameGraphJs,
        "]]></script>\n");
  }

  const StackProfile& profile_;
  const FlameGraphOptions& options_;
  std::vector<std::vector<std::string>> names_;  // Short, full, module.
  std::map<int, size_t> name_indexes_;           // By frame.
  std::string body_;
  int depth_ = 0;
};

}  // namespace

std::string RenderFlameGraph(const StackProfile& profile,
                             const FlameGraphOptions& options) {
  return Renderer(profile, options).Render();
}

}  // namespace opsbench::profile
