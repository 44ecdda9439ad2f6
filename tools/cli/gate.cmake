# `opsbench gate` and its tests. Included where opsbench_cli is declared.

target_sources(opsbench_cli PRIVATE gate.cc gate_build.cc gate_repository.cc
  gate_run.cc gate_sampler.cc gate_rates.cc gate_witness.cc)
