#ifndef OPSBENCH_VECTOR_BENCHMARK_CONFIG_H_
#define OPSBENCH_VECTOR_BENCHMARK_CONFIG_H_

// What a measurement of vector search is told, and what it says: the names are
// those of the Valkey search benchmark (BenchmarkConfig, BenchmarkResult).
//
// Thread safety: plain values, pure functions.

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/open_dataset.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

inline constexpr char kVectorQuery[] = "vec-query";

// Backends by which settings act on them. kGraph: hnsw, faiss_hnsw.
// kPlainGraph: hnswlib, which cannot filter. kUnknown: none of ours.
enum class BackendKind {
  kGraph,
  kPlainGraph,
  kLists,
  kScan,
  kRedis,
  kPostgres,
  kUnknown
};

struct BenchmarkConfig {
  // What is asked: an index of this process (LocalBackendNames()), or the URL
  // of a server.
  std::string backend = "hnsw";
  // On a server: "auto", or what its index is made by, see wire_backends.h.
  std::string engine = "auto";
  // The name of a generated data set or a file: see open_dataset.h.
  std::string dataset = "clusters-10k-64";
  OpenDatasetOptions open;
  // Of the index on a server; empty: "opsbench_" and the data set's name.
  std::string index;
  BuildOptions build;

  // What is asked for: kVectorQuery, or a plain command of Redis ("get").
  std::string operation = kVectorQuery;
  int k = 10;
  Filter filter;
  // HNSW's ef, IVF's probes. 0: the backend's own.
  int ef_search = 0;

  // How much at a time. 0 clients: one for each processor in this process, ten
  // on a server.
  int num_clients = 0;
  int num_threads = 1;
  int pipeline = 1;
  // Above 0: exactly so many, instead of for `duration`.
  int64_t num_requests = 0;
  absl::Duration duration = absl::Seconds(2);
  absl::Duration warmup = absl::Milliseconds(200);
  // Above 0: an open loop.
  double rate_per_second = 0;

  // Of plain commands.
  int64_t key_space = 10'000;
  int value_bytes = 3;
  std::string key_prefix = "ops:";  // See redis_commands.h.

  uint64_t seed = 1;

  bool is_search() const { return operation == kVectorQuery; }
  // By the name or the URL alone; "redis" and "postgres" are servers whose URL
  // somebody else will find.
  BackendKind backend_kind() const;
  bool is_local() const;  // In this process.
};

struct BenchmarkResult {
  BenchmarkConfig config;
  double qps = 0;
  // From when a request was due to when its reply was there.
  double latency_avg_ms = 0;
  double latency_p50_ms = 0;
  double latency_p95_ms = 0;
  double latency_p99_ms = 0;
  double latency_max_ms = 0;
  // None: not a search.
  absl::optional<double> recall_avg, recall_min, recall_max;
  // Neighbours that recall is of: k, or as many as the filter passes.
  int recall_k = 0;
  // Of one PING at a time; none: nothing crosses a socket.
  absl::optional<double> baseline_latency_avg_ms;
  absl::optional<double> baseline_latency_p50_ms;

  int64_t requests = 0;       // Without an error.
  int64_t short_replies = 0;  // With fewer neighbours than recall_k.
  int64_t empty_replies = 0;  // Plain commands that found nothing.
  int64_t errors = 0;
  std::map<std::string, int64_t> errors_by_kind;
  std::string first_error;
  int64_t redirects = 0;
  int64_t reconnects = 0;
  bool rate_met = true;
  bool interrupted = false;
  double seconds = 0;  // That were measured.

  absl::Time timestamp;  // When it began.
  // What answered: "faiss_hnsw 1.7.3", "redis 7.0.15".
  std::string answered_by;
  int64_t index_bytes = 0;  // 0: not known.
};

// Sets "num_clients", "num_threads", "pipeline" or "ef_search" ("clients",
// "threads", "ef", "probes" are the same). InvalidArgument lists the names.
absl::Status SetParameter(absl::string_view name, int64_t value,
                          BenchmarkConfig* config);

// Its value. REQUIRES: a name that SetParameter() knows.
int GetParameter(absl::string_view name, const BenchmarkConfig& config);

// InvalidArgument: what cannot be, in one line that names the setting.
absl::Status CheckConfig(const BenchmarkConfig& config);

// The arguments that measure the same: "vector query --dataset …". Passwords
// are left out.
std::string CommandOf(const BenchmarkConfig& config);

// "ef 64, 4 clients"; what differs from the usual alone.
std::string DescribeSetting(const BenchmarkConfig& config);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_BENCHMARK_CONFIG_H_
