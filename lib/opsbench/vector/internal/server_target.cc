#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/vector/internal/redis_target.h"
#include "opsbench/vector/internal/target.h"
#include "opsbench/vector/local_load.h"
#include "opsbench/vector/pgvector_backend.h"
#include "opsbench/vector/wire_backends.h"

namespace opsbench::vector::internal {
namespace {

constexpr int kRoundTrips = 200;

class PostgresTarget : public Target {
 public:
  PostgresTarget(Url url, std::unique_ptr<PgvectorBackend> backend)
      : url_(std::move(url)), backend_(std::move(backend)) {}

  const BackendInfo& info() const override { return backend_->info(); }

  absl::StatusOr<IndexState> Find(const Dataset& data,
                                  const BuildOptions& options) override {
    return backend_->Find(data, options);
  }

  absl::Status Remove(bool foreign) override {
    return backend_->Remove(foreign);
  }

  absl::Status Build(const Dataset& data,
                     const BuildOptions& options) override {
    return backend_->Build(data, options);
  }

  absl::Status Verify(const Dataset& data) override {
    return backend_->Verify(data);
  }

  // PostgreSQL loses no rows by itself, and counting them takes a while.
  absl::Status CheckStillThere(const Dataset&) override {
    return absl::OkStatus();
  }

  absl::StatusOr<QueryLoadResult> Run(
      const BenchmarkConfig& config, const Dataset* data,
      const GroundTruth* truth, const QueryLoadOptions& options) override {
    if (!config.is_search()) {
      return absl::InvalidArgumentError(
          absl::StrCat(config.operation, " is a command of Redis, and ",
                       url_.Redacted(), " is PostgreSQL"));
    }
    return RunLocalLoad(*backend_, *data, *truth, SearchOf(config), config.seed,
                        options);
  }

  absl::StatusOr<absl::optional<Histogram>> Baseline() override {
    OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                              Connect(url_));
    Histogram histogram;
    for (int i = 0; i < kRoundTrips; ++i) {
      ResultSet result;
      const int64_t start_ns = MonotonicNowNs();
      OPSBENCH_RETURN_IF_ERROR(session->Query("SELECT 1", &result));
      histogram.Record(MonotonicNowNs() - start_ns);
    }
    return absl::make_optional(std::move(histogram));
  }

  int64_t MemoryBytes() override { return backend_->MemoryBytes(); }

 private:
  const Url url_;
  const std::unique_ptr<PgvectorBackend> backend_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Target>> OpenServerTarget(
    const BenchmarkConfig& config, absl::optional<Metric> metric) {
  OPSBENCH_ASSIGN_OR_RETURN(const Url url, Url::Parse(config.backend));
  if (url.engine != Engine::kRedis && url.engine != Engine::kPostgres) {
    return absl::InvalidArgumentError(
        absl::StrCat("--backend ", url.Redacted(),
                     ": vectors are searched on Redis, Valkey and PostgreSQL"));
  }
  if (!config.is_search() && url.engine == Engine::kRedis) {
    return MakeRedisTarget(url, "", nullptr);
  }
  WireOptions options;
  options.name = config.index;
  // Recall is judged by exact ones.
  options.distances = false;
  options.vector_set.m = config.build.m;
  options.vector_set.ef_construction = config.build.ef_construction;
  options.pgvector.table = config.index;
  OPSBENCH_ASSIGN_OR_RETURN(options.redis_kind,
                            ParseRedisIndexKind(config.engine));
  OPSBENCH_ASSIGN_OR_RETURN(
      WireEngine engine,
      OpenWireEngine(url, metric.value_or(Metric::kL2), options));
  if (engine.redis != nullptr) {
    return MakeRedisTarget(url, config.index, std::move(engine.redis));
  }
  return std::make_unique<PostgresTarget>(url, std::move(engine.postgres));
}

}  // namespace opsbench::vector::internal
