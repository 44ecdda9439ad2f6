#ifndef OPSBENCH_VECTOR_INDEX_MARK_H_
#define OPSBENCH_VECTOR_INDEX_MARK_H_

// The mark of an index on a server: who made it, of which data, with which
// options, and whether all of it is there. Its text is an ownership mark
// (db/ownership.h) on every backend; BACKENDS.md says where each one keeps it.
//
// Thread safety: plain values, pure functions.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/vector/dataset.h"

namespace opsbench::vector {

// The maker in the mark of an index.
inline constexpr char kIndexMaker[] = "vector load";

struct IndexMark {
  std::string kind;      // BackendInfo::name: "redis_search", "pgvector".
  std::string options;   // "m:16,ef_construction:200"; empty: none.
  uint64_t content = 0;  // Dataset::content_hash().
  int64_t rows = 0;
  int64_t dimension = 0;
  std::string metric;
  // False from before the first row is written until the rows are verified.
  bool complete = false;

  // Whether both are of the same data, kind and options.
  bool SameIndex(const IndexMark& other) const;
};

// Returns the mark of an index that is not complete yet.
IndexMark MakeIndexMark(const Dataset& data, absl::string_view kind,
                        std::string options);

// The detail of an ownership mark, "index=redis_search options=m:16 data=… …
// state=complete", and the mark that such a detail says, if it is one.
std::string IndexMarkDetail(const IndexMark& mark);
absl::optional<IndexMark> ParseIndexMarkDetail(absl::string_view detail);

// The whole text, "opsbench: vector load; index=…". Parsing returns nothing for
// a text that is no mark, and for that of another maker.
std::string IndexMarkText(const IndexMark& mark);
absl::optional<IndexMark> ParseIndexMark(absl::string_view text);

// "1000 vectors of dimension 16 (l2, data 00c0ffee00c0ffee), redis_search,
// m:16,ef_construction:200".
std::string DescribeIndexMark(const IndexMark& mark);

// What stands under the name of an index on a server.
struct IndexState {
  enum class Kind {
    kAbsent,
    kCurrent,     // The index of these data and options, all of it.
    kUnfinished,  // The same, but opsbench was interrupted when it made it.
    kOther,       // Made by opsbench, of other data, or with other options, or
                  // rows of it are missing.
    kForeign,     // Not made by opsbench, or for another purpose.
  };
  Kind kind = Kind::kAbsent;
  // Names it, and says of kOther how it differs: "index products at redis://…".
  std::string what;
};

// Rows to be read back from an index: the first, the last, and some between.
std::vector<size_t> SampleRows(const Dataset& data);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_INDEX_MARK_H_
