#include "opsbench/db/value.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace opsbench {
namespace {

bool IsInteger(Value::Type type) {
  return type == Value::Type::kInt64 || type == Value::Type::kTimestamp;
}

}  // namespace

std::string Value::ToString() const {
  switch (type_) {
    case Type::kNull:
      return "NULL";
    case Type::kInt64:
      return absl::StrCat(int64_);
    case Type::kDouble:
      return absl::StrCat(double_);
    case Type::kText:
      return std::string(text());
    case Type::kBytes:
      return absl::BytesToHexString(text());
    case Type::kTimestamp:
      return absl::FormatTime("%Y-%m-%d %H:%M:%E6S",
                              absl::FromUnixMicros(int64_),
                              absl::UTCTimeZone());
  }
  return "";
}

bool operator==(const Value& a, const Value& b) {
  if (IsInteger(a.type_) && IsInteger(b.type_)) return a.int64_ == b.int64_;
  if (a.type_ != b.type_) return false;
  switch (a.type_) {
    case Value::Type::kNull:
      return true;
    case Value::Type::kDouble:
      return a.double_ == b.double_;
    default:
      return a.text() == b.text();
  }
}

void ResultSet::Clear() {
  columns_ = 0;
  cells_.clear();
  text_.clear();
}

void ResultSet::AddColumn(absl::string_view name) {
  if (columns_ < names_.size()) {
    names_[columns_].assign(name.data(), name.size());
  } else {
    names_.emplace_back(name);
  }
  ++columns_;
}

void ResultSet::AppendDouble(double v) {
  Cell cell{Value::Type::kDouble, 0, 0};
  static_assert(sizeof(v) == sizeof(cell.bits));
  __builtin_memcpy(&cell.bits, &v, sizeof(v));
  cells_.push_back(cell);
}

void ResultSet::AppendView(Value::Type type, absl::string_view v) {
  cells_.push_back({type, static_cast<uint32_t>(v.size()),
                    static_cast<int64_t>(text_.size())});
  text_.append(v.data(), v.size());
}

Value ResultSet::at(size_t row, size_t column) const {
  const Cell& cell = cells_[row * columns_ + column];
  switch (cell.type) {
    case Value::Type::kNull:
      return Value::Null();
    case Value::Type::kInt64:
      return Value::Int64(cell.bits);
    case Value::Type::kTimestamp:
      return Value::TimestampUs(cell.bits);
    case Value::Type::kDouble: {
      double v;
      __builtin_memcpy(&v, &cell.bits, sizeof(v));
      return Value::Double(v);
    }
    default: {
      const absl::string_view view(text_.data() + cell.bits, cell.size);
      return cell.type == Value::Type::kText ? Value::Text(view)
                                             : Value::Bytes(view);
    }
  }
}

}  // namespace opsbench
