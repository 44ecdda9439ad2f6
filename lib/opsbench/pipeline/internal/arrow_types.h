#ifndef OPSBENCH_PIPELINE_INTERNAL_ARROW_TYPES_H_
#define OPSBENCH_PIPELINE_INTERNAL_ARROW_TYPES_H_

// What a field says besides its Arrow type, as the pairs of text that Arrow
// lets a field carry: which of two types of one layout it is, the source's name
// of it, its place in the primary key.
//
// https://arrow.apache.org/docs/format/CanonicalExtensions.html

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline::internal {

using ArrowMetadata = std::map<std::string, std::string>;

// Of the field at `index`.
ArrowMetadata FieldMetadata(const Schema& schema, size_t index);

// The other way: sets the type where the metadata tells it from another of the
// same layout, and `native`. REQUIRES: field->type is the plain Arrow type, of
// which Utf8 is kText, Binary is kBytes, FixedSizeBinary(16) is kUuid.
void ReadFieldMetadata(const ArrowMetadata& metadata, Field* field);

// Gives the schema its primary key. REQUIRES: one entry a field.
// InvalidArgument when the places are not 1, 2, ….
absl::Status ReadPrimaryKey(const std::vector<ArrowMetadata>& metadata,
                            Schema* schema);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_ARROW_TYPES_H_
