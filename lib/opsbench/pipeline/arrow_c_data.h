#ifndef OPSBENCH_PIPELINE_ARROW_C_DATA_H_
#define OPSBENCH_PIPELINE_ARROW_C_DATA_H_

// Batches to and from other libraries in this process, through Arrow's C data
// interface: two structs that every Arrow library knows, so that none has to be
// linked. A batch is a struct array whose fields are the columns.
// https://arrow.apache.org/docs/format/CDataInterface.html
//
// Thread safety: functions are pure; an exported array may be released by any
// thread.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/types.h"

// The guard is the interface's own: another library's header may define them.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

extern "C" {

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};

}  // extern "C"

#endif  // ARROW_C_DATA_INTERFACE

namespace opsbench::pipeline {

// `out` is the caller's to release.
void ExportSchema(const Schema& schema, ArrowSchema* out);

// The columns are not copied: the array owns the batch. InvalidArgument when
// the batch holds a wire format, or columns of other lengths than its rows.
absl::Status ExportBatch(Batch batch, ArrowArray* out);

// Released whatever comes out. InvalidArgument when it is no struct, was
// released before or breaks the interface's rules; Unimplemented for a type
// that opsbench has none for.
absl::StatusOr<SchemaPtr> ImportSchema(ArrowSchema* schema);

// Copies the rows; released whatever comes out. The interface has no sizes of
// buffers, which have to be trusted; what can be checked is: InvalidArgument
// when numbers of children and buffers, lengths and offsets do not fit the
// schema, or rows of the struct itself are null; DataLoss for bad offsets of
// texts.
absl::StatusOr<Batch> ImportBatch(SchemaPtr schema, ArrowArray* array);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_ARROW_C_DATA_H_
