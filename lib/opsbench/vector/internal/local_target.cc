#include <memory>
#include <utility>

#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/target.h"
#include "opsbench/vector/local_backends.h"
#include "opsbench/vector/local_load.h"

namespace opsbench::vector::internal {
namespace {

class LocalTarget : public Target {
 public:
  explicit LocalTarget(std::unique_ptr<Backend> backend)
      : backend_(std::move(backend)) {}

  const BackendInfo& info() const override { return backend_->info(); }

  absl::StatusOr<IndexState> Find(const Dataset&,
                                  const BuildOptions&) override {
    IndexState state;
    if (built_) state.kind = IndexState::Kind::kCurrent;
    return state;
  }

  absl::Status Remove(bool) override {
    built_ = false;
    return absl::OkStatus();
  }

  absl::Status Build(const Dataset& data,
                     const BuildOptions& options) override {
    built_ = false;
    OPSBENCH_RETURN_IF_ERROR(backend_->Build(data, options));
    built_ = true;
    return absl::OkStatus();
  }

  absl::Status Verify(const Dataset&) override { return absl::OkStatus(); }
  absl::Status CheckStillThere(const Dataset&) override {
    return absl::OkStatus();
  }

  absl::StatusOr<QueryLoadResult> Run(
      const BenchmarkConfig& config, const Dataset* data,
      const GroundTruth* truth, const QueryLoadOptions& options) override {
    return RunLocalLoad(*backend_, *data, *truth, SearchOf(config), config.seed,
                        options);
  }

  absl::StatusOr<absl::optional<Histogram>> Baseline() override {
    return absl::optional<Histogram>();
  }

  int64_t MemoryBytes() override { return backend_->MemoryBytes(); }

 private:
  const std::unique_ptr<Backend> backend_;
  bool built_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Target>> OpenLocalTarget(
    const BenchmarkConfig& config) {
  OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<Backend> backend,
                            MakeLocalBackend(config.backend));
  return std::make_unique<LocalTarget>(std::move(backend));
}

}  // namespace opsbench::vector::internal
