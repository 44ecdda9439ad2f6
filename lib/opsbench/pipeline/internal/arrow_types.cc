#include "opsbench/pipeline/internal/arrow_types.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace opsbench::pipeline::internal {
namespace {

constexpr char kExtensionName[] = "ARROW:extension:name";
constexpr char kExtensionMetadata[] = "ARROW:extension:metadata";
constexpr char kUuidName[] = "arrow.uuid";
constexpr char kJsonName[] = "arrow.json";
constexpr char kTypeKey[] = "opsbench:type";
constexpr char kNativeKey[] = "opsbench:native";
constexpr char kPrimaryKeyKey[] = "opsbench:primary_key";

}  // namespace

ArrowMetadata FieldMetadata(const Schema& schema, size_t index) {
  const Field& field = schema.fields[index];
  ArrowMetadata metadata;
  switch (field.type.id) {
    case TypeId::kUuid:
      metadata[kExtensionName] = kUuidName;
      metadata[kExtensionMetadata] = "";
      break;
    case TypeId::kJson:
      metadata[kExtensionName] = kJsonName;
      metadata[kExtensionMetadata] = "";
      break;
    case TypeId::kNumeric:
      metadata[kTypeKey] = TypeName(field.type);
      break;
    default:
      break;
  }
  if (!field.native.empty()) metadata[kNativeKey] = field.native;
  const auto key = std::find(schema.primary_key.begin(),
                             schema.primary_key.end(), field.name);
  if (key != schema.primary_key.end()) {
    metadata[kPrimaryKeyKey] =
        absl::StrCat(key - schema.primary_key.begin() + 1);
  }
  return metadata;
}

void ReadFieldMetadata(const ArrowMetadata& metadata, Field* field) {
  const auto extension = metadata.find(kExtensionName);
  const auto type = metadata.find(kTypeKey);
  if (field->type.id == TypeId::kText) {
    if (extension != metadata.end() && extension->second == kJsonName) {
      field->type.id = TypeId::kJson;
    } else if (type != metadata.end() &&
               type->second == TypeName(Type{TypeId::kNumeric})) {
      field->type.id = TypeId::kNumeric;
    }
  }
  const auto native = metadata.find(kNativeKey);
  if (native != metadata.end()) field->native = native->second;
}

absl::Status ReadPrimaryKey(const std::vector<ArrowMetadata>& metadata,
                            Schema* schema) {
  std::map<int, std::string> places;
  for (size_t i = 0; i < metadata.size(); ++i) {
    const auto key = metadata[i].find(kPrimaryKeyKey);
    if (key == metadata[i].end()) continue;
    int place = 0;
    if (!absl::SimpleAtoi(key->second, &place) ||
        !places.emplace(place, schema->fields[i].name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("not a place in a primary key: ", key->second));
    }
  }
  schema->primary_key.clear();
  for (const auto& [place, name] : places) {
    schema->primary_key.push_back(name);
    if (place != static_cast<int>(schema->primary_key.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("a primary key with a gap before place ", place));
    }
  }
  return absl::OkStatus();
}

}  // namespace opsbench::pipeline::internal
