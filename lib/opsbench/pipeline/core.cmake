# Batches, their Arrow forms, values as text: what every connector builds on.
opsbench_library(NAME pipeline_core
  SOURCES batch.cc connector.cc types.cc
  HEADERS batch.h connector.h types.h
  DEPS absl::int128 absl::span absl::status absl::statusor absl::strings
    opsbench::base)
