#include "opsbench/results/gate_config.h"

#include <algorithm>
#include <functional>
#include <map>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/edit_distance.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/internal/name_filter.h"
#include "opsbench/results/metric.h"
#include "yaml-cpp/yaml.h"

namespace opsbench::results::gate {
namespace {

// Reads the document; every error says where it is.
class Reader {
 public:
  explicit Reader(absl::string_view source) : source_(source) {}

  using Field = std::function<absl::Status(const YAML::Node&)>;
  using Fields = std::map<std::string, Field>;

  absl::Status Error(const YAML::Node& node, absl::string_view what) const {
    return ErrorAt(node.Mark(), what);
  }
  absl::Status ErrorAt(const YAML::Mark& mark, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(
        source_, ":", mark.line + 1, ":", mark.column + 1, ": ", what));
  }

  // Hands each key's value to its field.
  absl::Status Read(const YAML::Node& node, const Fields& fields) const {
    if (!node.IsMap()) return Error(node, "expected keys with values");
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      const auto field = fields.find(key);
      if (field == fields.end()) return UnknownKey(entry.first, key, fields);
      OPSBENCH_RETURN_IF_ERROR(field->second(entry.second));
    }
    return absl::OkStatus();
  }

  Field Text(std::string* value) const {
    return [this, value](const YAML::Node& node) -> absl::Status {
      if (!node.IsScalar() || node.Scalar().empty()) {
        return Error(node, "expected a text");
      }
      *value = node.Scalar();
      return absl::OkStatus();
    };
  }

  Field Texts(std::vector<std::string>* values) const {
    return [this, values](const YAML::Node& node) -> absl::Status {
      if (!node.IsSequence()) return Error(node, "expected a list");
      values->clear();
      for (const YAML::Node& element : node) {
        std::string value;
        OPSBENCH_RETURN_IF_ERROR(Text(&value)(element));
        values->push_back(std::move(value));
      }
      return absl::OkStatus();
    };
  }

  Field Pattern(std::string* pattern) const {
    return [this, pattern](const YAML::Node& node) -> absl::Status {
      OPSBENCH_RETURN_IF_ERROR(Text(pattern)(node));
      const absl::Status status = CheckPattern(*pattern);
      return status.ok() ? status : Error(node, status.message());
    };
  }

  Field Patterns(std::vector<std::string>* patterns) const {
    return [this, patterns](const YAML::Node& node) -> absl::Status {
      if (!node.IsSequence()) return Error(node, "expected a list");
      for (const YAML::Node& element : node) {
        OPSBENCH_RETURN_IF_ERROR(Pattern(&patterns->emplace_back())(element));
      }
      return absl::OkStatus();
    };
  }

  Field Metrics(std::vector<std::string>* metrics) const {
    return [this, metrics](const YAML::Node& node) -> absl::Status {
      OPSBENCH_RETURN_IF_ERROR(Texts(metrics)(node));
      if (metrics->empty()) return Error(node, "expected a metric");
      for (const std::string& metric : *metrics) {
        const auto direction = DirectionOf(metric);
        if (!direction.ok()) {
          return Error(node, direction.status().message());
        }
      }
      return absl::OkStatus();
    };
  }

  // "2%", above 0 and at most 100%.
  Field Percentage(double* share) const {
    return [this, share](const YAML::Node& node) -> absl::Status {
      const std::string scalar = node.IsScalar() ? node.Scalar() : "";
      const absl::StatusOr<double> read = ParseShare(scalar, 0, 1);
      if (!read.ok() || !absl::EndsWith(scalar, "%") || *read == 0) {
        return Error(node,
                     "expected a percentage above 0% and up to 100%, as 2%");
      }
      *share = *read;
      return absl::OkStatus();
    };
  }

  Field Number(double low, double high, double* value) const {
    return [=, this](const YAML::Node& node) -> absl::Status {
      const absl::StatusOr<double> number =
          ParseNumber(node.IsScalar() ? node.Scalar() : "", low, high);
      if (!number.ok()) return Error(node, number.status().message());
      *value = *number;
      return absl::OkStatus();
    };
  }

 private:
  absl::Status UnknownKey(const YAML::Node& node, const std::string& key,
                          const Fields& fields) const {
    const auto nearest = std::min_element(
        fields.begin(), fields.end(), [&](const auto& a, const auto& b) {
          return EditDistance(key, a.first) < EditDistance(key, b.first);
        });
    return Error(node,
                 absl::StrCat("unknown key \"", key, "\": did you mean \"",
                              nearest->first, "\"?"));
  }

  const std::string source_;
};

absl::Status ReadBinary(const Reader& reader, const YAML::Node& node,
                        GateConfig* config) {
  BinaryConfig& binary = config->binaries.emplace_back();
  OPSBENCH_RETURN_IF_ERROR(
      reader.Read(node, {{"target", reader.Text(&binary.target)},
                         {"path", reader.Text(&binary.path)},
                         {"area", reader.Text(&binary.area)},
                         {"arguments", reader.Texts(&binary.arguments)},
                         {"benchmarks", reader.Patterns(&binary.benchmarks)}}));
  for (const auto& [key, value] :
       {std::pair("target", &binary.target), std::pair("path", &binary.path),
        std::pair("area", &binary.area)}) {
    if (value->empty()) {
      return reader.Error(node, absl::StrCat("a binary without ", key));
    }
  }
  if (binary.benchmarks.empty()) {
    return reader.Error(node, "a binary without benchmarks");
  }
  return absl::OkStatus();
}

absl::Status ReadRule(const Reader& reader, const YAML::Node& node,
                      GateConfig* config) {
  RuleConfig& rule = config->rules.emplace_back();
  double threshold = 0;
  OPSBENCH_RETURN_IF_ERROR(
      reader.Read(node, {{"benchmarks", reader.Pattern(&rule.benchmarks)},
                         {"threshold", reader.Percentage(&threshold)},
                         {"metrics", reader.Metrics(&rule.metrics)}}));
  if (rule.benchmarks.empty()) {
    return reader.Error(node, "a rule without benchmarks");
  }
  if (threshold > 0) rule.threshold = threshold;
  return absl::OkStatus();
}

using ReadElement = absl::Status (*)(const Reader&, const YAML::Node&,
                                     GateConfig*);

Reader::Field EachOf(const Reader& reader, ReadElement read,
                     GateConfig* config) {
  return [&reader, read, config](const YAML::Node& node) -> absl::Status {
    if (!node.IsSequence()) return reader.Error(node, "expected a list");
    for (const YAML::Node& element : node) {
      OPSBENCH_RETURN_IF_ERROR(read(reader, element, config));
    }
    return absl::OkStatus();
  };
}

absl::StatusOr<GateConfig> ReadConfig(const Reader& reader,
                                      const YAML::Node& document) {
  GateConfig config;
  double version = 0;
  const Reader::Fields defaults = {
      {"threshold", reader.Percentage(&config.threshold)},
      {"promise", reader.Percentage(&config.promise)},
      {"slice_ms", reader.Number(1, 10'000, &config.slice_ms)},
      {"metrics", reader.Metrics(&config.metrics)}};
  OPSBENCH_RETURN_IF_ERROR(reader.Read(
      document,
      {{"version", reader.Number(1, 1, &version)},
       {"defaults",
        [&](const YAML::Node& node) { return reader.Read(node, defaults); }},
       {"binaries", EachOf(reader, ReadBinary, &config)},
       {"rules", EachOf(reader, ReadRule, &config)}}));
  if (version == 0) return reader.Error(document, "no version: this is 1");
  if (config.binaries.empty()) return reader.Error(document, "no binaries");
  return config;
}

bool Matches(const std::string& pattern, const std::string& name) {
  const auto filter = internal::NameFilter::Compile(pattern);
  return filter.ok() && filter->Matches(name);
}

}  // namespace

absl::StatusOr<GateConfig> ParseGateConfig(const std::string& text,
                                           absl::string_view source) {
  const Reader reader(source);
  try {
    const YAML::Node document = YAML::Load(text);
    if (document.IsNull()) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, " is empty: it needs a version and binaries"));
    }
    return ReadConfig(reader, document);
  } catch (const YAML::Exception& error) {
    return reader.ErrorAt(error.mark, error.msg);
  }
}

absl::Status CheckPattern(const std::string& pattern) {
  return internal::NameFilter::Compile(pattern).status();
}

bool MatchesWhole(const std::string& pattern, const std::string& name) {
  return Matches(absl::StrCat("^(", pattern, ")$"), name);
}

bool MatchesPart(const std::string& pattern, const std::string& name) {
  return Matches(pattern, name);
}

bool Selects(const BinaryConfig& binary, const std::string& name) {
  return std::any_of(
      binary.benchmarks.begin(), binary.benchmarks.end(),
      [&](const std::string& pattern) { return MatchesWhole(pattern, name); });
}

std::vector<MetricPlan> MetricsOf(const GateConfig& config,
                                  const std::string& name) {
  double threshold = config.threshold;
  const std::vector<std::string>* metrics = &config.metrics;
  for (const RuleConfig& rule : config.rules) {
    if (!MatchesWhole(rule.benchmarks, name)) continue;
    if (rule.threshold.has_value()) threshold = *rule.threshold;
    if (!rule.metrics.empty()) metrics = &rule.metrics;
  }
  std::vector<MetricPlan> plans;
  for (const std::string& metric : *metrics) {
    const auto direction = DirectionOf(metric);
    plans.push_back({metric,
                     direction.ok() && *direction == Direction::kHigherIsBetter,
                     threshold});
  }
  return plans;
}

std::string CanonicalName(absl::string_view name) {
  std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  std::erase_if(parts, [](absl::string_view part) {
    return absl::StartsWith(part, "iterations:") ||
           absl::StartsWith(part, "min_time:");
  });
  return absl::StrJoin(parts, "/");
}

std::string FilterOf(absl::string_view canonical_name) {
  // What Google Benchmark adds to a name, which says how long and not what.
  constexpr char kHowLong[] = "(/(iterations|min_time):[0-9.]+s?)?";
  std::string filter = "^";
  for (const char c : canonical_name) {
    if (c == '/') absl::StrAppend(&filter, kHowLong);
    if (absl::StrContains(R"(.[]{}()\*+?^$|)", c)) filter += '\\';
    filter += c;
  }
  return absl::StrCat(filter, kHowLong, "$");
}

}  // namespace opsbench::results::gate
