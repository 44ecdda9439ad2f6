# `opsbench profile`. Included where opsbench_cli is declared.

target_sources(opsbench_cli PRIVATE profile.cc profile_heap.cc profile_perf.cc
  profile_valgrind.cc)
target_link_libraries(opsbench_cli PRIVATE opsbench::profile)
