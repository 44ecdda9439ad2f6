// Pipeline files, read whole, and what is said of each fault: where it is, what
// is wrong, what to write instead, and never a password.

#include "opsbench/pipeline/config.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::pipeline {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::vector<ConnectorKind>& Kinds() {
  static const auto* const kinds = new std::vector<ConnectorKind>{
      {"source-postgres",
       "postgres",
       {{"method", "copy", {"copy", "cursor"}, ""}},
       [](const ConnectorConfig&) {
         return absl::StatusOr<std::unique_ptr<Source>>(nullptr);
       },
       nullptr},
      {"dest-postgres",
       "postgres",
       {{"load_method", "insert", {"insert", "copy"}, ""},
        {"insert_rows", "1000", {}, "", 1'000'000}},
       nullptr,
       [](const ConnectorConfig&) {
         return absl::StatusOr<std::unique_ptr<Destination>>(nullptr);
       },
       {{"config.insert_rows", "load_method", {"insert"}},
        {"destination.staged"}}},
      {"dest-arrow",
       "",
       {{"path", "", {}, ""}},
       nullptr,
       [](const ConnectorConfig&) {
         return absl::StatusOr<std::unique_ptr<Destination>>(nullptr);
       }}};
  return *kinds;
}

absl::StatusOr<PipelineConfig> Parse(
    const std::string& text,
    const std::map<std::string, std::string>& variables = {}) {
  return ParsePipelineConfig(
      text, "p.yaml",
      [&](absl::string_view name) -> absl::optional<std::string> {
        const auto found = variables.find(std::string(name));
        if (found == variables.end()) return absl::nullopt;
        return found->second;
      },
      Kinds());
}

constexpr char kWhole[] = R"(version: "1"
pipeline: events
source:
  use: source-postgres
  config:
    url: ${DB}
    method: cursor
  streams:
    - name: bench_events
      into: copy_of_events
      sync_mode: incremental
      cursor_field: id
      columns: [id, payload]
destination:
  use: dest-postgres
  config:
    host: db.example.org
    port: 5433
    user: ${NAME:-ann}
    password: ${SECRET}
    database: bench
    schema: raw
    load_method: copy
  write_mode: upsert
  primary_key: id
resources:
  compression: lz4
  max_inflight_batches: 4
  parallel_reads: 2
  batch_rows: 500
  batch_bytes: 2MiB
  decode: always
state: state.db
seed:
  rows: 1000
  profile: 500
)";

const std::map<std::string, std::string>& Variables() {
  static const auto* const variables = new std::map<std::string, std::string>{
      {"DB", "postgres://u:p%2Fw@h/d"}, {"SECRET", "hush/hush"}, {"NAME", ""}};
  return *variables;
}

TEST(ConfigTest, EveryKeyIsRead) {
  const auto config = Parse(kWhole, Variables());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->pipeline, "events");
  EXPECT_EQ(config->source.use, "source-postgres");
  EXPECT_EQ(config->source.config.url, "postgres://u:p%2Fw@h/d");
  EXPECT_EQ(config->source.config.settings.at("method"), "cursor");
  ASSERT_EQ(config->streams.size(), 1u);
  EXPECT_EQ(config->streams[0].into, "copy_of_events");
  EXPECT_TRUE(config->streams[0].incremental);
  EXPECT_EQ(config->streams[0].cursor_field, "id");
  EXPECT_THAT(config->streams[0].columns, ElementsAre("id", "payload"));
  EXPECT_EQ(config->destination.config.url,
            "postgres://ann:hush%2Fhush@db.example.org:5433/bench");
  EXPECT_EQ(config->destination.schema, "raw");
  EXPECT_EQ(config->destination.config.settings.at("load_method"), "copy");
  EXPECT_EQ(config->write_mode, WriteMode::kUpsert);
  EXPECT_THAT(config->primary_key, ElementsAre("id"));
  EXPECT_EQ(config->compression, Compression::kLz4);
  EXPECT_EQ(config->max_inflight_batches, 4);
  EXPECT_EQ(config->parallel_reads, 2);
  EXPECT_EQ(config->batch_rows, 500);
  EXPECT_EQ(config->batch_bytes, 2 << 20);
  EXPECT_TRUE(config->always_decode);
  EXPECT_EQ(config->state, "state.db");
  EXPECT_EQ(config->seed.rows, 1000);
  EXPECT_EQ(config->seed.profile_bytes, 500);
}

TEST(ConfigTest, DefaultsAreThoseOfTheReference) {
  const auto config = Parse(R"(
version: 1
pipeline: p
source: {use: source-postgres, config: {url: "postgres://h/d"},
         streams: [{name: a}, {name: b, sync_mode: full}]}
destination: {use: dest-arrow, config: {path: "$${x}"}})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->streams[1].into, "b");
  EXPECT_FALSE(config->streams[1].incremental);
  EXPECT_EQ(config->destination.config.settings.at("path"), "${x}");
  EXPECT_EQ(config->destination.config.url, "");
  EXPECT_EQ(config->write_mode, WriteMode::kAppend);
  EXPECT_EQ(config->compression, Compression::kNone);
  EXPECT_EQ(config->max_inflight_batches, 16);
  EXPECT_EQ(config->parallel_reads, 1);
  EXPECT_EQ(config->seed.rows, 0);
}

// Each line of the whole file replaced by something else, and what is said.
TEST(ConfigTest, EveryFaultIsNamedWithItsPlace) {
  struct Fault {
    const char* line;
    const char* instead;
    const char* where;
    const char* what;
  };
  for (const Fault& fault : std::vector<Fault>{
           {"version: \"1\"", "version: 2", ":1:10:", "none of 1, 1.0"},
           {"pipeline: events", "pipelin: events",
            ":2:1:", "did you mean \"pipeline\"?"},
           {"pipeline: events", "", ":", "needs the key pipeline"},
           {"use: source-postgres", "use: source-oracle",
            ":4:8:", "there are source-postgres"},
           {"use: source-postgres", "use: dest-postgres", ":4:8:", "no source"},
           {"url: ${DB}", "url: ${DB", ":6:10:", "without its }"},
           {"url: ${DB}", "url: ${1DB}", ":6:10:", "letters"},
           {"url: ${DB}", "url: ${DBB}", ":6:10:", "DBB is not set"},
           {"url: ${DB}", "url: mysql://h/d", ":6:5:", "not of postgres"},
           {"url: ${DB}", "url: elsewhere", ":6:5:", ""},
           {"method: cursor", "methods: cursor",
            ":7:5:", "did you mean \"method\"?"},
           {"method: cursor", "method: slow", ":7:13:", "copy, cursor"},
           {"sync_mode: incremental", "sync_mode: some",
            ":11:18:", "full, full_refresh, incremental"},
           {"cursor_field: id", "", ":9:7:", "needs the key cursor_field"},
           {"port: 5433", "port: 70000", ":18:11:", "65535"},
           {"host: db.example.org", "", ":", "needs a url, or a host"},
           {"host: db.example.org", "url: postgres://h/d",
            ":17:5:", "give url, or"},
           {"write_mode: upsert", "write_mode: merge",
            ":24:15:", "append, replace, upsert"},
           {"write_mode: upsert", "write_mode: replace", ":",
            "primary_key goes with"},
           {"write_mode: upsert", "staged: true", ":", "staged goes with"},
           {"load_method: copy", "load_method: copy\n    insert_rows: 5",
            ":24:18:",
            "insert_rows of dest-postgres has no effect with "
            "load_method copy, only with insert"},
           {"compression: lz4", "compression: gzip",
            ":27:16:", "none, lz4, zstd"},
           {"max_inflight_batches: 4", "max_inflight: 4",
            ":28:3:", "did you mean \"max_inflight_batches\"?"},
           {"max_inflight_batches: 4", "max_inflight_batches: 0",
            ":28:25:", "from 1"},
           {"batch_bytes: 2MiB", "batch_bytes: 2XB", ":31:16:", "as 64MiB"},
           {"batch_bytes: 2MiB", "batch_bytes: 9999999999GB",
            ":31:16:", "as 64MiB"},
           {"decode: always", "decode: never", ":32:11:", "auto, always"},
           {"decode: always", "compression: zstd", ":32:3:", "is twice"},
           {"state: state.db", "", ":", "needs the key state"},
           {"sync_mode: incremental\n      cursor_field: id", "sync_mode: full",
            ":", "state has no effect"},
           {"host: db.example.org", "host: db.example.org\n    socket: /s",
            ":17:5:", "host has no effect with socket"},
           {"rows: 1000", "rows: many", ":35:9:", "whole number"},
           {"profile: 500", "profile: 7", ":36:12:", "120, 500, 4096"},
           {"name: bench_events", "name: other", ":", "bench_events"},
           {"version: \"1\"", "version: [", ":", ""},
           {"resources:", "resources: 5\nmore:", ":", ""}}) {
    const std::string text =
        absl::StrReplaceAll(kWhole, {{fault.line, fault.instead}});
    ASSERT_NE(text, kWhole) << fault.line;
    const auto config = Parse(text, Variables());
    EXPECT_TRUE(absl::IsInvalidArgument(config.status()))
        << fault.instead << config.status();
    EXPECT_THAT(std::string(config.status().message()),
                AllOf(StartsWith(absl::StrCat("p.yaml", fault.where)),
                      HasSubstr(fault.what), Not(HasSubstr("hush")),
                      Not(HasSubstr("p%2Fw")), Not(HasSubstr("p/w")),
                      Not(HasSubstr("\n"))))
        << fault.instead;
  }
}

// Whatever YAML would take it for, a number is decimal digits; the error has
// its key and place, on one line.
TEST(ConfigTest, NumbersThatAreNoneAreNamedWithTheirKey) {
  const std::string huge(309, '9');
  for (const auto& [key, line] :
       std::vector<std::pair<std::string, std::string>>{
           {"port", "port: 5433"},
           {"max_inflight_batches", "max_inflight_batches: 4"},
           {"parallel_reads", "parallel_reads: 2"},
           {"batch_rows", "batch_rows: 500"},
           {"batch_bytes", "batch_bytes: 2MiB"},
           {"rows", "rows: 1000"},
           {"insert_rows", "load_method: insert\n    insert_rows: 10"}}) {
    const std::string before =
        key == "insert_rows" ? std::string("load_method: copy") : line;
    for (const std::string& number :
         {std::string("nan"), std::string(".nan"), std::string("inf"),
          std::string(".inf"), std::string("-.inf"), std::string("-1"),
          std::string("+-5"), std::string("1e999"), std::string("1e3"),
          std::string("0x10"), std::string("0o17"), std::string("010"),
          std::string("1_000"), std::string("1.0"), std::string("' 5'"),
          std::string("0"), std::string("[1]"), std::string("true"), huge}) {
      const std::string text = absl::StrReplaceAll(
          kWhole, {{before, absl::StrCat(line.substr(0, line.rfind(key)), key,
                                         ": ", number)}});
      ASSERT_NE(text, kWhole) << key;
      const auto config = Parse(text, Variables());
      EXPECT_TRUE(absl::IsInvalidArgument(config.status()))
          << key << ": " << number << config.status();
      const std::string message(config.status().message());
      EXPECT_THAT(message, AllOf(StartsWith("p.yaml:"), Not(HasSubstr("\n"))));
      if (number != "[1]") {
        EXPECT_THAT(message, HasSubstr(key + ": "));
      }
      EXPECT_LT(message.size(), 160) << message;
    }
  }
}

TEST(ConfigTest, ATableIsNeverWrittenOntoItself) {
  const std::string text = R"(
version: 1
pipeline: p
source: {use: source-postgres, config: {url: "postgres://h/d"},
         streams: [{name: a}]}
destination: {use: dest-postgres, config: {url: "postgres://h/d"}})";
  EXPECT_THAT(std::string(Parse(text).status().message()),
              HasSubstr("the table that it is read from"));
  EXPECT_TRUE(
      Parse(absl::StrReplaceAll(text, {{"{name: a}", "{name: a, into: b}"}}))
          .ok());
}

TEST(ConfigTest, TextThatIsNoPipelineIsRefused) {
  for (const char* text : {"", "[]", "5", "a: b: c", "\t- x", "{", "? [a]\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Parse(text).status())) << text;
  }
  EXPECT_TRUE(absl::IsNotFound(
      ReadPipelineConfig("/nonexistent.yaml", nullptr, Kinds()).status()));
}

}  // namespace
}  // namespace opsbench::pipeline
