#ifndef OPSBENCH_BENCHMARKS_VECTOR_BARE_HNSWLIB_H_
#define OPSBENCH_BENCHMARKS_VECTOR_BARE_HNSWLIB_H_

// hnswlib as a program that uses it would call it: its own distances, and a
// loop of searchKnn() in each thread. Compiled several times with different
// flags, each into a shared library that keeps hnswlib's symbols to itself: two
// builds of its templates in one program would otherwise become one.
//
// Thread safety: for one thread at a time.

#include <cstddef>
#include <cstdint>

namespace opsbench::vector_peer {

struct BareQueries {
  const float* values = nullptr;  // Row by row.
  size_t rows = 0;
  size_t dimension = 0;
};

class BareHnswlib {
 public:
  virtual ~BareHnswlib() = default;

  struct Timed {
    double seconds =
        0;             // From the threads' common start to the last one's end.
    size_t found = 0;  // Rows in all answers.
  };

  // Each thread asks `count` queries, all of them in turn, thread t from
  // t * rows / threads on, and counts the rows of the answers.
  virtual Timed Run(const BareQueries& queries, size_t k, size_t ef,
                    int threads, size_t count) = 0;

  // Rows that a query finds, in no order; returns how many. `rows` of k.
  virtual size_t Find(const float* query, size_t k, size_t ef,
                      int64_t* rows) = 0;
};

// `path`: an index under l2 that hnswlib has saved. Null: it cannot be read.
// The caller deletes it.
using OpenBareHnswlib = BareHnswlib*(const char* path, size_t dimension);

// With -O3, for any x86-64; and for the processor that it was compiled on.
extern "C" OpenBareHnswlib OpenBareHnswlibBaseline;
extern "C" OpenBareHnswlib OpenBareHnswlibNative;

}  // namespace opsbench::vector_peer

#endif  // OPSBENCH_BENCHMARKS_VECTOR_BARE_HNSWLIB_H_
