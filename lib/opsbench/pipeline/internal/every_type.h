#ifndef OPSBENCH_PIPELINE_INTERNAL_EVERY_TYPE_H_
#define OPSBENCH_PIPELINE_INTERNAL_EVERY_TYPE_H_

// Tables with every type that an engine's source reads, and how each engine's
// own SQL shows the values, so that what came out of a pipeline is known
// without its decoders.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "opsbench/db/url.h"

namespace opsbench::pipeline::internal {

// How a value is written in SQL, and shown.
enum class Shown {
  kNumber,    // Its text.
  kBool,      // 0 or 1.
  kFloat,     // Whether it equals its literal, by the server's comparison.
  kBits,      // MySQL's bit(n): a number.
  kText,      // The UTF-8 bytes in hexadecimal digits.
  kBytes,     // Likewise the bytes.
  kUuid,      // Its text, as the rest.
  kTime,      // "23:59:59.999999"; of either sign.
  kDate,      //
  kInstant,   // "2026-01-31 00:00:00.000001"
  kInstantTz  // Likewise, in UTC.
};

struct EveryColumn {
  const char* type;
  Shown shown;
  // The values of the first and the second row; the third is null. Text and
  // bytes as they are, other values as the engine's text of them.
  std::string low;
  std::string high;
};

// The columns c0, c1, … of an engine's table, behind the key `id`.
const std::vector<EveryColumn>& EveryColumnOf(Engine engine);
// NaN, infinities and times without end, which MySQL has none of.
const std::vector<EveryColumn>& BoundlessColumnsOf(Engine engine);

std::vector<std::string> CreateEveryType(
    Engine engine, absl::string_view table,
    const std::vector<EveryColumn>& columns);

// SQL for the column's cell as text.
std::string ShownSql(Engine engine, const EveryColumn& column, size_t index,
                     bool high);
// What that is of the value.
std::string ShownText(const EveryColumn& column, bool high);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_EVERY_TYPE_H_
