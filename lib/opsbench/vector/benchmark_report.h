#ifndef OPSBENCH_VECTOR_BENCHMARK_REPORT_H_
#define OPSBENCH_VECTOR_BENCHMARK_REPORT_H_

// Measurements of vector search for people, for spreadsheets, and as the rows
// that comparisons and reports read.
//
// Thread safety: pure functions, but for the one that writes.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/vector/benchmark.h"
#include "opsbench/vector/benchmark_config.h"
#include "opsbench/vector/search.h"
#include "opsbench/vector/tuner.h"

namespace opsbench::vector {

// A measurement: queries per second, latency, recall, what went wrong. Lines
// are ended.
std::string RenderResult(const BenchmarkResult& result);

// What a search for the best setting found, on which evidence: the best or the
// closest, a table of the settings that matter most (at most `rows`), and the
// tuner's notes.
std::string RenderOutcome(const SearchOutcome& outcome,
                          const TuneOptions& options, size_t rows = 12);

// A table of the kept settings, the fastest first.
std::string RenderGrid(const GridResult& grid,
                       absl::Span<const Parameter> parameters,
                       size_t rows = 30);

// A header and a line for each result; the first columns have the names of the
// Valkey search benchmark's fields. What was not measured is empty.
std::string FormatResultsCsv(absl::Span<const BenchmarkResult> results);

// Whole or not at all. Errors as results::WriteFileAtomically().
absl::Status SaveResultsCsv(absl::Span<const BenchmarkResult> results,
                            const std::string& path);

// "VectorQuery/backend:…/dataset:…/k:…/ef:…/clients:…", or "Redis/GET/…": a row
// for each result; several of one setting are its repetitions.
results::BenchmarkFile ToBenchmarkFile(
    absl::Span<const BenchmarkResult> results);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_BENCHMARK_REPORT_H_
