#include "vector/bare_hnswlib.h"

#include <barrier>
#include <chrono>
#include <exception>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "hnswlib/hnswlib.h"

// OPSBENCH_BARE_OPEN: the function of this build, of those in the header.

namespace opsbench::vector_peer {
namespace {

class Loop final : public BareHnswlib {
 public:
  Loop(const char* path, size_t dimension)
      : space_(dimension), index_(&space_, path) {}

  Timed Run(const BareQueries& queries, size_t k, size_t ef, int threads,
            size_t count) override {
    index_.setEf(ef);
    std::vector<size_t> found(static_cast<size_t>(threads));
    std::barrier start(threads + 1);
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t) {
      const size_t first =
          static_cast<size_t>(t) * queries.rows / static_cast<size_t>(threads);
      running.emplace_back([&, first, t] {
        size_t rows = 0;
        start.arrive_and_wait();
        for (size_t i = 0; i < count; ++i) {
          rows += index_
                      .searchKnn(queries.values + (first + i) % queries.rows *
                                                      queries.dimension,
                                 k)
                      .size();
        }
        found[static_cast<size_t>(t)] = rows;
      });
    }
    start.arrive_and_wait();
    const auto begin = std::chrono::steady_clock::now();
    for (std::thread& thread : running) thread.join();
    const std::chrono::duration<double> elapsed =
        std::chrono::steady_clock::now() - begin;
    return {elapsed.count(),
            std::accumulate(found.begin(), found.end(), size_t{0})};
  }

  size_t Find(const float* query, size_t k, size_t ef, int64_t* rows) override {
    index_.setEf(ef);
    size_t count = 0;
    for (auto found = index_.searchKnn(query, k); !found.empty(); found.pop()) {
      rows[count++] = static_cast<int64_t>(found.top().second);
    }
    return count;
  }

 private:
  hnswlib::L2Space space_;
  hnswlib::HierarchicalNSW<float> index_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) BareHnswlib*
OPSBENCH_BARE_OPEN(const char* path, size_t dimension) {
  try {
    return new Loop(path, dimension);
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace opsbench::vector_peer
