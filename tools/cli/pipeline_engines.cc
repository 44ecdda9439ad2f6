#include "pipeline_engines.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::cli {
namespace {

struct EngineVariable {
  absl::string_view name;
  Engine engine;
  // Stands for the URL of a server that has not been started.
  absl::string_view placeholder;
};

constexpr EngineVariable kVariables[] = {
    {"OPSBENCH_MYSQL_URL", Engine::kMysql, "mysql://u@localhost/d"},
    {"OPSBENCH_POSTGRES_URL", Engine::kPostgres, "postgres://u@localhost/d"},
    {"OPSBENCH_SQLITE_URL", Engine::kSqlite, "sqlite:d"}};

}  // namespace

absl::StatusOr<PipelineEngines> PipelineEngines::Load() {
  PipelineEngines engines;
  OPSBENCH_ASSIGN_OR_RETURN(engines.environment_, Environment::Load());
  return engines;
}

absl::optional<std::string> PipelineEngines::Lookup(
    absl::string_view name, std::set<Engine>* missing) const {
  for (const EngineVariable& variable : kVariables) {
    if (name != variable.name) continue;
    const auto handle = handles_.find(variable.engine);
    if (handle != handles_.end()) return handle->second->url().ToString();
    const auto url = environment_.EngineUrl(variable.engine);
    // A text that is no URL is left to the reader of the file to refuse.
    if (!url.ok()) return environment_.Get(name);
    if (url->has_value()) return (*url)->ToString();
    missing->insert(variable.engine);
    return std::string(variable.placeholder);
  }
  return environment_.Get(name);
}

absl::StatusOr<Url> PipelineEngines::Acquire(Engine engine) {
  const auto known = handles_.find(engine);
  if (known == handles_.end()) {
    OPSBENCH_ASSIGN_OR_RETURN(const absl::optional<Url> outside,
                              environment_.EngineUrl(engine));
    if (outside.has_value()) return *outside;
    absl::FPrintF(stderr, "starting a private %s %s\n", EngineName(engine),
                  engine == Engine::kSqlite ? "database" : "server");
    const Stage stage("setup", EngineName(engine));
    OPSBENCH_ASSIGN_OR_RETURN(auto handle, AcquireEngine(engine, environment_));
    handles_[engine] = std::move(handle);
  }
  return handles_[engine]->url();
}

absl::StatusOr<pipeline::PipelineConfig> PipelineEngines::Read(
    const std::string& path, absl::Span<const pipeline::ConnectorKind> kinds) {
  std::set<Engine> missing;
  const pipeline::Lookup lookup = [&](absl::string_view name) {
    return Lookup(name, &missing);
  };
  auto config = pipeline::ReadPipelineConfig(path, lookup, kinds);
  if (!config.ok() || missing.empty()) return config;
  for (const Engine engine : missing) {
    OPSBENCH_RETURN_IF_ERROR(Acquire(engine).status());
  }
  return pipeline::ReadPipelineConfig(path, lookup, kinds);
}

}  // namespace opsbench::cli
