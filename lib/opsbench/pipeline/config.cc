#include "opsbench/pipeline/config.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/url.h"
#include "opsbench/pipeline/internal/yaml_reader.h"

namespace opsbench::pipeline {
namespace {

using internal::YamlReader;

constexpr int64_t kMaxBatchRows = 10'000'000;
constexpr int64_t kMaxBatchBytes = int64_t{1} << 30;
constexpr int kMaxInflight = 4096;
constexpr int kMaxReaders = 64;
constexpr int64_t kMaxSeedRows = 1'000'000'000;

// Hands out a field that keeps the node for later, when its meaning depends on
// a sibling that may come after it.
YamlReader::Field Keep(YAML::Node* kept) {
  return [kept](const YAML::Node& node) {
    kept->reset(node);
    return absl::OkStatus();
  };
}

// The keys that a file gives, by their path, with their values.
using GivenKeys = std::map<std::string, YAML::Node>;

void Remember(const YAML::Node& map, absl::string_view prefix,
              GivenKeys* given) {
  if (!map.IsDefined() || !map.IsMap()) return;
  for (const auto& entry : map) {
    (*given)[absl::StrCat(prefix, entry.first.Scalar())].reset(entry.second);
  }
}

absl::Status Missing(const YamlReader& reader, const YAML::Node& node,
                     absl::string_view what, absl::string_view key) {
  return reader.Error(node, absl::StrCat(what, " needs the key ", key));
}

bool IsSource(const ConnectorKind& kind) { return kind.make_source != nullptr; }

absl::StatusOr<const ConnectorKind*> ReadKind(
    const YamlReader& reader, const YAML::Node& node, bool source,
    absl::Span<const ConnectorKind> kinds) {
  std::string name;
  OPSBENCH_RETURN_IF_ERROR(reader.Text(&name)(node));
  const ConnectorKind* kind = FindKind(kinds, name);
  if (kind != nullptr && IsSource(*kind) == source) return kind;
  std::vector<std::string> names;
  for (const ConnectorKind& other : kinds) {
    if (IsSource(other) == source) names.push_back(other.name);
  }
  return reader.Error(
      node,
      absl::StrCat("no ", source ? "source" : "destination", " is named \"",
                   name, "\": there are ", absl::StrJoin(names, ", ")));
}

// The parts of a connection, as they are given instead of a url.
struct ConnectionParts {
  std::string url;
  std::string host;
  int port = 0;
  std::string user;
  std::string password;
  std::string database;
  std::string socket;

  bool any() const {
    return !host.empty() || port != 0 || !user.empty() || !password.empty() ||
           !database.empty() || !socket.empty();
  }
};

absl::StatusOr<std::string> MakeUrl(const YamlReader& reader,
                                    const YAML::Node& node,
                                    const ConnectorKind& kind,
                                    const ConnectionParts& parts) {
  OPSBENCH_ASSIGN_OR_RETURN(const Engine engine, ParseEngine(kind.engine));
  if (!parts.url.empty()) {
    if (parts.any()) {
      return reader.Error(node, absl::StrCat(kind.name,
                                             ": give url, or host, port, "
                                             "user, password and database"));
    }
    const absl::StatusOr<Url> url = Url::Parse(parts.url);
    if (!url.ok()) return reader.Error(node, url.status().message());
    if (url->engine != engine) {
      return reader.Error(node, absl::StrCat(kind.name, ": the url is one of ",
                                             EngineName(url->engine),
                                             ", not of ", EngineName(engine)));
    }
    return url->ToString();
  }
  if (!parts.socket.empty() && !parts.host.empty()) {
    return reader.Error(
        node,
        absl::StrCat(kind.name, ": host has no effect with socket: give one"));
  }
  const bool enough =
      !parts.database.empty() && (engine == Engine::kSqlite ||
                                  !parts.host.empty() || !parts.socket.empty());
  if (!enough) {
    return reader.Error(
        node, absl::StrCat(kind.name, " needs a url, or ",
                           engine == Engine::kSqlite ? "a database: its path"
                                                     : "a host and a database",
                           " (of an engine that opsbench starts itself: url: "
                           "${OPSBENCH_",
                           engine == Engine::kPostgres ? "POSTGRES"
                           : engine == Engine::kMysql  ? "MYSQL"
                                                       : "SQLITE",
                           "_URL})"));
  }
  Url url;
  url.engine = engine;
  url.host = parts.host;
  url.port = parts.port;
  url.user = parts.user;
  url.password = parts.password;
  url.database = parts.database;
  url.socket = parts.socket;
  return url.ToString();
}

absl::Status ReadConnectorConfig(const YamlReader& reader,
                                 const YAML::Node& node,
                                 const YAML::Node& where,
                                 const ConnectorKind& kind, ConnectorUse* use) {
  use->use = kind.name;
  ConnectionParts parts;
  YamlReader::Fields fields;
  if (!kind.engine.empty()) {
    fields = {{"url", reader.Text(&parts.url)},
              {"host", reader.Text(&parts.host)},
              {"port", reader.SmallInteger(1, 65535, &parts.port)},
              {"user", reader.Text(&parts.user)},
              {"password", reader.Text(&parts.password)},
              {"database", reader.Text(&parts.database)},
              {"socket", reader.Text(&parts.socket)},
              {"schema", reader.Text(&use->schema)}};
  }
  for (const ConnectorSetting& setting : kind.settings) {
    use->config.settings[setting.name] = setting.default_value;
    if (fields.count(setting.name) > 0) continue;
    fields[setting.name] = [&](const YAML::Node& value) -> absl::Status {
      std::string* text = &use->config.settings[setting.name];
      OPSBENCH_ASSIGN_OR_RETURN(*text, reader.Scalar(value));
      if (setting.max > 0) {
        int64_t ignored = 0;
        return reader.Integer(1, setting.max, &ignored)(value);
      }
      if (setting.values.empty()) return absl::OkStatus();
      const std::vector<absl::string_view> values(setting.values.begin(),
                                                  setting.values.end());
      int ignored = 0;
      return reader.Choice(values, &ignored)(value);
    };
  }
  if (node.IsDefined() && !node.IsNull()) {
    OPSBENCH_RETURN_IF_ERROR(
        reader.Read(node, absl::StrCat("config of ", kind.name), fields));
  }
  if (use->config.settings.count("schema") > 0) {
    use->config.settings["schema"] = use->schema;
  }
  if (kind.engine.empty()) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(
      use->config.url,
      MakeUrl(reader, node.IsDefined() && !node.IsNull() ? node : where, kind,
              parts));
  return absl::OkStatus();
}

absl::Status ReadStream(const YamlReader& reader, const YAML::Node& node,
                        PipelineConfig* config) {
  StreamConfig& stream = config->streams.emplace_back();
  int sync_mode = 0;
  OPSBENCH_RETURN_IF_ERROR(reader.Read(
      node, "a stream",
      {{"name", reader.Text(&stream.name)},
       {"into", reader.Text(&stream.into)},
       {"sync_mode",
        reader.Choice({"full", "full_refresh", "incremental"}, &sync_mode)},
       {"cursor_field", reader.Text(&stream.cursor_field)},
       {"columns", reader.Texts(&stream.columns)}}));
  if (stream.name.empty()) return Missing(reader, node, "a stream", "name");
  if (stream.into.empty()) stream.into = stream.name;
  stream.incremental = sync_mode == 2;
  if (stream.incremental && stream.cursor_field.empty()) {
    return Missing(reader, node, "an incremental stream", "cursor_field");
  }
  if (!stream.incremental && !stream.cursor_field.empty()) {
    return reader.Error(node,
                        "cursor_field is for streams whose sync_mode is "
                        "incremental");
  }
  return absl::OkStatus();
}

absl::Status ReadSource(const YamlReader& reader, const YAML::Node& node,
                        absl::Span<const ConnectorKind> kinds,
                        PipelineConfig* config, GivenKeys* given) {
  YAML::Node use;
  YAML::Node settings;
  YAML::Node streams;
  OPSBENCH_RETURN_IF_ERROR(reader.Read(node, "source",
                                       {{"use", Keep(&use)},
                                        {"config", Keep(&settings)},
                                        {"streams", Keep(&streams)}}));
  if (use.IsNull()) return Missing(reader, node, "source", "use");
  OPSBENCH_ASSIGN_OR_RETURN(const ConnectorKind* kind,
                            ReadKind(reader, use, true, kinds));
  OPSBENCH_RETURN_IF_ERROR(
      ReadConnectorConfig(reader, settings, node, *kind, &config->source));
  Remember(settings, "source.config.", given);
  if (!streams.IsSequence() || streams.size() == 0) {
    return reader.Error(streams.IsNull() ? node : streams,
                        "source needs the key streams with a list: - name: "
                        "table");
  }
  for (const YAML::Node& stream : streams) {
    OPSBENCH_RETURN_IF_ERROR(ReadStream(reader, stream, config));
  }
  return absl::OkStatus();
}

absl::Status ReadDestination(const YamlReader& reader, const YAML::Node& node,
                             absl::Span<const ConnectorKind> kinds,
                             PipelineConfig* config, GivenKeys* given) {
  YAML::Node use;
  YAML::Node settings;
  int mode = 0;
  OPSBENCH_RETURN_IF_ERROR(reader.Read(
      node, "destination",
      {{"use", Keep(&use)},
       {"config", Keep(&settings)},
       {"write_mode", reader.Choice({"append", "replace", "upsert"}, &mode)},
       {"staged", reader.Flag(&config->staged)},
       {"primary_key", reader.Texts(&config->primary_key)}}));
  config->write_mode = mode == 0   ? WriteMode::kAppend
                       : mode == 1 ? WriteMode::kReplace
                                   : WriteMode::kUpsert;
  if (use.IsNull()) return Missing(reader, node, "destination", "use");
  if (config->staged && config->write_mode != WriteMode::kReplace) {
    return reader.Error(node, "staged goes with write_mode: replace only");
  }
  if (!config->primary_key.empty() &&
      config->write_mode != WriteMode::kUpsert) {
    return reader.Error(node, "primary_key goes with write_mode: upsert only");
  }
  OPSBENCH_ASSIGN_OR_RETURN(const ConnectorKind* kind,
                            ReadKind(reader, use, false, kinds));
  Remember(node, "destination.", given);
  Remember(settings, "destination.config.", given);
  return ReadConnectorConfig(reader, settings, node, *kind,
                             &config->destination);
}

absl::Status ReadResources(const YamlReader& reader, const YAML::Node& node,
                           PipelineConfig* config) {
  int codec = 0;
  int decode = 0;
  OPSBENCH_RETURN_IF_ERROR(reader.Read(
      node, "resources",
      {{"compression", reader.Choice({"none", "lz4", "zstd"}, &codec)},
       {"max_inflight_batches",
        reader.SmallInteger(1, kMaxInflight, &config->max_inflight_batches)},
       {"parallel_reads",
        reader.SmallInteger(1, kMaxReaders, &config->parallel_reads)},
       {"batch_rows", reader.Integer(1, kMaxBatchRows, &config->batch_rows)},
       {"batch_bytes",
        reader.Bytes(1024, kMaxBatchBytes, &config->batch_bytes)},
       {"decode", reader.Choice({"auto", "always"}, &decode)}}));
  config->compression = codec == 0   ? Compression::kNone
                        : codec == 1 ? Compression::kLz4
                                     : Compression::kZstd;
  config->always_decode = decode == 1;
  return absl::OkStatus();
}

absl::Status ReadSeed(const YamlReader& reader, const YAML::Node& node,
                      PipelineConfig* config) {
  int profile = 0;
  OPSBENCH_RETURN_IF_ERROR(reader.Read(
      node, "seed",
      {{"rows", reader.Integer(1, kMaxSeedRows, &config->seed.rows)},
       {"profile", reader.Choice({"120", "500", "4096"}, &profile)}}));
  if (config->seed.rows == 0) return Missing(reader, node, "seed", "rows");
  constexpr int kProfiles[] = {120, 500, 4096};
  config->seed.profile_bytes = kProfiles[profile];
  return absl::OkStatus();
}

// Refuses what is given and cannot act, by the rules of one end's connector.
absl::Status CheckRules(const YamlReader& reader, const PipelineConfig& config,
                        const GivenKeys& given, const ConnectorKind& kind) {
  const bool source = IsSource(kind);
  std::map<std::string, std::string> facts =
      (source ? config.source : config.destination).config.settings;
  facts["write_mode"] = config.write_mode == WriteMode::kAppend   ? "append"
                        : config.write_mode == WriteMode::kUpsert ? "upsert"
                        : config.staged ? "staged replace"
                                        : "replace";
  facts["parallel_reads"] = config.parallel_reads > 1 ? "many" : "1";
  facts["source"] = config.source.use;
  for (const KeyRule& rule : kind.rules) {
    absl::string_view name = rule.key;
    const bool own = absl::ConsumePrefix(&name, "config.");
    const auto found = given.find(
        own ? absl::StrCat(source ? "source." : "destination.", rule.key)
            : rule.key);
    if (found == given.end()) continue;
    name = name.substr(name.rfind('.') + 1);
    if (rule.setting.empty()) {
      return reader.Error(
          found->second, absl::StrCat(name, " has no effect with ", kind.name));
    }
    const std::string& value = facts[rule.setting];
    if (std::find(rule.values.begin(), rule.values.end(), value) !=
        rule.values.end()) {
      continue;
    }
    return reader.Error(
        found->second,
        absl::StrCat(name, " of ", kind.name, " has no effect with ",
                     rule.setting, " ", value, ", only with ",
                     absl::StrJoin(rule.values, " or ")));
  }
  return absl::OkStatus();
}

// What no part can say alone.
absl::Status CheckWhole(const YamlReader& reader, const YAML::Node& document,
                        const PipelineConfig& config) {
  std::set<std::string> targets;
  bool incremental = false;
  for (const StreamConfig& stream : config.streams) {
    if (!targets.insert(stream.into).second) {
      return reader.Error(document,
                          absl::StrCat("two streams go into ", stream.into));
    }
    if (!config.source.config.url.empty() &&
        config.source.config.url == config.destination.config.url &&
        config.source.schema == config.destination.schema &&
        targets.count(stream.name) > 0) {
      return reader.Error(
          document,
          absl::StrCat("stream ", stream.name, " would be written to ",
                       "the table that it is read from: give the destination's "
                       "config a schema, or the stream another table by into"));
    }
    if (!stream.incremental) continue;
    incremental = true;
    if (config.state.empty()) {
      return reader.Error(document,
                          absl::StrCat("incremental stream ", stream.name,
                                       " needs the key state: the "
                                       "path of a file that keeps "
                                       "how far it came"));
    }
    if (config.write_mode == WriteMode::kReplace) {
      return reader.Error(
          document, absl::StrCat("incremental stream ", stream.name,
                                 " with write_mode: replace would keep the "
                                 "newest rows alone: use append or upsert"));
    }
  }
  if (!config.state.empty() && !incremental) {
    return reader.Error(document,
                        "state has no effect: none of the streams has "
                        "sync_mode: incremental");
  }
  if (config.seed.rows > 0 && (config.streams.size() != 1 ||
                               config.streams[0].name != "bench_events")) {
    return reader.Error(document,
                        "seed makes the table bench_events: the one stream "
                        "has to be of this name");
  }
  return absl::OkStatus();
}

absl::StatusOr<PipelineConfig> ReadDocument(
    const YamlReader& reader, const YAML::Node& document,
    absl::Span<const ConnectorKind> kinds) {
  PipelineConfig config;
  YAML::Node source;
  YAML::Node destination;
  int version = -1;
  OPSBENCH_RETURN_IF_ERROR(
      reader.Read(document, "the pipeline",
                  {{"version", reader.Choice({"1", "1.0"}, &version)},
                   {"pipeline", reader.Text(&config.pipeline)},
                   {"source", Keep(&source)},
                   {"destination", Keep(&destination)},
                   {"resources",
                    [&](const YAML::Node& node) {
                      return ReadResources(reader, node, &config);
                    }},
                   {"state", reader.Text(&config.state)},
                   {"seed", [&](const YAML::Node& node) {
                      return ReadSeed(reader, node, &config);
                    }}}));
  if (version < 0) {
    return Missing(reader, document, "the pipeline", "version, which is 1");
  }
  if (config.pipeline.empty()) {
    return Missing(reader, document, "the pipeline", "pipeline, its name");
  }
  if (source.IsNull()) {
    return Missing(reader, document, "the pipeline", "source");
  }
  if (destination.IsNull()) {
    return Missing(reader, document, "the pipeline", "destination");
  }
  GivenKeys given;
  Remember(document, "", &given);
  if (const auto resources = given.find("resources");
      resources != given.end()) {
    Remember(YAML::Node(resources->second), "resources.", &given);
  }
  OPSBENCH_RETURN_IF_ERROR(ReadSource(reader, source, kinds, &config, &given));
  OPSBENCH_RETURN_IF_ERROR(
      ReadDestination(reader, destination, kinds, &config, &given));
  OPSBENCH_RETURN_IF_ERROR(CheckWhole(reader, document, config));
  for (const std::string& use : {config.source.use, config.destination.use}) {
    OPSBENCH_RETURN_IF_ERROR(
        CheckRules(reader, config, given, *FindKind(kinds, use)));
  }
  return config;
}

}  // namespace

const ConnectorKind* FindKind(absl::Span<const ConnectorKind> kinds,
                              absl::string_view name) {
  for (const ConnectorKind& kind : kinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

absl::StatusOr<PipelineConfig> ParsePipelineConfig(
    const std::string& text, absl::string_view source, const Lookup& lookup,
    absl::Span<const ConnectorKind> kinds) {
  const YamlReader reader(source, lookup);
  try {
    const YAML::Node document = YAML::Load(text);
    if (!document.IsMap()) {
      return absl::InvalidArgumentError(absl::StrCat(
          source,
          ":1:1: no pipeline: it needs version, pipeline, source and "
          "destination"));
    }
    return ReadDocument(reader, document, kinds);
  } catch (const YAML::Exception& error) {
    return reader.ErrorAt(error.mark, error.msg);
  }
}

absl::StatusOr<PipelineConfig> ReadPipelineConfig(
    const std::string& path, const Lookup& lookup,
    absl::Span<const ConnectorKind> kinds) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return absl::NotFoundError(absl::StrCat("no pipeline file ", path));
  }
  return ParsePipelineConfig(text.str(), path, lookup, kinds);
}

}  // namespace opsbench::pipeline
