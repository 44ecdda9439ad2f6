#include "gate_build.h"

#include <elf.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "child_process.h"
#include "command.h"
#include "opsbench/base/random.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

// So many commits' binaries are kept: the base of the next gate is often one.
constexpr size_t kKeptBuilds = 8;
constexpr size_t kLogLines = 30;

uint64_t HashText(absl::string_view text, uint64_t hash = 0) {
  for (const char c : text) {
    hash = Mix64(hash ^ static_cast<unsigned char>(c));
  }
  return hash;
}

// For the user: the log's last lines, from the first error on.
std::string EndOf(const fs::path& log) {
  const absl::StatusOr<std::string> text = results::ReadWholeFile(log.string());
  if (!text.ok()) return "no log";
  std::vector<absl::string_view> lines =
      absl::StrSplit(*text, '\n', absl::SkipWhitespace());
  const auto failed = absl::c_find_if(lines, [](absl::string_view line) {
    return absl::StrContains(line, "FAILED:") ||
           absl::StrContains(line, "CMake Error");
  });
  if (failed != lines.end()) lines.erase(lines.begin(), failed);
  if (failed != lines.end() && lines.size() > kLogLines) {
    lines.resize(kLogLines);
  }
  if (lines.size() > kLogLines) {
    lines.erase(lines.begin(), lines.end() - kLogLines);
  }
  return absl::StrJoin(lines, "\n");
}

absl::StatusOr<std::string> Output(std::vector<std::string> arguments) {
  OPSBENCH_ASSIGN_OR_RETURN(arguments[0], FindProgram(arguments[0]));
  std::string output;
  ChildOptions options;
  options.arguments = std::move(arguments);
  options.stderr_path = "/dev/null";
  options.on_line = [&](absl::string_view line) {
    absl::StrAppend(&output, line, "\n");
  };
  OPSBENCH_ASSIGN_OR_RETURN(const int code, RunChild(options));
  if (stop_requested) return absl::CancelledError("interrupted");
  if (code == 0) return output;
  return absl::UnavailableError(
      absl::StrCat(options.arguments[0], " ended with code ", code));
}

}  // namespace

absl::Status GateBuilder::RemoveLeftovers() const {
  constexpr size_t kCommitDigits = 40;
  std::error_code error;
  for (const auto& entry :
       fs::directory_iterator(folder_ / "worktrees", error)) {
    OPSBENCH_RETURN_IF_ERROR(repository_.RemoveWorktree(entry.path()));
  }
  std::vector<std::pair<fs::file_time_type, fs::path>> builds;
  for (const auto& entry :
       fs::directory_iterator(folder_ / "binaries", error)) {
    // Those alone that Build() names: after a commit.
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789abcdef") != kCommitDigits) continue;
    builds.emplace_back(entry.last_write_time(error), entry.path());
  }
  absl::c_sort(builds);
  for (size_t i = 0; i + kKeptBuilds < builds.size(); ++i) {
    fs::remove_all(builds[i].second, error);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> GateBuilder::KeyOf(
    const BuildOptions& options) const {
  // A compiler that was replaced builds other binaries of the same commit.
  OPSBENCH_ASSIGN_OR_RETURN(const std::string compiler,
                            Output({"c++", "--version"}));
  uint64_t hash = HashText(compiler);
  hash = HashText(options.preset, hash);
  for (const auto& binary : binaries_) hash = HashText(binary.target, hash);
  return absl::StrFormat("%s-%d-%08x", options.preset, options.padding,
                         static_cast<uint32_t>(hash));
}

Binaries GateBuilder::Found(const fs::path& output) const {
  Binaries found;
  for (const auto& binary : binaries_) {
    const fs::path path = output / binary.target;
    if (fs::exists(path)) found[binary.target] = path;
  }
  return found;
}

absl::StatusOr<Binaries> GateBuilder::Build(const std::string& side,
                                            const std::string& commit,
                                            const BuildOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string key, KeyOf(options));
  const fs::path output = folder_ / "binaries" / absl::StrCat(commit, "-", key);
  if (fs::exists(output / "complete")) {
    // The newest are kept.
    fs::last_write_time(output, fs::file_time_type::clock::now());
    return Found(output);
  }
  auto worktree = worktrees_.find(side);
  if (worktree == worktrees_.end()) {
    progress_->Update(absl::StrCat("gate: checking out ", side));
    OPSBENCH_ASSIGN_OR_RETURN(
        ScopedWorktree added,
        ScopedWorktree::Add(repository_, folder_ / "worktrees" / side, commit));
    worktree = worktrees_.emplace(side, std::move(added)).first;
  }
  const absl::StatusOr<Binaries> built =
      BuildTree(worktree->second.path(), output, options);
  if (!built.ok()) {
    fs::remove_all(output);
    if (absl::IsCancelled(built.status())) return built.status();
    return absl::Status(built.status().code(),
                        absl::StrCat(side, " ", commit.substr(0, 10), " ",
                                     built.status().message()));
  }
  OPSBENCH_RETURN_IF_ERROR(
      results::WriteFileAtomically((output / "complete").string(), ""));
  return built;
}

absl::Status GateBuilder::Run(const fs::path& tree,
                              std::vector<std::string> arguments,
                              const char* what) {
  OPSBENCH_ASSIGN_OR_RETURN(arguments[0], FindProgram(arguments[0]));
  const fs::path log = folder_ / "logs" / absl::StrCat(what, ".log");
  std::error_code error;
  fs::create_directories(log.parent_path(), error);
  fs::remove(log, error);
  std::string text;
  ChildOptions options;
  options.arguments = std::move(arguments);
  // Both worktrees' paths become relative, so that what is equal in them is
  // compiled once, and the binaries do not depend on where they were built.
  options.environment = {{"CCACHE_BASEDIR", tree.string()},
                         {"CCACHE_NOHASHDIR", "1"}};
  options.stderr_path = log.string();
  options.on_line = [&](absl::string_view line) {
    progress_->Update(absl::StrCat("gate: ", tree.filename().string(), " ",
                                   line.substr(0, 90)));
    absl::StrAppend(&text, line, "\n");
  };
  const absl::StatusOr<int> code = RunChild(options);
  progress_->Clear();
  OPSBENCH_RETURN_IF_ERROR(code.status());
  if (stop_requested) return absl::CancelledError("interrupted");
  if (*code == 0) return absl::OkStatus();
  const absl::StatusOr<std::string> errors =
      results::ReadWholeFile(log.string());
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
      log.string(), absl::StrCat(errors.ok() ? *errors : "", text)));
  absl::FPrintF(stderr, "%s\n", EndOf(log));
  return absl::FailedPreconditionError(
      absl::StrCat("does not ", what, ": see above, and ", log.string()));
}

absl::StatusOr<fs::path> GateBuilder::MakePadding(int bytes) {
  const fs::path stem = folder_ / absl::StrCat("padding-", bytes);
  const std::string source = stem.string() + ".s";
  const std::string object = stem.string() + ".o";
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
      source, absl::StrCat(".text\n.balign 16\n.skip ", bytes,
                           ", 0x90\n.section .note.GNU-stack,\"\"\n")));
  OPSBENCH_RETURN_IF_ERROR(
      Output({"c++", "-c", source, "-o", object}).status());
  return fs::path(object);
}

absl::StatusOr<std::vector<std::string>> GateBuilder::KnownTargets(
    const fs::path& build) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string cmake, FindProgram("cmake"));
  std::vector<std::string> targets;
  for (const auto& binary : binaries_) {
    // What would be done for it; nothing can be done for one that is unknown.
    ChildOptions options;
    options.arguments = {cmake,      "--build",     build.string(),
                         "--target", binary.target, "--",
                         "-n"};
    options.stderr_path = "/dev/null";
    OPSBENCH_ASSIGN_OR_RETURN(const int code, RunChild(options));
    if (stop_requested) return absl::CancelledError("interrupted");
    if (code == 0) targets.push_back(binary.target);
  }
  return targets;
}

absl::StatusOr<Binaries> GateBuilder::BuildTree(const fs::path& tree,
                                                const fs::path& output,
                                                const BuildOptions& options) {
  const fs::path build = tree / "build" / options.preset;
  std::vector<std::string> configure = {
      "cmake",       "--preset", options.preset, "-S",
      tree.string(), "-B",       build.string(), "-DOPSBENCH_BUILD_TESTS=OFF"};
  if (options.padding > 0) {
    OPSBENCH_ASSIGN_OR_RETURN(const fs::path padding,
                              MakePadding(options.padding));
    configure.push_back(
        absl::StrCat("-DCMAKE_EXE_LINKER_FLAGS=", padding.string()));
  }
  OPSBENCH_RETURN_IF_ERROR(Run(tree, configure, "configure"));
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<std::string> targets,
                            KnownTargets(build));
  std::vector<std::string> compile = {"cmake", "--build", build.string(),
                                      "--target"};
  compile.insert(compile.end(), targets.begin(), targets.end());
  if (!targets.empty()) OPSBENCH_RETURN_IF_ERROR(Run(tree, compile, "build"));
  fs::create_directories(output);
  for (const auto& binary : binaries_) {
    const fs::path built = build / binary.path;
    if (!absl::c_linear_search(targets, binary.target)) continue;
    if (!fs::exists(built)) {
      return absl::FailedPreconditionError(
          absl::StrCat("builds ", binary.target, " elsewhere than at ",
                       binary.path, ": mend its path in the configuration"));
    }
    // Without debug information it is small enough to be copied often.
    OPSBENCH_RETURN_IF_ERROR(
        Output(
            {"strip", "-o", (output / binary.target).string(), built.string()})
            .status());
  }
  return Found(output);
}

absl::StatusOr<uint64_t> LoadedBytesHash(const fs::path& program) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string file,
                            results::ReadWholeFile(program.string()));
  const absl::Status malformed = absl::InvalidArgumentError(
      absl::StrCat(program.string(), " is no 64-bit ELF program"));
  Elf64_Ehdr header;
  if (file.size() < sizeof(header)) return malformed;
  std::memcpy(&header, file.data(), sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_shentsize != sizeof(Elf64_Shdr) ||
      header.e_shoff > file.size() ||
      header.e_shnum > (file.size() - header.e_shoff) / sizeof(Elf64_Shdr)) {
    return malformed;
  }
  uint64_t hash = 0;
  for (size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, file.data() + header.e_shoff + i * sizeof(section),
                sizeof(section));
    const bool loaded = (section.sh_flags & SHF_ALLOC) != 0;
    // Notes hold the build id, which follows from debug information as well.
    if (!loaded || section.sh_type == SHT_NOTE) continue;
    hash = Mix64(hash ^ section.sh_addr);
    hash = Mix64(hash ^ section.sh_size);
    if (section.sh_type == SHT_NOBITS) continue;
    if (section.sh_offset > file.size() ||
        section.sh_size > file.size() - section.sh_offset) {
      return malformed;
    }
    hash = HashText(
        absl::string_view(file).substr(section.sh_offset, section.sh_size),
        hash);
  }
  return hash;
}

}  // namespace opsbench::cli
