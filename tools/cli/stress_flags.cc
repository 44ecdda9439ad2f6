#include "stress_flags.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace opsbench::cli {
namespace {

absl::Status CannotAct(absl::string_view flag, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " ", why, ": leave it out"));
}

// What a replay takes from the command line; all else is the file's.
constexpr absl::string_view kReplayFlags[] = {"duration", "output-dir",
                                              "engine", "replay-file"};
// What a private server is started with.
constexpr absl::string_view kServerFlags[] = {"transport", "durable",
                                              "memory-limit"};
// What is compared with figures of a private server, or of this process.
constexpr absl::string_view kLimitFlags[] = {"max-memory-mb", "max-cpu-percent",
                                             "max-disk-mb"};

template <size_t kNames>
bool IsOneOf(absl::string_view name, const absl::string_view (&names)[kNames]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

absl::Status CheckSetting(const std::string& name, const StressSetup& setup) {
  if (setup.replay.has_value()) {
    if (IsOneOf(name, kReplayFlags)) return absl::OkStatus();
    return CannotAct(name, absl::StrCat("does nothing in a replay, whose "
                                        "settings are those of ",
                                        setup.config.replay_file));
  }
  if (IsOneOf(name, kServerFlags) && !setup.wants_private_server()) {
    return CannotAct(
        name, setup.url.has_value()
                  ? absl::StrCat("is for a private server, and the run is on ",
                                 setup.url->Redacted())
                  : std::string("is for a private server, and SQLite has none; "
                                "it takes --engine mysql or postgres"));
  }
  if (!setup.url.has_value()) return absl::OkStatus();
  // Hyperd's log tells of its memory and processor, not of its disk.
  const bool measured =
      !setup.config.hyperd_log.empty() && name != "max-disk-mb";
  if (IsOneOf(name, kLimitFlags) && !measured) {
    return CannotAct(
        name, absl::StrCat("is for a private server or SQLite: ", "what ",
                           setup.url->Redacted(), " uses is not measured"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckFlagsAct(const StressFlags& flags, const StressSetup& setup) {
  for (const auto& [name, text] : flags.settings) {
    const absl::Status status = CheckSetting(name, setup);
    if (!status.ok()) return status;
  }
  if (flags.keep && !setup.url.has_value()) {
    return CannotAct(
        "keep", setup.wants_private_server()
                    ? "does nothing on a private server, which ends with the "
                      "run; name a server by --url"
                    : "does nothing on SQLite, whose files stay anyway");
  }
  const char* const replacing = flags.fresh             ? "fresh"
                                : flags.replace_foreign ? "replace-foreign"
                                                        : nullptr;
  if (replacing != nullptr && !setup.url.has_value() &&
      setup.config.output_dir.empty()) {
    return CannotAct(replacing,
                     "has nothing to replace in a new folder; name one by "
                     "--output-dir");
  }
  return absl::OkStatus();
}

}  // namespace opsbench::cli
