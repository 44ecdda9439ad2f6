// opsbench: the compiled program behind tools/opsbench.

#include <cstdlib>
#include <filesystem>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "command.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

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

  CLI::App app;
  AddCommands(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version.
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    Fail(context, absl::InvalidArgumentError(absl::StrCat(
                      error.what(), " (see ", NamedCommand(app), " --help)")));
    return context.exit_code;
  }
  return context.exit_code;
}

}  // namespace
}  // namespace opsbench::cli

int main(int argc, char** argv) { return opsbench::cli::Main(argc, argv); }
