# History and the HTML report: opsbench::report, beside opsbench::results, so
# that only who renders a report carries the charting library.

opsbench_library(NAME report
  SOURCES change_points.cc history.cc render_history.cc
    internal/metric_text.cc
  HEADERS change_points.h history.h render_history.h
  DEPS opsbench::results absl::span absl::statusor absl::strings
  PRIVATE_DEPS opsbench::base absl::optional absl::str_format
    nlohmann_json::nlohmann_json)

opsbench_test(NAME change_points_test SOURCES change_points_test.cc
  DEPS opsbench::base opsbench::report)
opsbench_test(NAME history_test SOURCES history_test.cc
  DEPS opsbench::report absl::time nlohmann_json::nlohmann_json)
