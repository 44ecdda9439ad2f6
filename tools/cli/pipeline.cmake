# opsbench pipeline, and its tests, which run fixtures/pipelines.
target_sources(opsbench_cli PRIVATE pipeline.cc pipeline_engines.cc)
target_link_libraries(opsbench_cli PRIVATE opsbench::pipeline)
