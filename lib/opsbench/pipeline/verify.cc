#include "opsbench/pipeline/verify.h"

#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::pipeline {
namespace {

absl::Status Sum(Source* source, const ReadRequest& request,
                 const SchemaPtr& schema, const std::atomic<bool>* stop,
                 const std::atomic<bool>& other_failed, ContentSum* sum) {
  OPSBENCH_RETURN_IF_ERROR(source->Start(request));
  Batch batch(schema);
  while (true) {
    if ((stop != nullptr && *stop) || other_failed) {
      return absl::CancelledError("interrupted");
    }
    OPSBENCH_ASSIGN_OR_RETURN(const bool more, source->Next(&batch));
    if (!more) return absl::OkStatus();
    sum->Add(batch);
    batch.Clear();
  }
}

struct Compared {
  std::vector<ContentForm> forms;
  std::vector<Type> types_a;
  std::vector<Type> types_b;
};

Compared CompareSchemas(const Schema& a, const Schema& b, Verdict* verdict) {
  Compared compared;
  for (size_t i = 0; i < a.fields.size(); ++i) {
    const Type& type_a = a.fields[i].type;
    const Type& type_b = b.fields[i].type;
    ColumnVerdict& column = verdict->columns.emplace_back();
    column.name = a.fields[i].name;
    column.type_a = TypeName(type_a);
    column.type_b = TypeName(type_b);
    const auto form = CommonForm(type_a, type_b);
    column.comparable = form.ok();
    // A form is needed all the same; the verdict does not rest on it.
    compared.forms.push_back(form.ok() ? *form : ContentForm::kText);
    compared.types_a.push_back(type_a);
    compared.types_b.push_back(type_b);
  }
  return compared;
}

std::vector<std::string> NamesOf(const Schema& schema) {
  std::vector<std::string> names;
  for (const Field& field : schema.fields) names.push_back(field.name);
  return names;
}

}  // namespace

bool Verdict::equal() const {
  return rows_a == rows_b && row_sum_a == row_sum_b &&
         std::all_of(columns.begin(), columns.end(),
                     [](const ColumnVerdict& c) { return c.equal(); });
}

absl::StatusOr<Verdict> VerifyTables(Source* a, const ReadRequest& request_a,
                                     Source* b, const ReadRequest& request_b,
                                     const std::atomic<bool>* stop) {
  OPSBENCH_RETURN_IF_ERROR(a->Connect());
  OPSBENCH_RETURN_IF_ERROR(b->Connect());
  ReadRequest read_a = request_a;
  ReadRequest read_b = request_b;
  OPSBENCH_ASSIGN_OR_RETURN(const SchemaPtr all, a->Describe(read_a));
  read_a.columns = NamesOf(*all);
  read_b.columns = read_a.columns;
  OPSBENCH_ASSIGN_OR_RETURN(const SchemaPtr schema_a, a->Describe(read_a));
  OPSBENCH_ASSIGN_OR_RETURN(const SchemaPtr schema_b, b->Describe(read_b));
  Verdict verdict;
  verdict.table_a = request_a.table.ToString();
  verdict.table_b = request_b.table.ToString();
  const Compared compared = CompareSchemas(*schema_a, *schema_b, &verdict);
  for (const ColumnVerdict& column : verdict.columns) {
    if (!column.comparable) return verdict;  // Different whatever the rows are.
  }

  ContentSum sum_a(compared.forms, compared.types_b);
  ContentSum sum_b(compared.forms, compared.types_a);
  std::atomic<bool> failed{false};
  absl::Status status_b;
  std::thread other([&] {
    try {
      status_b = Sum(b, read_b, schema_b, stop, failed, &sum_b);
    } catch (const std::bad_alloc&) {
      status_b = absl::ResourceExhaustedError("out of memory");
    }
    if (!status_b.ok()) failed = true;
  });
  absl::Status status_a;
  try {
    status_a = Sum(a, read_a, schema_a, stop, failed, &sum_a);
  } catch (const std::bad_alloc&) {
    status_a = absl::ResourceExhaustedError("out of memory");
  }
  if (!status_a.ok()) failed = true;
  other.join();
  // Of two, the one that the other was not stopped by.
  if (!status_a.ok() && !absl::IsCancelled(status_a)) return status_a;
  OPSBENCH_RETURN_IF_ERROR(status_b);
  OPSBENCH_RETURN_IF_ERROR(status_a);

  verdict.rows_a = sum_a.rows();
  verdict.rows_b = sum_b.rows();
  verdict.row_sum_a = sum_a.row_sum();
  verdict.row_sum_b = sum_b.row_sum();
  for (size_t i = 0; i < verdict.columns.size(); ++i) {
    verdict.columns[i].a = sum_a.columns()[i];
    verdict.columns[i].b = sum_b.columns()[i];
  }
  return verdict;
}

std::string RenderVerdict(const Verdict& verdict) {
  std::string text =
      absl::StrFormat("%s and %s: %s\n", verdict.table_a, verdict.table_b,
                      verdict.equal() ? "equal" : "DIFFERENT");
  const bool read = std::all_of(
      verdict.columns.begin(), verdict.columns.end(),
      [](const ColumnVerdict& column) { return column.comparable; });
  if (read) {
    absl::StrAppendFormat(&text, "  %-4s rows: %d and %d\n",
                          verdict.rows_a == verdict.rows_b ? "ok" : "DIFF",
                          verdict.rows_a, verdict.rows_b);
  }
  bool columns_equal = true;
  for (const ColumnVerdict& column : verdict.columns) {
    columns_equal = columns_equal && column.equal();
    // Without types that can be compared nothing was read at all.
    if (!read && column.comparable) continue;
    absl::StrAppendFormat(
        &text, "  %-4s column %s (%s)", column.equal() ? "ok" : "DIFF",
        column.name,
        column.type_a == column.type_b
            ? column.type_a
            : absl::StrCat(column.type_a, " and ", column.type_b));
    if (!column.comparable) {
      absl::StrAppend(&text, ": these types cannot be compared\n");
    } else if (column.equal()) {
      absl::StrAppendFormat(&text, ": %016x, %d nulls\n", column.a.sum,
                            column.a.nulls);
    } else {
      absl::StrAppendFormat(&text, ": %016x and %016x, %d and %d nulls\n",
                            column.a.sum, column.b.sum, column.a.nulls,
                            column.b.nulls);
    }
  }
  if (columns_equal && verdict.rows_a == verdict.rows_b &&
      verdict.row_sum_a != verdict.row_sum_b) {
    absl::StrAppend(&text,
                    "  DIFF each column holds the same values, but they lie "
                    "in other rows\n");
  }
  return text;
}

}  // namespace opsbench::pipeline
