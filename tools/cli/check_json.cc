// opsbench check-json: whether files are results worth keeping.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "command.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/benchmark_json.h"

namespace opsbench::cli {
namespace {

absl::Status CheckFile(const std::string& path) {
  OPSBENCH_ASSIGN_OR_RETURN(const results::BenchmarkFile file,
                            results::ReadBenchmarkFile(path));
  OPSBENCH_RETURN_IF_ERROR(results::CheckBenchmarkFile(file, path));
  absl::PrintF("%s: %d rows\n", path, file.rows.size());
  return absl::OkStatus();
}

}  // namespace

void AddCheckJsonCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "check-json",
      "Fail unless files are valid Google Benchmark JSON without errors");
  const auto paths = std::make_shared<std::vector<std::string>>();
  command->add_option("files", *paths, "The files")->required();
  command->callback([paths, &context] {
    for (const std::string& path : *paths) {
      const absl::Status status = CheckFile(path);
      // A file with failed benchmarks can be read, and says that they failed.
      if (!status.ok()) {
        Fail(context, status,
             absl::IsFailedPrecondition(status) ? kExitFailed : kExitUsage);
        return;
      }
    }
  });
}

}  // namespace opsbench::cli
