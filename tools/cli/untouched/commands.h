#ifndef OPSBENCH_TOOLS_CLI_UNTOUCHED_COMMANDS_H_
#define OPSBENCH_TOOLS_CLI_UNTOUCHED_COMMANDS_H_

// Every command of opsbench and every benchmark binary, each with the smallest
// work in which it uses all the names that it has. A command without an entry
// fails the test.
//
// Thread safety: constants.

#include <string>
#include <vector>

namespace opsbench {

struct CommandEntry {
  // "sidetable seed", as it stands on the command line, or "stress_bench".
  std::string name;

  // The engines on which it writes: s(qlite), m(ysql), p(ostgres), r(edis).
  std::string engines;

  // What follows the name. {engine}, {url} and {folder} are replaced;
  // {target} by --engine or, for SQLite, --url.
  std::string arguments;

  // Whole commands that run before, in the same way.
  std::vector<std::string> before;

  // Names that the user gives to it: they are replaced when asked.
  std::vector<std::string> given = {};

  // Whether it works on what commands of its area have made.
  std::string area = "";
};

inline const std::vector<CommandEntry>& CommandEntries() {
  static const auto* const entries = new std::vector<CommandEntry>{
      // Benchmarks, each alone.
      {"sidetable_bench",
       "smp",
       "--engines={engine} --scale=smoke --rows=100 "
       "--benchmark_filter=(BulkLoad|InsertSingle)",
       {}},
      {"pipeline_bench",
       "smp",
       "--engines={engine} --scale=smoke --rows=100",
       {}},
      {"stress_bench",
       "smp",
       "--engines={engine} --scale=smoke --rows=100 "
       "--benchmark_filter=users:1",
       {}},
      {"memtable_bench",
       "smpr",
       "--scale=smoke --benchmark_filter=persister:{engine}",
       {}},
      {"vector_bench", "r", "--scale=smoke --benchmark_filter=^Redis/", {}},
      {"persister_bench", "mpr", "--benchmark_filter={engine}", {}},
      {"redis_load_bench", "r", "", {}},
      {"base_bench", "", "", {}},
      {"load_bench", "", "", {}},
      {"compare_bench", "", "", {}},
      {"pipeline_core_bench", "", "", {}},
      // Commands that run them.
      {"run",
       "smp",
       "--area sidetable --engines {engine} --scale smoke --filter Insert",
       {}},
      {"matrix",
       "smp",
       "--area sidetable --engines {engine} --scale smoke --rows 100 "
       "--filter InsertSingle",
       {}},
      {"profile", "", "", {}},
      {"gate", "", "", {}},
      // Areas.
      {"sidetable seed", "smp", "{target} --ops 300", {}, {}, "sidetable"},
      {"sidetable seed",
       "smp",
       "{target} --ops 300 --fresh",
       {},
       {},
       "sidetable"},
      {"sidetable seed",
       "smp",
       "{target} --ops 300 --strategy like_scan",
       {},
       {},
       "sidetable"},
      {"sidetable seed",
       "smp",
       "{target} --ops 300 --strategy level_columns",
       {},
       {},
       "sidetable"},
      {"sidetable run",
       "smp",
       "{target} --ops 300 --mix C --workers 2 --seconds 0.1 --warmup 0",
       {"sidetable seed {target} --ops 300"},
       {},
       "sidetable"},
      {"sidetable records",
       "smp",
       "{target} --ops 300",
       {"sidetable seed {target} --ops 300"},
       {},
       "sidetable"},
      {"sidetable explain",
       "smp",
       "{target} --ops 300",
       {"sidetable seed {target} --ops 300"},
       {},
       "sidetable"},
      // Of fewer rows PostgreSQL rightly sorts some.
      {"sidetable validate",
       "smp",
       "{target} --ops 20000",
       {"sidetable seed {target} --ops 20000"},
       {},
       "sidetable"},
      {"sidetable requests",
       "smp",
       "{target} --mix exact --distinct 5",
       {"sidetable seed {target} --ops 300"},
       {},
       "sidetable"},
      {"sidetable compare",
       "smp",
       "{target} --ops 300 --seconds 0.1",
       {},
       {},
       "sidetable"},
      {"pipeline seed", "smp", "--url {url} --rows 100", {}, {}, "pipeline"},
      {"pipeline seed",
       "smp",
       "--url {url} --rows 100 --fresh",
       {},
       {},
       "pipeline"},
      {"pipeline run",
       "smp",
       "{folder}/replace.yaml",
       {},
       {"bench_events_copy"},
       "pipeline"},
      {"pipeline run",
       "mp",
       "{folder}/staged.yaml",
       {},
       {"bench_events_copy"},
       "pipeline"},
      {"pipeline run",
       "smp",
       "{folder}/incremental.yaml",
       {},
       {"bench_events_copy"},
       "pipeline"},
      {"pipeline verify",
       "smp",
       "{folder}/replace.yaml",
       {"pipeline run {folder}/replace.yaml"},
       {},
       "pipeline"},
      {"pipeline compare",
       "smp",
       "--iterations 1 {folder}/replace.yaml {folder}/replace.yaml",
       {},
       {"bench_events_copy"},
       "pipeline"},
      {"stress run", "mp", "{stress}/a", {}, {}, "stress"},
      {"stress run", "mp", "{stress}/b --fresh --keep", {}, {}, "stress"},
      {"stress replay",
       "mp",
       "{folder}/c/replay.json --url {url} --output-dir {folder}/d",
       {"stress run {stress}/c"},
       {},
       "stress"},
      {"stress check",
       "mp",
       "{folder}/e",
       {"stress run {stress}/e --keep"},
       {},
       "stress"},
      {"stress show",
       "mp",
       "{folder}/f",
       {"stress run {stress}/f"},
       {},
       "stress"},
      // Vector indexes on servers need modules: their tests have recordings.
      {"vector load", "", "", {}},
      {"vector query",
       "r",
       "--backend {url} --operation set --requests 100 --key-space 20 "
       "--output-dir {folder}/v",
       {}},
      {"vector query",
       "r",
       "--backend {url} --operation hset --requests 100 --key-space 20 "
       "--output-dir {folder}/w",
       {}},
      {"vector query",
       "r",
       "--backend {url} --operation get --requests 100 --key-space 20 "
       "--output-dir {folder}/x",
       {}},
      {"vector tune", "", "", {}},
      {"vector grid", "", "", {}},
      // Files alone.
      {"compare", "", "", {}},
      {"baseline save", "", "", {}},
      {"baseline list", "", "", {}},
      {"baseline show", "", "", {}},
      {"baseline remove", "", "", {}},
      {"history", "", "", {}},
      {"report", "", "", {}},
      {"check-json", "", "", {}},
      {"servers up", "", "", {}},
      {"servers status", "", "", {}},
      {"servers down", "", "", {}},
  };
  return *entries;
}

}  // namespace opsbench

#endif  // OPSBENCH_TOOLS_CLI_UNTOUCHED_COMMANDS_H_
