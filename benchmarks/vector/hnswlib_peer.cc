// Our search in the embedded index beside a bare loop of hnswlib's searchKnn():
// the same graph (built by us, saved, and read by hnswlib), queries, k, ef and
// number of threads, in one process.
//
// Timed on all sides: from the common start of the threads to the end of the
// last; no load engine and no recall. The sides take turns, who begins changing
// each round, and a ratio is that of two neighbours in time. Before, both must
// find the same rows: but for rounding, as their kernels sum in other orders.

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_format.h"
#include "numbers.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/hnsw_backend.h"
#include "vector/bare_hnswlib.h"

namespace opsbench::vector_peer {
namespace {

using vector::Dataset;
using vector::HnswBackend;
using vector::Neighbor;
using vector::Searcher;

struct Flags {
  size_t rows = 50'000;
  size_t dimension = 128;
  size_t k = 10;
  double seconds = 1;  // Of one measurement.
  int rounds = 7;
};

// Ours, as BareHnswlib::Run() does it.
absl::StatusOr<BareHnswlib::Timed> RunOurs(const Dataset& data,
                                           HnswBackend& backend,
                                           const Flags& flags, int ef,
                                           int threads, size_t count) {
  std::vector<std::unique_ptr<Searcher>> searchers;
  for (int t = 0; t < threads; ++t) {
    OPSBENCH_ASSIGN_OR_RETURN(auto searcher, backend.Connect());
    searchers.push_back(std::move(searcher));
  }
  const vector::Matrix queries = data.queries();
  std::vector<absl::Status> statuses(searchers.size());
  std::vector<size_t> rows(searchers.size());
  std::barrier start(threads + 1);
  std::vector<std::thread> running;
  for (size_t t = 0; t < searchers.size(); ++t) {
    running.emplace_back([&, t] {
      const size_t first = t * queries.rows / searchers.size();
      std::vector<Neighbor> found;
      vector::SearchRequest request = {.k = static_cast<int>(flags.k),
                                       .ef = ef};
      size_t total = 0;
      start.arrive_and_wait();
      for (size_t i = 0; i < count && statuses[t].ok(); ++i) {
        request.query = queries.row((first + i) % queries.rows);
        statuses[t] = searchers[t]->Search(request, &found);
        total += found.size();
      }
      rows[t] = total;
    });
  }
  start.arrive_and_wait();
  const auto begin = std::chrono::steady_clock::now();
  for (std::thread& thread : running) thread.join();
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - begin;
  for (const absl::Status& status : statuses) {
    OPSBENCH_RETURN_IF_ERROR(status);
  }
  return BareHnswlib::Timed{
      elapsed.count(), std::accumulate(rows.begin(), rows.end(), size_t{0})};
}

// Of the rows that `bare` finds, the part that we find.
absl::StatusOr<double> Agreement(const Dataset& data, HnswBackend& backend,
                                 BareHnswlib& bare, const Flags& flags,
                                 int ef) {
  OPSBENCH_ASSIGN_OR_RETURN(const auto searcher, backend.Connect());
  std::vector<Neighbor> found;
  std::vector<int64_t> rows(flags.k);
  size_t same = 0;
  size_t all = 0;
  for (size_t q = 0; q < data.queries().rows; ++q) {
    const auto query = data.queries().row(q);
    OPSBENCH_RETURN_IF_ERROR(searcher->Search(
        {.query = query, .k = static_cast<int>(flags.k), .ef = ef}, &found));
    const size_t count =
        bare.Find(query.data(), flags.k, static_cast<size_t>(ef), rows.data());
    all += count;
    for (const Neighbor& neighbor : found) {
      same += static_cast<size_t>(std::count(
          rows.begin(), rows.begin() + static_cast<long>(count), neighbor.id));
    }
  }
  return static_cast<double>(same) / static_cast<double>(all);
}

struct Side {
  const char* name;
  std::unique_ptr<BareHnswlib> bare;
  std::vector<double> medians;  // Ratios, of each setting.
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

absl::Status CheckFound(const char* side, size_t found, size_t wanted) {
  if (found == wanted) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrFormat("%s found %d rows, not %d", side, found, wanted));
}

// Both must find the same rows: but for rounding, as their kernels sum in other
// orders.
absl::Status CheckAgreement(const Dataset& data, HnswBackend& backend,
                            const Flags& flags, int ef, const Side& side) {
  OPSBENCH_ASSIGN_OR_RETURN(const double same,
                            Agreement(data, backend, *side.bare, flags, ef));
  if (same >= 0.999) return absl::OkStatus();
  return absl::DataLossError(absl::StrFormat(
      "hnswlib (%s) and our search find other rows at ef %d: %.4f are the same",
      side.name, ef, same));
}

// `figures` counts what was measured and has found all its rows.
absl::Status Compare(const Dataset& data, HnswBackend& backend,
                     const Flags& flags, int ef, int threads,
                     std::vector<Side>* sides, int* figures) {
  const BareQueries queries = {data.queries().data, data.queries().rows,
                               data.dimension()};
  // Also warms up.
  const size_t trial = queries.rows;
  OPSBENCH_ASSIGN_OR_RETURN(const BareHnswlib::Timed timed,
                            RunOurs(data, backend, flags, ef, threads, trial));
  const auto count = std::max<size_t>(
      trial, static_cast<size_t>(flags.seconds / timed.seconds *
                                 static_cast<double>(trial)));
  const size_t rows = count * static_cast<size_t>(threads) *
                      std::min(flags.k, data.base().rows);
  for (Side& side : *sides) {
    OPSBENCH_RETURN_IF_ERROR(CheckAgreement(data, backend, flags, ef, side));
    side.bare->Run(queries, flags.k, static_cast<size_t>(ef), threads, trial);
    std::vector<double> ratios;
    std::vector<double> ours_qps;
    std::vector<double> theirs_qps;
    for (int round = 0; round < flags.rounds; ++round) {
      BareHnswlib::Timed ours;
      BareHnswlib::Timed theirs;
      for (const int turn : {round % 2, 1 - round % 2}) {
        if (turn == 1) {
          theirs = side.bare->Run(queries, flags.k, static_cast<size_t>(ef),
                                  threads, count);
          continue;
        }
        OPSBENCH_ASSIGN_OR_RETURN(
            ours, RunOurs(data, backend, flags, ef, threads, count));
      }
      OPSBENCH_RETURN_IF_ERROR(CheckFound("our search", ours.found, rows));
      OPSBENCH_RETURN_IF_ERROR(CheckFound("hnswlib", theirs.found, rows));
      *figures += 2;
      const double asked = static_cast<double>(count) * threads;
      ours_qps.push_back(asked / ours.seconds);
      theirs_qps.push_back(asked / theirs.seconds);
      ratios.push_back(theirs.seconds / ours.seconds);
    }
    side.medians.push_back(Median(ratios));
    absl::PrintF("%-9s %5d %8d %10.0f %11.0f %7.3f %7.3f %7.3f\n", side.name,
                 ef, threads, Median(ours_qps), Median(theirs_qps),
                 side.medians.back(),
                 *std::min_element(ratios.begin(), ratios.end()),
                 *std::max_element(ratios.begin(), ratios.end()));
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

double GeometricMean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

absl::Status Run(const Flags& flags) {
  vector::GenerateOptions generate;
  generate.rows = flags.rows;
  generate.dimension = flags.dimension;
  generate.truth_k = 0;
  OPSBENCH_ASSIGN_OR_RETURN(const auto data, vector::Generate(generate));
  HnswBackend backend;
  OPSBENCH_RETURN_IF_ERROR(backend.Build(*data, {}));

  namespace fs = std::filesystem;
  std::string folder =
      (fs::temp_directory_path() / "opsbench-peer-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::ErrnoToStatus(errno, "make a folder for the index");
  }
  const absl::Cleanup remove = [&] {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  };
  const std::string path = folder + "/index";
  OPSBENCH_RETURN_IF_ERROR(backend.Save(path));
  std::vector<Side> sides;
  sides.push_back({"-O3", nullptr, {}});
  sides.push_back({"native", nullptr, {}});
  sides[0].bare.reset(OpenBareHnswlibBaseline(path.c_str(), flags.dimension));
  sides[1].bare.reset(OpenBareHnswlibNative(path.c_str(), flags.dimension));
  for (const Side& side : sides) {
    if (side.bare == nullptr) {
      return absl::DataLossError("hnswlib cannot read the index");
    }
  }
  absl::PrintF("%-9s %5s %8s %10s %11s %7s %7s %7s\n", "hnswlib", "ef",
               "threads", "ours q/s", "theirs q/s", "ratio", "lowest",
               "highest");
  int figures = 0;
  for (const int threads : {1, 2}) {
    for (const int ef : {16, 64, 256}) {
      OPSBENCH_RETURN_IF_ERROR(
          Compare(*data, backend, flags, ef, threads, &sides, &figures));
    }
  }
  absl::PrintF("effects: %d figures, each of work that was found done\n",
               figures);
  absl::PrintF(
      "ratio %.3f beside hnswlib for this processor, %.3f beside plain -O3 "
      "(geometric means of ef 16 to 256, 1 and 2 threads; lowest %.3f)\n",
      GeometricMean(sides[1].medians), GeometricMean(sides[0].medians),
      std::min(
          *std::min_element(sides[0].medians.begin(), sides[0].medians.end()),
          *std::min_element(sides[1].medians.begin(), sides[1].medians.end())));
  return absl::OkStatus();
}

}  // namespace
}  // namespace opsbench::vector_peer

int main(int argc, char** argv) {
  opsbench::vector_peer::Flags flags;
  CLI::App app("Our search in hnswlib's graph beside hnswlib's own");
  app.add_option("--rows", flags.rows, "Base vectors (50000)")
      ->check(opsbench::cli::WholeNumber(1, 1'000'000'000));
  app.add_option("--dimension", flags.dimension, "Of the vectors (128)")
      ->check(opsbench::cli::WholeNumber(1, 65'535));
  app.add_option("--seconds", flags.seconds, "Of one measurement (1)")
      ->check(opsbench::cli::Number(0.001, 1e5));
  app.add_option("--rounds", flags.rounds, "Of each setting (7)")
      ->check(opsbench::cli::WholeNumber(1, 1'000));
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = opsbench::vector_peer::Run(flags);
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "hnswlib_peer: %s\n", status.message());
  return 1;
}
