# History and the HTML report: opsbench::report, beside opsbench::results, so
# that only who renders a report carries the charting library.

include("${PROJECT_SOURCE_DIR}/tools/cmake/EmbedFiles.cmake")

find_file(OPSBENCH_CHART_JS chart.min.js
  PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist
  NO_DEFAULT_PATH)
if(NOT OPSBENCH_CHART_JS)
  message(FATAL_ERROR "Chart.js, which the HTML report carries, was not found: "
    "install libjs-chart.js, or configure with -DOPSBENCH_CHART_JS=<path of "
    "chart.min.js 3.9>")
endif()

set(report_files
  "${PROJECT_BINARY_DIR}/generated/opsbench/results/report_files.cc")
set(report_folder "${CMAKE_CURRENT_SOURCE_DIR}/report")
opsbench_embed_files(OUTPUT "${report_files}"
  FILES "${report_folder}/page.html" "${report_folder}/style.css"
    "${report_folder}/format.js" "${report_folder}/table.js"
    "${report_folder}/figures.js" "${report_folder}/page.js"
    "${OPSBENCH_CHART_JS}")

opsbench_library(NAME report
  SOURCES "${report_files}" change_points.cc history.cc matrix.cc
    render_history.cc report.cc internal/headlines.cc
    internal/recall_figures.cc internal/report_benchmarks.cc
    internal/report_figures.cc
  HEADERS change_points.h history.h matrix.h render_history.h report.h
    report_figure.h
  DEPS opsbench::results absl::optional absl::span absl::statusor absl::strings
  PRIVATE_DEPS opsbench::base absl::str_format nlohmann_json::nlohmann_json)

opsbench_test(NAME change_points_test SOURCES change_points_test.cc
  DEPS opsbench::base opsbench::report)
opsbench_test(NAME history_test SOURCES history_test.cc
  DEPS opsbench::report absl::time nlohmann_json::nlohmann_json)
opsbench_test(NAME matrix_test SOURCES matrix_test.cc DEPS opsbench::report)
opsbench_test(NAME recall_figures_test SOURCES internal/recall_figures_test.cc
  DEPS opsbench::report)
opsbench_test(NAME report_test SOURCES report_test.cc
  DEPS opsbench::report nlohmann_json::nlohmann_json)
opsbench_test(NAME report_browser_test SOURCES report_browser_test.cc
  TIMEOUT 300 DEPS opsbench::report nlohmann_json::nlohmann_json)
