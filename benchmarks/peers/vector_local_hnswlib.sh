#!/bin/bash
# Our search in the embedded index beside a bare loop of hnswlib's searchKnn() in
# C++, on the same graph, with the same queries, ef and threads: hnswlib compiled
# with -O3 alone, as a program that uses it would be by default, and for this
# processor.
#
# shellcheck source=benchmarks/peers/common.sh
. "$(dirname -- "$0")/common.sh"

"$(dirname -- "$OPSBENCH")/vector_hnswlib_peer" --rows "${PEER_VECTORS:-50000}" \
  --seconds "$seconds" --rounds "$rounds"
