#include "opsbench/sidetable/compare.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/load/load.h"
#include "opsbench/sidetable/effect.h"
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

struct OpenStore {
  std::unique_ptr<Session> session;
  std::unique_ptr<Store> store;  // Uses session, so it goes first.
};

absl::StatusOr<OpenStore> Open(const Url& url, Strategy strategy) {
  OpenStore open;
  OPSBENCH_ASSIGN_OR_RETURN(open.session, Connect(url));
  OPSBENCH_ASSIGN_OR_RETURN(
      open.store,
      Store::Create(open.session.get(), strategy, Purpose::kCompare));
  return open;
}

absl::Status SeedAndVerify(const Url& url, const CompareOptions& options,
                           const Reference* reference,
                           StrategyFigures* figures) {
  const SeedOptions seed_options = {.strategy = figures->strategy,
                                    .purpose = Purpose::kCompare,
                                    .operations = options.operations,
                                    .seed = options.seed,
                                    .fresh = true,
                                    .stop = options.stop};
  OPSBENCH_ASSIGN_OR_RETURN(const SeedReport seeded, Seed(url, seed_options));
  figures->seed_operations_per_second = seeded.operations_per_second;
  OPSBENCH_ASSIGN_OR_RETURN(const OpenStore open, Open(url, figures->strategy));
  if (reference != nullptr) {
    OPSBENCH_RETURN_IF_ERROR(
        VerifyAnswers(*open.store, *reference, kVerifySamples, options.seed));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Records records, ReadRecords(*open.store, 0));
  double bytes = 0;
  for (const TableSize& table : records.tables) {
    bytes += static_cast<double>(table.bytes);
  }
  figures->bytes_per_operation =
      bytes / static_cast<double>(options.operations);
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
  SidetableWorkload workload(url, {}, strategy, std::move(mix), 0,
                             Purpose::kCompare);
  LoadOptions load;
  load.mix = workload.WeightedMix();
  load.duration = options.duration;
  load.warmup = options.duration / 10;
  load.seed = options.seed;
  load.stop = options.stop;
  OPSBENCH_ASSIGN_OR_RETURN(const auto engine, LoadEngine::Create(load));
  OPSBENCH_ASSIGN_OR_RETURN(const OpenStore open, Open(url, strategy));
  OPSBENCH_ASSIGN_OR_RETURN(const WriteCheck check,
                            WriteCheck::Start(*open.store));
  OPSBENCH_ASSIGN_OR_RETURN(LoadReport report, engine->Run(workload));
  OPSBENCH_RETURN_IF_ERROR(CheckStop(options));
  OPSBENCH_RETURN_IF_ERROR(report.ended_early);
  if (report.errors() > 0) {
    return absl::InternalError(absl::StrCat(StrategyName(strategy), " ",
                                            operation, ": ",
                                            report.operations[0].first_error));
  }
  if (workload.Writes()) {
    OPSBENCH_RETURN_IF_ERROR(check.Finish(*open.store, workload.written()));
  }
  return report;
}

double PercentileUs(const LoadReport& report, double percentile) {
  return 1e-3 * static_cast<double>(
                    report.operations[0].latency.Percentile(percentile));
}

absl::Status MeasureAll(const Url& url, const CompareOptions& options,
                        std::vector<StrategyFigures>* figures) {
  std::unique_ptr<Reference> reference;
  if (options.operations <= kMaxVerified) {
    reference = std::make_unique<Reference>(Generator(options.seed),
                                            options.operations);
  }
  for (const Strategy strategy : options.strategies) {
    OPSBENCH_RETURN_IF_ERROR(CheckStop(options));
    if (options.on_step) {
      options.on_step(absl::StrCat(StrategyName(strategy), ": seeding"));
    }
    figures->push_back({.strategy = strategy});
    OPSBENCH_RETURN_IF_ERROR(
        SeedAndVerify(url, options, reference.get(), &figures->back()));
  }
  for (int level = 1; level <= kMaxLevels; ++level) {
    for (StrategyFigures& figure : *figures) {
      OPSBENCH_ASSIGN_OR_RETURN(const LoadReport report,
                                Measure(url, options, figure.strategy,
                                        absl::StrCat("latest_l", level)));
      figure.read_p50_us[level - 1] = PercentileUs(report, 50);
      figure.read_p99_us[level - 1] = PercentileUs(report, 99);
    }
  }
  for (StrategyFigures& figure : *figures) {
    OPSBENCH_ASSIGN_OR_RETURN(const LoadReport report,
                              Measure(url, options, figure.strategy, "exact"));
    figure.exact_p50_us = PercentileUs(report, 50);
  }
  // Writes come last: they change what is read.
  for (StrategyFigures& figure : *figures) {
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
  return absl::OkStatus();
}

// Drops the tables of the strategies that were begun; what is foreign stays.
absl::Status DropAll(const Url& url,
                     const std::vector<StrategyFigures>& figures) {
  absl::Status first;
  for (size_t i = 0; i < figures.size(); ++i) {
    OPSBENCH_ASSIGN_OR_RETURN(const OpenStore open,
                              Open(url, figures[i].strategy));
    first.Update(open.store->DropSchema());
    if (i + 1 == figures.size()) first.Update(open.store->DropRecords());
  }
  return first;
}

}  // namespace

Comparison CompareStrategies(const Url& url, const CompareOptions& options) {
  Comparison comparison;
  comparison.ended_early = MeasureAll(url, options, &comparison.figures);
  // Where it ended early, that is what there is to say.
  comparison.ended_early.Update(DropAll(url, comparison.figures));
  return comparison;
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
  const auto append = [&out](int width, double figure) {
    if (figure > 0) {
      absl::StrAppendFormat(&out, "%*.0f", width, figure);
    } else {
      absl::StrAppendFormat(&out, "%*s", width, "-");
    }
  };
  for (const StrategyFigures& figure : figures) {
    absl::StrAppendFormat(&out, "%-14s", StrategyName(figure.strategy));
    for (const double p50_us : figure.read_p50_us) append(9, p50_us);
    append(9, figure.exact_p50_us);
    append(9, figure.insert_p50_us);
    append(11, figure.batch_operations_per_second);
    append(11, figure.seed_operations_per_second);
    append(9, figure.bytes_per_operation);
    out += "\n";
  }
  absl::StrAppend(&out,
                  "Latest 100 under a prefix of 1 to 5 levels, exact match and "
                  "single insert: median\nlatency of one worker. Batch: 1000 "
                  "operations a transaction. Bulk: seeding. Size:\nwith "
                  "indexes, as seeded.\n");
  return out;
}

}  // namespace opsbench::sidetable
