# History, matrix and report.

target_sources(opsbench_cli PRIVATE history.cc matrix.cc report.cc)
target_link_libraries(opsbench_cli PRIVATE opsbench::report)
