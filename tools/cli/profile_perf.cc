#include "profile_perf.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "child_process.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/profile/cpp_name.h"
#include "opsbench/profile/inline_frames.h"
#include "opsbench/profile/perf_script.h"
#include "opsbench/results/atomic_file.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using profile::Frame;
using profile::PerfFrame;
using profile::PerfSample;

// A place in code that stacks go through. A caller's address is that behind its
// call, which may belong to the next line or function: it is looked up one
// byte before.
struct Place {
  std::string module;
  uint64_t lookup = 0;
  std::string symbol;
  bool inlined = false;

  friend bool operator<(const Place& a, const Place& b) {
    return std::tie(a.module, a.lookup, a.symbol, a.inlined) <
           std::tie(b.module, b.lookup, b.symbol, b.inlined);
  }
};

struct Stack {
  std::string thread;
  std::vector<int> places;  // Innermost first.
  int64_t weight = 0;
};

// What perf said, with each place once.
struct Recording {
  std::map<Place, int> numbers;
  std::vector<Place> places;
  std::vector<Stack> stacks;
  std::set<std::string> threads;
  std::string event;
  bool has_inlined = false;

  int Number(Place place) {
    const auto [entry, is_new] =
        numbers.try_emplace(place, static_cast<int>(places.size()));
    if (is_new) places.push_back(std::move(place));
    return entry->second;
  }

  void Add(const PerfSample& sample) {
    Stack stack;
    stack.thread = sample.thread;
    // Without a period every sample counts one.
    stack.weight = std::max<int64_t>(1, sample.period);
    size_t count = sample.frames.size();
    // What the walk found where it left the stack for good.
    while (count > 0 && sample.frames[count - 1].symbol == "[unknown]" &&
           sample.frames[count - 1].module == "[unknown]") {
      --count;
    }
    for (size_t i = 0; i < count; ++i) {
      const PerfFrame& frame = sample.frames[i];
      has_inlined = has_inlined || frame.inlined;
      stack.places.push_back(
          Number({frame.module, frame.address - (i == 0 ? 0 : 1), frame.symbol,
                  frame.inlined}));
    }
    threads.insert(sample.thread);
    event = sample.event;
    stacks.push_back(std::move(stack));
  }
};

// Programs of the user, which may have debug information; the distribution's
// libraries have none.
bool MayKnowInlined(const std::string& module) {
  struct stat facts;
  return absl::StartsWith(module, "/") && !absl::StartsWith(module, "/usr/") &&
         !absl::StartsWith(module, "/lib") &&
         stat(module.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

// The functions at each of the module's places, by their file's addresses.
absl::StatusOr<profile::InlineFrames> LookUp(
    const std::string& addr2line, const std::string& module,
    const std::set<uint64_t>& addresses, const std::string& folder) {
  std::string text;
  for (const uint64_t address : addresses) {
    absl::StrAppendFormat(&text, "0x%x\n", address);
  }
  const std::string path = absl::StrCat(folder, "/addresses");
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(path, text));
  profile::InlineFrames frames;
  ChildOptions options;
  options.arguments = {
      addr2line, "-a", "-i", "-f", "-e", module, absl::StrCat("@", path)};
  options.stderr_path = absl::StrCat(folder, "/addr2line.log");
  options.on_line = [&](absl::string_view line) { frames.AddLine(line); };
  OPSBENCH_RETURN_IF_ERROR(RunChild(options).status());
  return frames;
}

// For each place its functions, innermost first: several where some were
// inlined.
class Resolver {
 public:
  absl::Status Resolve(const Recording& recording, const std::string& folder) {
    std::map<std::string, std::vector<int>> by_module;
    for (size_t i = 0; i < recording.places.size(); ++i) {
      by_module[recording.places[i].module].push_back(static_cast<int>(i));
    }
    frames_.resize(recording.places.size());
    const absl::StatusOr<std::string> addr2line =
        FindTool("addr2line", "binutils");
    for (const auto& [module, places] : by_module) {
      const bool look =
          addr2line.ok() && !recording.has_inlined && MayKnowInlined(module);
      if (look) {
        OPSBENCH_RETURN_IF_ERROR(
            ResolveModule(*addr2line, module, places, recording, folder));
      }
      // Of what is not inlined the symbol says more: debug information leaves
      // out the namespaces of functions that nothing else can call.
      for (const int place : places) UseSymbol(recording.places[place], place);
    }
    return absl::OkStatus();
  }

  const std::vector<Frame>& At(int place) const { return frames_[place]; }
  bool found_inlined() const { return found_inlined_; }

 private:
  absl::Status ResolveModule(const std::string& addr2line,
                             const std::string& module,
                             const std::vector<int>& places,
                             const Recording& recording,
                             const std::string& folder) {
    const absl::StatusOr<profile::LoadSegments> segments =
        profile::LoadSegments::Read(module);
    if (!segments.ok()) return absl::OkStatus();  // Symbols have to do.
    std::set<uint64_t> addresses;
    for (const int place : places) {
      addresses.insert(segments->AddressOf(recording.places[place].lookup));
    }
    OPSBENCH_ASSIGN_OR_RETURN(const profile::InlineFrames known,
                              LookUp(addr2line, module, addresses, folder));
    for (const int place : places) {
      const std::vector<std::string>& names =
          known.At(segments->AddressOf(recording.places[place].lookup));
      for (size_t i = 0; i + 1 < names.size(); ++i) {
        found_inlined_ = true;
        frames_[place].push_back(
            {names[i], module, profile::KindOf(names[i], module), true});
      }
    }
    return absl::OkStatus();
  }

  void UseSymbol(const Place& place, int number) {
    const std::string name = profile::Demangle(place.symbol);
    frames_[number].push_back({name, place.module,
                               profile::KindOf(name, place.module),
                               place.inlined});
  }

  std::vector<std::vector<Frame>> frames_;
  bool found_inlined_ = false;
};

profile::StackProfile Merge(const Recording& recording,
                            const Resolver& resolver) {
  profile::StackProfile stacks;
  for (const Stack& stack : recording.stacks) {
    std::vector<int> frames;
    if (recording.threads.size() > 1) {
      frames.push_back(stacks.Intern(
          {absl::StrCat("thread ", stack.thread), "", {}, false}));
    }
    for (auto place = stack.places.rbegin(); place != stack.places.rend();
         ++place) {
      const std::vector<Frame>& at = resolver.At(*place);
      for (auto frame = at.rbegin(); frame != at.rend(); ++frame) {
        frames.push_back(stacks.Intern(*frame));
      }
    }
    if (frames.empty()) frames.push_back(stacks.Intern({"[unknown]", "", {}}));
    stacks.Add(frames, stack.weight);
  }
  return stacks;
}

absl::Status MakePipe(const std::string& path) {
  if (mkfifo(path.c_str(), 0600) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, path);
}

}  // namespace

std::string LastLine(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (!stripped.empty()) last = std::string(stripped);
  }
  return last;
}

absl::StatusOr<std::string> FindTool(const std::string& program,
                                     absl::string_view package) {
  const char* path = std::getenv("PATH");
  for (const absl::string_view folder :
       absl::StrSplit(path == nullptr ? "" : path, ':')) {
    const std::string found = absl::StrCat(folder, "/", program);
    if (access(found.c_str(), X_OK) == 0) return found;
  }
  return absl::NotFoundError(
      absl::StrCat("no ", program, " here: install ", package,
                   ", for instance by tools/opsbench setup --with profile"));
}

absl::Status CheckPerf() {
  OPSBENCH_RETURN_IF_ERROR(FindTool("perf", "linux-perf").status());
  std::ifstream file("/proc/sys/kernel/perf_event_paranoid");
  int paranoid = 0;
  if (!(file >> paranoid)) {
    return absl::FailedPreconditionError(
        "this kernel has no perf events (containers may hide them): use "
        "--instructions, which needs none");
  }
  // Debian's kernels know 3: nothing for users.
  if (paranoid > 2 && geteuid() != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "perf may not record: kernel.perf_event_paranoid is ", paranoid,
        "; as root: sysctl kernel.perf_event_paranoid=1"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RecordCpu(const RecordOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string perf,
                            FindTool("perf", "linux-perf"));
  ChildOptions child;
  child.arguments = {perf,        "record",
                     "-q",        "-e",
                     "cpu-clock", "-g",
                     "-F",        absl::StrCat(options.frequency),
                     "-o",        absl::StrCat(options.folder, "/perf.data")};
  std::vector<std::string> command = options.command;
  if (!options.whole) {
    const std::string commands = absl::StrCat(options.folder, "/commands");
    const std::string answers = absl::StrCat(options.folder, "/answers");
    OPSBENCH_RETURN_IF_ERROR(MakePipe(commands));
    OPSBENCH_RETURN_IF_ERROR(MakePipe(answers));
    const std::string pipes = absl::StrCat(commands, ",", answers);
    child.arguments.insert(child.arguments.end(),
                           {"-D", "-1", "--control", "fifo:" + pipes});
    command.push_back("--perf-control=" + pipes);
  }
  child.arguments.push_back("--");
  child.arguments.insert(child.arguments.end(), command.begin(), command.end());
  child.environment = options.environment;
  child.stderr_path = absl::StrCat(options.folder, "/log");
  return RunChild(child);
}

absl::StatusOr<CpuProfile> ReadRecording(const std::string& path,
                                         const std::string& folder) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string perf,
                            FindTool("perf", "linux-perf"));
  Recording recording;
  profile::PerfScriptReader reader(
      [&](const PerfSample& sample) { recording.Add(sample); });
  absl::Status status;
  ChildOptions options;
  options.arguments = {perf,
                       "script",
                       "-i",
                       path,
                       "--no-inline",
                       "-F",
                       "comm,tid,time,period,event,ip,sym,symoff,dso"};
  options.stderr_path = absl::StrCat(folder, "/perf-script.log");
  options.on_line = [&](absl::string_view line) {
    if (status.ok()) status = reader.AddLine(line);
  };
  OPSBENCH_ASSIGN_OR_RETURN(const int code, RunChild(options));
  if (code != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": perf cannot read it: ", LastLine(options.stderr_path)));
  }
  if (status.ok()) status = reader.Finish();
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", status.message()));
  }
  Resolver resolver;
  OPSBENCH_RETURN_IF_ERROR(resolver.Resolve(recording, folder));
  CpuProfile cpu;
  cpu.stacks = Merge(recording, resolver);
  cpu.event = recording.event;
  cpu.unit = absl::StartsWith(recording.event, "cpu-clock") ||
                     absl::StartsWith(recording.event, "task-clock")
                 ? "ns"
                 : "events";
  cpu.samples = reader.samples();
  cpu.truncated = reader.truncated();
  cpu.inlined_known = recording.has_inlined || resolver.found_inlined();
  return cpu;
}

}  // namespace opsbench::cli
