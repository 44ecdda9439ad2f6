#ifndef OPSBENCH_PIPELINE_CONNECTORS_H_
#define OPSBENCH_PIPELINE_CONNECTORS_H_

// Every kind of connector that was built in.
//
// Thread safety: pure functions.

#include <vector>

#include "opsbench/pipeline/connector.h"

namespace opsbench::pipeline {

std::vector<ConnectorKind> AllConnectors();

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_CONNECTORS_H_
