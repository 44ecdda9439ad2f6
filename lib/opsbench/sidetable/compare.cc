#include "opsbench/sidetable/compare.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/load/load.h"
#include "opsbench/sidetable/inspect.h"
#include "opsbench/sidetable/mix.h"
#include "opsbench/sidetable/reference.h"
#include "opsbench/sidetable/seed.h"
#include "opsbench/sidetable/workload.h"

namespace opsbench::sidetable {
namespace {

constexpr int kVerifySamples = 2;
// Enough for the brute force to take seconds, not minutes.
constexpr int64_t kMaxVerified = 1'000'000;

absl::Status CheckStop(const CompareOptions& options) {
  if (options.stop != nullptr && options.stop->load()) {
    return absl::CancelledError("interrupted");
  }
  return absl::OkStatus();
}

absl::Status SeedAndVerify(const Url& url, const CompareOptions& options,
                           const Reference* reference,
                           StrategyFigures* figures) {
  const SeedOptions seed_options = {.strategy = figures->strategy,
                                    .operations = options.operations,
                                    .seed = options.seed,
                                    .resume = true,
                                    .fresh = options.fresh,
                                    .stop = options.stop};
  const absl::StatusOr<SeedReport> seeded = Seed(url, seed_options);
  if (seeded.ok()) {
    figures->seed_operations_per_second = seeded->operations_per_second;
  } else if (!absl::IsAlreadyExists(seeded.status())) {
    return seeded.status();
  }
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
  OPSBENCH_ASSIGN_OR_RETURN(const auto store,
                            Store::Create(session.get(), figures->strategy));
  OPSBENCH_ASSIGN_OR_RETURN(const Meta meta, store->RequireSeeded());
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t count, store->CountOperations());
  if (reference != nullptr && count == meta.operations) {
    OPSBENCH_RETURN_IF_ERROR(
        VerifyAnswers(*store, *reference, kVerifySamples, options.seed));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Records records, ReadRecords(*store, 0));
  double bytes = 0;
  for (const TableSize& table : records.tables) {
    bytes += static_cast<double>(table.bytes);
  }
  figures->bytes_per_operation = bytes / static_cast<double>(count);
  return absl::OkStatus();
}

absl::StatusOr<LoadReport> Measure(const Url& url,
                                   const CompareOptions& options,
                                   Strategy strategy,
                                   absl::string_view operation) {
  OPSBENCH_RETURN_IF_ERROR(CheckStop(options));
  if (options.on_step) {
    options.on_step(absl::StrCat(StrategyName(strategy), ": ", operation));
  }
  OPSBENCH_ASSIGN_OR_RETURN(std::vector<MixOperation> mix,
                            ParseMix(absl::StrCat(operation, "=1")));
  SidetableWorkload workload(url, {}, strategy, std::move(mix));
  LoadOptions load;
  load.mix = workload.WeightedMix();
  load.duration = options.duration;
  load.warmup = options.duration / 10;
  load.seed = options.seed;
  OPSBENCH_ASSIGN_OR_RETURN(const auto engine, LoadEngine::Create(load));
  OPSBENCH_ASSIGN_OR_RETURN(LoadReport report, engine->Run(workload));
  if (report.errors() > 0) {
    return absl::InternalError(absl::StrCat(StrategyName(strategy), " ",
                                            operation, ": ",
                                            report.operations[0].first_error));
  }
  return report;
}

double PercentileUs(const LoadReport& report, double percentile) {
  return 1e-3 * static_cast<double>(
                    report.operations[0].latency.Percentile(percentile));
}

}  // namespace

absl::StatusOr<std::vector<StrategyFigures>> CompareStrategies(
    const Url& url, const CompareOptions& options) {
  std::unique_ptr<Reference> reference;
  if (options.operations <= kMaxVerified) {
    reference = std::make_unique<Reference>(Generator(options.seed),
                                            options.operations);
  }
  std::vector<StrategyFigures> figures;
  for (const Strategy strategy : options.strategies) {
    OPSBENCH_RETURN_IF_ERROR(CheckStop(options));
    if (options.on_step) {
      options.on_step(absl::StrCat(StrategyName(strategy), ": seeding"));
    }
    figures.push_back({.strategy = strategy});
    OPSBENCH_RETURN_IF_ERROR(
        SeedAndVerify(url, options, reference.get(), &figures.back()));
  }
  for (int level = 1; level <= kMaxLevels; ++level) {
    for (StrategyFigures& figure : figures) {
      OPSBENCH_ASSIGN_OR_RETURN(const LoadReport report,
                                Measure(url, options, figure.strategy,
                                        absl::StrCat("latest_l", level)));
      figure.read_p50_us[level - 1] = PercentileUs(report, 50);
      figure.read_p99_us[level - 1] = PercentileUs(report, 99);
    }
  }
  for (StrategyFigures& figure : figures) {
    OPSBENCH_ASSIGN_OR_RETURN(const LoadReport report,
                              Measure(url, options, figure.strategy, "exact"));
    figure.exact_p50_us = PercentileUs(report, 50);
  }
  // Writes come last: they change what is read.
  for (StrategyFigures& figure : figures) {
    OPSBENCH_ASSIGN_OR_RETURN(
        const LoadReport single,
        Measure(url, options, figure.strategy, "insert_single"));
    figure.insert_p50_us = PercentileUs(single, 50);
    figure.insert_p99_us = PercentileUs(single, 99);
    OPSBENCH_ASSIGN_OR_RETURN(
        const LoadReport batch,
        Measure(url, options, figure.strategy, "insert_1000"));
    figure.batch_operations_per_second = batch.rows_per_second();
  }
  return figures;
}

std::string RenderComparison(const std::vector<StrategyFigures>& figures) {
  std::string out = absl::StrFormat("%-14s", "strategy");
  for (int level = 1; level <= kMaxLevels; ++level) {
    absl::StrAppendFormat(&out, "%9s", absl::StrCat("L", level));
  }
  absl::StrAppendFormat(&out, "%9s%9s%11s%11s%9s\n", "exact", "insert", "batch",
                        "bulk", "size");
  absl::StrAppendFormat(&out, "%-14s", "");
  for (int i = 0; i < kMaxLevels + 2; ++i) {
    absl::StrAppend(&out, "       µs");
  }
  absl::StrAppendFormat(&out, "%11s%11s%9s\n", "ops/s", "ops/s", "B/op");
  for (const StrategyFigures& figure : figures) {
    absl::StrAppendFormat(&out, "%-14s", StrategyName(figure.strategy));
    for (const double p50_us : figure.read_p50_us) {
      absl::StrAppendFormat(&out, "%9.0f", p50_us);
    }
    absl::StrAppendFormat(&out, "%9.0f%9.0f%11.0f", figure.exact_p50_us,
                          figure.insert_p50_us,
                          figure.batch_operations_per_second);
    if (figure.seed_operations_per_second > 0) {
      absl::StrAppendFormat(&out, "%11.0f", figure.seed_operations_per_second);
    } else {
      absl::StrAppendFormat(&out, "%11s", "-");
    }
    absl::StrAppendFormat(&out, "%9.0f\n", figure.bytes_per_operation);
  }
  absl::StrAppend(&out,
                  "Latest 100 under a prefix of 1 to 5 levels, exact match and "
                  "single insert: median\nlatency of one worker. Batch: 1000 "
                  "operations a transaction. Bulk: seeding. Size:\nwith "
                  "indexes, as seeded.\n");
  return out;
}

}  // namespace opsbench::sidetable
