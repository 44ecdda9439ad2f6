# What a run is set to.
opsbench_library(NAME stress_settings
  SOURCES config.cc
  HEADERS config.h
  DEPS absl::span absl::status absl::statusor absl::strings opsbench::db
    opsbench::stress opsbench::stress_faults
  PRIVATE_DEPS opsbench::base)

opsbench_test(NAME stress_config_test SOURCES config_test.cc
  DEPS opsbench::stress_settings)
