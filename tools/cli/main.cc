// opsbench: the compiled program behind tools/opsbench.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "CLI/CLI.hpp"
#include "command.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kVersion[] = "opsbench " OPSBENCH_VERSION;

fs::path StateFolder() {
  const char* root = std::getenv("OPSBENCH_ROOT");
  return (root != nullptr && *root != '\0' ? fs::path(root)
                                           : fs::current_path()) /
         ".opsbench";
}

// The innermost subcommand that was named: its --help is what to read.
std::string NamedCommand(const CLI::App& app) {
  std::string name = app.get_name();
  const CLI::App* current = &app;
  while (!current->get_subcommands().empty()) {
    current = current->get_subcommands().front();
    name += " " + current->get_name();
  }
  return name;
}

int Main(int argc, char** argv) {
  Context context;
  context.state_folder = StateFolder();
  context.binary_folder = fs::read_symlink("/proc/self/exe").parent_path();

  CLI::App app(
      "Benchmarks of storage code on real engines: how fast is it, how does "
      "the cost grow, and did this change make it slower?",
      "opsbench");
  app.require_subcommand(1);
  app.set_version_flag("--version", kVersion);
  app.get_formatter()->column_width(28);
  AddRunCommand(app, context);
  AddCompareCommand(app, context);
  AddBaselineCommand(app, context);
  AddGateCommand(app, context);
  AddSidetableCommand(app, context);
  AddPipelineCommand(app, context);
  AddStressCommand(app, context);
  AddVectorCommand(app, context);
  AddProfileCommand(app, context);
  AddServersCommand(app, context);
  AddHistoryCommand(app, context);
  AddMatrixCommand(app, context);
  AddReportCommand(app, context);
  AddCheckJsonCommand(app, context);
  app.footer(
      "Examples:\n"
      "  tools/opsbench run                     all areas on private engines\n"
      "  tools/opsbench run --scale smoke       the same in a minute\n"
      "  tools/opsbench compare before latest   what a change made slower\n"
      "  tools/opsbench test                    every test (the script's own)\n"
      "  tools/opsbench sidetable compare --engine postgres\n"
      "Exit codes: 0 fine, 1 a regression or a failed check, 2 wrong usage or\n"
      "unusable data, 3 inconclusive.\n");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version.
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "opsbench: %s (see %s --help)\n", error.what(),
                 NamedCommand(app).c_str());
    return kExitUsage;
  }
  return context.exit_code;
}

}  // namespace
}  // namespace opsbench::cli

int main(int argc, char** argv) { return opsbench::cli::Main(argc, argv); }
