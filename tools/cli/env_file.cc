#include "env_file.h"

#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "kept_servers.h"
#include "opsbench/base/output_target.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"

namespace opsbench::cli {
namespace {

constexpr absl::string_view kMark = "# opsbench servers up";
constexpr absl::string_view kEnd = "# opsbench servers up: end";
constexpr absl::string_view kNewFile = " [new file]";
constexpr absl::string_view kLineEnded = " [line ended]";

// Lines with their ends, so that joining them gives the text again.
std::vector<absl::string_view> LinesOf(absl::string_view text) {
  std::vector<absl::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t size = end == absl::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

// The state file that a block's first line names; empty for other lines.
absl::string_view OwnerOf(absl::string_view line, absl::string_view* note) {
  line = absl::StripAsciiWhitespace(line);
  if (line == kEnd || !absl::ConsumePrefix(&line, kMark)) return "";
  for (const absl::string_view known : {kNewFile, kLineEnded}) {
    if (absl::ConsumePrefix(&line, known)) *note = known;
  }
  return absl::ConsumePrefix(&line, ": ") ? line : "";
}

// The variable that a line sets; empty when it sets none to a value.
std::string VariableOf(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  if (absl::ConsumePrefix(&line, "export ")) {
    line = absl::StripLeadingAsciiWhitespace(line);
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(line, absl::MaxSplits('=', 1));
  if (absl::StartsWith(line, "#") || parts.second.empty() ||
      parts.second == "''" || parts.second == "\"\"") {
    return "";
  }
  return std::string(absl::StripAsciiWhitespace(parts.first));
}

bool IsWritten(absl::string_view line, const EnvBlock& block, bool inside) {
  line = absl::StripAsciiWhitespace(line);
  const std::pair<std::string, absl::string_view> parts =
      absl::StrSplit(line, absl::MaxSplits('=', 1));
  if (block.variables.empty()) {
    return inside && absl::StartsWith(parts.first, "OPSBENCH_") &&
           absl::EndsWith(parts.first, "_URL");
  }
  const auto known = block.variables.find(parts.first);
  return known != block.variables.end() && known->second == parts.second;
}

absl::StatusOr<absl::optional<std::string>> ReadIfThere(
    const std::string& path) {
  absl::StatusOr<std::string> text = results::ReadWholeFile(path);
  if (absl::IsNotFound(text.status())) return absl::optional<std::string>();
  OPSBENCH_RETURN_IF_ERROR(text.status());
  return absl::make_optional(*std::move(text));
}

bool AreUp(absl::string_view state_file) {
  const auto kept = ReadState(std::string(state_file));
  return kept.ok() && kept->has_value() && (*kept)->keeper.running();
}

}  // namespace

absl::optional<std::string> WithoutEnvBlock(absl::string_view text,
                                            const EnvBlock& block) {
  std::string left;
  absl::string_view note;
  bool inside = false;
  bool last_was_block = false;
  for (const absl::string_view line : LinesOf(text)) {
    absl::string_view its_note;
    if (OwnerOf(line, &its_note) == block.state_file) {
      inside = true;
      note = its_note;
    } else if (inside && absl::StripAsciiWhitespace(line) == kEnd) {
      inside = false;
    } else if (!IsWritten(line, block, inside)) {
      left.append(line.data(), line.size());
      last_was_block = false;
      continue;
    }
    last_was_block = true;
  }
  if (note == kNewFile && left.empty()) return absl::nullopt;
  if (note == kLineEnded && last_was_block && absl::EndsWith(left, "\n")) {
    left.pop_back();
  }
  return left;
}

std::string WithEnvBlock(absl::optional<absl::string_view> text,
                         const EnvBlock& block) {
  absl::optional<std::string> before;
  if (text.has_value()) before = WithoutEnvBlock(*text, block);
  absl::string_view note;
  if (!before.has_value()) {
    note = kNewFile;
  } else if (!before->empty() && !absl::EndsWith(*before, "\n")) {
    note = kLineEnded;
  }
  std::string after = before.value_or("");
  if (note == kLineEnded) absl::StrAppend(&after, "\n");
  absl::StrAppend(&after, kMark, note, ": ", block.state_file, "\n");
  for (const auto& [name, value] : block.variables) {
    absl::StrAppend(&after, name, "=", value, "\n");
  }
  absl::StrAppend(&after, kEnd, "\n");
  return after;
}

absl::Status CheckEnvFile(const std::string& path, const EnvBlock& block) {
  OPSBENCH_RETURN_IF_ERROR(ResolveOutputFile(path).status());
  OPSBENCH_ASSIGN_OR_RETURN(const absl::optional<std::string> text,
                            ReadIfThere(path));
  if (!text.has_value()) return absl::OkStatus();
  absl::string_view owner;
  int number = 0;
  for (const absl::string_view line : LinesOf(*text)) {
    ++number;
    absl::string_view note;
    if (const absl::string_view begun = OwnerOf(line, &note); !begun.empty()) {
      owner = begun;
    }
    if (absl::StripAsciiWhitespace(line) == kEnd) owner = "";
    const std::string variable = VariableOf(line);
    if (block.variables.count(variable) == 0) continue;
    // What servers have left that are down by now is replaced.
    if (!owner.empty() && (owner == block.state_file || !AreUp(owner))) {
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "line ", number, " sets ", variable,
        owner.empty() ? "" : absl::StrCat(" for the servers of ", owner),
        ": take it out, leave this engine out of --engines, or name another "
        "file"));
  }
  return absl::OkStatus();
}

absl::Status AddEnvBlock(const std::string& path, const EnvBlock& block) {
  OPSBENCH_ASSIGN_OR_RETURN(absl::optional<std::string> text,
                            ReadIfThere(path));
  // Its own of before, and those of servers that are down.
  std::vector<std::string> owners;
  for (const absl::string_view line : LinesOf(text.value_or(""))) {
    absl::string_view note;
    owners.emplace_back(OwnerOf(line, &note));
  }
  for (const std::string& owner : owners) {
    const bool stale = owner == block.state_file || !AreUp(owner);
    if (owner.empty() || !stale || !text.has_value()) continue;
    text = WithoutEnvBlock(*text, {owner, {}});
  }
  const auto before = text.has_value()
                          ? absl::make_optional<absl::string_view>(*text)
                          : absl::optional<absl::string_view>();
  return results::WriteFileAtomically(path, WithEnvBlock(before, block), 0600);
}

absl::Status RemoveEnvBlock(const std::string& path, const EnvBlock& block) {
  OPSBENCH_ASSIGN_OR_RETURN(const absl::optional<std::string> text,
                            ReadIfThere(path));
  if (!text.has_value()) return absl::OkStatus();
  const absl::optional<std::string> left = WithoutEnvBlock(*text, block);
  if (left == text) return absl::OkStatus();
  if (left.has_value()) return results::WriteFileAtomically(path, *left);
  OPSBENCH_ASSIGN_OR_RETURN(const OutputTarget target, ResolveOutputFile(path));
  if (unlink(target.path.c_str()) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot remove ", path));
}

}  // namespace opsbench::cli
