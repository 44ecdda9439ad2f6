opsbench_library(NAME vector_local SOURCES local_load.cc local_stub.cc HEADERS local_backends.h local_load.h DEPS opsbench::vector_data opsbench::load)
