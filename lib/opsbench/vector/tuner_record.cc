// Measures a real index at every setting of a grid, in slices, for the tuner to
// be tried on: fixtures/vector/tuner_recorded.json.
//
//   tuner_record fixtures/vector/tuner_recorded.json [SECONDS_A_SLICE]
//
// An hnswlib index of 20,000 vectors of 32 clusters in 48 dimensions, M = 12,
// ef_construction = 80, k = 10. Every slice runs its threads, each with
// the queries in another order, for so many seconds; a latency is that of one
// search. Rounds visit the whole grid in an order drawn anew, so that drift and
// whatever else the machine does falls on all settings alike.

#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "nlohmann/json.hpp"
#include "opsbench/base/clock.h"
#include "opsbench/base/random.h"

namespace opsbench {
namespace {

constexpr size_t kRows = 20'000;
constexpr size_t kQueries = 500;
constexpr size_t kDimension = 48;
constexpr size_t kClusters = 32;
constexpr size_t kLinks = 12;
constexpr size_t kEfConstruction = 80;
constexpr size_t kNeighbors = 10;
constexpr uint64_t kSeed = 7;
constexpr int kRounds = 20;
constexpr int kEfs[] = {10, 12, 14, 16, 20,  24,  28,  32,  40,  48,
                        56, 64, 80, 96, 112, 128, 160, 192, 256, 320};
constexpr int kThreads[] = {1, 2, 3, 4, 6, 8, 10, 12, 14, 16};

// Around 0, with about the spread of a normal variable.
float Spread(Random* random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) {
    sum += random->Double();
  }
  return static_cast<float>(sum);
}

// Rows around centres that are shared by all calls.
std::vector<float> Points(size_t rows, uint64_t stream) {
  Random centre_random = Random::Stream(kSeed, 0);
  std::vector<float> centres(kClusters * kDimension);
  for (float& value : centres) {
    value = Spread(&centre_random);
  }
  Random random = Random::Stream(kSeed, stream);
  std::vector<float> points;
  points.reserve(rows * kDimension);
  for (size_t row = 0; row < rows; ++row) {
    const size_t centre = random.Below(kClusters) * kDimension;
    for (size_t d = 0; d < kDimension; ++d) {
      points.push_back(centres[centre + d] + 0.7F * Spread(&random));
    }
  }
  return points;
}

using Index = hnswlib::HierarchicalNSW<float>;
using Labels = std::unordered_set<hnswlib::labeltype>;

struct Work {
  const Index* index = nullptr;
  const std::vector<float>* queries = nullptr;
  const std::vector<Labels>* truth = nullptr;
};

struct Part {
  std::vector<int64_t> latencies_ns;
  int64_t hits = 0;
};

void Search(const Work& work, size_t thread, const std::atomic<bool>* stop,
            Part* part) {
  // Once at least: on a busy machine a thread may start late.
  size_t i = thread * 37;
  do {
    const size_t query = i % kQueries;
    const int64_t start = MonotonicNowNs();
    auto found = work.index->searchKnn(
        work.queries->data() + query * kDimension, kNeighbors);
    part->latencies_ns.push_back(MonotonicNowNs() - start);
    for (; !found.empty(); found.pop()) {
      part->hits +=
          static_cast<int64_t>((*work.truth)[query].count(found.top().second));
    }
    ++i;
  } while (!stop->load(std::memory_order_relaxed));
}

nlohmann::json Measure(const Work& work, size_t threads, double seconds) {
  std::vector<Part> parts(threads);
  std::vector<std::thread> running;
  std::atomic<bool> stop = false;
  const int64_t start = MonotonicNowNs();
  for (size_t t = 0; t < threads; ++t) {
    running.emplace_back(Search, work, t, &stop, &parts[t]);
  }
  const int64_t end = start + static_cast<int64_t>(seconds * kNanosPerSecond);
  std::this_thread::sleep_for(std::chrono::nanoseconds(end - MonotonicNowNs()));
  stop = true;
  for (std::thread& thread : running) {
    thread.join();
  }
  const double took = static_cast<double>(MonotonicNowNs() - start) * 1e-9;
  std::vector<int64_t> all;
  int64_t hits = 0;
  for (const Part& part : parts) {
    all.insert(all.end(), part.latencies_ns.begin(), part.latencies_ns.end());
    hits += part.hits;
  }
  const auto count = static_cast<double>(all.size());
  const auto p99 = all.begin() + static_cast<std::ptrdiff_t>(count * 0.99);
  std::nth_element(all.begin(), p99, all.end());
  // Four digits are more than the noise leaves.
  const auto rounded = [](double value, double unit) {
    return std::round(value / unit) * unit;
  };
  return {
      rounded(count / took, 1),
      static_cast<double>(std::llround(static_cast<double>(*p99) / 1e2)) / 1e4,
      static_cast<double>(std::llround(1e4 * static_cast<double>(hits) /
                                       (count * kNeighbors))) /
          1e4};
}

std::vector<Labels> Truth(const std::vector<float>& base,
                          const std::vector<float>& queries,
                          hnswlib::L2Space* space) {
  hnswlib::BruteforceSearch<float> exact(space, kRows);
  for (size_t row = 0; row < kRows; ++row) {
    exact.addPoint(base.data() + row * kDimension, row);
  }
  std::vector<Labels> truth(kQueries);
  for (size_t query = 0; query < kQueries; ++query) {
    auto found =
        exact.searchKnn(queries.data() + query * kDimension, kNeighbors);
    for (; !found.empty(); found.pop()) {
      truth[query].insert(found.top().second);
    }
  }
  return truth;
}

int Main(const std::string& path, double seconds) {
  const std::vector<float> base = Points(kRows, 1);
  const std::vector<float> queries = Points(kQueries, 2);
  hnswlib::L2Space space(kDimension);
  const std::vector<Labels> truth = Truth(base, queries, &space);
  Index index(&space, kRows, kLinks, kEfConstruction);
  for (size_t row = 0; row < kRows; ++row) {
    index.addPoint(base.data() + row * kDimension, row);
  }

  struct Cell {
    int threads;
    int ef;
    nlohmann::json samples = nlohmann::json::array();
  };
  std::vector<Cell> cells;
  for (int threads : kThreads) {
    for (int ef : kEfs) {
      cells.push_back({threads, ef});
    }
  }
  for (int round = 0; round < kRounds; ++round) {
    Random random = Random::Stream(kSeed, 3, static_cast<uint64_t>(round));
    std::vector<size_t> order(cells.size());
    for (size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
      std::swap(order[i], order[random.Below(i + 1)]);
    }
    for (size_t i : order) {
      index.setEf(static_cast<size_t>(cells[i].ef));
      cells[i].samples.push_back(Measure({&index, &queries, &truth},
                                         static_cast<size_t>(cells[i].threads),
                                         seconds));
    }
    std::fprintf(stderr, "round %d of %d\n", round + 1, kRounds);
  }

  std::ofstream out(path);
  out << "{\n\"about\": \"tuner_record.cc: hnswlib, " << kRows << " x "
      << kDimension << ", " << kRounds << " rounds of " << seconds << " s, "
      << std::thread::hardware_concurrency()
      << " processors; a sample is QPS, p99 in ms, recall\",\n"
      << "\"settings\": [\n";
  for (size_t i = 0; i < cells.size(); ++i) {
    out << R"({"threads": )" << cells[i].threads << R"(, "ef": )" << cells[i].ef
        << R"(, "samples": )" << cells[i].samples.dump() << "}"
        << (i + 1 < cells.size() ? "," : "") << "\n";
  }
  out << "]\n}\n";
  out.close();
  return out ? 0 : 1;
}

}  // namespace
}  // namespace opsbench

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: tuner_record FILE [SECONDS]\n");
    return 2;
  }
  const double seconds = argc == 3 ? std::atof(argv[2]) : 0.02;
  if (!(seconds > 0)) {
    std::fprintf(stderr, "tuner_record: seconds have to be above 0\n");
    return 2;
  }
  return opsbench::Main(argv[1], seconds);
}
