// Every command of opsbench.

#include "command.h"

namespace opsbench::cli {

void AddCommands(CLI::App& app, Context& context) {
  app.name("opsbench");
  app.description(
      "Benchmarks of storage code on real engines: how fast is it, how does "
      "the cost grow, and did this change make it slower?");
  app.require_subcommand(1);
  app.set_version_flag("--version", "opsbench " OPSBENCH_VERSION);
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
}

}  // namespace opsbench::cli
