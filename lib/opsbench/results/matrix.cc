#include "opsbench/results/matrix.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/optional.h"
#include "opsbench/base/format.h"
#include "opsbench/results/internal/pivot.h"

namespace opsbench::results {
namespace {

using internal::Measurement;

// One benchmark over all sizes.
struct Column {
  std::string engine;
  std::string rival;
  std::vector<absl::optional<Measurement>> sizes;
};

struct Table {
  std::string title;
  std::vector<Column> columns;
};

bool IsColumnKey(absl::string_view key) {
  return key == "engine" || key == "impl" || key == "strategy";
}
bool IsSizeKey(absl::string_view key) {
  return key == "rows" || key == "items";
}

std::string TitleOf(const Measurement& measurement) {
  std::string title = measurement.name.family;
  for (const auto& [key, value] : measurement.name.keys) {
    if (!IsColumnKey(key) && !IsSizeKey(key)) {
      absl::StrAppend(&title, ", ", key, " ", value);
    }
  }
  return title;
}

// The place for what has this name in the tables, made if it is new.
Column& Place(const Measurement& measurement, size_t sizes,
              std::vector<Table>* tables) {
  const std::string title = TitleOf(measurement);
  auto table = std::find_if(tables->begin(), tables->end(),
                            [&](const Table& t) { return t.title == title; });
  if (table == tables->end()) {
    tables->push_back({title, {}});
    table = tables->end() - 1;
  }
  const std::string engine(measurement.name.Value("engine"));
  std::string rival(measurement.name.Value("strategy"));
  if (rival.empty()) rival = std::string(measurement.name.Value("impl"));
  for (Column& column : table->columns) {
    if (column.engine == engine && column.rival == rival) return column;
  }
  table->columns.push_back({engine, rival, {}});
  table->columns.back().sizes.resize(sizes);
  return table->columns.back();
}

std::vector<Table> MakeTables(absl::Span<const MatrixPoint> points) {
  std::vector<Table> tables;
  for (size_t i = 0; i < points.size(); ++i) {
    for (const auto& [area, file] : points[i].run.areas) {
      for (Measurement& measurement : internal::Summarize(file.rows)) {
        Column& column = Place(measurement, points.size(), &tables);
        column.sizes[i] = std::move(measurement);
      }
    }
  }
  return tables;
}

// The time at a size, where it was measured.
absl::optional<double> TimeAt(const Column& column, size_t i) {
  if (!column.sizes[i] ||
      column.sizes[i]->state != Measurement::State::kMeasured ||
      column.sizes[i]->real_time_ns <= 0) {
    return absl::nullopt;
  }
  return column.sizes[i]->real_time_ns;
}

std::string TimeText(const Column& column, size_t i) {
  if (!column.sizes[i]) return "-";
  if (column.sizes[i]->state == Measurement::State::kError) return "ERROR";
  const absl::optional<double> time = TimeAt(column, i);
  return time ? FormatTime(*time) : "skipped";
}

std::string GrowthText(const Column& column, size_t i) {
  if (i == 0) return "";
  const absl::optional<double> before = TimeAt(column, i - 1);
  const absl::optional<double> now = TimeAt(column, i);
  if (!before || !now) return "";
  return absl::StrFormat("x%.2f", *now / *before);
}

std::string ExponentText(const Column& column,
                         absl::Span<const MatrixPoint> points) {
  const size_t last = points.size() - 1;
  const absl::optional<double> small = TimeAt(column, 0);
  const absl::optional<double> large = TimeAt(column, last);
  if (last == 0 || !small || !large) return "-";
  const double sizes = static_cast<double>(points[last].rows) /
                       static_cast<double>(points[0].rows);
  return absl::StrFormat("%.2f", std::log(*large / *small) / std::log(sizes));
}

// One column as text: engine, rival, a cell for each size, the exponent.
struct TextColumn {
  std::vector<std::string> lines;
  int width = 0;
};

TextColumn Lay(const Column& column, absl::Span<const MatrixPoint> points) {
  TextColumn text;
  int time_width = 0;
  int growth_width = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    time_width = std::max(time_width, DisplayWidth(TimeText(column, i)));
    growth_width = std::max(growth_width, DisplayWidth(GrowthText(column, i)));
  }
  text.lines = {column.engine, column.rival};
  for (size_t i = 0; i < points.size(); ++i) {
    std::string cell = PadLeft(TimeText(column, i), time_width);
    if (growth_width > 0) {
      absl::StrAppend(&cell, "  ",
                      PadLeft(GrowthText(column, i), growth_width));
    }
    text.lines.push_back(std::move(cell));
  }
  text.lines.push_back(ExponentText(column, points));
  for (const std::string& line : text.lines) {
    text.width = std::max(text.width, DisplayWidth(line));
  }
  return text;
}

TextColumn SizeColumn(absl::Span<const MatrixPoint> points) {
  TextColumn text;
  text.lines = {"", "rows"};
  for (const MatrixPoint& point : points) {
    text.lines.push_back(absl::StrCat(point.rows));
  }
  text.lines.emplace_back("growth");
  for (const std::string& line : text.lines) {
    text.width = std::max(text.width, DisplayWidth(line));
  }
  return text;
}

void AppendTable(const Table& table, absl::Span<const MatrixPoint> points,
                 const MatrixOptions& options, std::string* text) {
  absl::StrAppend(text, "\n", table.title, "\n");
  const TextColumn sizes = SizeColumn(points);
  size_t next = 0;
  while (next < table.columns.size()) {
    std::vector<TextColumn> columns = {sizes};
    int width = 2 + sizes.width;
    for (; next < table.columns.size(); ++next) {
      TextColumn column = Lay(table.columns[next], points);
      if (columns.size() > 1 && width + 3 + column.width > options.columns) {
        break;
      }
      width += 3 + column.width;
      columns.push_back(std::move(column));
    }
    for (size_t line = 0; line < sizes.lines.size(); ++line) {
      std::string out = "  ";
      bool empty = true;
      for (size_t i = 0; i < columns.size(); ++i) {
        empty = empty && columns[i].lines[line].empty();
        absl::StrAppend(&out, i == 0 ? "" : "   ",
                        PadLeft(columns[i].lines[line], columns[i].width));
      }
      out.erase(out.find_last_not_of(' ') + 1);
      if (!empty) absl::StrAppend(text, out, "\n");
    }
    if (next < table.columns.size()) absl::StrAppend(text, "\n");
  }
}

}  // namespace

std::string RenderMatrix(absl::Span<const MatrixPoint> points,
                         const MatrixOptions& options) {
  std::string text;
  for (const MatrixPoint& point : points) {
    for (const auto& [area, status] : point.run.failed_areas) {
      absl::StrAppend(&text, "FAILED: no results of ", area, " at ", point.rows,
                      " rows: ", status.message(), "\n");
    }
  }
  for (const Table& table : MakeTables(points)) {
    AppendTable(table, points, options, &text);
  }
  absl::StrAppend(&text,
                  "\nTimes are of one iteration; growth is the exponent k of "
                  "time ~ rows^k.\n");
  return text;
}

}  // namespace opsbench::results
