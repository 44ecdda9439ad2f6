#ifndef OPSBENCH_PIPELINE_INTERNAL_YAML_READER_H_
#define OPSBENCH_PIPELINE_INTERNAL_YAML_READER_H_

// Reads a YAML document field by field; every error says where it is.
//
// Thread safety: for one thread.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/pipeline/config.h"
#include "yaml-cpp/yaml.h"

namespace opsbench::pipeline::internal {

class YamlReader {
 public:
  using Field = std::function<absl::Status(const YAML::Node&)>;
  using Fields = std::map<std::string, Field>;

  YamlReader(absl::string_view source, const Lookup& lookup)
      : source_(source), lookup_(lookup) {}

  absl::Status Error(const YAML::Node& node, absl::string_view what) const {
    return ErrorAt(node.Mark(), what);
  }
  absl::Status ErrorAt(const YAML::Mark& mark, absl::string_view what) const;

  // Hands each key's value to its field; `what` names the map for errors.
  absl::Status Read(const YAML::Node& node, absl::string_view what,
                    const Fields& fields) const;

  // A scalar with its variables replaced.
  absl::StatusOr<std::string> Scalar(const YAML::Node& node) const;

  Field Text(std::string* value) const;
  // One text, or a list of them.
  Field Texts(std::vector<std::string>* values) const;
  Field Flag(bool* value) const;
  Field Integer(int64_t low, int64_t high, int64_t* value) const;
  Field SmallInteger(int low, int high, int* value) const;
  // "64MiB", "4 KB", "1000": bytes; KB and KiB are both 1024.
  Field Bytes(int64_t low, int64_t high, int64_t* value) const;
  // One of `names`; `*index` is its place.
  Field Choice(absl::Span<const absl::string_view> names, int* index) const;

 private:
  absl::Status WithKey(const absl::Status& status, const std::string& key,
                       const YAML::Node& value) const;
  absl::Status UnknownKey(const YAML::Node& node, const std::string& key,
                          absl::string_view what, const Fields& fields) const;

  const std::string source_;
  const Lookup& lookup_;
};

// The one of `names` that begins as `name` does, or takes the fewest edits to
// become it; empty without any that is near.
std::string NearestName(absl::string_view name,
                        absl::Span<const std::string> names);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_YAML_READER_H_
