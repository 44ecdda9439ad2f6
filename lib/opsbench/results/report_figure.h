#ifndef OPSBENCH_RESULTS_REPORT_FIGURE_H_
#define OPSBENCH_RESULTS_REPORT_FIGURE_H_

// What the HTML report draws. Figures of benchmarks are planned from their
// names; an area that has more to show (phases, timelines, recall against
// throughput) hands in figures of its own.
//
// Thread safety: plain data.

#include <string>
#include <vector>

namespace opsbench::results {

struct ReportSeries {
  std::string name;
  bool ours = false;  // Drawn so that the eye finds it first.
  struct Point {
    double x = 0;           // Or the index of a category.
    std::vector<double> y;  // One value a measure; NaN: none.
    std::string label;      // What the point is, for who points at it.
  };
  std::vector<Point> points;
  // Of a line over a number: whether its points are joined.
  bool joined = true;
};

struct ReportChart {
  enum class Kind {
    kLine,  // Points joined by lines, over a number or categories in order.
    kDots,  // A row for each category, its values as dots side by side.
  };

  std::string name;  // Told apart by it within a figure: "By threads".
  Kind kind = Kind::kLine;
  std::string x_label;   // "threads".
  std::string x_metric;  // Its unit, as in metric names, or empty.
  std::vector<std::string> categories;  // Empty: x is a number.
  bool x_log = false;

  // What y can show; the reader chooses one.
  struct Measure {
    std::string label;   // "Throughput".
    std::string metric;  // "items_per_second": says unit and direction.
    bool log = false;
  };
  std::vector<Measure> measures;
  std::vector<ReportSeries> series;

  // What happened meanwhile, of a line over a number: a band from one x to
  // another, which may be the same.
  struct Mark {
    std::string label;  // "kill".
    double from = 0;
    double to = 0;
  };
  std::vector<Mark> marks;
};

struct ReportFigure {
  std::string title;
  std::string subtitle;             // What was held fixed.
  std::vector<ReportChart> charts;  // The reader chooses one.
};

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_REPORT_FIGURE_H_
