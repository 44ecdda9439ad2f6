# Faults on purpose.
set(generated
  "${PROJECT_BINARY_DIR}/generated/opsbench/stress/faults_sql_files.cc")
opsbench_embed_sql(OUTPUT "${generated}"
  NAMESPACE opsbench::stress::internal::faults_sql
  FILES mysql/stress/faults.sql postgres/stress/faults.sql)

opsbench_library(NAME stress_faults
  SOURCES faults.cc fault_plan.cc "${generated}"
  HEADERS fault_plan.h faults.h
  DEPS absl::status absl::statusor absl::strings absl::time opsbench::db
    opsbench::server
  PRIVATE_DEPS opsbench::base)

opsbench_test(NAME stress_fault_plan_test SOURCES fault_plan_test.cc
  DEPS opsbench::stress_faults)
opsbench_test(NAME stress_faults_test SOURCES faults_test.cc
  LABEL integration TIMEOUT 600 DEPS opsbench::stress_faults)
