#include "numbers.h"

#include <string>

#include "opsbench/base/number.h"

namespace opsbench::cli {
namespace {

// A validator without a name: help shows the type alone. `parse` maps the text
// to a StatusOr, whose message is what the flag's user reads.
template <typename Parse>
CLI::Validator MakeValidator(Parse parse) {
  return CLI::Validator(
      [parse](std::string& text) {
        return std::string(parse(text).status().message());
      },
      "");
}

}  // namespace

CLI::Validator WholeNumber(int64_t low, int64_t high) {
  return MakeValidator([low, high](const std::string& text) {
    return ParseWholeNumber(text, low, high);
  });
}

CLI::Validator SeedNumber() {
  return MakeValidator(
      [](const std::string& text) { return ParseUnsigned(text); });
}

CLI::Validator Number(double low, double high) {
  return MakeValidator([low, high](const std::string& text) {
    return ParseNumber(text, low, high);
  });
}

CLI::Validator Share(double low, double high) {
  return MakeValidator([low, high](const std::string& text) {
    return ParseShare(text, low, high);
  });
}

CLI::Validator Time(absl::Duration low, absl::Duration high) {
  return MakeValidator([low, high](const std::string& text) {
    return ParseTime(text, low, high);
  });
}

absl::Duration CheckedTime(const std::string& text) {
  return *ParseTime(text, absl::ZeroDuration(), absl::Hours(24 * 365));
}

}  // namespace opsbench::cli
