#include "opsbench/pipeline/types.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace opsbench::pipeline {
namespace {

struct TypeFacts {
  absl::string_view name;
  int width;
  bool offsets;
};

constexpr std::array<TypeFacts, kTypeCount> kFacts = {{
    {"bool", 0, false},      {"int8", 1, false},         {"int16", 2, false},
    {"int32", 4, false},     {"int64", 8, false},        {"uint8", 1, false},
    {"uint16", 2, false},    {"uint32", 4, false},       {"uint64", 8, false},
    {"float32", 4, false},   {"float64", 8, false},      {"decimal", 16, false},
    {"numeric", 0, true},    {"text", 0, true},          {"bytes", 0, true},
    {"date", 4, false},      {"time", 8, false},         {"duration", 8, false},
    {"timestamp", 8, false}, {"timestamp_tz", 8, false}, {"uuid", 16, false},
    {"json", 0, true},
}};

const TypeFacts& FactsOf(TypeId id) { return kFacts[static_cast<size_t>(id)]; }

}  // namespace

std::string TypeName(const Type& type) {
  if (type.id == TypeId::kDecimal) {
    return absl::StrCat("decimal(", type.precision, ", ", type.scale, ")");
  }
  return std::string(FactsOf(type.id).name);
}

int FixedWidth(TypeId id) { return FactsOf(id).width; }

bool HasOffsets(TypeId id) { return FactsOf(id).offsets; }

int Schema::IndexOf(absl::string_view name) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace opsbench::pipeline
