#include "opsbench/pipeline/internal/arrow_check.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "opsbench/pipeline/arrow_ipc.h"
#include "opsbench/pipeline/internal/string_bytes.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline::internal {
namespace {

// Looks at each value; sanitizers see to it that it is there.
std::string BatchFault(const Batch& batch) {
  std::string text;
  for (const Column& column : batch.columns()) {
    if (column.size() != batch.rows()) {
      return absl::StrCat(column.size(), " values in ", batch.rows(), " rows");
    }
    int64_t nulls = 0;
    for (int64_t row = 0; row < column.size(); ++row) {
      text.clear();
      if (column.IsNull(row)) {
        ++nulls;
      } else {
        AppendValueText(column, row, &text);
      }
    }
    if (nulls != column.null_count()) {
      return absl::StrCat(nulls, " nulls, not ", column.null_count());
    }
    Column filled = column;
    filled.AppendNull();
    if (!filled.IsNull(column.size())) return "a null that is none";
  }
  return "";
}

// No other codes: of bytes, nothing else is to be said.
std::string StatusFault(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kResourceExhausted:
      return "";
    default:
      return status.ToString();
  }
}

}  // namespace

std::string ArrowReaderFault(absl::string_view bytes, bool* fine) {
  if (fine != nullptr) *fine = false;
  StringSource source(bytes);
  ArrowReaderOptions options;
  options.max_batch_bytes = 1 << 20;
  const auto reader = ArrowReader::Open(options, &source);
  if (!reader.ok()) return StatusFault(reader.status());
  Batch batch;
  while (true) {
    const auto more = (*reader)->Next(&batch);
    if (!more.ok()) {
      return batch.rows() == 0 ? StatusFault(more.status())
                               : "rows of a batch that was refused";
    }
    if (!*more) break;
    std::string fault = BatchFault(batch);
    if (!fault.empty()) return fault;
  }
  if (fine != nullptr) *fine = true;
  return "";
}

}  // namespace opsbench::pipeline::internal
