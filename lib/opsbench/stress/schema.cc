#include "opsbench/stress/schema.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "opsbench/base/random.h"

namespace opsbench::stress {
namespace {

constexpr uint64_t kTableSalt = 0x7374726573732d74u;
constexpr int64_t kFirstDayUs = int64_t{1'767'225'600} * 1'000'000;  // 2026.
constexpr uint64_t kThirtyDaysUs = uint64_t{30} * 86'400 * 1'000'000;
constexpr uint64_t kValueQuarters = uint64_t{1} << 20;

constexpr absl::string_view kVocabulary[] = {
    "amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "heath"};

// The fields of one row: the n-th one is 64 bits that depend on all of table,
// id and n.
class Fields {
 public:
  Fields(const Table& table, int64_t id)
      : row_(Mix64(table.seed ^ Mix64(static_cast<uint64_t>(id)))) {}

  uint64_t operator[](uint64_t n) const {
    return Mix64(row_ + n * 0x9e3779b97f4a7c15u);
  }

 private:
  const uint64_t row_;
};

// What a column holds.
enum class Kind { kId, kDouble, kCode, kWord, kWords, kTime, kInteger, kTag };

struct Column {
  const char* name;
  Kind kind;
  // kInteger: exclusive. kDouble: of its numerator.
  uint64_t range = 0;
  double divisor = 4;
  int words = 0;
};

constexpr std::array<Column, 20> kColumns = {{
    {"id", Kind::kId},
    {"name", Kind::kCode},
    {"value", Kind::kDouble, kValueQuarters},
    {"created_at", Kind::kTime},
    {"category", Kind::kWord},
    {"quantity", Kind::kInteger, 1'000},
    {"price", Kind::kDouble, uint64_t{1} << 16},
    {"description", Kind::kWords, 0, 0, 7},
    {"is_active", Kind::kInteger, 2},
    {"rating", Kind::kInteger, 6},
    {"score", Kind::kDouble, uint64_t{1} << 12},
    {"notes", Kind::kWords, 0, 0, 9},
    {"updated_at", Kind::kTime},
    {"ref_code", Kind::kCode},
    {"weight", Kind::kDouble, uint64_t{1} << 10},
    {"height", Kind::kDouble, uint64_t{1} << 10},
    {"tag_a", Kind::kTag},
    {"tag_b", Kind::kTag},
    {"counter", Kind::kInteger, uint64_t{1} << 62},
    {"fraction", Kind::kDouble, uint64_t{1} << 30, 0x1p30},
}};

constexpr size_t kValueColumn = 2;

constexpr size_t ColumnCount(TableSize size) {
  return size == TableSize::kSmall ? 3 : size == TableSize::kMedium ? 8 : 20;
}

// The lowest digits first.
void WriteHex(uint64_t bits, int digits, char* text) {
  for (int i = 0; i < digits; ++i, bits >>= 4) {
    text[i] = "0123456789abcdef"[bits & 15];
  }
}

constexpr size_t kCodeBytes = 14;

// "nam-0123456789".
void WriteCode(const Column& column, uint64_t bits, char* text) {
  std::copy_n(column.name, 3, text);
  text[3] = '-';
  WriteHex(bits, kCodeBytes - 4, text + 4);
}

void AppendWord(uint64_t bits, std::string* text) {
  const absl::string_view word = kVocabulary[bits % std::size(kVocabulary)];
  text->append(word.data(), word.size());
}

void AppendText(const Column& column, uint64_t bits, std::string* text) {
  switch (column.kind) {
    case Kind::kCode: {
      char code[kCodeBytes];
      WriteCode(column, bits, code);
      text->append(code, sizeof(code));
      break;
    }
    case Kind::kTag: {
      char tag[4];
      WriteHex(bits, 4, tag);
      text->append(tag, sizeof(tag));
      break;
    }
    case Kind::kWord:
      AppendWord(bits, text);
      break;
    default:
      for (int word = 0; word < column.words; ++word, bits >>= 3) {
        if (word > 0) text->push_back(' ');
        AppendWord(bits, text);
      }
  }
}

double DoubleOf(const Column& column, uint64_t bits) {
  return static_cast<double>(bits % column.range) / column.divisor;
}

Value MakeValue(const Column& column, int64_t id, uint64_t bits,
                std::string* text) {
  switch (column.kind) {
    case Kind::kId:
      return Value::Int64(id);
    case Kind::kInteger:
      return Value::Int64(static_cast<int64_t>(bits % column.range));
    case Kind::kDouble:
      return Value::Double(DoubleOf(column, bits));
    case Kind::kTime:
      return Value::TimestampUs(kFirstDayUs +
                                static_cast<int64_t>(bits % kThirtyDaysUs));
    default: {
      const size_t begin = text->size();
      AppendText(column, bits, text);
      return Value::Text(absl::string_view(*text).substr(begin));
    }
  }
}

// Whether `found` equals MakeValue(), which is not made where that costs more
// than to look: these are the columns that selects read.
bool Holds(const Column& column, int64_t id, uint64_t bits, const Value& found,
           std::string* text) {
  switch (column.kind) {
    case Kind::kId:
      return found.type() == Value::Type::kInt64 && found.int64() == id;
    case Kind::kDouble:
      return found.type() == Value::Type::kDouble &&
             found.float64() == DoubleOf(column, bits);
    case Kind::kCode: {
      char code[kCodeBytes];
      WriteCode(column, bits, code);
      return found.type() == Value::Type::kText &&
             found.text().size() == kCodeBytes &&
             std::memcmp(found.text().data(), code, kCodeBytes) == 0;
    }
    default:
      return found == MakeValue(column, id, bits, text);
  }
}

}  // namespace

absl::string_view TableSizeName(TableSize size) {
  switch (size) {
    case TableSize::kSmall:
      return "small";
    case TableSize::kMedium:
      return "medium";
    case TableSize::kWide:
      return "wide";
  }
  return "";
}

absl::Span<const std::string> Columns(TableSize size) {
  static const auto* names = [] {
    auto* all = new std::vector<std::string>;
    for (const Column& column : kColumns) all->push_back(column.name);
    return all;
  }();
  return absl::MakeConstSpan(*names).first(ColumnCount(size));
}

DatabaseSchema MakeSchema(uint64_t seed) {
  Random random = Random::Stream(seed, kTableSalt);
  DatabaseSchema schema = {.seed = seed};
  const int64_t tables = random.Between(kMinTables, kMaxTables);
  for (int64_t i = 0; i < tables; ++i) {
    Table& table = schema.tables.emplace_back();
    const uint64_t percent = random.Below(100);
    table.size = percent < 40   ? TableSize::kSmall
                 : percent < 75 ? TableSize::kMedium
                                : TableSize::kWide;
    table.seed = random.Next();
    table.name = absl::StrCat("t", i, "_", TableSizeName(table.size));
  }
  return schema;
}

int64_t ValueQuarters(const Table& table, int64_t id) {
  return static_cast<int64_t>(Fields(table, id)[kValueColumn] % kValueQuarters);
}

size_t RowMaker::MaxTextBytes(TableSize size) {
  return size == TableSize::kSmall ? 16 : size == TableSize::kMedium ? 64 : 144;
}

void RowMaker::Append(const Table& table, int64_t id, std::string* text,
                      std::vector<Value>* row) {
  const Fields fields(table, id);
  for (size_t i = 0; i < ColumnCount(table.size); ++i) {
    row->push_back(MakeValue(kColumns[i], id, fields[i], text));
  }
}

absl::Status RowMaker::Check(const Table& table, int64_t id,
                             absl::Span<const Value> row) {
  text_.clear();
  text_.reserve(MaxTextBytes(table.size));
  const Fields fields(table, id);
  for (size_t i = 0; i < row.size(); ++i) {
    if (Holds(kColumns[i], id, fields[i], row[i], &text_)) continue;
    return absl::DataLossError(
        absl::StrCat("table ", table.name, ", row ", id, ", ",
                     DescribeDifferences(table, id, row)));
  }
  return absl::OkStatus();
}

uint32_t RowMaker::Differences(const Table& table, int64_t id,
                               absl::Span<const Value> row) {
  text_.clear();
  text_.reserve(MaxTextBytes(table.size));
  const Fields fields(table, id);
  uint32_t differences = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if (Holds(kColumns[i], id, fields[i], row[i], &text_)) continue;
    differences |= uint32_t{1} << i;
  }
  return differences;
}

std::string RowMaker::DescribeDifferences(const Table& table, int64_t id,
                                          absl::Span<const Value> row) {
  constexpr int kMaxColumns = 3;
  const uint32_t differences = Differences(table, id, row);
  const Fields fields(table, id);
  std::string text;
  int described = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if ((differences >> i & 1) == 0) continue;
    if (described++ == kMaxColumns) return text + "; others";
    text_.clear();
    const Value expected = MakeValue(kColumns[i], id, fields[i], &text_);
    absl::StrAppend(&text, text.empty() ? "" : "; ", "column ",
                    kColumns[i].name, ": found ", row[i].ToString(),
                    " instead of ", expected.ToString());
  }
  return text;
}

}  // namespace opsbench::stress
